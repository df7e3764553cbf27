#include "base/unicode.h"
#include "directory/feed.h"
#include "directory/import/import.h"
#include "directory/member.h"
#include "directory/write.h"
#include "frame/frame.h"
#include "frame/postgres.h"

#define OK(w, call) CHECK(call, "%s: %s", (w)->err.code ? (w)->err.code : "?", (w)->err.message)

struct world {
    struct db *db;
    struct arena *a;
    struct clock_fixed clock;
    struct rng_seeded rng;
    struct err err;
    struct import_options o;
    struct import_result result;
    struct str rest; /* of the file */
};

static bool read_text(void *ctx, char *to, size_t room, size_t *out_read, struct err *err)
{
    struct world *w = ctx;
    size_t n = w->rest.len < room ? w->rest.len : room;

    (void)err;
    if (n > 0)
        memcpy(to, w->rest.ptr, n);
    w->rest = str_from(w->rest, n);
    *out_read = n;
    return true;
}

static void open_world(struct world *w, const struct db_config *config)
{
    *w = (struct world){.a = arena_new()};
    clock_fixed_init(&w->clock, INT64_C(1767225600000000));
    rng_seeded_init(&w->rng, 11);
    OK(w, db_open(config, &w->db, &w->err));
    w->o = (struct import_options){.name = "f",
                                   .read = read_text,
                                   .read_ctx = w,
                                   .allow_removals = -1,
                                   .clock = &w->clock.clock,
                                   .rng = &w->rng.rng};
}

static void close_world(struct world *w)
{
    db_close(w->db);
    arena_free(w->a);
}

static bool import(struct world *w, struct str file)
{
    w->clock.now += US_PER_SECOND;
    w->rest = file;
    w->o.format = file.len && (file.ptr[0] == '{' || file.ptr[0] == '[') ? IMPORT_JSON : IMPORT_CSV;
    return directory_import(w->db, &w->o, &w->result, &w->err);
}

static void must_import(struct world *w, const char *file)
{
    CHECK(import(w, str_from_z(file)), "%s: %s", w->err.place, w->err.message);
}

static int64_t position(struct world *w)
{
    int64_t seq;

    OK(w, directory_feed_position(w->db, &seq, &w->err));
    return seq;
}

static struct directory_object find(struct world *w, const char *who)
{
    struct directory_object o;

    OK(w, directory_find(w->db, w->a, str_from_z(who), DIRECTORY_ANY, &o, &w->err));
    return o;
}

static struct str attribute(struct world *w, const char *who, const char *name)
{
    struct directory_object o = find(w, who);

    return json_get_text(o.attributes, name);
}

/* Display names of the members, in the order of their names. */
static void check_members(struct world *w, const char *group, const char *want)
{
    struct directory_object g = find(w, group);
    struct directory_object objects[20];
    struct str names[20];
    struct str *ids;
    struct buf got;
    size_t count;

    OK(w, directory_members(w->db, w->a, g.id, DIRECTORY_LIVE, STR(""), 20, &ids, &count, &w->err));
    OK(w, directory_load_many(w->db, w->a, ids, count, objects, &count, &w->err));
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        struct str name = directory_object_name(&objects[i]);

        for (; at > 0 && str_cmp(names[at - 1], name) > 0; at--)
            names[at] = names[at - 1];
        names[at] = name;
    }
    buf_init(&got, 1000);
    for (size_t i = 0; i < count; i++)
        buf_addf(&got, "%s%.*s", i ? " " : "", STR_ARG(names[i]));
    CHECK_STR(buf_str(&got), want, "members of %s", group);
    buf_done(&got);
}

#define TWO                                              \
    "userPrincipalName,displayName,department,manager\n" \
    "ada@x,Ada,Research,bob@x\n"                         \
    "bob@x,Bob,Research,\n"

static void upsert(const struct db_config *config)
{
    struct world w;
    struct directory_object ada;
    int64_t at;

    open_world(&w, config);
    must_import(&w, TWO);
    CHECK(w.result.rows == 2 && w.result.created[SOURCE_USER] == 2, "created");
    ada = find(&w, "ada@x");
    CHECK_STR(json_get_text(ada.attributes, "manager"), find(&w, "bob@x").id.ptr,
              "a manager further down");
    at = position(&w);
    must_import(&w, TWO);
    CHECK(w.result.unchanged[SOURCE_USER] == 2 && position(&w) == at, "again changes nothing");
    must_import(&w, "userPrincipalName,department\nADA@X,\n");
    CHECK(w.result.updated[SOURCE_USER] == 1, "one changed");
    ada = find(&w, "ada@x");
    CHECK(!json_get(ada.attributes, STR("department")), "an empty cell clears");
    CHECK(json_get(ada.attributes, STR("manager")), "an absent column leaves alone");
    must_import(
        &w,
        arena_printf(w.a, "id,userPrincipalName,manager\n%.*s,countess@x,\n", STR_ARG(ada.id)).ptr);
    CHECK_STR(find(&w, "countess@x").id, ada.id.ptr, "renamed by id");
    CHECK(!json_get(find(&w, "countess@x").attributes, STR("manager")), "no manager any more");
    must_import(&w, "objectId,userPrincipalName,displayName\nhr-17,c@x,C\n");
    CHECK_STR(find(&w, "c@x").id, "hr-17", "a new one with an id from outside");
    must_import(&w, "userPrincipalName,displayName,manager,employeeId\n"
                    "d@x,D,E5,E4\ne@x,E,hr-17,E5\n");
    CHECK_STR(attribute(&w, "d@x", "manager"), find(&w, "e@x").id.ptr, "manager by employeeId");
    CHECK_STR(attribute(&w, "e@x", "manager"), "hr-17", "manager by id");
    at = position(&w);
    w.o.dry_run = true;
    must_import(&w, "userPrincipalName,displayName\ny@x,Y\nada2@x,Z\n");
    CHECK(w.result.created[SOURCE_USER] == 2 && position(&w) == at, "a dry run counts only");
    close_world(&w);
}

static void names_with_care(const struct db_config *config)
{
    static const char *const names[] = {
        "Zoë O'Neill",      "Ze\xCC\x81 (NFD)",
        "Z\xC3\xA9 (NFC)",  "\"quoted\"",
        "a+b, c; d",        "😀👩‍🚀",
        "محمد عبد الله",    "佐藤花子",
        "tab\there",        "line\nbreak",
        " blank around ",   "%_!",
        "back\\slash",      "null",
        "'; DROP TABLE --",
    };
    struct world w;
    struct buf file;

    open_world(&w, config);
    buf_init(&file, 10000);
    buf_add_z(&file, "userPrincipalName,displayName\r\n");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        buf_addf(&file, "u%zu+x'y@x,\"", i);
        for (const char *p = names[i]; *p; p++) {
            if (*p == '"')
                buf_add_char(&file, '"');
            buf_add_char(&file, *p);
        }
        buf_add_z(&file, "\"\r\n");
    }
    for (int round = 0; round < 2; round++) {
        CHECK(import(&w, buf_str(&file)), "%s: %s", w.err.place, w.err.message);
        CHECK(w.result.created[SOURCE_USER] + w.result.unchanged[SOURCE_USER] ==
                  (int64_t)ARRAY_LEN(names),
              "all");
    }
    CHECK(w.result.unchanged[SOURCE_USER] == (int64_t)ARRAY_LEN(names), "matched again");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        CHECK_STR(attribute(&w, arena_printf(w.a, "U%zu+X'Y@x", i).ptr, "displayName"), names[i],
                  "read back equal");
    buf_done(&file);
    close_world(&w);
}

static void groups(const struct db_config *config)
{
    struct world w;
    struct directory_object bob;

    open_world(&w, config);
    must_import(&w, "{\"groups\":[{\"displayName\":\"Team\",\"members\":[\"ada@x\",\"Inner\"]},"
                    "{\"displayName\":\"Inner\",\"members\":[\"E2\"]}],"
                    "\"users\":[{\"userPrincipalName\":\"ada@x\",\"displayName\":\"Ada\","
                    "\"manager\":\"E2\",\"proxyAddresses\":[\"smtp:a@x\"]},"
                    "{\"userPrincipalName\":\"bob@x\",\"displayName\":\"Bob\","
                    "\"employeeId\":\"E2\",\"accountEnabled\":false}]}");
    CHECK(w.result.created[SOURCE_USER] == 2 && w.result.created[SOURCE_GROUP] == 2 &&
              w.result.members_added == 3,
          "created");
    check_members(&w, "Team", "Ada Inner");
    CHECK_STR(attribute(&w, "ada@x", "manager"), find(&w, "bob@x").id.ptr, "a manager");
    bob = find(&w, "bob@x");
    CHECK(!directory_object_enabled(&bob), "disabled");
    must_import(&w, "displayName,members\nteam,ada@x; Inner ;ada@x\n");
    CHECK(w.result.updated[SOURCE_GROUP] == 1, "the name changed its case");
    check_members(&w, "team", "Ada Inner");
    must_import(&w, "displayName,members\nteam,bob@x\n");
    CHECK(w.result.members_added == 1 && w.result.members_removed == 2, "members are the list");
    check_members(&w, "team", "Bob");
    must_import(&w, "displayName,members\nteam,\n");
    check_members(&w, "team", "");
    w.o.kind_given = true;
    w.o.kind = SOURCE_GROUP;
    must_import(&w, "[{\"displayName\":\"team\",\"description\":\"only this\"},"
                    "{\"displayName\":\"Inner\"}]");
    check_members(&w, "Inner", "Bob");
    close_world(&w);
}

static void mapping(const struct db_config *config)
{
    static const struct import_rule rules[] = {
        {STR_INIT("E-Mail"), STR_INIT("userPrincipalName")}, {STR_INIT("Name"), STR_INIT("mail")},
        {STR_INIT("name"), STR_INIT("displayName")},         {STR_INIT("Shoe size"), STR_INIT("")},
        {STR_INIT("Büro"), STR_INIT("officeLocation")},
    };
    struct world w;

    open_world(&w, config);
    w.o.rules = rules;
    w.o.rule_count = ARRAY_LEN(rules);
    must_import(&w, "e-mail;name;Shoe size;Büro;businessPhones[0];"
                    "extension_0123456789abcdef0123456789abcdef_Team\n"
                    "ada@x;Ada;38;\"B;1\";+49 30;red\n");
    CHECK_STR(attribute(&w, "ada@x", "displayName"), "Ada", "the exact name of a column first");
    CHECK_STR(attribute(&w, "ada@x", "physicalDeliveryOfficeName"), "B;1", "either spelling");
    CHECK_STR(attribute(&w, "ada@x", "telephoneNumber"), "+49 30", "the first is stored");
    CHECK_STR(attribute(&w, "ada@x", "extension_0123456789abcdef0123456789abcdef_Team"), "red",
              "an extension attribute");
    close_world(&w);
}

static void refusals(const struct db_config *config)
{
    static const struct {
        const char *label, *file, *code, *place, *word;
    } cases[] = {
        {"empty", "", "notCsv", "f:1:1", "empty"},
        {"unmapped", "userPrincipalName,displayName,Shoe size\n", "unmappedColumn", "f:1:3",
         "--ignore 'Shoe size'"},
        {"nearly", "userPrincipalName,displayNam\n", "unmappedColumn", "f:1:2", "'displayName'"},
        {"no key", "displayName,mail\n", "missingColumn", "f:1:1", "userPrincipalName"},
        {"column twice", "userPrincipalName,surname,mail,Surname\n", "duplicateColumn", "f:1:4",
         "surname"},
        {"computed", "userPrincipalName,IsSoftDeleted\n", "computedAttribute", "f:1:2", "computed"},
        {"password", "userPrincipalName,passwordProfile\n", "computedAttribute", "f:1:2",
         "passwords"},
        {"few cells", "userPrincipalName,displayName\nc@x\n", "wrongCellCount", "f:2:1", "1 cell,"},
        {"many cells", "userPrincipalName,displayName\nc@x,C\nd@x,D,D\n", "wrongCellCount", "f:3:3",
         "3 cells"},
        {"unclosed", "userPrincipalName,displayName\nc@x,\"C\n", "unclosedQuote", "f:2:2", "quote"},
        {"latin-1", "userPrincipalName,displayName\nc@x,C\nd@x,D\xFC\n", "notUtf8", "f:3:2",
         "UTF-8"},
        {"twice", "userPrincipalName,displayName\nc@x,C\nd@x,D\nC@X,C\n", "duplicateRow", "f:4:1",
         "lines 2 and 4"},
        {"twice, one there before", "userPrincipalName,displayName\nada@x,C\nd@x,D\nada@x,C\n",
         "duplicateRow", "f:4:1", "lines 2 and 4"},
        {"twice with two ids", "id,userPrincipalName,displayName\nc1,c@x,C\nc2,c@x,C\n",
         "duplicateRow", "f:3:1", "lines 2 and 3"},
        {"an id twice", "id,userPrincipalName,displayName\nc1,c@x,C\nc1,d@x,C\n", "duplicateRow",
         "f:3:1", "lines 2 and 3"},
        {"somebody's name", "id,userPrincipalName,displayName\nc1,ada@x,C\n", "nameTaken", "f:2:1",
         "ada@x"},
        {"somebody's name by renaming", "id,userPrincipalName\nfixed,ada@x\n", "nameTaken", "f:2:1",
         "ada@x"},
        {"unknown manager", "userPrincipalName,displayName,manager\nc@x,C,\nd@x,D,nobody@x\n",
         "unknownReference", "f:3:3", "nobody@x"},
        {"unknown member", "displayName,members\nTeam,ada@x;nobody@x\n", "unknownReference",
         "f:2:2", "nobody@x"},
        {"bad boolean", "userPrincipalName,displayName,accountEnabled\nc@x,C,perhaps\n", "badValue",
         "f:2:3", "true or false"},
        {"bad date", "userPrincipalName,displayName,employeeHireDate\nc@x,C,1.2.2020\n", "badValue",
         "f:2:3", "employeeHireDate"},
        {"bad name", "userPrincipalName,displayName\nada,C\n", "badValue", "f:2:1", "alias@domain"},
        {"nobody", "userPrincipalName,displayName\n,C\n", "missingAttribute", "f:2:1",
         "userPrincipalName"},
        {"nameless", "userPrincipalName,mail\nc@x,c@x\n", "missingAttribute", "f:2:1",
         "displayName"},
        {"array of what", "[{\"displayName\":\"C\"}]", "unknownKind", "f:1:2", "--type"},
        {"unknown member of an object",
         "{\"users\":[\n{\"userPrincipalName\":\"c@x\",\"shoeSize\":4}]}", "unmappedColumn",
         "f:2:1", "shoeSize"},
        {"both spellings",
         "{\"users\":[{\"userPrincipalName\":\"c@x\",\"mobile\":\"1\",\"mobilePhone\":\"2\"}]}",
         "duplicateColumn", "f:1:11", "mobile"},
        {"members twice",
         "{\"groups\":[{\"displayName\":\"G\",\"members\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\","
         "\"8\"],\"Members\":[\"9\"]}]}",
         "duplicateColumn", "f:1:12", "members"},
        {"id twice",
         "{\"users\":[{\"userPrincipalName\":\"c@x\",\"objectId\":\"1\",\"ObjectId\":\"2\"}]}",
         "duplicateColumn", "f:1:11", "objectId"},
        {"manager twice",
         "{\"users\":[{\"userPrincipalName\":\"c@x\",\"manager\":null,\"Manager\":\"2\"}]}",
         "duplicateColumn", "f:1:11", "manager"},
        {"cut off", "{\"users\":[{\"userPrincipalName\":\"c@x\",\"displayName\":\"C\"},\n{\"us",
         "invalidJson", "f:2:5", "cut off"},
        {"a list", "{\"users\":[{\"userPrincipalName\":\"c@x\",\"displayName\":[\"C\"]}]}",
         "badValue", "f:1:11", "displayName"},
        {"manager is a number", "{\"users\":[{\"userPrincipalName\":\"ada@x\",\"manager\":5}]}",
         "badValue", "f:1:11", "manager"},
        {"a group's id for a user", "id,userPrincipalName,displayName\ngroup,c@x,C\n", "idTaken",
         "f:2:1", "group"},
        {"two groups of that name", "displayName,members\nTwin,ada@x\n", "ambiguousName", "f:2:1",
         "Twin"},
    };
    struct world w;
    int64_t before;

    open_world(&w, config);
    must_import(&w, "id,userPrincipalName,displayName\n,ada@x,Ada\nfixed,fixed@x,Fixed\n");
    must_import(&w, "id,displayName,members\ngroup,Group,\nt1,Twin,\nt2,Twin,\n");
    before = position(&w);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct directory_counts counts;

        w.err = (struct err){.kind = ERR_NONE};
        CHECK(!import(&w, str_from_z(cases[i].file)), "%s went in", cases[i].label);
        CHECK_STR(str_from_z(w.err.code), cases[i].code, "%s: %s", cases[i].label, w.err.message);
        CHECK_STR(str_from_z(w.err.place), cases[i].place, "%s: %s", cases[i].label, w.err.message);
        CHECK(strstr(w.err.message, cases[i].word), "%s: %s", cases[i].label, w.err.message);
        OK(&w, directory_count(w.db, &counts, &w.err));
        CHECK(position(&w) == before && counts.live[SOURCE_USER] == 2 &&
                  counts.live[SOURCE_GROUP] == 3,
              "%s: nothing changed", cases[i].label);
    }
    close_world(&w);
}

/* A CSV of the people numbered [from, to). */
static struct str people(struct world *w, int from, int to)
{
    struct str out;
    struct buf file;

    buf_init(&file, 1000000);
    buf_add_z(&file, "userPrincipalName,displayName\n");
    for (int i = from; i < to; i++)
        buf_addf(&file, "p%d@x,P%d\n", i, i);
    out = arena_str(w->a, buf_str(&file));
    buf_done(&file);
    return out;
}

static void complete(const struct db_config *config)
{
    static const struct {
        const char *label;
        int there, from, to;
        int64_t allow;
        bool ok;
    } cases[] = {
        {"nobody left", 10, 0, 10, -1, true},
        {"some of few", 30, 24, 30, -1, true},
        {"too large a share", 100, 30, 100, -1, false},
        {"24 of 100", 100, 24, 100, -1, true},
        {"25 of 1000", 1000, 25, 1000, -1, true},
        {"501 of 6000", 6000, 501, 6000, -1, false},
        {"500 of 6000", 6000, 500, 6000, -1, true},
        {"allowed", 100, 50, 100, 50, true},
        {"not so many allowed", 100, 50, 100, 49, false},
        {"none allowed", 10, 1, 10, 0, false},
        {"an empty file", 10, 0, 0, -1, false},
        {"an empty file, allowed", 10, 0, 0, 10, true},
    };
    struct world w;
    int there = 0;

    open_world(&w, config);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int gone = cases[i].there - (cases[i].to - cases[i].from);
        struct directory_counts counts;
        int64_t before;

        /* Exactly those are there: who left before is back. */
        w.o.complete = true;
        w.o.allow_removals = there;
        CHECK(import(&w, people(&w, 0, cases[i].there)), "%s: %s", cases[i].label, w.err.message);
        there = cases[i].there;
        w.o.allow_removals = cases[i].allow;
        before = position(&w);
        CHECK(import(&w, people(&w, cases[i].from, cases[i].to)) == cases[i].ok, "%s: %s",
              cases[i].label, w.err.message);
        OK(&w, directory_count(w.db, &counts, &w.err));
        if (cases[i].ok) {
            CHECK(w.result.removed[SOURCE_USER] == gone &&
                      counts.live[SOURCE_USER] == cases[i].there - gone,
                  "%s: %lld went", cases[i].label, (long long)w.result.removed[SOURCE_USER]);
        } else {
            CHECK_STR(str_from_z(w.err.code), "tooManyRemovals", "%s: %s", cases[i].label,
                      w.err.message);
            CHECK(position(&w) == before && counts.live[SOURCE_USER] == cases[i].there,
                  "%s: nothing changed", cases[i].label);
        }
    }
    CHECK(find(&w, "p3@x").deleted_us > 0, "in the recycle bin");
    w.o.complete = false;
    CHECK(import(&w, people(&w, 3, 4)), "%s", w.err.message);
    CHECK(w.result.restored[SOURCE_USER] == 1 && find(&w, "p3@x").deleted_us == 0,
          "who is in a file again comes back");
    close_world(&w);
}

static void batches(const struct db_config *config)
{
    struct world w;
    struct directory_counts counts;

    open_world(&w, config);
    w.o.batch = 2;
    CHECK(!import(&w, STR("userPrincipalName,displayName,manager\n"
                          "a@x,A,e@x\nb@x,B,\nc@x,C,\nc@x,C,\ne@x,E,\n")),
          "twice");
    CHECK(w.result.committed == 2, "%lld", (long long)w.result.committed);
    CHECK(strstr(w.err.message, "after 2 rows"), "%s", w.err.message);
    OK(&w, directory_count(w.db, &counts, &w.err));
    CHECK(counts.live[SOURCE_USER] == 2, "the full batch stays");
    must_import(&w, "userPrincipalName,displayName,manager\n"
                    "a@x,A,e@x\nb@x,B,\nc@x,C,\nd@x,D,\ne@x,E,\n");
    CHECK(w.result.created[SOURCE_USER] == 3 && w.result.updated[SOURCE_USER] == 1, "over batches");
    CHECK_STR(attribute(&w, "a@x", "manager"), find(&w, "e@x").id.ptr, "over batches");
    close_world(&w);
}

static void statements(const struct db_config *config)
{
    struct world w;

    open_world(&w, config);
    OK(&w, import_prepare(w.db, &w.err));
    OK(&w, db_check(w.db, import_queries, import_query_count, &w.err));
    close_world(&w);
}

static void rules_file(void **state)
{
    static const struct {
        const char *in, *out; /* NULL: refused */
    } cases[] = {
        {"", ""},
        {"# nothing\n\n", ""},
        {"Last name = surname\r\nShoe size =\n", "Last name = surname\nShoe size =\n"},
        {"a=b=c", "a=b = c\n"},
        {"a = b\nA = c\na = d\n", "A = c\na = d\n"},
        {"no sign", NULL},
        {" = surname", NULL},
    };
    struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct import_rule *rules;
        struct err err;
        size_t count;
        bool ok = import_rules_parse("m", str_from_z(cases[i].in), a, &rules, &count, &err);
        struct str text;
        size_t at;

        CHECK(ok == (cases[i].out != NULL), "%s", cases[i].in);
        if (!ok) {
            CHECK_STR(str_from_z(err.place), "m:1:1", "%s", cases[i].in);
            continue;
        }
        text = import_rules_write(rules, count, a);
        while (text.len && text.ptr[0] == '#' && str_find_char(text, '\n', &at))
            text = str_from(text, at + 1);
        CHECK_STR(text, cases[i].out, "%s", cases[i].in);
    }
    arena_free(a);
}

#define ON_BOTH(name_)                     \
    static void test_##name_(void **state) \
    {                                      \
        (void)state;                       \
        test_databases(name_);             \
    }
ON_BOTH(statements)
ON_BOTH(upsert)
ON_BOTH(names_with_care)
ON_BOTH(groups)
ON_BOTH(mapping)
ON_BOTH(refusals)
ON_BOTH(complete)
ON_BOTH(batches)

TEST_GROUP(import, cmocka_unit_test(test_statements), cmocka_unit_test(test_upsert),
           cmocka_unit_test(test_names_with_care), cmocka_unit_test(test_groups),
           cmocka_unit_test(test_mapping), cmocka_unit_test(test_refusals),
           cmocka_unit_test(test_complete), cmocka_unit_test(test_batches),
           cmocka_unit_test(rules_file))
