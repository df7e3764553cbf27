#include "fixture.h"
#include "job/retry.h"

static void park(struct fixture *f, const char *id, bool reference, int64_t next_us)
{
    struct retry r = {.source_id = str_from_z(id),
                      .reference = reference,
                      .first_us = next_us - 1,
                      .next_us = next_us,
                      .code = STR("Timeout"),
                      .message = STR("too slow")};
    struct err err = {0};

    CHECK(retry_park(f->db, 1, &r, &err), "%s: %s", id, err.message);
}

static void parking_body(const struct db_config *config)
{
    struct fixture f;
    struct err err = {0};
    struct retry *list;
    size_t count;
    int64_t n;

    fixture_init(&f, config);
    CHECK(retry_due(f.db, f.a, 1, 100, STR(""), 9, &list, &count, &err) && count == 0, "none");
    park(&f, "a", false, 10);
    park(&f, "a", false, 50);
    CHECK(retry_list(f.db, f.a, 1, 9, &list, &count, &err) && count == 1, "%s", err.message);
    CHECK(list[0].first_us == 9 && list[0].next_us == 50 && list[0].attempts == 2,
          "keeps the first failure and counts");
    park(&f, "a", true, 10);
    park(&f, "b", false, 10);
    park(&f, "c", false, 90);
    CHECK(retry_due(f.db, f.a, 1, 50, STR(""), 9, &list, &count, &err) && count == 3, "%s",
          err.message);
    CHECK(!list[0].reference && list[1].reference, "both of a");
    CHECK_STR(list[2].source_id, "b", "in id order");
    CHECK(retry_due(f.db, f.a, 1, 50, STR(""), 1, &list, &count, &err) && count == 2,
          "the two of one object are not torn apart");
    CHECK(retry_due(f.db, f.a, 1, 50, STR("a"), 1, &list, &count, &err) && count == 1, "after a");
    CHECK(retry_remove(f.db, 1, STR("a"), false, &err), "%s", err.message);
    CHECK(retry_count(f.db, 1, &n, &err) && n == 3, "%lld", (long long)n);
    CHECK(retry_all_now(f.db, 1, 60, &n, &err) && n == 1, "one was later: %lld", (long long)n);
    CHECK(retry_due(f.db, f.a, 1, 60, STR(""), 9, &list, &count, &err) && count == 3, "all due");
    CHECK(retry_clear(f.db, 1, &err) && retry_count(f.db, 1, &n, &err) && n == 0, "cleared");
    fixture_done(&f);
}

static void parking(void **state)
{
    (void)state;
    test_databases(parking_body);
}

TEST_GROUP(retry, cmocka_unit_test(parking))
