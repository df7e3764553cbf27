/* Webhooks of tenants: a receiver of its own that fails, is slow and away; order, signature,
 * position, pruning. */
#include "fixture.h"
#include "frame/postgres.h"
#include "notify/notify.h"
#include "provider/changes/hooks.h"
#include "provider/changes/keep.h"
#include "provider/changes/webhook.h"
#include "provider/notice.h"
#include "receiver.h"

#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BASE "/scim/t/v2"

static const struct secret_key sealing = {.bytes = {1, 2, 3}};
static const struct provider_delivery quick = {
    .key = &sealing, .pause_us = 20 * US_PER_MS, .claim_us = 2 * US_PER_SECOND};

/* Every change from the first to the last is there; in order, if those told again are left out. */
static void check_changes(struct receiver *r, int64_t first, int64_t last)
{
    int64_t next = first;

    pthread_mutex_lock(&r->lock);
    JSON_EACH(change, r->changes)
    {
        int64_t seq = json_get_int(change, "seq", 0);

        CHECK(seq <= next, "%lld came before %lld", (long long)seq, (long long)next);
        if (seq == next)
            next++;
    }
    CHECK(next == last + 1, "the last is %lld, not %lld", (long long)next - 1, (long long)last);
    CHECK(!r->forged, "each is signed");
    pthread_mutex_unlock(&r->lock);
}

static void add_users(struct fixture *f, const char *prefix, int count)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct client client;
    struct answer answer;

    client_open(&client, f->port);
    for (int i = 0; i < count; i++) {
        client_ask(&client, f, a, HTTP_POST, BASE "/Users",
                   arena_printf(a, "{\"userName\":\"%s%d\"}", prefix, i).ptr, &answer);
        CHECK(answer.status == 201, "%d %.*s", answer.status, STR_ARG(answer.body));
    }
    client_close(&client);
}

static struct provider_webhook load(struct fixture *f, struct arena *a)
{
    struct provider_webhook hook;
    struct err err = {0};

    CHECK(provider_webhook_load(f->db, a, STR("t"), clock_system(), &hook, &err), "%s",
          err.message);
    return hook;
}

/* What was taken is stored a moment later than the receiver has it. */
static void wait_for_position(struct fixture *f, int64_t position)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    int64_t until = clock_monotonic_us() + 30 * US_PER_SECOND;

    while (load(f, a).position != position)
        CHECK(clock_monotonic_us() < until, "at %lld", (long long)load(f, a).position);
}

/* --- Delivery --- */

static void check_delivery(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct provider_webhook hook;
    struct receiver r;
    struct fixture f;
    uint16_t port;

    fixture_start_delivering(&f, config, &quick);
    receiver_init(&r);
    hook_tenant(&f, &r, &sealing, "t", PROVIDER_WEBHOOK_CHANGES);
    add_users(&f, "a", 5);
    wait_for(&r, CHANGES, 5);
    check_changes(&r, 1, 5);
    pthread_mutex_lock(&r.lock);
    r.refuse = 3;
    pthread_mutex_unlock(&r.lock);
    add_users(&f, "b", 150);
    wait_for(&r, CHANGES, 155);
    check_changes(&r, 1, 155);
    CHECK(r.largest > 1 && r.largest <= PROVIDER_WEBHOOK_BATCH, "%zu at once", r.largest);
    wait_for_position(&f, 155);
    hook = load(&f, a);
    CHECK(hook.error.len == 0 && hook.attempts == 0 && hook.head == 155 && hook.pending_us == 0,
          "all is well: %.*s", STR_ARG(hook.error));
    CHECK(hook.failed_us > 0 && hook.delivered_us > 0, "it has failed, and then not");
    port = http_server_port(r.server);
    http_server_stop(r.server); /* away */
    add_users(&f, "c", 20);
    do {
        hook = load(&f, a);
    } while (hook.attempts < 2);
    CHECK(hook.position == 155 && hook.pending_us > 0 && hook.error.len > 0, "it waits");
    receiver_start(&r, port);
    wait_for(&r, CHANGES, 175);
    check_changes(&r, 1, 175);
    fixture_stop(&f);
    receiver_done(&r);
}

static void changes_are_delivered_in_order(void **state)
{
    (void)state;
    test_databases(check_delivery);
}

/* Another process goes on where one has ended; and two at once tell each change once. */
static void check_processes(const struct db_config *config)
{
    struct receiver r;
    struct fixture f, other;

    fixture_start_delivering(&f, config, &(struct provider_delivery){0}); /* delivers nothing */
    receiver_init(&r);
    hook_tenant(&f, &r, &sealing, "t", PROVIDER_WEBHOOK_CHANGES);
    add_users(&f, "a", 30);
    fixture_start_delivering(&other, config, &quick);
    wait_for(&r, CHANGES, 30);
    fixture_stop(&other);
    wait_for_position(&f, 30);
    add_users(&f, "b", 10);
    {
        struct fixture third;

        fixture_start_delivering(&other, config, &quick);
        fixture_start_delivering(&third, config, &quick);
        add_users(&f, "c", 200);
        wait_for(&r, CHANGES, 240);
        wait_for_position(&f, 240);
        fixture_stop(&third);
        fixture_stop(&other);
    }
    check_changes(&r, 1, 240);
    CHECK(r.changes->count == 240, "each once: %zu", r.changes->count);
    fixture_stop(&f);
    receiver_done(&r);
}

static void several_processes_deliver_each_once(void **state)
{
    (void)state;
    test_databases(check_processes);
}

static void set_claim(struct fixture *f, const char *holder, int64_t until_us)
{
    static const struct db_query claimed = {
        "test_claimed", "UPDATE provider_webhook SET claim = $1, claim_until_us = $2"};
    struct err err = {0};

    CHECK(db_exec(f->db, &claimed, DB_ARGS(db_text(str_from_z(holder)), db_int(until_us)), NULL,
                  &err),
          "%s", err.message);
}

/* The name that a process had as a holder; it has died. */
static void dead_holder(char *out)
{
    int ends[2], status;
    ssize_t n;
    pid_t child;

    CHECK(pipe(ends) == 0, "pipe");
    child = fork();
    if (child == 0) {
        char name[HOLDER_MAX];
        struct str text = holder_name(rng_system(), name);

        _exit(write(ends[1], text.ptr, text.len) == (ssize_t)text.len ? 0 : 1);
    }
    n = read(ends[0], out, HOLDER_MAX - 1);
    CHECK(n > 0 && waitpid(child, &status, 0) == child, "a child that says who it is");
    out[n] = 0;
    close(ends[0]);
    close(ends[1]);
}

/* The claim of a process that has died ends at once when it was one of this machine; that of
 * another machine, of which nobody knows, when its time is over. */
static void check_dead(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    int64_t now = clock_now(clock_system());
    char dead[HOLDER_MAX], alive[HOLDER_MAX];
    struct receiver r;
    struct fixture f;

    dead_holder(dead);
    holder_name(rng_system(), alive);
    fixture_start_delivering(&f, config, &quick);
    receiver_init(&r);
    hook_tenant(&f, &r, &sealing, "t", PROVIDER_WEBHOOK_CHANGES);
    set_claim(&f, "elsewhere/1/2/3", now + US_PER_SECOND);
    add_users(&f, "a", 3);
    wait_for(&r, CHANGES, 3);
    check_changes(&r, 1, 3);
    wait_for_position(&f, 3);
    set_claim(&f, dead, now + US_PER_DAY);
    add_users(&f, "b", 3);
    wait_for(&r, CHANGES, 6);
    check_changes(&r, 1, 6);
    wait_for_position(&f, 6);
    set_claim(&f, alive, now + US_PER_DAY);
    add_users(&f, "c", 1);
    fixture_stop(&f); /* looks once more, and may not take it */
    fixture_start_delivering(&f, config, &(struct provider_delivery){0});
    CHECK(r.changes->count == 6 && load(&f, a).sending, "the living keep what they have");
    fixture_stop(&f);
    receiver_done(&r);
}

static void the_claim_of_the_dead_ends(void **state)
{
    (void)state;
    test_databases(check_dead);
}

/* --- Steering --- */

static void check_steering(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct secret made = {0};
    struct receiver r;
    struct fixture f;
    struct err err = {0};

    fixture_start_delivering(&f, config, &quick);
    receiver_init(&r);
    hook_tenant(&f, &r, &sealing, "t", PROVIDER_WEBHOOK_CHANGES);
    CHECK(provider_webhook_pause(f.db, STR("t"), &err), "%s", err.message);
    add_users(&f, "a", 4);
    CHECK(load(&f, a).paused && load(&f, a).position == 0, "it is told nothing");
    CHECK(!provider_webhook_resume(f.db, STR("t"), 99, &err) &&
              strcmp(err.code, "badPosition") == 0,
          "a position beyond the end");
    CHECK(provider_webhook_resume(f.db, STR("t"), 0, &err), "%s", err.message);
    wait_for(&r, CHANGES, 4);
    wait_for_position(&f, 4);
    CHECK(provider_webhook_resume(f.db, STR("t"), 3, &err), "%s", err.message);
    wait_for(&r, CHANGES, 6);
    wait_for_position(&f, 4);
    check_changes(&r, 1, 4);
    CHECK(provider_webhook_renew(f.db, &sealing, STR("t"), NULL, rng_system(), &made, &err), "%s",
          err.message);
    pthread_mutex_lock(&r.lock);
    secret_done(&r.secret);
    r.secret = made;
    pthread_mutex_unlock(&r.lock);
    add_users(&f, "b", 1);
    wait_for(&r, CHANGES, 7);
    check_changes(&r, 1, 5);
    CHECK(provider_webhook_remove(f.db, STR("t"), &err), "%s", err.message);
    CHECK(!provider_webhook_pause(f.db, STR("t"), &err) && strcmp(err.code, "webhookNotFound") == 0,
          "%s", err.code);
    fixture_stop(&f);
    receiver_done(&r);
}

static void a_webhook_can_be_steered(void **state)
{
    (void)state;
    test_databases(check_steering);
}

static void check_addresses(const struct db_config *config)
{
    static const char *const urls[] = {
        "http://hooks.example.com/x", "ftp://127.0.0.1/", "hooks.example.com", "https://", "",
        "file:///etc/passwd",
    };
    CLEANUP(db_closep) struct db *db = NULL;
    struct secret made;
    struct err err = {0};

    CHECK(db_open(config, &db, &err), "%s", err.message);
    CHECK(provider_tenant_add(db, STR("generic"), STR("t"), clock_system(), &err), "%s",
          err.message);
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct provider_webhook_order order = {
            .tenant = STR("t"), .url = str_from_z(urls[i]), .events = PROVIDER_WEBHOOK_CHANGES};

        CHECK(!provider_webhook_set(db, &sealing, &order, rng_system(), &made, &err) &&
                  err.kind == ERR_INVALID,
              "'%s' is taken", urls[i]);
    }
}

static void wrong_addresses_are_refused(void **state)
{
    (void)state;
    test_databases(check_addresses);
}

/* --- Failures --- */

static void check_failures(const struct db_config *config)
{
    const struct provider_notice_tenant tenant = {.no = 1, .name = STR("t")};
    const struct provider_notice notice = {.at_us = BASE_TIME_US,
                                           .method = STR("POST"),
                                           .target = STR("ada"),
                                           .attribute = STR("userName"),
                                           .reason = STR("is taken"),
                                           .status = 409};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct notify_delivery *list;
    struct receiver r;
    struct fixture f;
    struct err err = {0};
    size_t count;

    fixture_start(&f, config);
    receiver_init(&r);
    hook_tenant(&f, &r, &sealing, "t", PROVIDER_WEBHOOK_FAILURES);
    CHECK(provider_notice_add(f.db, &tenant, &notice, rng_system(), &err) &&
              provider_notice_add(f.db, &tenant, &notice, rng_system(), &err),
          "%s", err.message);
    CHECK(notify_list(f.db, a, notify_tenant(1), 10, &list, &count, &err), "%s", err.message);
    CHECK(count == 2 && list[0].channel == NOTIFY_WEBHOOK && list[0].next_us == BASE_TIME_US,
          "each is told at once: %zu", count);
    CHECK(provider_webhook_pause(f.db, STR("t"), &err) &&
              provider_notice_add(f.db, &tenant, &notice, rng_system(), &err) &&
              notify_list(f.db, a, notify_tenant(1), 10, &list, &count, &err),
          "%s", err.message);
    CHECK(count == 2, "not while it is paused");
    fixture_stop(&f);
    receiver_done(&r);
}

static void failed_writes_are_told(void **state)
{
    (void)state;
    test_databases(check_failures);
}

/* --- Forgetting --- */

static void set_number(struct fixture *f, const char *name, const char *value)
{
    struct err err = {0};

    CHECK(provider_tenant_set(f->db, STR("t"), str_from_z(name), str_from_z(value), &err), "%s",
          err.message);
}

static int64_t prune_at(struct fixture *f, int64_t days)
{
    struct clock_fixed clock;
    struct err err = {0};
    int64_t due, removed;
    bool done;

    clock_fixed_init(&clock, clock_now(clock_system()) + days * US_PER_DAY);
    CHECK(provider_changes_prunable(f->db, &clock.clock, &due, &err) &&
              provider_changes_prune(f->db, &clock.clock, NULL, &removed, &done, &err),
          "%s", err.message);
    CHECK(done && removed == due, "%lld went, of %lld", (long long)removed, (long long)due);
    return removed;
}

static void check_forgetting(const struct db_config *config)
{
    static const struct db_query taken = {"test_taken",
                                          "UPDATE provider_webhook SET position = $1"};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct receiver r;
    struct fixture f, other;
    struct err err = {0};

    fixture_start(&f, config); /* delivers nothing yet */
    receiver_init(&r);
    hook_tenant(&f, &r, &sealing, "t", PROVIDER_WEBHOOK_CHANGES);
    add_users(&f, "a", 10);
    CHECK(prune_at(&f, 29) == 0, "they are young");
    CHECK(prune_at(&f, 31) == 0, "the webhook has not taken them");
    CHECK(db_exec(f.db, &taken, DB_ARGS(db_int(4)), NULL, &err), "%s", err.message);
    CHECK(prune_at(&f, 31) == 4, "what it has taken may go");
    set_number(&f, "changeFeed.days", "60");
    CHECK(db_exec(f.db, &taken, DB_ARGS(db_int(6)), NULL, &err), "%s", err.message);
    CHECK(prune_at(&f, 31) == 0 && prune_at(&f, 61) == 2, "as long as the tenant says");
    CHECK(load(&f, a).pending_us > 0 && load(&f, a).lost == 0, "nothing is lost");
    add_users(&f, "b", 1004); /* 1,014 in all */
    set_number(&f, "changeFeed.maxPending", "1000");
    CHECK(prune_at(&f, 0) == 8, "more than 1,000 are not kept for it");
    fixture_start_delivering(&other, config, &quick);
    wait_for(&r, CHANGES, 1000);
    wait_for_position(&f, 1014);
    CHECK(r.others->count == 1, "it is told so");
    JSON_EACH(lost, r.others)
    CHECK(str_eq(json_get_text(lost, "kind"), STR("changesLost")) &&
              json_get_int(lost, "next", 0) == 14,
          "%.*s", STR_ARG(json_text(a, lost)));
    CHECK(load(&f, a).lost == 8, "%lld", (long long)load(&f, a).lost);
    check_changes(&r, 15, 1014);
    fixture_stop(&other);
    fixture_stop(&f);
    receiver_done(&r);
}

static void changes_are_forgotten_in_time(void **state)
{
    (void)state;
    test_databases(check_forgetting);
}

TEST_GROUP(hooks, cmocka_unit_test(changes_are_delivered_in_order),
           cmocka_unit_test(several_processes_deliver_each_once),
           cmocka_unit_test(the_claim_of_the_dead_ends), cmocka_unit_test(a_webhook_can_be_steered),
           cmocka_unit_test(wrong_addresses_are_refused), cmocka_unit_test(failed_writes_are_told),
           cmocka_unit_test(changes_are_forgotten_in_time));
