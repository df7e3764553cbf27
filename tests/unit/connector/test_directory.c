#include "connector/directory/directory.h"
#include "connector/directory/nested.h"
#include "connector/source.h"
#include "directory/assignment.h"
#include "directory/feed.h"
#include "directory/member.h"
#include "frame/frame.h"
#include "frame/postgres.h"

#define OK(w, call) CHECK(call, "%s: %s", (w)->err.code ? (w)->err.code : "?", (w)->err.message)

#define APP STR("11111111-1111-1111-1111-111111111111")

/* People and groups are named by one letter, which is their id: groups are upper case. */
struct world {
    struct db *db;
    struct arena *a;
    struct source *source;
    struct directory_tx tx;
    struct rng_seeded rng;
    struct clock_fixed clock;
    struct err err;
};

static void open_world(struct world *w, const struct db_config *config)
{
    *w = (struct world){.a = arena_new()};
    rng_seeded_init(&w->rng, 3);
    clock_fixed_init(&w->clock, INT64_C(1767225600000000));
    OK(w, db_open(config, &w->db, &w->err));
    OK(w, source_open_directory(w->db, APP, &w->source, &w->err));
}

static void close_world(struct world *w)
{
    source_close(w->source);
    db_close(w->db);
    arena_free(w->a);
}

static void insert(struct world *w, const char *id, const char *upn)
{
    struct json *patch = json_new(w->a, JSON_OBJECT);
    struct str out;
    bool group = id[0] >= 'A' && id[0] <= 'Z';

    json_add_z(w->a, patch, "displayName", id);
    if (!group)
        json_add_str(w->a, patch, "userPrincipalName",
                     upn ? str_from_z(upn) : arena_printf(w->a, "%s@x", id));
    OK(w, directory_insert(&w->tx, w->a, group ? SOURCE_GROUP : SOURCE_USER, str_from_z(id), patch,
                           &out, &w->err));
}

static struct directory_object load(struct world *w, const char *id)
{
    struct directory_object o;
    bool found;

    OK(w, directory_load(w->db, w->a, str_from_z(id), &o, &found, &w->err));
    CHECK(found, "%s", id);
    return o;
}

/* A script of changes, one transaction each: "+x" insert, "=x" change, "-x" soft delete, "*x"
 * restore, "!x" hard delete, "Gx" x joins G, "G/x" leaves, "@x" assign, "#x" unassign, "%x" assign
 * to another application. */
static void change(struct world *w, struct str op)
{
    char id[2] = {op.ptr[op.len - 1], 0};
    struct directory_object o;
    struct directory_role role = {.value = STR("User")};
    struct json *patch = json_new(w->a, JSON_OBJECT);
    bool changed = true;

    w->clock.now += US_PER_SECOND;
    OK(w, directory_begin(w->db, &w->clock.clock, &w->rng.rng, &w->tx, &w->err));
    if (op.ptr[0] != '+')
        o = load(w, id);
    switch (op.ptr[0]) {
    case '+':
        insert(w, id, NULL);
        break;
    case '=':
        json_add_str(w->a, patch, "mail", arena_printf(w->a, "%lld", (long long)w->clock.now));
        OK(w, directory_update(&w->tx, w->a, &o, patch, &changed, &w->err));
        break;
    case '-':
        OK(w, directory_soft_delete(&w->tx, w->a, &o, &changed, &w->err));
        break;
    case '*':
        OK(w, directory_restore(&w->tx, w->a, &o, &changed, &w->err));
        break;
    case '!':
        OK(w, directory_remove(&w->tx, w->a, &o, &w->err));
        break;
    case '@':
    case '%':
        OK(w, directory_assign(&w->tx, op.ptr[0] == '@' ? APP : STR("other"), &o, &role, &changed,
                               &w->err));
        break;
    case '#':
        OK(w, directory_unassign(&w->tx, APP, o.id, STR(""), &changed, &w->err));
        break;
    default:
        OK(w, op.len == 2 ? directory_member_add(&w->tx, str_sub(op, 0, 1), str_from_z(id),
                                                 &changed, &w->err)
                          : directory_member_remove(&w->tx, str_sub(op, 0, 1), str_from_z(id),
                                                    &changed, &w->err));
    }
    CHECK(changed, "%.*s changed nothing", STR_ARG(op));
    OK(w, directory_commit(&w->tx, &w->err));
}

static void run(struct world *w, const char *script)
{
    struct str rest = str_from_z(script);
    bool more = rest.len > 0;

    while (more) {
        struct str op;

        more = str_cut(&rest, ' ', &op);
        change(w, op);
    }
}

/* "a" in scope, "(a)" not, "-a" soft-deleted, "!a" gone. */
static void show(struct buf *out, const struct source_page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        const struct source_entry *e = &page->entries[i];
        bool in = e->assigned || e->gone;

        buf_addf(out, "%s%s%s%.*s%s", out->len ? " " : "", in ? "" : "(",
                 e->gone           ? "!"
                 : e->soft_deleted ? "-"
                                   : "",
                 STR_ARG(e->id), in ? "" : ")");
    }
}

static void check_all(struct world *w, enum source_kind kind, enum source_scope scope, size_t limit,
                      const char *want, const char *label)
{
    struct source_page page = {.next = STR("")};
    struct buf got;

    buf_init(&got, 4096);
    while (!page.last) {
        OK(w, w->source->ops->read_all(w->source, kind, scope, page.next, limit, w->a, &page,
                                       &w->err));
        CHECK(page.count <= limit, "%s: a page of %zu", label, page.count);
        show(&got, &page);
    }
    CHECK_STR(buf_str(&got), want, "%s, pages of %zu", label, limit);
    buf_done(&got);
}

/* All changes after the watermark, pages joined; doubles over page borders are dropped. */
static void check_changes(struct world *w, struct str watermark, size_t limit, const char *want,
                          const char *label)
{
    struct source_page page = {.next = watermark};
    struct buf got;
    unsigned pages = 0;

    buf_init(&got, 4096);
    while (!page.last) {
        OK(w, w->source->ops->read_changes(w->source, page.next, limit, w->a, &page, &w->err));
        show(&got, &page);
        CHECK(++pages < 100, "%s: comes to an end", label);
    }
    if (limit >= 100) {
        CHECK_STR(buf_str(&got), want, "%s, pages of %zu", label, limit);
    } else {
        struct str rest = str_from_z(want);
        bool more = rest.len > 0;

        while (more) { /* nobody is lost at a border */
            struct str one;
            size_t at;

            more = str_cut(&rest, ' ', &one);
            CHECK(str_find(buf_str(&got), one, &at), "%s, pages of %zu: %.*s in %s", label, limit,
                  STR_ARG(one), buf_z(&got));
        }
    }
    page.last = false;
    OK(w, w->source->ops->read_changes(w->source, page.next, limit, w->a, &page, &w->err));
    CHECK(page.count == 0 && page.last, "%s: nothing is new afterwards", label);
    buf_done(&got);
}

static struct str position(struct world *w)
{
    struct str out;

    OK(w, w->source->ops->position(w->source, w->a, &out, &w->err));
    return out;
}

static void changes(const struct db_config *config)
{
    static const struct {
        const char *label, *before, *script, *want;
    } cases[] = {
        {"nothing", "+a", "", ""},
        {"attribute", "+a +b", "=b", "(b)"},
        {"twice is once", "+a @a", "=a =a", "a"},
        {"assignment", "+a +b", "@a", "a"},
        {"unassignment", "+a @a", "#a", "(a)"},
        {"of another application", "+a", "%a", ""},
        {"a group brings its members", "+a +b +c +G Ga Gb", "@G", "G a b"},
        {"and takes them away", "+a +b +G Ga Gb @G", "#G", "(G) (a) (b)"},
        {"another path remains", "+a +G +H Ga Ha @G @H", "#G", "(G) a"},
        {"joining", "+a +G @G", "Ga", "G a"},
        {"leaving", "+a +G @G Ga", "G/a", "G (a)"},
        {"a group inside a group gives nothing", "+a +G +H GH Ha", "@G", "G (H)"},
        {"soft delete", "+a @a", "-a", "-a"},
        {"soft delete and back", "+a @a", "-a *a", "a"},
        {"hard delete", "+a @a", "!a", "!a"},
        {"hard delete of a stranger to this application", "+a", "!a", "!a"},
        {"soft delete of an assigned group", "+a +b +G Ga Gb @G", "-G", "-G (a) (b)"},
        {"restore of an assigned group", "+a +G Ga @G -G", "*G", "G a"},
        {"soft delete of a group that is not assigned", "+a +G Ga", "-G", "(-G)"},
        {"hard delete of an assigned group", "+a +b +G Ga Gb @G", "!G", "(a) (b) !G"},
        {"member of nothing", "+a +G", "Ga", "(G) (a)"},
        {"new and gone between two looks", "+z", "+a @a !a", "!a"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world w;
        struct str from;

        open_world(&w, config);
        run(&w, cases[i].before);
        from = position(&w);
        run(&w, cases[i].script);
        check_changes(&w, from, 100, cases[i].want, cases[i].label);
        check_changes(&w, from, 1, cases[i].want, cases[i].label);
        check_changes(&w, from, 2, cases[i].want, cases[i].label);
        close_world(&w);
        /* The next case starts from nothing. */
        OK(&w, db_open(config, &w.db, &w.err));
        w.a = arena_new();
        for (int kind = 0; kind < SOURCE_KIND_COUNT; kind++) {
            struct directory_object *page;
            size_t count;

            OK(&w, directory_begin(w.db, &w.clock.clock, &w.rng.rng, &w.tx, &w.err));
            OK(&w, directory_list(w.db, w.a, (enum source_kind)kind, DIRECTORY_LIVE_AND_DELETED,
                                  STR(""), 100, &page, &count, &w.err));
            for (size_t k = 0; k < count; k++)
                OK(&w, directory_remove(&w.tx, w.a, &page[k], &w.err));
            OK(&w, directory_commit(&w.tx, &w.err));
        }
        db_close(w.db);
        arena_free(w.a);
    }
}

static void all(const struct db_config *config)
{
    static const struct {
        const char *label, *want;
        enum source_kind kind;
        enum source_scope scope;
    } cases[] = {
        {"users", "a b c (d) -e (f)", SOURCE_USER, SOURCE_SCOPE_ALL},
        /* A group in the bin is still assigned itself; it is its members who have nothing. */
        {"groups", "G (H) I -J", SOURCE_GROUP, SOURCE_SCOPE_ALL},
        {"assigned users", "a b c -e", SOURCE_USER, SOURCE_SCOPE_ASSIGNED},
        {"assigned groups", "G I -J", SOURCE_GROUP, SOURCE_SCOPE_ASSIGNED},
    };
    struct world w;
    int64_t n;

    open_world(&w, config);
    run(&w, "+a +b +c +d +e +f +G +H +I +J @a Ga Gb Ic Ib @G @I Hd GH Ge Jf @J -J -e %d");
    OK(&w, w.source->ops->count(w.source, SOURCE_USER, SOURCE_SCOPE_ALL, &n, &w.err));
    CHECK(n == 6, "%lld", (long long)n);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t limit = 1; limit < 12; limit++)
            check_all(&w, cases[i].kind, cases[i].scope, limit, cases[i].want, cases[i].label);
    }
    close_world(&w);
}

static void computed(const struct db_config *config)
{
    struct world w;
    struct source_entry e;
    bool found;

    open_world(&w, config);
    OK(&w, directory_begin(w.db, &w.clock.clock, &w.rng.rng, &w.tx, &w.err));
    insert(&w, "g", "ada_lovelace_example.com#EXT#@contoso.onmicrosoft.com");
    insert(&w, "m", "m@x");
    OK(&w, directory_commit(&w.tx, &w.err));
    run(&w, "+G +H Gg Hg @G @g");
    OK(&w, w.source->ops->read(w.source, STR("g"), w.a, &e, &found, &w.err));
    CHECK(found && e.assigned && e.enabled, "a guest");
    CHECK_STR(json_get_text(e.attributes, "userPrincipalName"), "ada_lovelace@example.com",
              "reduced");
    CHECK_STR(json_get_text(e.attributes, "originalUserPrincipalName"),
              "ada_lovelace_example.com#EXT#@contoso.onmicrosoft.com", "in full");
    CHECK_STR(json_get_text(e.attributes, "userType"), "Guest", "type");
    CHECK_STR(json_text(w.a, json_get(e.attributes, STR("memberOf"))), "[\"G\",\"H\"]", "groups");
    CHECK_STR(json_text(w.a, json_get(e.attributes, STR("appRoleAssignments"))),
              "[{\"id\":\"00000000-0000-0000-0000-000000000000\",\"value\":\"User\"}]",
              "one role over two paths is one");
    OK(&w, w.source->ops->find(w.source, STR("M@X"), w.a, &e, &w.err));
    CHECK_STR(json_get_text(e.attributes, "userType"), "Member", "a member");
    CHECK(!e.assigned && !json_get(e.attributes, STR("memberOf")), "a member");
    OK(&w, w.source->ops->read(w.source, STR("nobody"), w.a, &e, &found, &w.err));
    CHECK(!found, "never known");
    run(&w, "!m");
    OK(&w, w.source->ops->read(w.source, STR("m"), w.a, &e, &found, &w.err));
    CHECK(found && e.gone && e.kind == SOURCE_USER, "gone");
    {
        static const struct str ids[] = {STR_INIT("G"), STR_INIT("H"), STR_INIT("aa"),
                                         STR_INIT("g"), STR_INIT("m"), STR_INIT("z")};
        struct source_entry many[ARRAY_LEN(ids)];
        bool there[ARRAY_LEN(ids)];

        OK(&w, w.source->ops->read_many(w.source, ids, ARRAY_LEN(ids), w.a, many, there, &w.err));
        for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
            OK(&w, w.source->ops->read(w.source, ids[i], w.a, &e, &found, &w.err));
            CHECK(found == there[i], "%.*s: found", STR_ARG(ids[i]));
            if (!found)
                continue;
            CHECK_STR(many[i].id, ids[i].ptr, "in its place");
            CHECK(many[i].gone == e.gone && many[i].assigned == e.assigned &&
                      many[i].version == e.version,
                  "%.*s: as read alone", STR_ARG(ids[i]));
            CHECK(e.gone ||
                      str_eq(json_text(w.a, many[i].attributes), json_text(w.a, e.attributes)),
                  "%.*s: attributes", STR_ARG(ids[i]));
        }
    }
    close_world(&w);
}

static void member_changes(const struct db_config *config)
{
    struct world w;
    struct source_member_change *list;
    struct str from, until, next, late;
    size_t count;

    open_world(&w, config);
    run(&w, "+a +b +G Ga");
    from = position(&w);
    run(&w, "Gb G/a =b");
    until = position(&w);
    run(&w, "Ga");
    OK(&w,
       w.source->ops->member_changes(w.source, from, until, 10, w.a, &list, &count, &next, &w.err));
    CHECK(count == 2 && str_eq(next, until), "%zu until %.*s", count, STR_ARG(next));
    CHECK(str_eq(list[0].member_id, STR("b")) && list[0].present, "b joined");
    CHECK(str_eq(list[1].member_id, STR("a")) && list[1].present, "a is there again by now");
    OK(&w,
       w.source->ops->member_changes(w.source, from, until, 1, w.a, &list, &count, &next, &w.err));
    CHECK(count == 1 && !str_eq(next, until), "one at a time");
    OK(&w,
       w.source->ops->member_changes(w.source, next, until, 1, w.a, &list, &count, &late, &w.err));
    CHECK(count == 1 && str_eq(list[0].member_id, STR("a")), "the next one");
    CHECK(!w.source->ops->member_changes(w.source, STR("x"), until, 1, w.a, &list, &count, &late,
                                         &w.err),
          "not a watermark");
    CHECK_STR(str_from_z(w.err.code), "badWatermark", "not a watermark");
    close_world(&w);
}

/* A change of a group with many members is read in pages that stop in the middle of it. */
static void long_expansion(const struct db_config *config)
{
    struct world w;
    struct source_page page;
    struct str from;
    size_t seen = 0;
    unsigned middles = 0;

    open_world(&w, config);
    run(&w, "+G");
    OK(&w, directory_begin(w.db, &w.clock.clock, &w.rng.rng, &w.tx, &w.err));
    for (int i = 0; i < 95; i++) {
        const char *id = arena_printf(w.a, "u%02d", i).ptr;
        bool changed;

        insert(&w, id, NULL);
        OK(&w, directory_member_add(&w.tx, STR("G"), str_from_z(id), &changed, &w.err));
    }
    OK(&w, directory_commit(&w.tx, &w.err));
    from = position(&w);
    run(&w, "@G");
    page = (struct source_page){.next = from};
    while (!page.last) {
        size_t at;

        OK(&w, w.source->ops->read_changes(w.source, page.next, 10, w.a, &page, &w.err));
        CHECK(page.count <= 11, "a page of %zu", page.count);
        for (size_t i = 0; i < page.count; i++)
            CHECK(page.entries[i].assigned, "%.*s", STR_ARG(page.entries[i].id));
        seen += page.count;
        middles += str_find_char(page.next, ':', &at);
    }
    CHECK(seen == 96, "%zu: each once", seen);
    CHECK(middles >= 9, "%u stops in the middle", middles);
    CHECK(str_eq(page.next, position(&w)), "ends at the position");
    close_world(&w);
}

static void statements(const struct db_config *config)
{
    struct world w;

    open_world(&w, config);
    OK(&w, db_check(w.db, directory_source_queries, directory_source_query_count, &w.err));
    OK(&w, db_check(w.db, directory_entry_queries, directory_entry_query_count, &w.err));
    OK(&w, db_check(w.db, directory_nested_queries, directory_nested_query_count, &w.err));
    close_world(&w);
}

static void test_changes(void **state)
{
    (void)state;
    test_databases(changes);
}
static void test_all(void **state)
{
    (void)state;
    test_databases(all);
}
static void test_computed(void **state)
{
    (void)state;
    test_databases(computed);
}
static void test_member_changes(void **state)
{
    (void)state;
    test_databases(member_changes);
}
static void test_long_expansion(void **state)
{
    (void)state;
    test_databases(long_expansion);
}
static void test_statements(void **state)
{
    (void)state;
    test_databases(statements);
}

TEST_GROUP(directory, cmocka_unit_test(test_statements), cmocka_unit_test(test_changes),
           cmocka_unit_test(test_all), cmocka_unit_test(test_computed),
           cmocka_unit_test(test_member_changes), cmocka_unit_test(test_long_expansion))
