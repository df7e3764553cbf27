#include "receiver.h"

#include "provider/changes/webhook.h"

#include <time.h>

static bool is_genuine(struct receiver *r, struct arena *a, struct str header, struct str body)
{
    struct str part, hex = header;
    char mac[SHA256_HEX_MAX];

    str_cut(&hex, ',', &part);
    if (!str_starts(part, STR("t=")) || !str_starts(hex, STR("v1=")))
        return false;
    hmac_sha256_hex(&r->secret,
                    arena_printf(a, "%.*s.%.*s", STR_ARG(str_from(part, 2)), STR_ARG(body)), mac);
    return str_eq_z(str_from(hex, 3), mac);
}

static void take(struct receiver *r, const struct json *body)
{
    const struct json *changes = json_get(body, STR("changes"));

    if (!changes) {
        json_append(r->others, json_clone(r->arena, body));
        return;
    }
    if (changes->count > r->largest)
        r->largest = changes->count;
    JSON_EACH(change, changes)
    json_append(r->changes, json_clone(r->arena, change));
}

static bool is_poison(const struct receiver *r, const struct json *body)
{
    JSON_EACH(change, json_get(body, STR("changes")))
    {
        for (size_t i = 0; i < r->poison_count; i++) {
            if (str_eq(json_get_text(change, "id"), r->poison[i]))
                return true;
        }
    }
    return false;
}

static void receive(struct http_exchange *x, void *ctx)
{
    struct receiver *r = ctx;
    struct arena *a = http_arena(x);
    struct json *body;
    int status = 204;

    pthread_mutex_lock(&r->lock);
    r->requests++;
    r->forged |= !is_genuine(r, a, http_request_header(x, "Usher-Signature"), http_request_body(x));
    if (!json_parse(a, http_request_body(x), NULL, &body, NULL, NULL)) {
        status = 400;
    } else if (r->refuse > 0) {
        r->refuse--;
        status = 503;
    } else if (r->status) {
        status = r->status;
    } else if (is_poison(r, body)) {
        status = 422;
    } else {
        take(r, body);
    }
    pthread_cond_broadcast(&r->heard);
    pthread_mutex_unlock(&r->lock);
    http_reply(x, status, NULL, (struct str){0});
}

size_t receiver_requests(struct receiver *r)
{
    size_t count;

    pthread_mutex_lock(&r->lock);
    count = r->requests;
    pthread_mutex_unlock(&r->lock);
    return count;
}

void receiver_start(struct receiver *r, uint16_t port)
{
    struct http_server_config config = {.address = "127.0.0.1", .port = port, .workers = 2};
    struct err err = {0};

    r->route = (struct http_route){.path = "/hook",
                                   .methods = 1u << HTTP_POST,
                                   .max_body = (size_t)1 << 20,
                                   .run = HTTP_ON_WORKER,
                                   .handle = receive,
                                   .ctx = r};
    config.routes = &r->route;
    config.route_count = 1;
    CHECK(http_server_start(&config, &r->server, &err), "%s", err.message);
}

void receiver_init(struct receiver *r)
{
    *r = (struct receiver){.arena = arena_new()};
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->heard, NULL);
    r->changes = json_new(r->arena, JSON_ARRAY);
    r->others = json_new(r->arena, JSON_ARRAY);
    receiver_start(r, 0);
}

void receiver_done(struct receiver *r)
{
    http_server_stop(r->server);
    secret_done(&r->secret);
    pthread_cond_destroy(&r->heard);
    pthread_mutex_destroy(&r->lock);
    arena_free(r->arena);
}

void wait_for(struct receiver *r, enum what what, size_t count)
{
    struct timespec until;
    size_t have = 0;
    int rc = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 30;
    pthread_mutex_lock(&r->lock);
    for (;;) {
        have = what == CHANGES  ? r->changes->count
               : what == OTHERS ? r->others->count
                                : r->requests;
        if (have >= count || rc != 0)
            break;
        rc = pthread_cond_timedwait(&r->heard, &r->lock, &until);
    }
    pthread_mutex_unlock(&r->lock);
    CHECK(have >= count, "%zu of %zu came", have, count);
}

void hook_tenant(struct fixture *f, struct receiver *r, const struct secret_key *sealing,
                 const char *name, unsigned events)
{
    struct provider_webhook_order order = {.tenant = str_from_z(name), .events = events};
    struct err err = {0};
    char url[64];

    fixture_tenant(f, "generic", name);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/hook", http_server_port(r->server));
    order.url = str_from_z(url);
    CHECK(provider_webhook_set(f->db, sealing, &order, rng_system(), &r->secret, &err), "%s",
          err.message);
    CHECK(r->secret.len == 64, "a secret is made");
}
