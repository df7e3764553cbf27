/* Every request of a target passes its gate, in order; what waits there is let go when the run
 * stops or the target is closed (engine.md 9.7). */
#include "peer.h"

struct gate {
    struct target_gate gate; /* first */
    int admits;              /* so many more; then it makes wait */
    bool shut;
    int under_way, admitted, statuses[8], answers;
};

static int64_t admit(struct target_gate *gate)
{
    struct gate *g = (struct gate *)gate;

    if (g->shut)
        return TARGET_GATE_CLOSED;
    if (g->admits == 0)
        return 1000;
    g->admits--;
    g->admitted++;
    g->under_way++;
    return 0;
}

static void answered(struct target_gate *gate, int status, int64_t retry_after_ms,
                     int64_t duration_us)
{
    struct gate *g = (struct gate *)gate;

    CHECK(status == 429 ? retry_after_ms == 7000 : retry_after_ms == -1, "what the target said");
    CHECK(duration_us >= 0, "how long it took");
    g->under_way--;
    g->statuses[g->answers++ % 8] = status;
}

static void gate_init(struct gate *g, int admits)
{
    *g = (struct gate){.gate = {admit, answered}, .admits = admits};
}

static struct target *open_target(const char *url, struct gate *g)
{
    struct target *t = peer_target(str_from_z(url));

    t->gate = &g->gate;
    return t;
}

static void waits_its_turn(void **state)
{
    static const struct exchange script[] = {
        {"GET", "/Users/1", NULL, 200, NULL, "{\"id\":\"1\",\"userName\":\"a\"}"},
        {"GET", "/Users/2", NULL, 429, "Retry-After: 7", "{}"},
        {"DELETE", "/Users/3", NULL, 204, NULL, NULL},
    };
    struct peer *p = peer_new(script, ARRAY_LEN(script));
    struct call calls[3];
    struct gate g;
    struct target *t;

    (void)state;
    gate_init(&g, 1);
    t = open_target(peer_url(p), &g);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        call_init(&calls[i]);
    t->ops->read(t, peer_users(), STR("1"), call_ended, &calls[0]);
    t->ops->read(t, peer_users(), STR("2"), call_ended, &calls[1]);
    t->ops->remove(t, peer_users(), STR("3"), call_ended, &calls[2]);
    call_wait(t, &calls[0]);
    t->ops->run(t, 5);
    CHECK(g.admitted == 1 && !calls[1].done && !calls[2].done, "the others wait");
    g.admits = 1;
    call_wait(t, &calls[1]);
    CHECK(calls[1].result.class_ == TARGET_THROTTLED && calls[1].result.retry_after_ms == 7000,
          "throttled");
    CHECK(!calls[2].done, "one at a time");
    g.admits = 1;
    call_wait(t, &calls[2]);
    CHECK(g.under_way == 0 && g.statuses[0] == 200 && g.statuses[1] == 429 && g.statuses[2] == 204,
          "the gate has heard of all");
    target_close(t);
    peer_free(p, "turns");
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        call_done(&calls[i]);
}

/* Those that were not sent end as throttled: no verdict on their object. */
static void shut(void **state)
{
    struct target *t;
    struct call call;
    struct gate g;

    (void)state;
    gate_init(&g, 0);
    t = open_target("http://127.0.0.1:1", &g);
    call_init(&call);
    t->ops->read(t, peer_users(), STR("1"), call_ended, &call);
    t->ops->run(t, 1);
    CHECK(!call.done, "it waits");
    g.shut = true;
    t->ops->run(t, 1000);
    CHECK(call.done && call.result.class_ == TARGET_THROTTLED, "let go");
    CHECK(g.admitted == 0 && g.answers == 0, "it was never sent");
    call_done(&call);
    target_close(t);
}

/* The connection test passes the gate, too. */
static void tests_count(void **state)
{
    struct target *t;
    struct err err = {0};
    struct gate g;

    (void)state;
    gate_init(&g, 2);
    t = open_target("http://127.0.0.1:1", &g);
    CHECK(!t->ops->test(t, &err), "nobody is there");
    CHECK_STR(str_from_z(err.code), "unreachable", "verdict");
    CHECK(g.admitted == 1 && g.under_way == 0 && g.statuses[0] == 0, "it was counted");
    target_close(t);
}

static void never(void *ctx, const struct target_result *result)
{
    (void)ctx;
    (void)result;
    CHECK(false, "done is not called after closing");
}

static void closed(void **state)
{
    struct target *t;
    struct gate g;

    (void)state;
    gate_init(&g, 3);
    t = open_target("http://127.0.0.1:1", &g);
    for (int i = 0; i < 9; i++)
        t->ops->read(t, peer_users(), STR("1"), never, NULL);
    target_close(t);
    CHECK(g.admitted == 3 && g.under_way == 0, "nothing stays under way");
}

TEST_GROUP(scim_send, cmocka_unit_test(waits_its_turn), cmocka_unit_test(shut),
           cmocka_unit_test(tests_count), cmocka_unit_test(closed));
