/* A SCIM sink that answers at once: it has no accounts, every write succeeds. `bench_sink
 * [RECORD]` prints its port and serves until standard input ends; with RECORD it writes each
 * request there, for bench_loop to send the same again: "METHOD TARGET BODY-LENGTH\n", then the
 * body and a line end. */
#include "http/server.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

struct sink {
    FILE *record;
    uint64_t next_id; /* one loop thread */
};

static void record(struct sink *s, struct http_exchange *x)
{
    struct str body = http_request_body(x);

    if (!s->record)
        return;
    fprintf(s->record, "%s %.*s %zu\n", http_method_name(http_request_method(x)),
            STR_ARG(http_request_target(x)), body.len);
    fwrite(body.ptr ? body.ptr : "", 1, body.len, s->record);
    fputc('\n', s->record);
}

static void answer(struct http_exchange *x, void *ctx)
{
    struct sink *s = ctx;
    char text[256];
    int n;

    record(s, x);
    switch (http_request_method(x)) {
    case HTTP_POST:
        n = snprintf(
            text, sizeof(text),
            "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"id\":\"%016" PRIx64
            "\",\"meta\":{\"resourceType\":\"User\"}}",
            ++s->next_id);
        http_reply(x, 201, "application/scim+json", (struct str){text, (size_t)n});
        break;
    case HTTP_PATCH:
    case HTTP_DELETE:
        http_reply(x, 204, NULL, (struct str){0});
        break;
    case HTTP_GET:
    case HTTP_HEAD:
    case HTTP_PUT:
    case HTTP_OPTIONS:
    case HTTP_METHOD_COUNT:
        if (str_find(http_request_target(x), STR("filter="), &(size_t){0}) ||
            str_find(http_request_target(x), STR("startIndex="), &(size_t){0}))
            http_reply(
                x, 200, "application/scim+json",
                STR("{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:ListResponse\"],"
                    "\"totalResults\":0,\"startIndex\":1,\"itemsPerPage\":0,\"Resources\":[]}"));
        else /* a read by id: an account whose name has changed meanwhile, so that an update is sent
              */
            http_reply(
                x, 200, "application/scim+json",
                STR("{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"id\":\"1\","
                    "\"userName\":\"somebody@example.com\",\"active\":true}"));
        break;
    }
}

int main(int argc, char **argv)
{
    struct sink sink = {0};
    struct http_route route = {
        .path = "/*",
        .methods = 1u << HTTP_GET | 1u << HTTP_POST | 1u << HTTP_PATCH | 1u << HTTP_DELETE,
        .max_body = 1 << 20,
        .run = HTTP_ON_LOOP,
        .handle = answer,
        .ctx = &sink,
    };
    struct http_server_config config = {.address = "127.0.0.1",
                                        .loops = 1,
                                        .workers = 1,
                                        .routes = &route,
                                        .route_count = 1,
                                        .limits = {.max_requests = 1000000000}};
    struct http_server *server;
    struct err err;
    char byte;

    if (argc > 1 && !(sink.record = fopen(argv[1], "we")))
        return 1;
    if (!http_server_start(&config, &server, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    printf("%u\n", (unsigned)http_server_port(server));
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        continue;
    http_server_stop(server);
    return sink.record && fclose(sink.record) != 0;
}
