#include "http/server/internal.h"

#include <signal.h>
#include <sys/resource.h>

static void limit_default(int64_t *value, int64_t otherwise)
{
    if (*value <= 0)
        *value = otherwise;
}

static void limits_fill(struct http_limits *l)
{
    if (l->max_head == 0)
        l->max_head = 16 * 1024;
    if (l->max_connections == 0)
        l->max_connections = 10000;
    if (l->max_per_peer == 0)
        l->max_per_peer = 1000;
    if (l->max_requests == 0)
        l->max_requests = 100000;
    if (l->max_held == 0)
        l->max_held = (size_t)128 << 20;
    if (l->max_stream_queue == 0)
        l->max_stream_queue = 1024 * 1024;
    limit_default(&l->head_ms, 10000);
    limit_default(&l->body_min_rate, 1000);
    limit_default(&l->body_grace_ms, 10000);
    limit_default(&l->idle_ms, 60000);
    limit_default(&l->reply_ms, 60000);
    limit_default(&l->drain_ms, 10000);
    limit_default(&l->heartbeat_ms, 15000);
}

/* Descriptors of the process beside those of connections: databases, logs, calls of others. */
#define OTHER_DESCRIPTORS 512

/* The usual limit of 1,024 descriptors is raised as far as the process may; what does not fit then
 * is turned away by us, with an answer, rather than left waiting by the kernel. */
static void fit_descriptors(struct http_limits *l)
{
    struct rlimit limit;
    rlim_t want = (rlim_t)l->max_connections + OTHER_DESCRIPTORS;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want)
        return;
    limit.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want)
        return;
    l->max_connections = limit.rlim_cur > 2 * OTHER_DESCRIPTORS
                             ? (unsigned)(limit.rlim_cur - OTHER_DESCRIPTORS)
                             : (unsigned)(limit.rlim_cur / 2);
}

void server_unref(struct http_server *s)
{
    if (atomic_fetch_sub(&s->refs, 1) != 1)
        return;
    for (unsigned i = 0; s->loops && i < s->loop_count; i++)
        loop_done(&s->loops[i]);
    free(s->loops);
    free(s->routes);
    peers_free(s->peers);
    SSL_CTX_free(s->tls);
    worker_done(&s->workers);
    free(s);
}

static bool server_prepare(struct http_server *s, struct err *err)
{
    const struct http_server_config *config = &s->config;

    if (config->tls_cert && !tls_context_new(config->tls_cert, config->tls_key, &s->tls, err))
        return false;
    s->loops = mem_alloc(s->loop_count * sizeof(*s->loops));
    for (unsigned i = 0; i < s->loop_count; i++)
        s->loops[i] = (struct http_loop){.server = s, .listen_fd = -1, .wake_fd = -1};
    for (unsigned i = 0; i < s->loop_count; i++) {
        if (!loop_init(&s->loops[i], s, err))
            return false;
    }
    return listen_open(s, err);
}

bool http_server_start(const struct http_server_config *config, struct http_server **out,
                       struct err *err)
{
    struct http_server *s = mem_alloc(sizeof(*s));

    (void)signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    s->config = *config;
    limits_fill(&s->config.limits);
    fit_descriptors(&s->config.limits);
    s->loop_count = config->loops ? config->loops : 1;
    atomic_init(&s->refs, 1);
    worker_init(&s->workers);
    s->peers = peers_new(s->config.limits.max_per_peer);
    route_sort(s);
    if (!server_prepare(s, err)) {
        server_unref(s);
        return false;
    }
    if (!worker_start(s, config->workers ? config->workers : 4, err)) {
        http_server_stop(s);
        return false;
    }
    for (; s->loops_started < s->loop_count; s->loops_started++) {
        if (!loop_start(&s->loops[s->loops_started], err)) {
            http_server_stop(s);
            return false;
        }
    }
    *out = s;
    return true;
}

uint16_t http_server_port(const struct http_server *s)
{
    return s->port;
}

void http_server_stop(struct http_server *s)
{
    if (!s)
        return;
    int64_t until = clock_monotonic_us() + s->config.limits.drain_ms * US_PER_MS;
    atomic_store(&s->draining, true);
    for (unsigned i = 0; i < s->loops_started; i++)
        loop_drain(&s->loops[i]);
    for (unsigned i = 0; i < s->loops_started; i++)
        pthread_join(s->loops[i].handle, NULL);
    worker_stop(s, until);
    server_unref(s);
}

void http_server_counters(const struct http_server *s, struct http_counters *out)
{
    *out = (struct http_counters){0};
    for (unsigned i = 0; i < s->loop_count; i++) {
        const struct http_loop *loop = &s->loops[i];

        out->connections += atomic_load_explicit(&loop->connections_total, memory_order_relaxed);
        out->requests += atomic_load_explicit(&loop->requests, memory_order_relaxed);
        out->crowded_out += atomic_load_explicit(&loop->crowded_out, memory_order_relaxed);
        out->refused += atomic_load_explicit(&loop->refused, memory_order_relaxed);
        out->replies_5xx += atomic_load_explicit(&loop->replies_5xx, memory_order_relaxed);
    }
    out->held = atomic_load_explicit(&s->held, memory_order_relaxed);
    out->open_now = atomic_load_explicit(&s->open_now, memory_order_relaxed);
}
