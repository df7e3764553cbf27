#include "fixture.h"
#include "job/connection.h"

static struct connection sample(const char *source, const char *target, enum source_kind kind)
{
    return (struct connection){
        .source_id = str_from_z(source),
        .kind = kind,
        .target_id = str_from_z(target),
        .display_name = STR("Ada"),
        .origin = CONNECTION_MATCHED,
        .exported = STR("{\"userName\":\"ada\"}"),
        .created_us = 10,
        .changed_us = 10,
    };
}

static bool save(struct fixture *f, const char *source, const char *target, enum source_kind kind)
{
    struct connection c = sample(source, target, kind);
    struct err err = {0};
    bool is_new;

    CHECK(connection_save(f->db, f->job.no, &c, &is_new, &err), "%s: %s", source, err.message);
    return is_new;
}

static void check_count(struct fixture *f, enum source_kind kind, int64_t want)
{
    struct err err = {0};
    int64_t got;

    CHECK(connection_count(f->db, f->job.no, kind, &got, &err), "%s", err.message);
    CHECK(got == want, "kind %d: %lld, not %lld", kind, (long long)got, (long long)want);
}

static void saving_body(const struct db_config *config)
{
    struct fixture f;
    struct err err = {0};
    struct connection c;
    bool found;
    bool removed;

    fixture_init(&f, config);
    CHECK(save(&f, "s1", "t1", SOURCE_USER), "new");
    CHECK(save(&f, "s2", "t2", SOURCE_USER), "new");
    CHECK(save(&f, "g1", "t3", SOURCE_GROUP), "new");
    CHECK(!save(&f, "s1", "t1", SOURCE_USER), "known");
    CHECK(!save(&f, "s1", "t1b", SOURCE_USER), "known, with another account");
    check_count(&f, SOURCE_USER, 2);
    check_count(&f, SOURCE_GROUP, 1);

    c = sample("s1", "t9", SOURCE_USER);
    c.soft_deleted = true;
    c.changed_us = 99;
    c.created_us = 99;
    CHECK(connection_save(f.db, 1, &c, &found, &err), "%s", err.message);
    CHECK(connection_load(f.db, f.a, 1, STR("s1"), &c, &found, &err) && found, "%s", err.message);
    CHECK_STR(c.target_id, "t9", "target");
    CHECK_STR(c.exported, "{\"userName\":\"ada\"}", "exported");
    CHECK(c.soft_deleted && c.origin == CONNECTION_MATCHED, "flags");
    CHECK(c.created_us == 10 && c.changed_us == 99, "created stays, changed moves");
    CHECK(connection_find_target(f.db, f.a, 1, STR("t2"), &c, &found, &err) && found, "by target");
    CHECK_STR(c.source_id, "s2", "source");
    CHECK(connection_find_target(f.db, f.a, 1, STR("t1"), &c, &found, &err) && !found, "old one");
    CHECK(connection_load(f.db, f.a, 2, STR("s1"), &c, &found, &err) && !found, "another job");

    CHECK(connection_remove(f.db, 1, STR("s1"), &removed, &err) && removed, "%s", err.message);
    CHECK(connection_remove(f.db, 1, STR("s1"), &removed, &err) && !removed, "once");
    check_count(&f, SOURCE_USER, 1);
    CHECK(connection_clear(f.db, 1, &err), "%s", err.message);
    check_count(&f, SOURCE_USER, 0);
    check_count(&f, SOURCE_GROUP, 0);
    fixture_done(&f);
}

static void saving(void **state)
{
    (void)state;
    test_databases(saving_body);
}

static void taken_body(const struct db_config *config)
{
    struct fixture f;
    struct err err = {0};
    struct connection c = sample("s2", "t1", SOURCE_USER);
    bool is_new;

    fixture_init(&f, config);
    save(&f, "s1", "t1", SOURCE_USER);
    CHECK(db_begin(f.db, DB_WRITE, &err), "%s", err.message);
    CHECK(!connection_save(f.db, 1, &c, &is_new, &err) && err.kind == ERR_CONFLICT, "taken");
    CHECK_STR(str_from_z(err.code), "targetTaken", "code");
    CHECK(save(&f, "s3", "t3", SOURCE_USER), "the transaction goes on");
    CHECK(db_commit(f.db, &err), "%s", err.message);
    check_count(&f, SOURCE_USER, 2);
    CHECK(save(&f, "s2", "t2", SOURCE_USER), "s2 was not saved");
    CHECK(!connection_save(f.db, 1, &c, &is_new, &err), "nor may a known one take it");
    fixture_done(&f);
}

static void taken(void **state)
{
    (void)state;
    test_databases(taken_body);
}

static void rolled_back_body(const struct db_config *config)
{
    struct fixture f;
    struct err err = {0};

    fixture_init(&f, config);
    CHECK(db_begin(f.db, DB_WRITE, &err), "%s", err.message);
    save(&f, "s1", "t1", SOURCE_USER);
    check_count(&f, SOURCE_USER, 1);
    db_rollback(f.db);
    check_count(&f, SOURCE_USER, 0);
    fixture_done(&f);
}

static void rolled_back(void **state)
{
    (void)state;
    test_databases(rolled_back_body);
}

static void paging_body(const struct db_config *config)
{
    struct fixture f;
    struct err err = {0};
    struct connection *list;
    size_t count;

    fixture_init(&f, config);
    save(&f, "c", "1", SOURCE_USER);
    save(&f, "a", "2", SOURCE_USER);
    save(&f, "b", "3", SOURCE_GROUP);
    save(&f, "B", "4", SOURCE_USER);
    save(&f, "d", "5", SOURCE_USER);
    CHECK(connection_range(f.db, f.a, 1, STR("a"), STR("c"), 10, &list, &count, &err) && count == 3,
          "%s", err.message);
    CHECK_STR(list[0].source_id, "a", "first");
    CHECK_STR(list[1].source_id, "b", "both kinds");
    CHECK_STR(list[2].source_id, "c", "both ends are in");
    CHECK(connection_range(f.db, f.a, 1, STR("a"), STR("z"), 2, &list, &count, &err) && count == 2,
          "limit");
    CHECK(connection_page(f.db, f.a, 1, SOURCE_USER, STR(""), 2, &list, &count, &err) && count == 2,
          "page");
    CHECK_STR(list[0].source_id, "B", "byte order on both databases");
    CHECK_STR(list[1].source_id, "a", "users only");
    CHECK(connection_page(f.db, f.a, 1, SOURCE_USER, STR("a"), 9, &list, &count, &err) &&
              count == 2,
          "rest");
    CHECK_STR(list[0].source_id, "c", "after a");
    CHECK(connection_page(f.db, f.a, 1, SOURCE_GROUP, STR(""), 9, &list, &count, &err) &&
              count == 1,
          "groups");
    fixture_done(&f);
}

static void paging(void **state)
{
    (void)state;
    test_databases(paging_body);
}

static void members_body(const struct db_config *config)
{
    struct fixture f;
    struct err err = {0};
    struct str *ids;
    size_t count;
    bool has;
    bool removed;
    struct owed_reference *owed;

    fixture_init(&f, config);
    save(&f, "g1", "tg", SOURCE_GROUP);
    save(&f, "u1", "t1", SOURCE_USER);
    for (int i = 0; i < 2; i++) {
        CHECK(exported_member_set(f.db, 1, STR("g1"), STR("u1"), true, &err), "%s", err.message);
        CHECK(exported_member_set(f.db, 1, STR("g1"), STR("u2"), true, &err), "%s", err.message);
    }
    CHECK(exported_member_set(f.db, 1, STR("g2"), STR("u2"), true, &err), "%s", err.message);
    CHECK(exported_members(f.db, f.a, 1, STR("g1"), STR(""), 9, &ids, &count, &err) && count == 2,
          "%s", err.message);
    CHECK_STR(ids[0], "u1", "in order");
    CHECK(exported_members(f.db, f.a, 1, STR("g1"), STR("u1"), 9, &ids, &count, &err) && count == 1,
          "after");
    CHECK(exported_member_has(f.db, 1, STR("g1"), STR("u2"), &has, &err) && has, "has");
    CHECK(exported_member_set(f.db, 1, STR("g1"), STR("u2"), false, &err), "%s", err.message);
    CHECK(exported_member_has(f.db, 1, STR("g1"), STR("u2"), &has, &err) && !has, "no more");
    CHECK(references_owe(f.db, 1, STR("u1"), &err), "%s", err.message);
    CHECK(connection_remove(f.db, 1, STR("u1"), &removed, &err), "%s", err.message);
    CHECK(owed_reference_page(f.db, f.a, 1, STR(""), STR(""), 9, &owed, &count, &err) && count == 1,
          "its group is told");
    CHECK_STR(owed[0].owner_id, "g1", "that one");
    CHECK_STR(owed[0].target_id, "t1", "which account leaves it");
    CHECK(exported_member_has(f.db, 1, STR("g1"), STR("u1"), &has, &err) && !has,
          "memberships go with the account");
    fixture_done(&f);
}

static void members(void **state)
{
    (void)state;
    test_databases(members_body);
}

static void owed_body(const struct db_config *config)
{
    struct fixture f;
    struct err err = {0};
    struct str boss = STR("boss");
    struct pending_reference waits = {boss, STR("u2"), STR("manager")};
    struct owed_reference parked = {.owner_id = STR("g1"), .named_id = boss, .parked = true};
    struct owed_reference *owed;
    int64_t number;
    size_t count;

    fixture_init(&f, config);
    save(&f, "boss", "t1", SOURCE_USER);
    save(&f, "g1", "t2", SOURCE_GROUP);
    save(&f, "g2", "t3", SOURCE_GROUP);
    CHECK(exported_reference_set(f.db, 1, STR("u1"), STR("manager"), &boss, 1, &err) &&
              pending_reference_add(f.db, 1, &waits, &err) &&
              exported_member_set(f.db, 1, STR("g1"), boss, true, &err) &&
              owed_reference_add(f.db, 1, &parked, &err),
          "%s", err.message);
    CHECK(owed_reference_page(f.db, f.a, 1, STR(""), STR(""), 9, &owed, &count, &err) && count == 0,
          "what is parked waits");
    CHECK(references_arrived(f.db, 1, boss, &err) && references_owe(f.db, 1, boss, &err) &&
              references_reassert(f.db, 1, boss, &err),
          "%s", err.message);
    CHECK(owed_reference_page(f.db, f.a, 1, STR(""), STR(""), 9, &owed, &count, &err) && count == 3,
          "the group, who named it and who waits for it: %zu", count);
    CHECK(owed[0].forced && !owed[0].parked, "the group sends it again, at once");
    CHECK_STR(owed[0].target_id, "t1", "without forgetting which account leaves");
    CHECK_STR(owed[1].owner_id, "u1", "in order");
    CHECK(owed_reference_page(f.db, f.a, 1, STR("g1"), boss, 1, &owed, &count, &err) && count == 1,
          "from a place on");
    CHECK_STR(owed[0].owner_id, "u1", "the next one");
    CHECK(owed_reference_about(f.db, f.a, 1, boss, 9, &owed, &count, &err) && count == 3,
          "all are about it");
    CHECK(owed_reference_remove(f.db, 1, STR("u1"), boss, &err), "%s", err.message);
    CHECK(references_reassert_group(f.db, 1, STR(""), &number, &err) && number == 2,
          "both groups: %lld", (long long)number);
    CHECK(references_reassert_group(f.db, 1, boss, &number, &err) && number == 0,
          "a person is no group");
    CHECK(references_clear(f.db, 1, &err) && pending_reference_count(f.db, 1, &number, &err) &&
              number == 0,
          "%s", err.message);
    fixture_done(&f);
}

static void owed(void **state)
{
    (void)state;
    test_databases(owed_body);
}

static void pending_body(const struct db_config *config)
{
    struct fixture f;
    struct err err = {0};
    struct pending_reference p = {STR("boss"), STR("u1"), STR("manager")};
    struct pending_reference *list;
    int64_t number;
    size_t count;

    fixture_init(&f, config);
    CHECK(pending_reference_add(f.db, 1, &p, &err) && pending_reference_add(f.db, 1, &p, &err),
          "%s", err.message);
    p.owner_id = STR("u2");
    CHECK(pending_reference_add(f.db, 1, &p, &err), "%s", err.message);
    for (int i = 0; i < 2; i++) {
        CHECK(pending_reference_list(f.db, f.a, 1, STR("boss"), &list, &count, &err) && count == 2,
              "lists and keeps");
        CHECK_STR(list[0].owner_id, "u1", "owner");
        CHECK_STR(list[1].attribute, "manager", "attribute");
    }
    CHECK(pending_reference_count(f.db, 1, &number, &err) && number == 2, "one word counts once");
    CHECK(pending_reference_remove(f.db, 1, &p, &err), "%s", err.message);
    CHECK(pending_reference_count(f.db, 1, &number, &err) && number == 1, "counted down");
    CHECK(pending_reference_list(f.db, f.a, 1, STR("boss"), &list, &count, &err) && count == 1,
          "one left");
    CHECK(pending_reference_list(f.db, f.a, 1, STR("none"), &list, &count, &err) && count == 0,
          "nobody waits");
    fixture_done(&f);
}

static void pending(void **state)
{
    (void)state;
    test_databases(pending_body);
}

TEST_GROUP(connection, cmocka_unit_test(saving), cmocka_unit_test(taken),
           cmocka_unit_test(rolled_back), cmocka_unit_test(paging), cmocka_unit_test(members),
           cmocka_unit_test(pending), cmocka_unit_test(owed))
