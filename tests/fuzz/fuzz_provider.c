/* Whole requests against the SCIM provider, from its socket to its database. An input is a few
 * requests:
 *
 *     PATCH /Users/$id?attributes=userName
 *     {"schemas":...
 *     ---
 *     GET /Users?filter=...
 *
 * with $id for an account that is there and $group for a group. What must hold: every request is
 * answered, none with 500; a refusal is a SCIM error that repeats its status; a success is what its
 * status promises; what was created can be read; and an account of another tenant stays as it is.
 */
#include "base/file.h"
#include "base/json.h"
#include "db/db.h"
#include "provider/access/key.h"
#include "provider/provider.h"
#include "provider/tenant.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUESTS_MAX 6
#define RESET_AFTER  500 /* inputs; then the tenant begins anew, so that lists stay short */
#define ANSWER_MAX   (64u << 20)

struct world {
    char folder[64];
    char url[96];
    struct db_config config;
    struct db *db;
    struct provider *provider;
    struct http_server *server;
    char key[SECRET_MAX], other_key[SECRET_MAX];
    struct buf in;
    int fd;
    unsigned inputs;
    struct str id, group, other; /* in texts */
    struct arena *texts;
    struct str other_body;
};

struct reply {
    int status;
    struct str head, body;
    struct json *json;
};

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

static void ask(struct world *w, struct arena *a, const char *tenant, const char *key,
                struct str method, struct str target, struct str body, struct reply *out)
{
    CLEANUP(buf_done) struct buf text;
    size_t sent = 0;

    buf_init(&text, ANSWER_MAX);
    buf_addf(&text, "%.*s /scim/%s/v2%.*s HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\n",
             STR_ARG(method), tenant, STR_ARG(target), key);
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

static struct str make(struct world *w, const char *tenant, const char *key, const char *collection,
                       const char *body)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct reply r;

    ask(w, a, tenant, key, STR("POST"), str_from_z(collection), str_from_z(body), &r);
    assert(r.status == 201);
    return arena_str(w->texts, json_get_text(r.json, "id"));
}

static void add_tenant(struct world *w, const char *name, char *out_key)
{
    char id[PROVIDER_KEY_ID_MAX];
    struct secret key = {0};
    struct err err = {0};

    if (!provider_tenant_add(w->db, STR("generic"), str_from_z(name), clock_system(), &err) ||
        !provider_key_add(w->db, str_from_z(name), STR("fuzz"), clock_system(), rng_system(), id,
                          &key, &err))
        abort();
    snprintf(out_key, SECRET_MAX, "%.*s", STR_ARG(secret_reveal(&key)));
    secret_done(&key);
}

static void fill(struct world *w)
{
    w->id = make(w, "fuzz", w->key, "/Users",
                 "{\"userName\":\"ada\",\"title\":\"Pilot\",\"emails\":[{\"type\":\"work\","
                 "\"value\":\"a@x\",\"primary\":true}]}");
    w->group = make(w, "fuzz", w->key, "/Groups", "{\"displayName\":\"crew\"}");
}

static void reset(struct world *w)
{
    struct err err = {0};

    if (w->inputs > 0 && !provider_tenant_remove(w->db, STR("fuzz"), &err))
        abort();
    add_tenant(w, "fuzz", w->key);
    fill(w);
}

static void end(void);

static struct world *the_world(void)
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
    w.other = make(&w, "other", w.other_key, "/Users", "{\"userName\":\"ada\",\"title\":\"Safe\"}");
    return &w;
}

static void end(void)
{
    struct world *w = the_world();
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
    arena_free(w->texts);
}

/* --- What must hold --- */

static bool has_schema(const struct json *v, struct str urn)
{
    JSON_EACH(schema, json_get(v, STR("schemas")))
    {
        if (schema->type == JSON_STRING && str_eq(schema->text, urn))
            return true;
    }
    return false;
}

static void check_refusal(const struct reply *r)
{
    char status[16];

    snprintf(status, sizeof(status), "%d", r->status);
    assert(r->status != 500);
    assert(has_schema(r->json, STR("urn:ietf:params:scim:api:messages:2.0:Error")));
    assert(str_eq_z(json_get_text(r->json, "status"), status));
}

static void check_list(const struct json *list)
{
    const struct json *resources = json_get(list, STR("Resources"));
    int64_t total = json_get_int(list, "totalResults", -1);

    assert(total >= 0);
    assert(!resources || (int64_t)resources->count <= total);
    JSON_EACH(resource, resources)
    assert(json_get_text(resource, "id").len > 0);
}

static void check_created(struct world *w, struct arena *a, const struct reply *r)
{
    struct str location = header(r->head, STR("Location"));
    struct str id = json_get_text(r->json, "id");
    struct reply read;
    size_t at = 0;

    assert(id.len > 0 && str_ends(location, id) && str_find(location, STR("/v2"), &at));
    ask(w, a, "fuzz", w->key, STR("GET"), str_from(location, at + 3), (struct str){NULL, 0}, &read);
    assert(read.status == 200 && str_eq(json_get_text(read.json, "id"), id));
}

static void check_reply(struct world *w, struct arena *a, struct str method, const struct reply *r)
{
    if (r->status >= 400 && !str_eq(method, STR("HEAD")))
        check_refusal(r);
    if (r->status == 201)
        check_created(w, a, r);
    if (r->status == 200 &&
        has_schema(r->json, STR("urn:ietf:params:scim:api:messages:2.0:ListResponse")))
        check_list(r->json);
}

/* Another tenant's account, to the letter. */
static void check_other(struct world *w, struct arena *a)
{
    struct str target = arena_printf(a, "/Users/%.*s", STR_ARG(w->other));
    struct reply r;

    ask(w, a, "other", w->other_key, STR("GET"), target, (struct str){NULL, 0}, &r);
    assert(r.status == 200);
    if (!w->other_body.len)
        w->other_body = arena_str(w->texts, r.body);
    assert(str_eq(r.body, w->other_body));
    ask(w, a, "fuzz", w->key, STR("GET"), target, (struct str){NULL, 0}, &r);
    assert(r.status == 404);
}

/* --- Inputs --- */

static struct str put_in(struct arena *a, struct str text, struct str name, struct str value)
{
    CLEANUP(buf_done) struct buf out;
    size_t at;

    buf_init(&out, ANSWER_MAX);
    while (str_find(text, name, &at)) {
        buf_add(&out, str_sub(text, 0, at));
        buf_add(&out, value);
        text = str_from(text, at + name.len);
    }
    buf_add(&out, text);
    return arena_str(a, buf_str(&out));
}

static bool is_method(struct str word)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};

    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (str_eq_z(word, methods[i]))
            return true;
    }
    return false;
}

/* What the HTTP parser itself refuses is fuzz_http's. */
static bool is_target(struct str target)
{
    if (!str_starts(target, STR("/")))
        return false;
    for (size_t i = 0; i < target.len; i++) {
        if (target.ptr[i] <= ' ' || target.ptr[i] > '~' || target.ptr[i] == '#')
            return false;
    }
    return target.len < 8000;
}

static void one_request(struct world *w, struct arena *a, struct str text)
{
    struct str body = text, line, method;
    struct reply r;

    (void)str_cut(&body, '\n', &line);
    (void)str_cut(&line, ' ', &method);
    line = put_in(a, put_in(a, line, STR("$id"), w->id), STR("$group"), w->group);
    body = put_in(a, put_in(a, body, STR("$id"), w->id), STR("$group"), w->group);
    if (!is_method(method) || !is_target(line))
        return;
    ask(w, a, "fuzz", w->key, method, line, body, &r);
    check_reply(w, a, method, &r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world *w = the_world();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str rest = {(const char *)data, size};
    size_t at;

    if (w->inputs % RESET_AFTER == 0)
        reset(w);
    w->inputs++;
    for (int i = 0; i < REQUESTS_MAX && rest.len > 0; i++) {
        bool more = str_find(rest, STR("\n---\n"), &at);

        one_request(w, a, more ? str_sub(rest, 0, at) : rest);
        rest = more ? str_from(rest, at + 5) : (struct str){NULL, 0};
    }
    check_other(w, a);
    return 0;
}
