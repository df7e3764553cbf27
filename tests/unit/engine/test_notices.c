/* What people are told of a job, in the transaction of what happened: quarantine, failures that
 * grow, cycles that fail, warnings, the digest. */
#include "engine/failures/quarantine.h"
#include "engine/notices.h"
#include "world.h"

static struct job load(struct world *w)
{
    struct err err = {0};
    struct job job = {0};

    CHECK(job_load_no(w->db, w->arena, w->job.no, &job, &err), "%s", err.message);
    return job;
}

static void set(struct world *w, const char *name, const char *value)
{
    struct engine_setting s = {str_from_z(name), str_from_z(value)};
    struct err err = {0};

    CHECK(engine_set(&w->engine, w->job.no, &s, 1, STR("test"), &err), "%s", err.message);
}

static struct world *begin(const struct db_config *config)
{
    struct world *w = mem_alloc(sizeof(*w));
    struct err err = {0};
    struct job job;

    world_init(w, config, "scim");
    job = load(w);
    job.notification_mail = STR("ada@example.com");
    CHECK(engine_update(&w->engine, &job, STR("test"), &err), "%s", err.message);
    return w;
}

static void end(struct world *w)
{
    world_done(w);
    free(w);
}

/* The kinds of what is in the queue, oldest first, each time in a minute of its own. */
static struct str told(struct world *w)
{
    struct notify_delivery *list;
    struct err err = {0};
    struct buf out;
    struct str text;
    size_t count;

    CHECK(notify_list(w->db, w->arena, w->job.no, 100, &list, &count, &err), "%s", err.message);
    buf_init(&out, 4096);
    while (count-- > 0)
        buf_addf(&out, "%s%s", out.len ? " " : "", notify_kind_name(list[count].kind));
    text = arena_str(w->arena, buf_str(&out));
    buf_done(&out);
    return text;
}

static void try(struct world *w)
{
    struct cycle c;
    struct err err = {0};

    CHECK(!world_try_cycle(w, &c, &err), "the cycle fails");
}

static void tick(struct world *w, int64_t us)
{
    struct job job = load(w);
    struct err err = {0};

    w->clock.now += us;
    CHECK(notices_tick(&w->engine, w->db, &job, &err), "%s", err.message);
}

static void check_quarantine(const struct db_config *config)
{
    struct world *w = begin(config);

    for (int i = 0; i < 50; i++)
        world_assign(w, world_person(w, arena_printf(w->arena, "p%d", i).ptr), true);
    w->fault = (struct fault){.call = CALL_TEST, .code = "connectionRefused", .times = 3};
    try(w);
    CHECK_STR(told(w), "quarantineEntered", "fifty people and a dead target: in the first cycle");
    try(w);
    try(w);
    CHECK_STR(told(w), "quarantineEntered", "once; that a cycle failed goes without saying");
    world_cycle(w);
    CHECK_STR(told(w), "quarantineEntered quarantineLeft", "the target is back");
    end(w);
}

/* Rolled back with the change. */
static void check_transaction(const struct db_config *config)
{
    struct quarantine_change c = {.reason = QUARANTINE_EXCEPTION, .code = STR("x")};
    struct world *w = begin(config);
    struct err err = {0};

    CHECK(db_begin(w->db, DB_WRITE, &err) &&
              quarantine_change(&w->engine, w->db, w->job.no, &c, &err),
          "%s", err.message);
    db_rollback(w->db);
    CHECK_STR(told(w), "", "did not happen");
    CHECK(quarantine_change(&w->engine, w->db, w->job.no, &c, &err), "%s", err.message);
    CHECK_STR(told(w), "quarantineEntered", "and then it did");
    end(w);
}

static void check_held(const struct db_config *config)
{
    struct world *w = begin(config);
    struct err err = {0};
    struct str ids[4];
    size_t at;
    struct db_query query = {"test",
                             "SELECT content FROM notify_event WHERE kind = 'removalsHeld'"};
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    set(w, "guard.count", "1");
    for (int i = 0; i < 4; i++) {
        ids[i] = world_person(w, arena_printf(w->arena, "p%d", i).ptr);
        world_assign(w, ids[i], true);
    }
    world_cycle(w);
    for (int i = 0; i < 2; i++)
        world_assign(w, ids[i], false);
    world_cycle(w);
    CHECK_STR(told(w), "removalsHeld", "one notice, not two");
    CHECK(db_select_one(w->db, &query, DB_NO_ARGS, &st, &err) && st, "%s", err.message);
    CHECK(str_find(db_col_text(st, 0), STR("2 removals"), &at), "%.*s",
          STR_ARG(db_col_text(st, 0)));
    db_stmt_free(st);
    st = NULL;
    world_assign(w, ids[2], false);
    world_cycle(w);
    CHECK_STR(told(w), "removalsHeld", "a little more");
    world_assign(w, ids[3], false);
    world_cycle(w);
    CHECK_STR(told(w), "removalsHeld removalsHeld", "twice as much");
    for (int i = 0; i < 4; i++)
        world_assign(w, ids[i], true);
    world_cycle(w);
    CHECK_STR(told(w), "removalsHeld removalsHeld quarantineLeft", "nothing is held any more");
    end(w);
}

static void check_disable(const struct db_config *config)
{
    struct quarantine_change c = {.reason = QUARANTINE_EXCEPTION, .code = STR("x")};
    struct world *w = begin(config);
    struct err err = {0};

    CHECK(quarantine_change(&w->engine, w->db, w->job.no, &c, &err), "%s", err.message);
    tick(w, 20 * US_PER_DAY);
    CHECK_STR(told(w), "quarantineEntered", "not yet");
    tick(w, US_PER_DAY);
    tick(w, US_PER_DAY);
    CHECK_STR(told(w), "quarantineEntered disableWarning", "seven days before, once");
    tick(w, 5 * US_PER_DAY);
    tick(w, US_PER_HOUR);
    CHECK_STR(told(w), "quarantineEntered disableWarning disableWarning", "one day before");
    w->clock.now += US_PER_DAY;
    CHECK(quarantine_change(&w->engine, w->db, w->job.no, &c, &err), "%s", err.message);
    CHECK(load(w).state == JOB_DISABLED, "disabled");
    CHECK_STR(told(w), "quarantineEntered disableWarning disableWarning jobDisabled", "and told");
    end(w);
}

static void check_escrows(const struct db_config *config)
{
    struct world *w = begin(config);

    set(w, "notify.escrows", "2");
    set(w, "notify.digest", "true");
    for (int i = 0; i < 3; i++)
        world_assign(w, world_person(w, arena_printf(w->arena, "p%d", i).ptr), true);
    tick(w, US_PER_DAY);
    w->fault = (struct fault){.call = CALL_CREATE,
                              .status = TARGET_FAILED,
                              .class_ = TARGET_PERMANENT,
                              .code = "Conflict",
                              .times = 3};
    world_cycle(w);
    CHECK_STR(told(w), "escrowsGrown", "three fail, the limit is two");
    tick(w, US_PER_MINUTE);
    tick(w, US_PER_MINUTE);
    CHECK_STR(told(w), "escrowsGrown digest", "the digest of the day, once");
    tick(w, US_PER_DAY);
    CHECK_STR(told(w), "escrowsGrown digest digest", "and of the next day");
    w->clock.now += US_PER_DAY;
    world_cycle(w);
    tick(w, 2 * US_PER_DAY);
    CHECK_STR(told(w), "escrowsGrown digest digest", "nothing fails any more");
    for (int i = 3; i < 6; i++)
        world_assign(w, world_person(w, arena_printf(w->arena, "p%d", i).ptr), true);
    w->fault.times = 3;
    world_cycle(w);
    CHECK_STR(told(w), "escrowsGrown digest digest escrowsGrown", "again, after it was below");
    end(w);
}

/* The names of people, not the ids that the queue of failures has. */
static void check_digest_names(const struct db_config *config)
{
    struct db_query query = {"test", "SELECT content FROM notify_event WHERE kind = 'digest'"};
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct world *w = begin(config);
    struct err err = {0};
    size_t at;

    set(w, "notify.digest", "true");
    world_assign(w, world_person(w, "grace"), true);
    w->fault = (struct fault){.call = CALL_CREATE,
                              .status = TARGET_FAILED,
                              .class_ = TARGET_PERMANENT,
                              .code = "Conflict",
                              .times = 1};
    world_cycle(w);
    tick(w, US_PER_MINUTE);
    CHECK(db_select_one(w->db, &query, DB_NO_ARGS, &st, &err) && st, "%s", err.message);
    CHECK(str_find(db_col_text(st, 0), STR("grace"), &at), "%.*s", STR_ARG(db_col_text(st, 0)));
    db_stmt_free(st);
    st = NULL;
    end(w);
}

static void check_cycle_failed(const struct db_config *config)
{
    struct world *w = begin(config);
    struct db_query query = {"test", "DELETE FROM job_secret"};
    struct secret token = {0};
    struct err err = {0};

    world_cycle(w);
    CHECK(db_exec(w->db, &query, DB_NO_ARGS, NULL, &err), "%s", err.message);
    try(w);
    try(w);
    CHECK_STR(told(w), "cycleFailed", "once");
    CHECK(secret_init(&token, STR("t"), &err) &&
              job_secret_save(w->db, &w->key, w->job.no, STR("SecretToken"), &token, &err),
          "%s", err.message);
    secret_done(&token);
    world_cycle(w);
    CHECK(db_exec(w->db, &query, DB_NO_ARGS, NULL, &err), "%s", err.message);
    try(w);
    CHECK_STR(told(w), "cycleFailed cycleFailed", "again, after one that succeeded");
    CHECK(engine_pause(&w->engine, w->job.no, &err), "%s", err.message);
    try(w);
    CHECK_STR(told(w), "cycleFailed cycleFailed", "a paused job does not fail");
    end(w);
}

/* {"alg":"none"}.{"exp":1767225600}. */
#define JWT "eyJhbGciOiJub25lIn0.eyJleHAiOjE3NjcyMjU2MDB9.c2ln"

static void check_token(const struct db_config *config)
{
    struct world *w = begin(config);
    struct secret token = {0};
    struct err err = {0};

    CHECK(secret_init(&token, STR(JWT), &err) &&
              job_secret_save(w->db, &w->key, w->job.no, STR("SecretToken"), &token, &err),
          "%s", err.message);
    secret_done(&token);
    w->clock.now = INT64_C(1767225600) * US_PER_SECOND - 15 * US_PER_DAY;
    tick(w, 0);
    CHECK_STR(told(w), "", "fifteen days before");
    tick(w, US_PER_DAY);
    tick(w, US_PER_DAY);
    CHECK_STR(told(w), "credentialExpiring", "fourteen days before, once");
    tick(w, 10 * US_PER_DAY);
    CHECK_STR(told(w), "credentialExpiring credentialExpiring", "three days before");
    end(w);
}

static void check_settings(const struct db_config *config)
{
    static const struct {
        const char *name, *value, *code; /* NULL: taken */
    } cases[] = {
        {"notify.events", "quarantineEntered, cyclefailed", NULL},
        {"notify.events", "quarantineEntered,earthquake", "badSetting"},
        {"notify.events", "", NULL},
        {"notify.webhook", "https://hook.example/x", NULL},
        {"notify.webhook", "http://127.0.0.1:9/x", NULL},
        {"notify.webhook", "http://hook.example/x", "badWebhook"},
        {"Notify.Webhook", "hook", "badUrl"},
        {"notify.webhook", "", NULL},
    };
    struct world *w = begin(config);
    struct job job = load(w);
    struct err err = {0};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct engine_setting s = {str_from_z(cases[i].name), str_from_z(cases[i].value)};
        bool ok = engine_set(&w->engine, w->job.no, &s, 1, STR("test"), &err);

        CHECK(ok == !cases[i].code, "%s=%s: %s", cases[i].name, cases[i].value, err.message);
        CHECK(ok || strcmp(err.code, cases[i].code) == 0, "%s", err.code);
    }
    job.notification_mail = STR("ada@example.com, nobody");
    CHECK(!engine_update(&w->engine, &job, STR("test"), &err) &&
              strcmp(err.code, "badAddress") == 0,
          "%s", err.message);
    CHECK_STR(load(w).notification_mail, "ada@example.com", "nothing was changed");
    end(w);
}

static void expiry(void **state)
{
    static const struct {
        const char *token;
        int64_t want; /* seconds; 0: none */
    } cases[] = {
        {JWT, 1767225600},
        {"eyJhbGciOiJub25lIn0.eyJleHAiOjE3NjcyMjU2MDB9", 0},
        {"opaque", 0},
        {"", 0},
        {"a.b.c", 0},
        {"..", 0},
        {"eyJhbGciOiJub25lIn0.W10.x", 0},              /* [] */
        {"eyJhbGciOiJub25lIn0.eyJleHAiOiIxIn0.x", 0},  /* {"exp":"1"} */
        {"eyJhbGciOiJub25lIn0.eyJleHAiOjFlOTl9.x", 0}, /* {"exp":1e99} */
        {"eyJhbGciOiJub25lIn0.eyJleHAi!!.x", 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t us = 0;
        bool ok = notices_token_expiry(str_from_z(cases[i].token), &us);

        CHECK(ok == (cases[i].want != 0) && us == cases[i].want * US_PER_SECOND, "'%s': %lld",
              cases[i].token, (long long)us);
    }
}

static void quarantine_notices(void **state)
{
    (void)state;
    test_databases(check_quarantine);
}

static void transaction_notices(void **state)
{
    (void)state;
    test_databases(check_transaction);
}

static void held_notices(void **state)
{
    (void)state;
    test_databases(check_held);
}

static void disable_notices(void **state)
{
    (void)state;
    test_databases(check_disable);
}

static void escrows_notices(void **state)
{
    (void)state;
    test_databases(check_escrows);
}

static void digest_names_notices(void **state)
{
    (void)state;
    test_databases(check_digest_names);
}

static void cycle_failed_notices(void **state)
{
    (void)state;
    test_databases(check_cycle_failed);
}

static void token_notices(void **state)
{
    (void)state;
    test_databases(check_token);
}

static void settings_notices(void **state)
{
    (void)state;
    test_databases(check_settings);
}

TEST_GROUP(notices, cmocka_unit_test(quarantine_notices), cmocka_unit_test(transaction_notices),
           cmocka_unit_test(held_notices), cmocka_unit_test(disable_notices),
           cmocka_unit_test(escrows_notices), cmocka_unit_test(digest_names_notices),
           cmocka_unit_test(cycle_failed_notices), cmocka_unit_test(token_notices),
           cmocka_unit_test(settings_notices), cmocka_unit_test(expiry))
