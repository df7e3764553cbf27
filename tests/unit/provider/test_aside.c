/* Changes that a receiver refuses for ever are set aside, for each user by itself: the others go
 * on, the order of each user holds, and nothing is lost. */
#include "frame/postgres.h"
#include "notify/notify.h"
#include "provider/changes/aside.h"
#include "provider/changes/webhook.h"
#include "receiver.h"

#include <string.h>

#define BASE "/scim/t/v2"

static const struct secret_key sealing = {.bytes = {1, 2, 3}};
static const struct provider_delivery quick = {
    .key = &sealing, .pause_us = 5 * US_PER_MS, .claim_us = 2 * US_PER_SECOND};

static struct str add_user(struct fixture *f, struct client *client, struct arena *a,
                           const char *name)
{
    struct answer answer;

    client_ask(client, f, a, HTTP_POST, BASE "/Users",
               arena_printf(a, "{\"userName\":\"%s\"}", name).ptr, &answer);
    CHECK(answer.status == 201, "%.*s", STR_ARG(answer.body));
    return json_get_text(answer.json, "id");
}

static void rename_user(struct fixture *f, struct client *client, struct arena *a, struct str id,
                        int number)
{
    struct answer answer;

    client_ask(client, f, a, HTTP_PATCH, arena_printf(a, BASE "/Users/%.*s", STR_ARG(id)).ptr,
               arena_printf(a,
                            "{\"Operations\":[{\"op\":\"replace\",\"path\":\"title\","
                            "\"value\":\"%d\"}]}",
                            number)
                   .ptr,
               &answer);
    CHECK(answer.status == 200, "%.*s", STR_ARG(answer.body));
}

static void poison(struct receiver *r, struct str id)
{
    pthread_mutex_lock(&r->lock);
    r->poison[r->poison_count++] = arena_str(r->arena, id);
    pthread_mutex_unlock(&r->lock);
}

static void cure(struct receiver *r, int status)
{
    pthread_mutex_lock(&r->lock);
    r->poison_count = 0;
    r->status = status;
    pthread_mutex_unlock(&r->lock);
}

static void set(struct fixture *f, const char *name, const char *value)
{
    struct err err = {0};

    CHECK(provider_tenant_set(f->db, STR("t"), str_from_z(name), str_from_z(value), &err), "%s",
          err.message);
}

static size_t asides(struct fixture *f, struct arena *a, struct provider_aside **out)
{
    struct err err = {0};
    size_t count;

    CHECK(provider_aside_list(f->db, a, STR("t"), out, &count, &err), "%s", err.message);
    return count;
}

/* Until so many are set aside. */
static void wait_for_asides(struct fixture *f, size_t count)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    int64_t until = clock_monotonic_us() + 30 * US_PER_SECOND;
    struct provider_aside *list;

    while (asides(f, a, &list) != count)
        CHECK(clock_monotonic_us() < until, "%zu", asides(f, a, &list));
}

/* The numbers of the changes of one user, as they came. */
static void check_user(struct receiver *r, struct arena *a, struct str id, const char *want)
{
    CLEANUP(buf_done) struct buf seqs = {0};

    (void)a;
    buf_init(&seqs, 1000);
    pthread_mutex_lock(&r->lock);
    JSON_EACH(change, r->changes)
    {
        if (str_eq(json_get_text(change, "id"), id))
            buf_addf(&seqs, "%s%lld", seqs.len ? " " : "",
                     (long long)json_get_int(change, "seq", 0));
    }
    pthread_mutex_unlock(&r->lock);
    CHECK_STR(buf_str(&seqs), want, "each once, in order");
}

static void check_poison(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str ada, ben, cyd;
    struct notify_delivery *notices;
    struct provider_aside *list;
    struct client client;
    struct receiver r;
    struct fixture f;
    struct err err = {0};
    size_t count;

    fixture_start_delivering(&f, config, &quick);
    receiver_init(&r);
    hook_tenant(&f, &r, &sealing, "t", PROVIDER_WEBHOOK_CHANGES);
    set(&f, "webhook.tries", "3");
    set(&f, "notification.mail", "admin@example.com");
    client_open(&client, f.port);
    ada = add_user(&f, &client, a, "ada"); /* 1 */
    wait_for(&r, CHANGES, 1);
    poison(&r, ada);
    rename_user(&f, &client, a, ada, 1);   /* 2 */
    ben = add_user(&f, &client, a, "ben"); /* 3 */
    rename_user(&f, &client, a, ada, 2);   /* 4 */
    cyd = add_user(&f, &client, a, "cyd"); /* 5 */
    wait_for(&r, CHANGES, 3);
    wait_for_asides(&f, 1);
    rename_user(&f, &client, a, ada, 3); /* 6 */
    rename_user(&f, &client, a, ben, 1); /* 7 */
    wait_for(&r, CHANGES, 4);
    check_user(&r, a, ada, "1");
    check_user(&r, a, ben, "3 7");
    check_user(&r, a, cyd, "5");
    CHECK(asides(&f, a, &list) == 1 && str_eq(list[0].id, ada) &&
              str_eq(list[0].name, STR("ada")) && list[0].first == 2 &&
              str_find(list[0].error, STR("422"), &(size_t){0}),
          "%.*s", STR_ARG(list[0].error));
    CHECK(notify_list(f.db, a, notify_tenant(1), 10, &notices, &count, &err) && count == 1 &&
              notices[0].kind == NOTIFY_CHANGES_SET_ASIDE,
          "somebody is told: %zu", count);
    cure(&r, 0);
    CHECK(provider_aside_retry(f.db, STR("t"), ada, &err), "%s", err.message);
    wait_for(&r, CHANGES, 7);
    wait_for_asides(&f, 0);
    rename_user(&f, &client, a, ada, 4); /* 8 */
    wait_for(&r, CHANGES, 8);
    check_user(&r, a, ada, "1 2 4 6 8");
    CHECK(!r.forged, "each is signed");
    client_close(&client);
    fixture_stop(&f);
    receiver_done(&r);
}

static void what_is_refused_for_ever_is_set_aside(void **state)
{
    (void)state;
    test_databases(check_poison);
}

/* A receiver that refuses everything keeps what waits; when it is well again all is told, in order.
 */
static void check_all_refused(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct provider_aside *list;
    struct str ids[30];
    struct client client;
    struct receiver r;
    struct fixture f;
    char want[32];

    fixture_start_delivering(&f, config, &quick);
    receiver_init(&r);
    hook_tenant(&f, &r, &sealing, "t", PROVIDER_WEBHOOK_CHANGES);
    set(&f, "webhook.tries", "1");
    cure(&r, 500);
    client_open(&client, f.port);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        ids[i] = add_user(&f, &client, a, arena_printf(a, "u%zu", i).ptr);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        rename_user(&f, &client, a, ids[i], 1);
    wait_for_asides(&f, ASIDE_ROW_MAX);
    wait_for(&r, REQUESTS, receiver_requests(&r) + 3);
    CHECK(asides(&f, a, &list) == ASIDE_ROW_MAX, "no more than that are set aside in a row");
    cure(&r, 0);
    wait_for(&r, CHANGES, 2 * ARRAY_LEN(ids));
    wait_for_asides(&f, 0);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        snprintf(want, sizeof(want), "%zu %zu", i + 1, ARRAY_LEN(ids) + i + 1);
        check_user(&r, a, ids[i], want);
    }
    client_close(&client);
    fixture_stop(&f);
    receiver_done(&r);
}

static void a_receiver_that_is_ill_keeps_all(void **state)
{
    (void)state;
    test_databases(check_all_refused);
}

/* What is dropped is never told, and ends the waiting; statuses about the receiver itself set
 * nothing aside, and neither does webhook.tries=0. */
static void check_drop(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct provider_aside *list;
    struct str ada, ben;
    struct client client;
    struct receiver r;
    struct fixture f;
    struct err err = {0};
    int64_t changes;

    fixture_start_delivering(&f, config, &quick);
    receiver_init(&r);
    hook_tenant(&f, &r, &sealing, "t", PROVIDER_WEBHOOK_CHANGES);
    set(&f, "webhook.tries", "2");
    client_open(&client, f.port);
    cure(&r, 401);
    ada = add_user(&f, &client, a, "ada"); /* 1 */
    wait_for(&r, REQUESTS, 6);
    CHECK(asides(&f, a, &list) == 0, "a wrong key is nothing about a change");
    cure(&r, 0);
    wait_for(&r, CHANGES, 1);
    set(&f, "webhook.tries", "0");
    poison(&r, ada);
    rename_user(&f, &client, a, ada, 1); /* 2 */
    wait_for(&r, REQUESTS, receiver_requests(&r) + 5);
    CHECK(asides(&f, a, &list) == 0, "never");
    set(&f, "webhook.tries", "2");
    wait_for_asides(&f, 1);
    rename_user(&f, &client, a, ada, 2);   /* 3 */
    ben = add_user(&f, &client, a, "ben"); /* 4 */
    wait_for(&r, CHANGES, 2);
    CHECK(!provider_aside_drop(f.db, STR("t"), ben, &changes, &err) &&
              strcmp(err.code, "asideNotFound") == 0,
          "ben waits for nothing");
    cure(&r, 0);
    CHECK(provider_aside_drop(f.db, STR("t"), ada, &changes, &err) && changes >= 1, "%lld %s",
          (long long)changes, err.message);
    rename_user(&f, &client, a, ada, 3); /* 5 */
    wait_for_asides(&f, 0);
    for (;;) {
        bool there = false;
        size_t count;

        pthread_mutex_lock(&r.lock);
        JSON_EACH(change, r.changes)
        there |= json_get_int(change, "seq", 0) == 5;
        count = r.changes->count;
        pthread_mutex_unlock(&r.lock);
        if (there)
            break;
        wait_for(&r, CHANGES, count + 1);
    }
    pthread_mutex_lock(&r.lock);
    JSON_EACH(change, r.changes)
    CHECK(json_get_int(change, "seq", 0) != 2, "what was dropped");
    pthread_mutex_unlock(&r.lock);
    client_close(&client);
    fixture_stop(&f);
    receiver_done(&r);
}

static void what_is_dropped_is_not_told(void **state)
{
    (void)state;
    test_databases(check_drop);
}

TEST_GROUP(aside, cmocka_unit_test(what_is_refused_for_ever_is_set_aside),
           cmocka_unit_test(a_receiver_that_is_ill_keeps_all),
           cmocka_unit_test(what_is_dropped_is_not_told));
