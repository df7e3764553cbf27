#include "directory/retention.h"
#include "world.h"

/* Compares a page of the feed after `after` with "kind kind ...". */
static void check_feed(struct world *w, int64_t after, const char *want, const char *label)
{
    struct directory_change *changes;
    struct buf got;
    size_t count;

    OK(w, directory_feed_read(w->db, w->a, after, 100, &changes, &count, &w->err));
    buf_init(&got, 4096);
    for (size_t i = 0; i < count; i++) {
        CHECK(changes[i].seq > after, "%s", label);
        after = changes[i].seq;
        buf_addf(&got, "%s%s", i ? " " : "", directory_change_name(changes[i].kind));
    }
    CHECK_STR(buf_str(&got), want, "%s", label);
    buf_done(&got);
}

static void check_counts(struct world *w, int64_t users, int64_t groups, int64_t deleted)
{
    struct directory_counts c;

    OK(w, directory_count(w->db, &c, &w->err));
    CHECK(c.live[SOURCE_USER] == users && c.live[SOURCE_GROUP] == groups &&
              c.deleted[SOURCE_USER] + c.deleted[SOURCE_GROUP] == deleted,
          "%lld users, %lld groups", (long long)c.live[0], (long long)c.live[1]);
}

static void statements(const struct db_config *config)
{
    static const struct {
        const struct db_query *queries;
        const size_t *count;
    } tables[] = {
        {directory_object_queries, &directory_object_query_count},
        {directory_write_queries, &directory_write_query_count},
        {directory_member_queries, &directory_member_query_count},
        {directory_assignment_queries, &directory_assignment_query_count},
        {directory_feed_queries, &directory_feed_query_count},
        {directory_retention_queries, &directory_retention_query_count},
    };
    struct world w;

    world_open(&w, config);
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        OK(&w, db_check(w.db, tables[i].queries, *tables[i].count, &w.err));
    world_close(&w);
}

static void create_and_change(const struct db_config *config)
{
    struct world w;
    struct directory_object o;
    struct str id;
    int64_t before;

    world_open(&w, config);
    id = world_user(&w, "Zoë.O'Neill+x@contoso.example", "Zoë \"Zo\" O'Neill 😀");
    o = world_load(&w, id);
    CHECK(uuid_valid(o.id), "%.*s", STR_ARG(o.id));
    CHECK_STR(directory_object_name(&o), "Zoë \"Zo\" O'Neill 😀", "kept as given");
    CHECK(directory_object_enabled(&o), "enabled unless said otherwise");
    CHECK_STR(json_get_text(o.attributes, "createdDateTime"), "2026-01-01T00:00:01.000Z",
              "created");
    before = world_position(&w);
    CHECK(o.version == before, "version is the position of its change");

    CHECK(!world_update(&w, id, "{'displayName':'Zoë \\\"Zo\\\" O\\u0027Neill 😀','city':null}"),
          "what changes nothing");
    CHECK(world_position(&w) == before, "adds nothing to the feed");

    CHECK(world_update(&w, id, "{'city':'Köln','otherMails':['a@x','b@x']}"), "changed");
    check_feed(&w, before, "attribute", "one change for one update");
    o = world_load(&w, id);
    CHECK_STR(json_get_text(o.attributes, "city"), "Köln", "city");
    CHECK(o.version > before, "version moved");
    CHECK(world_update(&w, id, "{'city':null,'otherMails':null}"), "cleared");
    o = world_load(&w, id);
    CHECK(!json_get(o.attributes, STR("city")) && !json_get(o.attributes, STR("otherMails")),
          "cleared attributes are not there");
    check_counts(&w, 1, 0, 0);
    world_close(&w);
}

static void refusals(const struct db_config *config)
{
    static const struct {
        const char *label, *id, *patch, *code;
        enum source_kind kind;
    } cases[] = {
        {"no name", "", "{'userPrincipalName':'b@x'}", "missingAttribute", SOURCE_USER},
        {"no upn", "", "{'displayName':'B'}", "missingAttribute", SOURCE_USER},
        {"group without name", "", "{'mail':'g@x'}", "missingAttribute", SOURCE_GROUP},
        {"upn taken, in other case", "", "{'displayName':'A','userPrincipalName':'ADA@X'}",
         "nameTaken", SOURCE_USER},
        {"id taken", "one", "{'displayName':'A','userPrincipalName':'b@x'}", "idTaken",
         SOURCE_USER},
    };
    struct world w;
    struct str id;

    world_open(&w, config);
    world_begin(&w);
    OK(&w, directory_insert(&w.tx, w.a, SOURCE_USER, STR("one"),
                            world_patch(&w, "{'displayName':'A','userPrincipalName':'ada@x'}"), &id,
                            &w.err));
    world_commit(&w);
    CHECK_STR(id, "one", "ids from outside are kept");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t before = world_position(&w);

        world_begin(&w);
        CHECK(!directory_insert(&w.tx, w.a, cases[i].kind, str_from_z(cases[i].id),
                                world_patch(&w, cases[i].patch), &id, &w.err),
              "%s", cases[i].label);
        CHECK_STR(str_from_z(w.err.code), cases[i].code, "%s", cases[i].label);
        directory_rollback(&w.tx);
        CHECK(world_position(&w) == before, "%s: nothing changed", cases[i].label);
    }
    check_counts(&w, 1, 0, 0);
    world_close(&w);
}

static void changed_meanwhile(const struct db_config *config)
{
    struct directory_object stale;
    struct world w;
    struct str id;
    bool changed;

    world_open(&w, config);
    id = world_user(&w, "ada@x", "Ada");
    stale = world_load(&w, id);
    world_update(&w, id, "{'city':'Bonn'}");
    world_begin(&w);
    CHECK(
        !directory_update(&w.tx, w.a, &stale, world_patch(&w, "{'city':'Ulm'}"), &changed, &w.err),
        "an update from what is no longer true");
    CHECK_STR(str_from_z(w.err.code), "changedMeanwhile", "is refused");
    directory_rollback(&w.tx);
    world_close(&w);
}

/* What a transaction has looked up stays true until it ends: nobody else writes meanwhile. */
static void one_writer(const struct db_config *config)
{
    struct db_config impatient = *config;
    struct directory_object o;
    struct world w;
    struct world second;
    struct str id;
    bool found;

    impatient.busy_timeout_ms = 50;
    world_open(&w, config);
    world_open(&second, &impatient);
    world_begin(&w);
    OK(&w, directory_match(w.db, w.a, SOURCE_GROUP, STR(""), STR("Team"), &o, &found, &w.err) &&
               !found);
    CHECK(
        !directory_begin(second.db, &second.clock.clock, &second.rng.rng, &second.tx, &second.err),
        "two at once would both make the group");
    CHECK_STR(str_from_z(second.err.code), "databaseBusy", "is told to wait");
    CHECK(!db_in_transaction(second.db), "and holds nothing");
    OK(&w, directory_insert(&w.tx, w.a, SOURCE_GROUP, STR(""),
                            world_patch(&w, "{'displayName':'Team'}"), &id, &w.err));
    world_commit(&w);
    world_begin(&second);
    OK(&second, directory_match(second.db, second.a, SOURCE_GROUP, STR(""), STR("Team"), &o, &found,
                                &second.err));
    CHECK(found, "the later one sees it");
    directory_rollback(&second.tx);
    world_close(&second);
    world_close(&w);
}

static void bin(const struct db_config *config)
{
    struct world w;
    struct directory_object o;
    struct str ada, other, team;
    int64_t at;
    bool changed;

    world_open(&w, config);
    ada = world_user(&w, "ada@x", "Ada");
    team = world_group(&w, "Team");
    world_join(&w, team, ada);
    at = world_position(&w);
    o = world_load(&w, ada);
    world_begin(&w);
    OK(&w, directory_soft_delete(&w.tx, w.a, &o, &changed, &w.err));
    world_commit(&w);
    CHECK(changed, "deleted");
    check_feed(&w, at, "deletion", "soft delete");
    check_counts(&w, 0, 1, 1);
    o = world_load(&w, ada);
    CHECK(o.deleted_us == w.clock.now, "when");
    CHECK(json_get(o.attributes, STR("deletionTimestamp")), "has a deletionTimestamp");

    at = world_position(&w);
    world_begin(&w);
    OK(&w, directory_soft_delete(&w.tx, w.a, &o, &changed, &w.err));
    world_commit(&w);
    CHECK(!changed && world_position(&w) == at, "deleting twice changes nothing");

    other = world_user(&w, "ada@x", "Ada the second"); /* the name is free again */
    world_begin(&w);
    CHECK(!directory_restore(&w.tx, w.a, &o, &changed, &w.err), "restored beside the second");
    CHECK_STR(str_from_z(w.err.code), "nameTaken", "restored beside the second");
    directory_rollback(&w.tx);
    world_update(&w, other, "{'userPrincipalName':'ada2@x'}");
    at = world_position(&w);
    world_begin(&w);
    OK(&w, directory_restore(&w.tx, w.a, &o, &changed, &w.err));
    world_commit(&w);
    check_feed(&w, at, "restore", "restore");
    check_counts(&w, 2, 1, 0);
    o = world_load(&w, ada);
    CHECK(o.deleted_us == 0 && !json_get(o.attributes, STR("deletionTimestamp")), "is back");
    world_close(&w);
}

/* However many changes a transaction makes, the feed stands at the last of them afterwards. */
static void position(const struct db_config *config)
{
    struct directory_change *changes;
    struct world w;
    size_t count;

    world_open(&w, config);
    for (int n = 1; n <= 6; n++) {
        int64_t before = world_position(&w);

        world_begin(&w);
        for (int i = 0; i < n; i++) {
            struct json *patch = json_new(w.a, JSON_OBJECT);
            struct str id;

            json_add_str(w.a, patch, "userPrincipalName",
                         arena_printf(w.a, "p%d.%d@x.example", n, i));
            json_add_z(w.a, patch, "displayName", "P");
            OK(&w, directory_insert(&w.tx, w.a, SOURCE_USER, STR(""), patch, &id, &w.err));
        }
        world_commit(&w);
        OK(&w, directory_feed_read(w.db, w.a, before, 100, &changes, &count, &w.err));
        CHECK(count == (size_t)n && changes[count - 1].seq == world_position(&w),
              "%d changes: %zu, the last is %lld, the feed stands at %lld", n, count,
              (long long)changes[count - 1].seq, (long long)world_position(&w));
    }
    world_close(&w);
}

static void removal(const struct db_config *config)
{
    struct world w;
    struct directory_object o;
    struct str boss, report, team, *ids;
    enum source_kind kind;
    size_t count;
    int64_t at;
    bool found;

    world_open(&w, config);
    boss = world_user(&w, "boss@x", "Boss");
    report = world_user(&w, "report@x", "Report");
    team = world_group(&w, "Team");
    world_update(&w, report, arena_printf(w.a, "{'manager':'%.*s'}", STR_ARG(boss)).ptr);
    world_join(&w, team, boss);
    world_join(&w, team, report);
    world_assign(&w, "app", boss, "");
    at = world_position(&w);
    o = world_load(&w, boss);
    world_begin(&w);
    OK(&w, directory_remove(&w.tx, w.a, &o, &w.err));
    world_commit(&w);
    check_feed(&w, at, "membership reference removal", "everybody concerned is told");
    check_counts(&w, 1, 1, 0);
    OK(&w, directory_load(w.db, w.a, boss, &o, &found, &w.err));
    CHECK(!found, "gone");
    OK(&w, directory_was_removed(w.db, boss, &kind, &found, &w.err));
    CHECK(found && kind == SOURCE_USER, "a tombstone stays");
    o = world_load(&w, report);
    CHECK(!json_get(o.attributes, STR("manager")), "the report has no manager");
    OK(&w, directory_members(w.db, w.a, team, DIRECTORY_LIVE, STR(""), 10, &ids, &count, &w.err));
    CHECK(count == 1 && str_eq(ids[0], report), "%zu members", count);
    OK(&w, directory_is_assigned(w.db, STR("app"), boss, &found, &w.err));
    CHECK(!found, "not assigned any more");

    at = world_position(&w);
    o = world_load(&w, team);
    world_begin(&w);
    OK(&w, directory_remove(&w.tx, w.a, &o, &w.err));
    world_commit(&w);
    check_feed(&w, at, "membership removal", "a group tells its members");
    world_close(&w);
}

static void finding(const struct db_config *config)
{
    static const struct {
        const char *label, *who, *want, *code;
        unsigned kinds;
    } cases[] = {
        {"upn in other case", "ADA@X", "ada", NULL, DIRECTORY_ANY},
        {"mail", "countess@y", "ada", NULL, DIRECTORY_ANY},
        {"employee id", "E1", "ada", NULL, DIRECTORY_ANY},
        {"employee ids mind case", "e1", NULL, "objectNotFound", DIRECTORY_ANY},
        {"display name", "ada lovelace", "ada", NULL, DIRECTORY_USERS},
        {"two with the name", "Ada Lovelace", NULL, "ambiguousName", DIRECTORY_ANY},
        {"a group", "ada lovelace", "group", NULL, DIRECTORY_GROUPS},
        {"nobody", "nobody", NULL, "objectNotFound", DIRECTORY_ANY},
        {"in the bin", "gone@x", "gone", NULL, DIRECTORY_ANY},
        {"id", "gone", "gone", NULL, DIRECTORY_ANY},
        {"id of the wrong kind", "group", NULL, "objectNotFound", DIRECTORY_USERS},
        {"LIKE is not meant", "%", NULL, "objectNotFound", DIRECTORY_ANY},
    };
    static const struct {
        enum source_kind kind;
        const char *id, *patch;
    } objects[] = {
        {SOURCE_USER, "ada",
         "{'userPrincipalName':'Ada@X','displayName':'Ada Lovelace','mail':'Countess@y',"
         "'employeeId':'E1'}"},
        {SOURCE_USER, "gone", "{'userPrincipalName':'gone@x','displayName':'Gone'}"},
        {SOURCE_GROUP, "group", "{'displayName':'Ada Lovelace'}"},
    };
    struct world w;
    struct directory_object o;
    struct str id;
    bool changed, found;

    world_open(&w, config);
    world_begin(&w);
    for (size_t i = 0; i < ARRAY_LEN(objects); i++)
        OK(&w, directory_insert(&w.tx, w.a, objects[i].kind, str_from_z(objects[i].id),
                                world_patch(&w, objects[i].patch), &id, &w.err));
    o = world_load(&w, STR("gone"));
    OK(&w, directory_soft_delete(&w.tx, w.a, &o, &changed, &w.err));
    world_commit(&w);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool ok = directory_find(w.db, w.a, str_from_z(cases[i].who), cases[i].kinds, &o, &w.err);

        CHECK(ok == (cases[i].want != NULL), "%s: %s", cases[i].label, ok ? "ok" : w.err.message);
        if (ok)
            CHECK_STR(o.id, cases[i].want, "%s", cases[i].label);
        else
            CHECK_STR(str_from_z(w.err.code), cases[i].code, "%s", cases[i].label);
    }
    OK(&w, directory_resolve(w.db, w.a, STR("E1"), DIRECTORY_USERS, &id, &found, &w.err));
    CHECK(found && str_eq(id, STR("ada")), "by employee id");
    OK(&w, directory_resolve(w.db, w.a, STR("gone@x"), DIRECTORY_USERS, &id, &found, &w.err));
    CHECK(!found, "nobody refers to the bin");
    OK(&w, directory_match(w.db, w.a, SOURCE_USER, STR(""), STR("GONE@x"), &o, &found, &w.err));
    CHECK(found && o.deleted_us, "but a row of a file means who comes back");
    world_close(&w);
}

static void lists(const struct db_config *config)
{
    struct world w;
    struct directory_object *page;
    struct str after = STR("");
    size_t count, seen = 0;

    world_open(&w, config);
    world_begin(&w);
    for (int i = 0; i < 25; i++) {
        struct json *patch = json_new(w.a, JSON_OBJECT);
        struct str id;

        json_add_str(w.a, patch, "userPrincipalName", arena_printf(w.a, "u%d@x", i));
        json_add_str(w.a, patch, "displayName", arena_printf(w.a, "User %d", i));
        OK(&w, directory_insert(&w.tx, w.a, i % 5 ? SOURCE_USER : SOURCE_GROUP, STR(""), patch, &id,
                                &w.err));
        CHECK(str_cmp(id, after) > 0, "ids rise");
        after = id;
    }
    world_commit(&w);
    after = STR("");
    do {
        OK(&w,
           directory_list(w.db, w.a, SOURCE_USER, DIRECTORY_LIVE, after, 7, &page, &count, &w.err));
        for (size_t i = 0; i < count; i++) {
            CHECK(str_cmp(page[i].id, after) > 0, "in id order");
            after = page[i].id;
        }
        seen += count;
    } while (count == 7);
    CHECK(seen == 20, "%zu", seen);
    OK(&w,
       directory_list(w.db, w.a, SOURCE_GROUP, DIRECTORY_LIVE, STR(""), 50, &page, &count, &w.err));
    CHECK(count == 5, "%zu groups", count);
    world_close(&w);
}

static void assignments(const struct db_config *config)
{
    struct world w;
    struct directory_assignment *list;
    struct directory_object o;
    struct directory_role role = {.value = STR("Driver")};
    struct str ada, team;
    size_t count;
    int64_t at;
    bool changed;

    world_open(&w, config);
    ada = world_user(&w, "ada@x", "Ada");
    team = world_group(&w, "Team");
    world_assign(&w, "app", ada, "");
    world_assign(&w, "app", ada, "r2");
    world_assign(&w, "other", team, "");
    at = world_position(&w);
    world_assign(&w, "app", ada, "");
    CHECK(world_position(&w) == at, "again changes nothing");
    OK(&w,
       directory_assignments(w.db, w.a, STR("app"), STR(""), STR(""), 10, &list, &count, &w.err));
    CHECK(count == 2, "%zu", count);
    CHECK_STR(list[0].role.id, "00000000-0000-0000-0000-000000000000", "default access");
    o = world_load(&w, ada);
    world_begin(&w);
    OK(&w, directory_assign(&w.tx, STR("app"), &o, &role, &changed, &w.err));
    CHECK(changed, "the value of a role changed");
    OK(&w, directory_unassign(&w.tx, STR("app"), ada, STR("r2"), &changed, &w.err));
    CHECK(changed, "one role away");
    OK(&w, directory_unassign(&w.tx, STR("app"), ada, STR(""), &changed, &w.err));
    CHECK(changed, "all roles away");
    OK(&w, directory_unassign(&w.tx, STR("app"), ada, STR(""), &changed, &w.err));
    CHECK(!changed, "nothing to take away");
    world_commit(&w);
    check_feed(&w, at, "assignment assignment assignment", "three changes");
    world_update(&w, team, "{'securityEnabled':false}");
    o = world_load(&w, team);
    world_begin(&w);
    CHECK(!directory_assign(&w.tx, STR("app"), &o, &role, &changed, &w.err),
          "not security-enabled");
    CHECK_STR(str_from_z(w.err.code), "notSecurityEnabled", "not security-enabled");
    directory_rollback(&w.tx);
    world_close(&w);
}

static void test_statements(void **state)
{
    (void)state;
    test_databases(statements);
}
static void test_create_and_change(void **state)
{
    (void)state;
    test_databases(create_and_change);
}
static void test_refusals(void **state)
{
    (void)state;
    test_databases(refusals);
}
static void test_changed_meanwhile(void **state)
{
    (void)state;
    test_databases(changed_meanwhile);
}
static void test_bin(void **state)
{
    (void)state;
    test_databases(bin);
}
static void test_position(void **state)
{
    (void)state;
    test_databases(position);
}

static void test_removal(void **state)
{
    (void)state;
    test_databases(removal);
}
static void test_finding(void **state)
{
    (void)state;
    test_databases(finding);
}
static void test_lists(void **state)
{
    (void)state;
    test_databases(lists);
}
static void test_assignments(void **state)
{
    (void)state;
    test_databases(assignments);
}

static void test_one_writer(void **state)
{
    (void)state;
    test_databases(one_writer);
}

TEST_GROUP(store, cmocka_unit_test(test_statements), cmocka_unit_test(test_create_and_change),
           cmocka_unit_test(test_refusals), cmocka_unit_test(test_changed_meanwhile),
           cmocka_unit_test(test_one_writer), cmocka_unit_test(test_bin),
           cmocka_unit_test(test_position), cmocka_unit_test(test_removal),
           cmocka_unit_test(test_finding), cmocka_unit_test(test_lists),
           cmocka_unit_test(test_assignments))
