/* `usher replay`: serves what --record has kept, as if the application were there. */
#include "cli/cli.h"
#include "cli/service.h"
#include "cli/wire.h"
#include "connector/scim/record.h"
#include "http/server.h"

#include <pthread.h>
#include <string.h>

enum { BODY_MAX = 64 << 20 };

struct replay {
    struct cli *cli;
    struct scim_replay *record;
    pthread_mutex_t lock; /* of the record */
};

/* The file may have been edited: what is no header's text is left out. */
static void add_header(struct http_exchange *x, const char *name, struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        if ((unsigned char)value.ptr[i] < ' ' || value.ptr[i] == 0x7f)
            return;
    }
    if (value.len > 0)
        http_reply_header(x, name, value);
}

static void answer(struct http_exchange *x, const struct json *a)
{
    const struct json *status = json_get(a, STR("status"));
    const struct json *body = json_get(a, STR("body"));
    struct arena *tmp = http_arena(x);
    int64_t code = 502; /* no answer was had then, either */

    if (status)
        (void)str_to_int(status->text, 200, 599, &code);
    add_header(x, "ETag", json_get_text(a, "etag"));
    add_header(x, "Location", json_get_text(a, "location"));
    const struct json *wait = json_get(a, STR("retryAfterMs"));
    int64_t ms;
    if (wait && str_to_int(wait->text, 0, INT64_MAX, &ms))
        http_reply_header(x, "Retry-After", arena_printf(tmp, "%lld", (long long)ms / 1000));
    struct str text = !body                        ? STR("")
                      : json_is(body, JSON_STRING) ? body->text
                                                   : json_text(tmp, body);
    const char *type = arena_z(tmp, cli_one_line(tmp, json_get_text(a, "contentType")));
    http_reply(x, (int)code, type[0] || text.len ? type : NULL, text);
}

static void handle(struct http_exchange *x, void *ctx)
{
    struct replay *r = ctx;
    struct arena *tmp = http_arena(x);
    struct str method = str_from_z(http_method_name(http_request_method(x)));
    struct str target = http_request_target(x);

    pthread_mutex_lock(&r->lock);
    const struct json *found =
        scim_replay_find(r->record, tmp, method, target, http_request_body(x));
    if (!found)
        fprintf(r->cli->err, "not recorded: %.*s %.*s\n", STR_ARG(method), STR_ARG(target));
    pthread_mutex_unlock(&r->lock);
    if (found) {
        answer(x, found);
        return;
    }
    struct json *error = json_new(tmp, JSON_OBJECT);
    json_add_str(tmp, error, "detail",
                 arena_printf(tmp, "not recorded: %.*s %.*s", STR_ARG(method), STR_ARG(target)));
    json_add_z(tmp, error, "status", "501");
    http_reply(x, 501, "application/scim+json", json_text(tmp, error));
}

static int run_replay(struct cli *c, const struct cli_args *args)
{
    const char *listen = cli_value(args, "--listen");
    struct replay r = {.cli = c, .lock = PTHREAD_MUTEX_INITIALIZER};
    struct http_route route = {
        .path = "/*", .methods = ~0u, .max_body = BODY_MAX, .handle = handle, .ctx = &r};
    struct http_server_config config = {.routes = &route, .route_count = 1, .workers = 1};
    struct http_server *server;
    struct err err = {.kind = ERR_NONE};
    size_t count;

    if (!service_listen_parse(c->arena, str_from_z(listen ? listen : "127.0.0.1:8081"),
                              &config.address, &config.port, &err) ||
        !scim_replay_load(c->arena, cli_arg(args, 0), &r.record, &count, &err))
        return cli_fail(c, &err);
    cli_interrupt_begin();
    cli_interrupt_hold();
    bool ok = http_server_start(&config, &server, &err);
    cli_interrupt_release();
    if (!ok)
        return cli_fail(c, &err);
    bool brackets = strchr(config.address, ':'); /* of IPv6 */
    fprintf(c->out, "replays %zu exchanges on http://%s%s%s:%u\n", count, brackets ? "[" : "",
            config.address, brackets ? "]" : "", http_server_port(server));
    fflush(c->out);
    cli_interrupt_wait();
    http_server_stop(server);
    return 0;
}

static const struct cli_option options[] = {
    {"--listen", "ADDRESS:PORT", "where to listen (default 127.0.0.1:8081)"},
};

static const struct cli_command commands[] = {
    {
        .name = "replay",
        .usage = "DIR [--listen ADDRESS:PORT]",
        .summary = "serve what --record has kept of an application",
        .help = "The paths are those of the application. A request that was not recorded is\n"
                "answered 501 and named.\n\n"
                "  usher app test demo --record exchanges\n"
                "  usher replay exchanges --listen 127.0.0.1:8081\n",
        .options = options,
        .option_count = ARRAY_LEN(options),
        .min_args = 1,
        .max_args = 1,
        .run = run_replay,
    },
};

const struct cli_commands replay_commands = {commands, ARRAY_LEN(commands)};
