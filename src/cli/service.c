#include "cli/service.h"

#include "provider/address.h"

#include <malloc.h>
#include <string.h>
#include <unistd.h>

enum {
    LOOPS_MAX = 8,
    OWN_ROUTES = 3,
    LARGE_BYTES =
        2 << 20, /* what is larger goes back to the system at once; blocks of arenas are not */
};

/* --- Options --- */

static const struct {
    const char *name;
    unsigned bit;
} roles[] = {
    {"api", SERVICE_API},
    {"engine", SERVICE_ENGINE},
    {"provider", SERVICE_PROVIDER},
};

bool service_roles_parse(struct str text, unsigned *out, struct err *err)
{
    unsigned bits = 0;
    bool more = true;

    while (more) {
        struct str word;
        unsigned bit = 0;

        more = str_cut(&text, ',', &word);
        for (size_t i = 0; i < ARRAY_LEN(roles); i++)
            bit |= str_eq_z(str_trim(word), roles[i].name) ? roles[i].bit : 0;
        if (!bit) {
            return err_set(err, ERR_INVALID, "usage",
                           "--role knows api, engine and provider, not '%.*s'", STR_ARG(word));
        }
        bits |= bit;
    }
    *out = bits;
    return true;
}

bool service_listen_parse(struct arena *a, struct str text, const char **out_address,
                          uint16_t *out_port, struct err *err)
{
    struct str address = STR("127.0.0.1");
    struct str port = text;
    int64_t n;
    size_t at;

    if (str_find_last_char(text, ':', &at)) {
        address = str_sub(text, 0, at);
        port = str_from(text, at + 1);
    }
    if (address.len > 2 && address.ptr[0] == '[' && address.ptr[address.len - 1] == ']') {
        address = str_sub(address, 1, address.len - 2);
    } else if (str_find_char(address, ':', &at)) {
        port = STR("");
    }
    if (!str_to_int(port, 0, 65535, &n)) {
        return err_set(err, ERR_INVALID, "usage",
                       "--listen takes ADDRESS:PORT such as 127.0.0.1:8080 or [::1]:8080, not "
                       "'%.*s'",
                       STR_ARG(text));
    }
    *out_address = arena_z(a, address.len ? address : STR("127.0.0.1"));
    *out_port = (uint16_t)n;
    return true;
}

/* --- Routes of the service itself --- */

static void reply_text(struct http_exchange *x, const char *text)
{
    http_reply(x, 200, "text/plain; charset=utf-8", str_from_z(text));
}

static void handle_health(struct http_exchange *x, void *ctx)
{
    (void)ctx;
    reply_text(x, "ok\n");
}

/* Ready means that the database answers. */
static void handle_ready(struct http_exchange *x, void *ctx)
{
    const struct service *s = ctx;
    CLEANUP(db_closep) struct db *db = NULL;
    struct err err = {.kind = ERR_NONE};

    if (db_open(s->wire->engine.db, &db, &err)) {
        reply_text(x, "ready\n");
    } else {
        http_reply(x, 503, "text/plain; charset=utf-8", STR("the database does not answer\n"));
    }
}

static void handle_metrics(struct http_exchange *x, void *ctx)
{
    const struct service *s = ctx;
    struct http_counters n;
    struct str text;

    http_server_counters(s->http, &n);
    text = arena_printf(http_arena(x),
                        "# TYPE usher_http_connections_total counter\n"
                        "usher_http_connections_total %llu\n"
                        "# TYPE usher_http_connections_open gauge\n"
                        "usher_http_connections_open %llu\n"
                        "# TYPE usher_http_requests_total counter\n"
                        "usher_http_requests_total %llu\n"
                        "# TYPE usher_http_refused_total counter\n"
                        "usher_http_refused_total %llu\n"
                        "# TYPE usher_http_crowded_out_total counter\n"
                        "usher_http_crowded_out_total %llu\n"
                        "# TYPE usher_http_held_bytes gauge\n"
                        "usher_http_held_bytes %llu\n"
                        "# TYPE usher_http_server_errors_total counter\n"
                        "usher_http_server_errors_total %llu\n",
                        (unsigned long long)n.connections, (unsigned long long)n.open_now,
                        (unsigned long long)n.requests, (unsigned long long)n.refused,
                        (unsigned long long)n.crowded_out, (unsigned long long)n.held,
                        (unsigned long long)n.replies_5xx);
    http_reply(x, 200, "text/plain; version=0.0.4; charset=utf-8", text);
}

static size_t make_routes(struct service *s)
{
    const unsigned get = 1u << HTTP_GET | 1u << HTTP_HEAD;
    const struct http_route own[OWN_ROUTES] = {
        {.path = "/healthz", .methods = get, .run = HTTP_ON_LOOP, .handle = handle_health},
        {.path = "/readyz",
         .methods = get,
         .run = HTTP_ON_WORKER,
         .handle = handle_ready,
         .ctx = s},
        {.path = "/metrics",
         .methods = get,
         .run = HTTP_ON_LOOP,
         .handle = handle_metrics,
         .ctx = s},
    };
    const struct http_route *scim = NULL;
    size_t scim_count = 0;

    if (s->provider)
        scim = provider_routes(s->provider, &scim_count);
    s->routes = ARENA_ARRAY(s->wire->cli->arena, struct http_route, OWN_ROUTES + scim_count);
    memcpy(s->routes, own, sizeof(own));
    if (scim_count)
        memcpy(s->routes + OWN_ROUTES, scim, scim_count * sizeof(*scim));
    return OWN_ROUTES + scim_count;
}

/* --- Life --- */

static bool listen_on(struct service *s, const struct service_options *options, struct err *err)
{
    const char *listen = options->listen ? options->listen : "127.0.0.1:8080";
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct http_server_config config = {
        .loops = cores < 1           ? 1
                 : cores > LOOPS_MAX ? LOOPS_MAX
                                     : (unsigned)cores,
        .tls_cert = options->tls_cert,
        .tls_key = options->tls_key,
    };

    if (!options->tls_cert != !options->tls_key)
        return err_set(err, ERR_INVALID, "usage", "--tls-cert and --tls-key belong together");
    if (!service_listen_parse(s->wire->cli->arena, str_from_z(listen), &s->address, &config.port,
                              err))
        return false;
    config.address = s->address;
    config.route_count = make_routes(s);
    config.routes = s->routes;
    s->tls = options->tls_cert != NULL;
    if (http_server_start(&config, &s->http, err))
        return true;
    return err_wrap(err, "cannot listen on %s (--listen ADDRESS:PORT chooses another)", listen);
}

struct str service_url(const struct service *s)
{
    bool v6 = strchr(s->address, ':') != NULL;
    const char *address = s->address;

    if (strcmp(address, "0.0.0.0") == 0) {
        address = "127.0.0.1";
    } else if (strcmp(address, "::") == 0) {
        address = "::1";
    }
    return arena_printf(s->wire->cli->arena, "%s://%s%s%s:%u", s->tls ? "https" : "http",
                        v6 ? "[" : "", address, v6 ? "]" : "", http_server_port(s->http));
}

/* Commands that show base URLs of tenants learn from here where the service is. */
static bool publish(const struct service *s, const struct service_options *options, struct err *err)
{
    struct str url = options->public_url ? str_from_z(options->public_url) : service_url(s);

    if (!str_starts(url, STR("http://")) && !str_starts(url, STR("https://"))) {
        return err_set(err, ERR_INVALID, "usage",
                       "--public-url takes an address such as https://scim.example.com, not '%.*s'",
                       STR_ARG(url));
    }
    return provider_address_save(s->wire->cli->db_handle, url, err);
}

bool service_start(struct service *s, struct cli_wire *wire, const struct service_options *options,
                   struct err *err)
{
    struct provider_config provider = {
        .db = wire->engine.db,
        .clock = wire->engine.clock,
        .rng = wire->engine.rng,
        .delivery = {.key = &wire->key, .ca_file = options->ca_file},
    };
    bool ok = true;

    *s = (struct service){.wire = wire};
    /* Left to itself, malloc would keep pieces of any size after the first large one is freed: an
     * hour later a service would still have the memory of its largest answers. */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    cli_interrupt_hold();
    if (!options->roles || options->roles & SERVICE_PROVIDER)
        ok = provider_open(&provider, &s->provider, err);
    ok = ok && listen_on(s, options, err) && (!s->provider || publish(s, options, err));
    cli_interrupt_release();
    return ok;
}

bool service_schedule(struct service *s, const struct notify_sending *notices, struct err *err)
{
    bool ok;

    cli_interrupt_hold();
    s->wire->engine.author = (struct str){0}; /* what it does by itself is nobody's order */
    ok = engine_scheduler_start(&s->wire->engine, NULL, &s->scheduler, err) &&
         notify_sender_start(notices, &s->notices, err) &&
         engine_streamer_start(notices, &s->streamer, err);
    cli_interrupt_release();
    return ok;
}

void service_stop(struct service *s)
{
    engine_scheduler_stop(s->scheduler);
    notify_sender_stop(s->notices);
    engine_streamer_stop(s->streamer);
    http_server_stop(s->http);
    provider_close(s->provider);
    *s = (struct service){0};
}
