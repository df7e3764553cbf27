/* The queue on both databases: kept once, joined to the caller's transaction, batched, claimed by
 * one, tried again, given up, forgotten. */
#include "base/clock.h"
#include "frame/frame.h"
#include "frame/postgres.h"
#include "notify/queue.h"
#include "notify/statements.h"

#define NOW (INT64_C(1767225600) * US_PER_SECOND)

struct fixture {
    const struct db_config *config;
    struct db *db, *other;
    struct arena *a;
    struct err err;
};

static void begin(struct fixture *f, const struct db_config *config)
{
    *f = (struct fixture){.config = config, .a = arena_new()};
    CHECK(db_open(config, &f->db, &f->err) && db_open(config, &f->other, &f->err), "%s",
          f->err.message);
}

static void end(struct fixture *f)
{
    db_close(f->db);
    db_close(f->other);
    arena_free(f->a);
}

static struct notify_event event(const char *id, int64_t at_us)
{
    return (struct notify_event){
        .id = str_from_z(id),
        .kind = NOTIFY_QUARANTINE_ENTERED,
        .at_us = at_us,
        .job_no = 1,
        .job_id = STR("11111111-1111-4111-8111-111111111111"),
        .job_name = STR("Plant"),
        .to = {.mails = STR("ada@example.com")},
        .code = STR("connectionRefused"),
    };
}

static void put(struct fixture *f, const struct notify_event *e)
{
    CHECK(notify_event(f->db, e, &f->err), "%s", f->err.message);
}

static size_t count(struct fixture *f, struct notify_delivery **out)
{
    struct notify_delivery *list;
    size_t n;

    CHECK(notify_list(f->db, f->a, 1, 100, &list, &n, &f->err), "%s", f->err.message);
    if (out)
        *out = list;
    return n;
}

static bool claim(struct fixture *f, struct db *db, const char *name, int64_t now_us,
                  struct notify_message *out)
{
    bool found;

    CHECK(notify_claim(db, f->a, NOTIFY_MAIL, 0, str_from_z(name), now_us, out, &found, &f->err),
          "%s", f->err.message);
    return found;
}

static void finish(struct fixture *f, const struct notify_message *m, enum notify_outcome outcome,
                   int64_t now_us)
{
    CHECK(notify_finish(f->db, m, outcome, STR("why"), now_us, &f->err), "%s", f->err.message);
}

static void statements_body(const struct db_config *config)
{
    struct fixture f;

    begin(&f, config);
    CHECK(db_check(f.db, notify_queries, notify_query_count, &f.err), "%s", f.err.message);
    end(&f);
}

static void kept_once_body(const struct db_config *config)
{
    struct notify_event e = event("a", NOW);
    struct notify_delivery *list;
    struct fixture f;
    bool known;

    begin(&f, config);
    e.to.mails = STR("ada@example.com, , bob@example.com,");
    e.to.webhook = STR("https://hook.example/");
    put(&f, &e);
    put(&f, &e);
    CHECK(count(&f, &list) == 3, "two mails and a webhook, once: %zu", count(&f, NULL));
    CHECK(notify_event_known(f.db, 1, STR("a"), &known, &f.err) && known, "a is known");
    CHECK(notify_event_known(f.db, 1, STR("b"), &known, &f.err) && !known, "b is not");
    CHECK(notify_event_known(f.db, 2, STR("a"), &known, &f.err) && !known, "of another job");
    end(&f);
}

/* With the change that caused it, or not at all. */
static void transaction_body(const struct db_config *config)
{
    struct notify_event e = event("a", NOW);
    struct notify_message m;
    struct fixture f;

    begin(&f, config);
    CHECK(db_begin(f.db, DB_WRITE, &f.err), "%s", f.err.message);
    put(&f, &e);
    CHECK(db_in_transaction(f.db), "it is the caller's");
    db_rollback(f.db);
    CHECK(count(&f, NULL) == 0, "undone with it");
    CHECK(db_begin(f.db, DB_WRITE, &f.err), "%s", f.err.message);
    put(&f, &e);
    CHECK(db_commit(f.db, &f.err), "%s", f.err.message);
    CHECK(claim(&f, f.other, "c", NOW, &m) && m.part_count == 1, "and then it is there");
    CHECK_STR(m.parts[0].id, "a", "the event");
    end(&f);
}

static void filter_body(const struct db_config *config)
{
    static const struct {
        const char *events, *mails, *webhook;
        size_t want;
    } cases[] = {
        {"", "ada@example.com", "", 1},
        {"quarantineentered", "ada@example.com", "", 1},
        {"cycleFailed, QuarantineEntered", "ada@example.com", "", 1},
        {"cycleFailed", "ada@example.com", "https://hook.example/", 0},
        {"", "", "", 0},
        {"", " ", "https://hook.example/", 1},
    };
    struct fixture f;

    begin(&f, config);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct notify_event e = event(arena_printf(f.a, "e%zu", i).ptr, NOW);
        size_t before = count(&f, NULL);

        e.to = (struct notify_to){.events = str_from_z(cases[i].events),
                                  .mails = str_from_z(cases[i].mails),
                                  .webhook = str_from_z(cases[i].webhook)};
        put(&f, &e);
        CHECK(count(&f, NULL) - before == cases[i].want, "case %zu", i);
    }
    end(&f);
}

static void batch_body(const struct db_config *config)
{
    struct notify_event e[4];
    struct notify_message m;
    struct fixture f;
    static const int minutes[] = {0, 4, 9, 11}; /* the first three within ten minutes */

    begin(&f, config);
    for (size_t i = 0; i < ARRAY_LEN(e); i++) {
        e[i] = event(arena_printf(f.a, "e%zu", i).ptr, NOW + minutes[i] * US_PER_MINUTE);
        e[i].to.batch_us = 10 * US_PER_MINUTE;
        e[i].to.webhook = STR("https://hook.example/");
        put(&f, &e[i]);
    }
    CHECK(!claim(&f, f.db, "c0", NOW + 9 * US_PER_MINUTE, &m), "a batch is not due before its end");
    CHECK(claim(&f, f.db, "c1", NOW + 10 * US_PER_MINUTE, &m), "now it is");
    CHECK(m.part_count == 3, "three in one mail: %zu", m.part_count);
    CHECK_STR(m.parts[2].id, "e2", "in order");
    finish(&f, &m, NOTIFY_OUTCOME_LATER, NOW + 10 * US_PER_MINUTE);
    e[0].id = STR("late");
    put(&f, &e[0]);
    CHECK(claim(&f, f.db, "c2", NOW + 11 * US_PER_MINUTE, &m) && m.part_count == 3,
          "what was tried once stays as it is, so that its Message-ID means the same");
    CHECK(notify_retry_all(f.db, 1, NOW, NULL, &f.err), "%s", f.err.message);
    end(&f);
}

/* A mail does not grow without end. */
static void full_batch_body(const struct db_config *config)
{
    struct notify_message m;
    struct fixture f;
    size_t parts = 0;

    begin(&f, config);
    for (int i = 0; i < 250; i++) {
        struct notify_event e = event(arena_printf(f.a, "e%d", i).ptr, NOW);

        e.to.batch_us = US_PER_HOUR;
        put(&f, &e);
    }
    for (int i = 0; i < 3; i++) {
        CHECK(claim(&f, f.db, arena_printf(f.a, "c%d", i).ptr, NOW + US_PER_HOUR, &m), "mail %d",
              i);
        parts += m.part_count;
    }
    CHECK(parts == 250, "all are told: %zu", parts);
    CHECK(!claim(&f, f.db, "c", NOW + US_PER_HOUR, &m), "in three mails");
    end(&f);
}

static void claim_body(const struct db_config *config)
{
    struct notify_event e = event("a", NOW);
    struct notify_message one, two;
    struct notify_delivery *list;
    struct fixture f;

    begin(&f, config);
    put(&f, &e);
    CHECK(!claim(&f, f.db, "c0", NOW - 1, &one), "not before its time");
    CHECK(claim(&f, f.db, "c1", NOW, &one) && one.attempts == 1, "claimed");
    CHECK(!claim(&f, f.other, "c2", NOW, &two), "nobody else has it");
    CHECK(claim(&f, f.other, "c3", NOW + NOTIFY_CLAIM_US, &two) && two.attempts == 2,
          "until its holder is dead");
    CHECK(str_eq(one.id, two.id), "the same Message-ID");
    finish(&f, &one, NOTIFY_OUTCOME_LATER, NOW + NOTIFY_CLAIM_US);
    CHECK(!claim(&f, f.db, "c4", NOW + NOTIFY_CLAIM_US + US_PER_MINUTE, &one),
          "who lost the claim cannot give it back");
    finish(&f, &two, NOTIFY_OUTCOME_SENT, NOW + NOTIFY_CLAIM_US);
    CHECK(count(&f, &list) == 1 && list[0].state == NOTIFY_SENT && list[0].attempts == 2, "sent");
    end(&f);
}

static void tries_body(const struct db_config *config)
{
    struct notify_event e = event("a", NOW);
    struct notify_backlog b;
    struct notify_message m;
    struct fixture f;
    int64_t now_us = NOW;
    int64_t n;
    int tries = 0;

    begin(&f, config);
    put(&f, &e);
    for (; claim(&f, f.db, arena_printf(f.a, "c%d", tries).ptr, now_us, &m); tries++) {
        finish(&f, &m, NOTIFY_OUTCOME_LATER, now_us);
        now_us += notify_pause_us(NOTIFY_OUTCOME_LATER, m.attempts);
        CHECK(tries < 500, "it ends");
    }
    CHECK(tries > 100 && now_us - NOW > NOTIFY_TRY_US && now_us - NOW < NOTIFY_TRY_US + US_PER_DAY,
          "for five days, at least every hour: %d times", tries);
    CHECK(notify_backlog_load(f.db, f.a, 1, now_us, &b, &f.err), "%s", f.err.message);
    CHECK(b.waiting == 0 && b.given_up == 1, "given up");
    CHECK_STR(b.error, "why", "what the last attempt met");
    CHECK(notify_retry_all(f.db, 2, now_us, &n, &f.err) && n == 0, "another job");
    CHECK(notify_retry_all(f.db, 1, now_us, &n, &f.err) && n == 1, "an administrator tries again");
    CHECK(claim(&f, f.db, "again", now_us, &m), "due");
    finish(&f, &m, NOTIFY_OUTCOME_SENT, now_us);
    CHECK(notify_backlog_load(f.db, f.a, 1, now_us, &b, &f.err) && b.given_up == 0, "sent");
    CHECK(!claim(&f, f.db, "twice", now_us + 9 * US_PER_DAY, &m), "never twice");
    end(&f);
}

static void pauses(void **state)
{
    static const int64_t minutes[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(minutes); i++) {
        CHECK(notify_pause_us(NOTIFY_OUTCOME_LATER, (int64_t)i + 1) == minutes[i] * US_PER_MINUTE,
              "attempt %zu", i + 1);
    }
    CHECK(notify_pause_us(NOTIFY_OUTCOME_REFUSED, 1) == US_PER_HOUR, "refused");
}

static void tidy_body(const struct db_config *config)
{
    struct notify_event old = event("old", NOW);
    struct notify_event young = event("young", NOW + 60 * US_PER_DAY);
    struct notify_delivery *list;
    struct fixture f;
    bool known;

    begin(&f, config);
    put(&f, &old);
    put(&f, &young);
    CHECK(notify_tidy(f.db, NOW + 61 * US_PER_DAY, &f.err), "%s", f.err.message);
    CHECK(count(&f, &list) == 2 && list[0].state == NOTIFY_WAITS, "a day old");
    CHECK(list[1].state == NOTIFY_GIVEN_UP && list[1].error.len, "nobody sent it");
    CHECK(notify_tidy(f.db, NOW + 91 * US_PER_DAY, &f.err), "%s", f.err.message);
    CHECK(count(&f, NULL) == 1, "forgotten after 90 days");
    CHECK(notify_event_known(f.db, 1, STR("old"), &known, &f.err) && !known, "with its event");
    end(&f);
}

static void marks_body(const struct db_config *config)
{
    struct fixture f;
    struct str value;

    begin(&f, config);
    CHECK(notify_mark_load(f.db, f.a, 1, STR("x"), &value, &f.err) && value.len == 0, "none");
    CHECK(notify_mark_save(f.db, 1, STR("x"), STR("1"), &f.err), "%s", f.err.message);
    CHECK(notify_mark_save(f.db, 1, STR("x"), STR("2"), &f.err), "%s", f.err.message);
    CHECK(notify_mark_load(f.db, f.a, 1, STR("x"), &value, &f.err), "%s", f.err.message);
    CHECK_STR(value, "2", "the newest");
    CHECK(notify_mark_save(f.db, 1, STR("x"), STR(""), &f.err), "%s", f.err.message);
    CHECK(notify_mark_load(f.db, f.a, 1, STR("x"), &value, &f.err) && value.len == 0, "removed");
    end(&f);
}

static void statements_both(void **state)
{
    (void)state;
    test_databases(statements_body);
}

static void kept_once_both(void **state)
{
    (void)state;
    test_databases(kept_once_body);
}

static void transaction_both(void **state)
{
    (void)state;
    test_databases(transaction_body);
}

static void filter_both(void **state)
{
    (void)state;
    test_databases(filter_body);
}

static void batch_both(void **state)
{
    (void)state;
    test_databases(batch_body);
}

static void full_batch_both(void **state)
{
    (void)state;
    test_databases(full_batch_body);
}

static void claim_both(void **state)
{
    (void)state;
    test_databases(claim_body);
}

static void tries_both(void **state)
{
    (void)state;
    test_databases(tries_body);
}

static void tidy_both(void **state)
{
    (void)state;
    test_databases(tidy_body);
}

static void marks_both(void **state)
{
    (void)state;
    test_databases(marks_body);
}

TEST_GROUP(queue, cmocka_unit_test(statements_both), cmocka_unit_test(kept_once_both),
           cmocka_unit_test(transaction_both), cmocka_unit_test(filter_both),
           cmocka_unit_test(batch_both), cmocka_unit_test(full_batch_both),
           cmocka_unit_test(claim_both), cmocka_unit_test(tries_both), cmocka_unit_test(tidy_both),
           cmocka_unit_test(marks_both), cmocka_unit_test(pauses))
