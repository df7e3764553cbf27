#include "fixture.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void fixture_start(struct fixture *f, const struct db_config *config)
{
    fixture_start_delivering(f, config, &(struct provider_delivery){0});
}

void fixture_start_delivering(struct fixture *f, const struct db_config *config,
                              const struct provider_delivery *delivery)
{
    struct provider_config provider = {.db = config, .delivery = *delivery};
    struct http_server_config server = {.address = "127.0.0.1", .workers = 3};
    struct err err = {0};

    *f = (struct fixture){0};
    CHECK(db_open(config, &f->db, &err), "%s", err.message);
    CHECK(provider_open(&provider, &f->provider, &err), "%s", err.message);
    server.routes = provider_routes(f->provider, &server.route_count);
    CHECK(http_server_start(&server, &f->server, &err), "%s", err.message);
    f->port = http_server_port(f->server);
    snprintf(f->origin, sizeof(f->origin), "http://127.0.0.1:%u", f->port);
}

void fixture_stop(struct fixture *f)
{
    http_server_stop(f->server);
    provider_close(f->provider);
    db_close(f->db);
    secret_done(&f->key);
}

void fixture_tenant(struct fixture *f, const char *kind, const char *name)
{
    struct err err = {0};

    CHECK(provider_tenant_add(f->db, str_from_z(kind), str_from_z(name), clock_system(), &err),
          "%s", err.message);
    fixture_key(f, str_from_z(name));
}

void fixture_key(struct fixture *f, struct str name)
{
    struct err err = {0};

    secret_done(&f->key);
    CHECK(provider_key_add(f->db, name, STR("test"), clock_system(), rng_system(), f->key_id,
                           &f->key, &err),
          "%s", err.message);
}

void client_open(struct client *c, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval patience = {.tv_sec = 30};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->port = port;
    buf_init(&c->in, (size_t)64 * 1024 * 1024);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(c->fd >= 0, "socket");
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    CHECK(connect(c->fd, (struct sockaddr *)&address, sizeof(address)) == 0, "connect");
}

void client_close(struct client *c)
{
    close(c->fd);
    buf_done(&c->in);
}

static bool read_more(struct client *c)
{
    char bytes[65536];
    ssize_t got = recv(c->fd, bytes, sizeof(bytes), 0);

    if (got <= 0)
        return false;
    buf_add(&c->in, (struct str){bytes, (size_t)got});
    return true;
}

struct str answer_header(const struct answer *answer, struct str name)
{
    struct str rest = answer->head;
    struct str line, key;
    bool more = true;

    while (more) {
        more = str_cut(&rest, '\n', &line);
        if (str_cut(&line, ':', &key) && str_eq_ascii_nocase(key, name))
            return str_trim(line);
    }
    return (struct str){0};
}

static bool send_all(struct client *c, struct str request)
{
    size_t sent = 0;

    while (sent < request.len) {
        ssize_t n = send(c->fd, request.ptr + sent, request.len - sent, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        sent += (size_t)n;
    }
    return true;
}

bool client_try(struct client *c, struct arena *a, enum http_method method, struct str request,
                struct answer *out)
{
    int64_t length = 0;
    size_t end;

    buf_reset(&c->in);
    *out = (struct answer){0};
    if (!send_all(c, request))
        return false;
    while (!str_find(buf_str(&c->in), STR("\r\n\r\n"), &end))
        if (!read_more(c))
            return false;
    out->head = arena_str(a, str_sub(buf_str(&c->in), 0, end));
    out->status = (int)strtol(out->head.ptr + 9, NULL, 10);
    str_to_int(answer_header(out, STR("Content-Length")), 0, INT32_MAX, &length);
    if (method == HTTP_HEAD || out->status == 204 || out->status == 304)
        length = 0;
    while (c->in.len < end + 4 + (size_t)length)
        if (!read_more(c))
            return false;
    out->body = arena_str(a, str_sub(buf_str(&c->in), end + 4, (size_t)length));
    return true;
}

void client_send(struct client *c, struct arena *a, enum http_method method, struct str request,
                 struct answer *out)
{
    CHECK(client_try(c, a, method, request, out), "the server closed or said nothing");
    if (out->body.len > 0)
        CHECK(json_parse(a, out->body, NULL, &out->json, NULL, NULL), "not JSON: %.*s",
              STR_ARG(out->body));
    if (str_eq_ascii_nocase(answer_header(out, STR("Connection")), STR("close"))) {
        uint16_t port = c->port;

        client_close(c);
        client_open(c, port);
    }
}

struct str client_request(const struct fixture *f, struct arena *a, enum http_method method,
                          const char *path, const char *body)
{
    return arena_printf(
        a, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer %s\r\n%s%zu\r\n\r\n%s",
        http_method_name(method), path, f->port, f->key.bytes,
        body ? "Content-Type: application/scim+json\r\nContent-Length: " : "Content-Length: ",
        body ? strlen(body) : 0, body ? body : "");
}

void client_ask(struct client *c, const struct fixture *f, struct arena *a, enum http_method method,
                const char *path, const char *body, struct answer *out)
{
    client_send(c, a, method, client_request(f, a, method, path, body), out);
}
