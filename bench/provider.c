/* Load on a SCIM service provider, or on the bare server it is compared with (bench_bare):
 *
 *     bench_provider OPERATION PORT PID TOKEN IDS FIRST COUNT account|constant [BASE [GROUP]]
 *
 * Sends COUNT requests over keep-alive connections (BENCH_ALONE=1: one), one at a time on each,
 * about the people FIRST and up (create, and join, leave: into and out of the group whose id is
 * GROUP; enroll: 500 people a request), about those whose ids are in the file IDS (get, filter,
 * patch), or about the group (group: without its members). A create adds the ids it gets to IDS.
 * BASE is the path of the SCIM service, "/scim/bench/v2" when it is left out. Prints: requests per
 * second, microseconds of CPU of process PID per request, bytes of an answer's body. With
 * `account`, every answer has to name the account that was asked for. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS = 32,
    ID_LENGTH = 36,
    NAME_MAX_BYTES = 64,
    REQUEST_MAX = 65536,
    ENROLLED = 500,      /* by one request */
    ANSWER_MAX = 262144, /* a page of 100 */
    STUCK_MS = 30000,    /* no answer at all for so long: the server hangs */
    STRIDE = 7919,       /* prime: neighbours in time are not neighbours in the database */
};

struct load;

struct operation {
    const char *name;
    int status;
    /* Writes request n; returns what its answer has to name. May be put into `name`. */
    struct str (*write)(struct load *l, size_t n, char *name);
};

struct connection {
    int fd;
    char name[NAME_MAX_BYTES];
    struct str wanted; /* in the answer */
    char answer[ANSWER_MAX];
    size_t len;
};

struct load {
    const struct operation *operation;
    uint16_t port;
    const char *token, *base, *group;
    struct str ids;   /* ID_LENGTH bytes and a line end each */
    FILE *new_ids;    /* create */
    size_t connected; /* connections */
    size_t first, count, sent, done;
    bool constant;
    uint64_t body_bytes;
    struct buf request;
    struct connection connections[CONNECTIONS];
};

/* --- Requests --- */

/* `target` begins behind the base. */
static void add_head(struct load *l, const char *method, const char *target, size_t body)
{
    buf_addf(&l->request,
             "%s %s/%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
             "Authorization: Bearer %s\r\nAccept: application/scim+json\r\n",
             method, l->base, target, (unsigned)l->port, l->token);
    if (body)
        buf_addf(&l->request, "Content-Type: application/scim+json\r\nContent-Length: %zu\r\n",
                 body);
    buf_add_z(&l->request, "\r\n");
}

static struct str user_name(size_t n, char *out)
{
    int len = snprintf(out, NAME_MAX_BYTES, "person%07zu@example.com", n);

    return (struct str){out, (size_t)len};
}

static struct str some_id(const struct load *l, size_t n)
{
    size_t known = l->ids.len / (ID_LENGTH + 1);

    return str_sub(l->ids, n * STRIDE % known * (ID_LENGTH + 1), ID_LENGTH);
}

static struct str write_create(struct load *l, size_t n, char *name)
{
    char body[2048];
    struct str who = user_name(l->first + n, name);
    int len = snprintf(
        body, sizeof(body),
        "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\","
        "\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\"],"
        "\"userName\":\"%s\",\"active\":true,"
        "\"name\":{\"givenName\":\"Person\",\"familyName\":\"Number %zu\"},"
        "\"emails\":[{\"type\":\"work\",\"primary\":true,\"value\":\"%s\"}],"
        "\"addresses\":[{\"type\":\"work\",\"formatted\":\"%zu Main Street, Springfield\"}],"
        "\"phoneNumbers\":[{\"type\":\"mobile\",\"value\":\"+1 555 %07zu\"}],"
        "\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":"
        "{\"department\":\"Field service\"}}",
        name, l->first + n, name, (l->first + n) % 1000, l->first + n);

    add_head(l, "POST", "Users", (size_t)len);
    buf_add(&l->request, (struct str){body, (size_t)len});
    return who;
}

static struct str write_get(struct load *l, size_t n, char *name)
{
    struct str id = some_id(l, n);
    char target[ID_LENGTH + 8];

    (void)name;
    snprintf(target, sizeof(target), "Users/%.*s", STR_ARG(id));
    add_head(l, "GET", target, 0);
    return id;
}

static struct str write_filter(struct load *l, size_t n, char *name)
{
    struct str who = user_name(n * STRIDE % (l->ids.len / (ID_LENGTH + 1)), name);
    char target[NAME_MAX_BYTES + 64];
    size_t at;

    if (!str_find_char(who, '@', &at))
        at = who.len;
    snprintf(target, sizeof(target), "Users?filter=userName%%20eq%%20%%22%.*s%%40%.*s%%22",
             STR_ARG(str_sub(who, 0, at)), STR_ARG(str_from(who, at + 1)));
    add_head(l, "GET", target, 0);
    return who;
}

/* A page of 100 from anywhere. */
static struct str write_list(struct load *l, size_t n, char *name)
{
    size_t known = l->ids.len / (ID_LENGTH + 1);
    size_t start = known > 100 ? n * STRIDE % (known - 100) + 1 : 1;
    char target[64];

    (void)name;
    snprintf(target, sizeof(target), "Users?startIndex=%zu&count=100", start);
    add_head(l, "GET", target, 0);
    return STR("\"itemsPerPage\":100,");
}

static struct str write_patch(struct load *l, size_t n, char *name)
{
    struct str id = some_id(l, n);
    char target[ID_LENGTH + 8], body[512];
    int len;

    /* `first` differs from turn to turn, so that each patch changes what is stored */
    snprintf(name, NAME_MAX_BYTES, "Department %zu", l->first + n);
    len = snprintf(body, sizeof(body),
                   "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],"
                   "\"Operations\":[{\"op\":\"replace\",\"path\":"
                   "\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department\","
                   "\"value\":\"%s\"}]}",
                   name);
    snprintf(target, sizeof(target), "Users/%.*s", STR_ARG(id));
    add_head(l, "PATCH", target, (size_t)len);
    buf_add(&l->request, (struct str){body, (size_t)len});
    return str_from_z(name);
}

/* The n-th of those who are counted from `first`, in the order in which they were created. */
static struct str id_at(const struct load *l, size_t n)
{
    return str_sub(l->ids, (l->first + n) * (ID_LENGTH + 1), ID_LENGTH);
}

static void write_members(struct load *l, const char *operation, size_t from, size_t count)
{
    char target[ID_LENGTH + 8], body[REQUEST_MAX - 1024];
    size_t len =
        (size_t)snprintf(body, sizeof(body),
                         "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],"
                         "\"Operations\":[{\"op\":\"%s\",\"path\":\"members\",\"value\":[",
                         operation);

    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(body + len, sizeof(body) - len, "%s{\"value\":\"%.*s\"}",
                                i ? "," : "", STR_ARG(id_at(l, from + i)));
    len += (size_t)snprintf(body + len, sizeof(body) - len, "]}]}");
    snprintf(target, sizeof(target), "Groups/%s", l->group);
    add_head(l, "PATCH", target, len);
    buf_add(&l->request, (struct str){body, len});
}

static struct str write_join(struct load *l, size_t n, char *name)
{
    (void)name;
    write_members(l, "add", n, 1);
    return STR("");
}

static struct str write_leave(struct load *l, size_t n, char *name)
{
    (void)name;
    write_members(l, "remove", n, 1);
    return STR("");
}

static struct str write_enroll(struct load *l, size_t n, char *name)
{
    (void)name;
    write_members(l, "add", n * ENROLLED, ENROLLED);
    return STR("");
}

static struct str write_group(struct load *l, size_t n, char *name)
{
    char target[ID_LENGTH + 40];

    (void)n;
    (void)name;
    snprintf(target, sizeof(target), "Groups/%s?excludedAttributes=members", l->group);
    add_head(l, "GET", target, 0);
    return str_from_z(l->group);
}

static const struct operation operations[] = {
    {"create", 201, write_create}, {"get", 200, write_get},       {"filter", 200, write_filter},
    {"patch", 200, write_patch},   {"list", 200, write_list},     {"join", 204, write_join},
    {"leave", 204, write_leave},   {"enroll", 204, write_enroll}, {"group", 200, write_group},
};

/* --- Connections --- */

static bool fail(const char *what)
{
    fprintf(stderr, "bench_provider: %s\n", what);
    return false;
}

static bool connect_one(struct load *l, struct connection *c, int poll)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(l->port),
                             .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = c}};
    int on = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return (c->fd >= 0 && connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
            setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0 &&
            epoll_ctl(poll, EPOLL_CTL_ADD, c->fd, &event) == 0) ||
           fail("cannot connect");
}

static bool send_next(struct load *l, struct connection *c)
{
    buf_reset(&l->request);
    c->wanted = l->operation->write(l, l->sent++, c->name);
    c->len = 0;
    return send(c->fd, l->request.ptr, l->request.len, MSG_NOSIGNAL) == (ssize_t)l->request.len ||
           fail("the server does not take a request");
}

/* Whether the answer is whole; its status and body. */
static bool whole(const struct connection *c, int64_t *status, struct str *body)
{
    static const struct str length_header = STR_INIT("Content-Length: ");
    struct str head = {c->answer, c->len};
    struct str digits;
    int64_t length;
    size_t end, at;

    if (!str_find(head, STR("\r\n\r\n"), &end))
        return false;
    *body = str_from(head, end + 4);
    head = str_sub(head, 0, end + 2);
    if (!str_to_int(str_sub(head, sizeof("HTTP/1.1"), 3), 100, 999, status))
        return false;
    if (*status == 204)
        return true;
    if (!str_find(head, length_header, &at))
        return false;
    head = str_from(head, at + length_header.len);
    str_cut(&head, '\r', &digits);
    return str_to_int(digits, 0, ANSWER_MAX, &length) && body->len == (size_t)length;
}

static bool keep_id(struct load *l, struct str body)
{
    static const struct str before = STR_INIT("\"id\":\"");
    size_t at;

    return (str_find(body, before, &at) &&
            fprintf(l->new_ids, "%.*s\n", STR_ARG(str_sub(body, at + before.len, ID_LENGTH))) ==
                ID_LENGTH + 1) ||
           fail("an account without an id");
}

static bool check_answer(struct load *l, struct connection *c, int64_t status, struct str body)
{
    if (l->constant)
        return true;
    if (status != l->operation->status || !str_find(body, c->wanted, &(size_t){0})) {
        fprintf(stderr, "bench_provider: %s of %.*s: %.*s\n", l->operation->name,
                STR_ARG(c->wanted), (int)c->len, c->answer);
        return false;
    }
    return !l->new_ids || keep_id(l, body);
}

static bool receive(struct load *l, struct connection *c)
{
    ssize_t n = recv(c->fd, c->answer + c->len, sizeof(c->answer) - c->len, 0);
    struct str body;
    int64_t status;

    if (n <= 0)
        return fail("the server has closed a connection");
    c->len += (size_t)n;
    if (!whole(c, &status, &body))
        return c->len < sizeof(c->answer) || fail("an answer without an end");
    if (!check_answer(l, c, status, body))
        return false;
    l->body_bytes += body.len;
    l->done++;
    return l->sent == l->count || send_next(l, c);
}

/* --- The whole load --- */

static bool run(struct load *l, int poll)
{
    struct epoll_event events[CONNECTIONS];

    for (size_t i = 0; i < l->connected && l->sent < l->count; i++)
        if (!send_next(l, &l->connections[i]))
            return false;
    while (l->done < l->count) {
        int n = epoll_wait(poll, events, CONNECTIONS, STUCK_MS);

        if (n <= 0)
            return fail("the server does not answer");
        for (int i = 0; i < n; i++)
            if (!receive(l, events[i].data.ptr))
                return false;
    }
    return true;
}

static double cpu_us(clockid_t clock)
{
    struct timespec t = {0};

    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static bool measure(struct load *l, pid_t pid)
{
    int poll = epoll_create1(EPOLL_CLOEXEC);
    clockid_t clock;
    int64_t began;
    double cpu, n = (double)l->count;

    if (clock_getcpuclockid(pid, &clock) != 0)
        return fail("there is no such process");
    for (size_t i = 0; i < l->connected; i++)
        if (!connect_one(l, &l->connections[i], poll))
            return false;
    cpu = cpu_us(clock);
    began = clock_monotonic_us();
    if (!run(l, poll))
        return false;
    printf("%.0f %.3f %.0f\n", n * 1e6 / (double)(clock_monotonic_us() - began),
           (cpu_us(clock) - cpu) / n, (double)l->body_bytes / n);
    return true;
}

static bool prepare(struct load *l, struct arena *a, const char *ids)
{
    struct err err;

    if (l->operation->write == write_create)
        return l->constant || (l->new_ids = fopen(ids, "ae")) || fail("cannot write the ids");
    if (!file_read(a, ids, SIZE_MAX >> 2, &l->ids, &err))
        return fail(err.message);
    return l->ids.len > ID_LENGTH || fail("there are no ids");
}

int main(int argc, char **argv)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct load *l = ARENA_NEW(a, struct load);
    bool ok;

    if (argc < 9 || argc > 11)
        return 2;
    for (size_t i = 0; i < ARRAY_LEN(operations); i++)
        if (strcmp(operations[i].name, argv[1]) == 0)
            l->operation = &operations[i];
    l->port = (uint16_t)strtoul(argv[2], NULL, 10);
    l->token = argv[4];
    l->base = argc >= 10 ? argv[9] : "/scim/bench/v2";
    l->group = argc == 11 ? argv[10] : "";
    l->first = strtoul(argv[6], NULL, 10);
    l->count = strtoul(argv[7], NULL, 10);
    l->constant = strcmp(argv[8], "constant") == 0;
    l->connected = getenv("BENCH_ALONE") ? 1 : CONNECTIONS;
    if (!l->operation || l->count == 0)
        return 2;
    buf_init(&l->request, REQUEST_MAX);
    ok = prepare(l, a, argv[5]) && measure(l, (pid_t)strtol(argv[3], NULL, 10));
    buf_done(&l->request);
    if (l->new_ids)
        ok = fclose(l->new_ids) == 0 && ok;
    return !ok;
}
