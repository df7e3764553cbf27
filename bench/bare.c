/* The bare server that the provider is compared with: the same HTTP layer with as many loops as
 * `usher serve` has, answering every request on the loop's thread with the same BYTES.
 * `bench_bare BYTES` prints its port and serves until standard input ends. */
#include "http/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void answer(struct http_exchange *x, void *ctx)
{
    const struct buf *body = ctx;

    http_reply(x, 200, "application/scim+json", buf_str(body));
}

int main(int argc, char **argv)
{
    struct buf body;
    struct http_route route = {
        .path = "/*",
        .methods = (1u << HTTP_METHOD_COUNT) - 1,
        .max_body = 1 << 20,
        .run = HTTP_ON_LOOP,
        .handle = answer,
        .ctx = &body,
    };
    struct http_server_config config = {.address = "127.0.0.1",
                                        .loops = (unsigned)sysconf(_SC_NPROCESSORS_ONLN),
                                        .routes = &route,
                                        .route_count = 1};
    size_t bytes = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    struct http_server *server;
    struct err err;
    char byte;

    if (bytes == 0 || bytes > 1 << 20)
        return 2;
    buf_init(&body, bytes);
    while (body.len < bytes)
        buf_add_char(&body, 'x');
    if (!http_server_start(&config, &server, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    printf("%u\n", (unsigned)http_server_port(server));
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        continue;
    http_server_stop(server);
    buf_done(&body);
    return 0;
}
