#include "provider_world.h"

#include "provider/tenant.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- A client --- */

static void connect_to(struct world *w)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(http_server_port(w->server))};
    struct timeval patience = {.tv_sec = 8};
    int one = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (w->fd >= 0)
        close(w->fd);
    w->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert(w->fd >= 0);
    setsockopt(w->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(w->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        abort();
}

static bool read_more(struct world *w)
{
    char bytes[65536];
    ssize_t got;

    do { /* libFuzzer's alarm interrupts */
        got = recv(w->fd, bytes, sizeof(bytes), 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        perror("no answer"); /* EAGAIN: patience is at its end */
    if (got > 0)
        buf_add(&w->in, (struct str){bytes, (size_t)got});
    return got > 0;
}

static struct str header(struct str head, struct str name)
{
    struct str line, key;

    while (head.len > 0) {
        (void)str_cut(&head, '\n', &line);
        if (str_cut(&line, ':', &key) && str_eq_ascii_nocase(key, name))
            return str_trim(line);
    }
    return (struct str){NULL, 0};
}

static void read_reply(struct world *w, struct arena *a, bool head_only, struct reply *out)
{
    int64_t length = 0;
    size_t end;

    buf_reset(&w->in);
    *out = (struct reply){0};
    while (!str_find(buf_str(&w->in), STR("\r\n\r\n"), &end)) {
        if (!read_more(w))
            abort(); /* not answered */
    }
    out->head = arena_str(a, str_sub(buf_str(&w->in), 0, end + 2));
    out->status = (int)strtol(out->head.ptr + 9, NULL, 10);
    (void)str_to_int(header(out->head, STR("Content-Length")), 0, INT32_MAX, &length);
    if (head_only || out->status == 204 || out->status == 304)
        length = 0;
    while (w->in.len < end + 4 + (size_t)length) {
        if (!read_more(w))
            abort(); /* not the whole answer */
    }
    out->body = arena_str(a, str_sub(buf_str(&w->in), end + 4, (size_t)length));
    if (out->body.len > 0 &&
        !json_parse(a, out->body, &(struct json_limits){.max_bytes = ANSWER_MAX}, &out->json, NULL,
                    NULL))
        abort(); /* an answer that is no JSON */
    if (str_eq_ascii_nocase(header(out->head, STR("Connection")), STR("close")))
        connect_to(w);
}

void world_ask(struct world *w, struct arena *a, const char *tenant, struct str method,
               struct str target, struct str headers, struct str body, struct reply *out)
{
    const char *key = strcmp(tenant, "fuzz") == 0 ? w->key : w->other_key;
    const char *below = str_starts(target, STR("/changes")) ? "" : "/v2";

    CLEANUP(buf_done) struct buf text;
    size_t sent = 0;

    buf_init(&text, ANSWER_MAX);
    buf_addf(&text, "%.*s /scim/%s%s%.*s HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\n%.*s",
             STR_ARG(method), tenant, below, STR_ARG(target), key, STR_ARG(headers));
    if (body.len > 0)
        buf_add_z(&text, "Content-Type: application/scim+json\r\n");
    buf_addf(&text, "Content-Length: %zu\r\n\r\n", body.len);
    buf_add(&text, body);
    while (sent < text.len) {
        ssize_t n = send(w->fd, text.ptr + sent, text.len - sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break; /* refused at its head; the answer is there */
        sent += (size_t)n;
    }
    read_reply(w, a, str_eq(method, STR("HEAD")), out);
}

/* --- The tenants --- */

static struct str make(struct world *w, struct arena *keep, const char *tenant, const char *list,
                       struct str body)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct reply r;

    world_ask(w, a, tenant, STR("POST"), str_from_z(list), STR(""), body, &r);
    if (r.status != 201)
        abort();
    return arena_str(keep, json_get_text(r.json, "id"));
}

static void add_tenant(struct world *w, const char *name, char *out_key)
{
    char id[PROVIDER_KEY_ID_MAX];
    struct secret key = {0};
    struct err err = {0};

    if (!provider_tenant_add(w->db, STR("generic"), str_from_z(name), clock_system(), &err) ||
        !provider_tenant_set(w->db, str_from_z(name), STR("changeFeed"), STR("on"), &err) ||
        !provider_key_add(w->db, str_from_z(name), STR("fuzz"), clock_system(), rng_system(), id,
                          &key, &err))
        abort();
    snprintf(out_key, SECRET_MAX, "%.*s", STR_ARG(secret_reveal(&key)));
    secret_done(&key);
}

static struct str make_group(struct world *w, const char *name, struct str member)
{
    return make(w, w->names, "fuzz", "/Groups",
                arena_printf(w->names,
                             "{\"displayName\":\"%s\",\"members\":[{\"value\":\"%.*s\"}]}", name,
                             STR_ARG(member)));
}

void world_reset(struct world *w)
{
    struct err err = {0};

    if (w->names && !provider_tenant_remove(w->db, STR("fuzz"), &err))
        abort();
    arena_free(w->names);
    w->names = arena_new();
    add_tenant(w, "fuzz", w->key);
    w->user = make(w, w->names, "fuzz", "/Users",
                   STR("{\"userName\":\"ada\",\"title\":\"Pilot\",\"emails\":[{\"type\":\"work\","
                       "\"value\":\"a@x\",\"primary\":true}]}"));
    w->user2 = make(w, w->names, "fuzz", "/Users", STR("{\"userName\":\"bob\",\"active\":false}"));
    w->group = make_group(w, "crew", w->user);
    w->group2 = make_group(w, "all", w->group);
}

static void end(void);

struct world *world_open(void)
{
    static struct world w = {.fd = -1};
    struct http_server_config server = {.address = "127.0.0.1", .workers = 1};
    struct provider_config provider = {.db = &w.config};
    struct err err = {0};

    if (w.server)
        return &w;
    signal(SIGPIPE, SIG_IGN);
    snprintf(w.folder, sizeof(w.folder), "%s/usher-fuzz.XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(w.folder))
        abort();
    atexit(end);
    snprintf(w.url, sizeof(w.url), "sqlite:%s/db", w.folder);
    w.config.url = w.url;
    w.texts = arena_new();
    buf_init(&w.in, ANSWER_MAX);
    if (!db_open(&w.config, &w.db, &err) || !db_migrate(w.db, &err) ||
        !provider_open(&provider, &w.provider, &err))
        abort();
    server.routes = provider_routes(w.provider, &server.route_count);
    if (!http_server_start(&server, &w.server, &err))
        abort();
    connect_to(&w);
    add_tenant(&w, "other", w.other_key);
    w.other =
        make(&w, w.texts, "other", "/Users", STR("{\"userName\":\"ada\",\"title\":\"Safe\"}"));
    return &w;
}

static void end(void)
{
    struct world *w = world_open();
    static const char *const files[] = {"db", "db-wal", "db-shm"};

    http_server_stop(w->server);
    provider_close(w->provider);
    db_close(w->db);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char path[128];

        snprintf(path, sizeof(path), "%s/%s", w->folder, files[i]);
        unlink(path);
    }
    rmdir(w->folder);
    close(w->fd);
    buf_done(&w->in);
    arena_free(w->names);
    arena_free(w->texts);
}

struct str reply_header(const struct reply *r, const char *name)
{
    return header(r->head, str_from_z(name));
}
