/* The limit of wrong keys: as a table, and as clients meet it. */
#include "base/clock.h"
#include "fixture.h"
#include "frame/postgres.h"
#include "provider/access/guess.h"

#include <stdlib.h>
#include <string.h>

#define NOW INT64_C(1000000000)

static int64_t guess(struct guesses *g, const char *peer, const char *tenant, int64_t at_us)
{
    return guesses_failed(g, str_from_z(peer), str_from_z(tenant), at_us);
}

static struct guesses *make(void)
{
    struct guesses *g = malloc(sizeof(*g));

    guesses_init(g);
    return g;
}

static void done(struct guesses *g)
{
    guesses_done(g);
    free(g);
}

static void twenty_a_minute_for_a_tenant(void **state)
{
    struct guesses *g = make();
    int64_t wait;

    (void)state;
    for (int i = 0; i < 20; i++)
        CHECK(guess(g, "192.0.2.1", "t", NOW) == 0, "%d", i);
    wait = guess(g, "192.0.2.1", "t", NOW);
    CHECK(wait > 2 * US_PER_SECOND && wait <= 3 * US_PER_SECOND + 1, "%lld", (long long)wait);
    CHECK(guesses_wait(g, STR("192.0.2.1"), STR("t"), NOW) == wait, "asking counts nothing");
    CHECK(guess(g, "192.0.2.1", "t", NOW + wait) == 0, "one more when it has waited");
    CHECK(guess(g, "192.0.2.1", "t", NOW + wait) > 0, "and no second");
    CHECK(guess(g, "192.0.2.2", "t", NOW) == 0, "another address");
    CHECK(guess(g, "192.0.2.1", "u", NOW) == 0, "another tenant");
    CHECK(guess(g, "192.0.2.1", "t", NOW + 10 * US_PER_MINUTE) == 0, "later");
    for (int i = 0; i < 19; i++)
        CHECK(guess(g, "192.0.2.1", "t", NOW + 10 * US_PER_MINUTE) == 0, "all are back: %d", i);
    CHECK(guess(g, "192.0.2.1", "t", NOW + 10 * US_PER_MINUTE) > 0, "and no more");
    done(g);
}

/* Who goes on without a pause is let in as often as who waits. */
static void hammering_does_not_lock_out(void **state)
{
    struct guesses *g = make();
    int64_t now = NOW;
    int taken = 0;

    (void)state;
    for (; now < NOW + US_PER_MINUTE; now += 500)
        taken += guess(g, "192.0.2.1", "t", now) == 0;
    CHECK(taken >= 38 && taken <= 40, "twenty, and twenty in the minute: %d", taken);
    done(g);
}

static void sixty_for_all_tenants(void **state)
{
    struct guesses *g = make();
    int taken = 0;
    char name[16];

    (void)state;
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "t%d", i);
        taken += guess(g, "192.0.2.1", name, NOW) == 0;
    }
    CHECK(taken == 60, "%d", taken);
    done(g);
}

static void a_network_counts_as_one(void **state)
{
    static const struct {
        const char *label, *one, *other;
        bool same;
    } cases[] = {
        {"the same /64", "2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
        {"another /64", "2001:db8:1:2::1", "2001:db8:1:3::1", false},
        {"IPv4 written as IPv6", "192.0.2.1", "::ffff:192.0.2.1", true},
        {"IPv4 addresses", "192.0.2.1", "192.0.2.129", false},
        {"IPv4 and the /64 of its bytes", "192.0.2.1", "c000:201::", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct guesses *g = make();

        for (int k = 0; k < 20; k++)
            CHECK(guess(g, cases[i].one, "t", NOW) == 0, "%s", cases[i].label);
        CHECK((guess(g, cases[i].other, "t", NOW) > 0) == cases[i].same, "%s", cases[i].label);
        done(g);
    }
}

/* However many come, the memory stays; who is limited and goes on is not forgotten for others. */
static void many_addresses_have_room(void **state)
{
    struct guesses *g = make();
    char peer[32];

    (void)state;
    for (int i = 0; i < 21; i++)
        (void)guess(g, "192.0.2.1", "t", NOW);
    for (int i = 0; i < 1000; i++) {
        snprintf(peer, sizeof(peer), "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        CHECK(guess(g, peer, "t", NOW + i) == 0, "%s", peer);
        if (i % 10 == 0)
            CHECK(guess(g, "192.0.2.1", "t", NOW + i) > 0, "after %d others", i);
    }
    for (int i = 0; i < 100000; i++) {
        snprintf(peer, sizeof(peer), "11.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        (void)guess(g, peer, "t", NOW + i);
    }
    done(g);
}

/* --- As clients meet it --- */

static int ask(struct fixture *f, struct arena *a, struct client *client, const char *tenant,
               const char *key, struct answer *out)
{
    client_send(client, a, HTTP_GET,
                arena_printf(a,
                             "GET /scim/%s/v2/Users HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s%s\r\n\r\n",
                             tenant, f->port, key[0] ? "Authorization: Bearer " : "X-None: ", key),
                out);
    return out->status;
}

static void check_clients(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct client client;
    struct answer answer;
    struct fixture f;
    char *known, *fresh;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    known = arena_z(a, str_from_z(f.key.bytes));
    fixture_tenant(&f, "generic", "u");
    fresh = arena_z(a, str_from_z(f.key.bytes));
    client_open(&client, f.port);
    CHECK(ask(&f, a, &client, "t", known, &answer) == 200, "%d", answer.status);
    for (int i = 0; i < 100; i++)
        CHECK(ask(&f, a, &client, "t", "", &answer) == 401, "no key is no wrong key");
    for (int i = 0; i < 20; i++) {
        const char *wrong = arena_printf(a, "usk_%012d_%064d", i, i).ptr;

        CHECK(ask(&f, a, &client, "t", i % 2 ? wrong : "nonsense", &answer) == 401, "%d",
              answer.status);
        CHECK(answer_header(&answer, STR("WWW-Authenticate")).len > 0, "it says what it wants");
    }
    CHECK(ask(&f, a, &client, "t", "nonsense", &answer) == 429, "%d", answer.status);
    CHECK(answer_header(&answer, STR("Retry-After")).len > 0, "when to come again");
    CHECK(ask(&f, a, &client, "t", known, &answer) == 200, "a known key: %d", answer.status);
    CHECK(ask(&f, a, &client, "nowhere", "nonsense", &answer) == 401, "elsewhere: %d",
          answer.status);
    for (int i = 0; i < 19; i++)
        CHECK(ask(&f, a, &client, "nowhere", "nonsense", &answer) == 401, "%d", answer.status);
    CHECK(ask(&f, a, &client, "nowhere", "nonsense", &answer) == 429,
          "the same where there is no tenant: %d", answer.status);
    for (int i = 0; i < 20; i++)
        (void)ask(&f, a, &client, "u", "nonsense", &answer);
    CHECK(ask(&f, a, &client, "u", fresh, &answer) == 429,
          "an address that guesses is not told whether it is right: %d", answer.status);
    client_close(&client);
    fixture_stop(&f);
}

static void guessing_is_slowed_down(void **state)
{
    (void)state;
    test_databases(check_clients);
}

static void check_versions(const struct db_config *config)
{
    static const struct {
        const char *path, *type;
        int status;
    } cases[] = {
        {"/scim/t/v1/Users", "invalidVers", 400},
        {"/scim/t/V3/Users", "invalidVers", 400},
        {"/scim/t/v1", "invalidVers", 400},
        {"/scim/t/v1/ServiceProviderConfig", "invalidVers", 400},
        {"/scim/t/v2/Users", "", 200},
        {"/scim/t/V2/Users", "", 200},
        {"/scim/t/vx/Users", "", 404},
        {"/scim/t/Users", "", 404},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct client client;
    struct answer answer;
    struct fixture f;

    fixture_start(&f, config);
    fixture_tenant(&f, "generic", "t");
    client_open(&client, f.port);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        client_ask(&client, &f, a, HTTP_GET, cases[i].path, NULL, &answer);
        CHECK(answer.status == cases[i].status, "%s: %d", cases[i].path, answer.status);
        CHECK_STR(json_get_text(answer.json, "scimType"), cases[i].type, "%s", cases[i].path);
    }
    client_close(&client);
    fixture_stop(&f);
}

static void other_versions_are_refused(void **state)
{
    (void)state;
    test_databases(check_versions);
}

TEST_GROUP(guess, cmocka_unit_test(twenty_a_minute_for_a_tenant),
           cmocka_unit_test(sixty_for_all_tenants), cmocka_unit_test(hammering_does_not_lock_out),
           cmocka_unit_test(a_network_counts_as_one), cmocka_unit_test(many_addresses_have_room),
           cmocka_unit_test(guessing_is_slowed_down), cmocka_unit_test(other_versions_are_refused));
