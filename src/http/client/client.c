/* The client's loop: libcurl's multi interface and the lanes (lane.h) on one event base.
 *
 * A request goes by a lane when its origin speaks HTTP/1.1: without TLS always, with TLS when it
 * has answered so. Until then libcurl sends it, and keeps no connection that a lane would have to
 * stand beside: there are peers that serve one connection at a time. */
#include "base/clock.h"
#include "http/client/certificate.h"
#include "http/client/lane.h"
#include "http/client/origins.h"
#include "http/client/sockets.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define NEVER        INT64_MAX
#define CACHE_LEAST  64   /* connections kept alive */
#define OWN_HEAD_MAX 1024 /* bytes of the header lines that every request has */

struct http_client {
    struct call_settings settings;
    CURLM *multi;
    struct event_base *base;
    struct event timer, wake_event;
    int wake_fd;
    struct http_sockets sockets;
    struct http_call *all, *spare;
    struct http_call *finished_first, *finished_last;
    unsigned in_flight;
    struct http_lanes lanes;
    struct http_origins origins;
    struct http_call *scout; /* the first one to an origin of which nothing is known */
    struct http_call *held;  /* to the same origin, until that one has shown something */
    http_client_observer *observe;
    void *observe_ctx;
    int64_t curl_us;  /* when libcurl wants to be called; NEVER */
    int64_t timer_us; /* when the timer fires; NEVER: not set */
    bool woken;
};

/* --- Time, as libcurl asks for it. --- */

static int on_timer_wish(CURLM *multi, long timeout_ms, void *ctx)
{
    struct http_client *c = ctx;

    (void)multi;
    c->curl_us = timeout_ms < 0    ? NEVER
                 : timeout_ms == 0 ? 0
                                   : clock_monotonic_us() + (int64_t)timeout_ms * US_PER_MS;
    return 0;
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct http_client *c = ctx;

    (void)fd;
    (void)what;
    c->timer_us = NEVER;
}

static void on_wake(evutil_socket_t fd, short what, void *ctx)
{
    struct http_client *c = ctx;
    uint64_t count;

    (void)what;
    while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
        ;
    c->woken = true;
}

/* --- Life. --- */

static void global_init(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int64_t or_default(int64_t value, int64_t otherwise)
{
    return value > 0 ? value : otherwise;
}

static char *copy_z(const char *z)
{
    size_t size = strlen(z) + 1;

    return memcpy(mem_alloc(size), z, size);
}

/* Options of libcurl that do the same write these lines twice over with every request. */
static struct curl_slist *own_headers(const char *user_agent)
{
    struct curl_slist *list = curl_slist_append(NULL, "Accept-Encoding: " HTTP_CALL_CODING);
    char line[256];

    if (user_agent[0]) {
        snprintf(line, sizeof(line), "User-Agent: %s", user_agent);
        list = curl_slist_append(list, line);
    }
    return list;
}

static void settings_fill(struct http_client *c, const struct http_client_config *config)
{
    c->settings = (struct call_settings){
        .timeout_ms = or_default(config->timeout_ms, 60000),
        .connect_timeout_ms = or_default(config->connect_timeout_ms, 10000),
        .silence_timeout_ms = config->silence_timeout_ms,
        .max_answer = config->max_answer ? config->max_answer : 8 << 20,
        .ca_file = config->ca_file ? copy_z(config->ca_file) : NULL,
        .cert_file = config->cert_file ? copy_z(config->cert_file) : NULL,
        .key_file = config->key_file ? copy_z(config->key_file) : NULL,
        .headers = own_headers(config->user_agent ? config->user_agent : "usher/" USHER_VERSION),
        .deny_private = config->deny_private,
        .open_socket = sockets_open,
        .close_socket = sockets_close,
        .socket_ctx = &c->sockets,
    };
}

static bool loop_make(struct http_client *c, struct err *err)
{
    struct event_config *config = event_config_new();

    if (config) {
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        c->base = event_base_new_with_config(config);
        event_config_free(config);
    }
    c->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!c->base || c->wake_fd < 0) {
        return err_set(err, ERR_INTERNAL, "eventLoop", "cannot make an event loop: %s",
                       strerrordesc_np(errno));
    }
    event_assign(&c->timer, c->base, -1, 0, on_timer, c);
    event_assign(&c->wake_event, c->base, c->wake_fd, EV_READ | EV_PERSIST, on_wake, c);
    event_add(&c->wake_event, NULL);
    return true;
}

static void put_finished(struct http_client *c, struct http_call *call)
{
    call->next = NULL;
    if (c->finished_first) {
        c->finished_last->next = call;
    } else {
        c->finished_first = call;
    }
    c->finished_last = call;
}

static void on_lane_end(void *ctx, struct http_call *call, CURLcode code)
{
    call_finish(call, code);
    put_finished(ctx, call);
}

bool http_client_new(const struct http_client_config *config, struct http_client **out,
                     struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT; /* libcurl's own global state */
    long per_host = config->max_connections ? (long)config->max_connections : 32;

    pthread_once(&once, global_init);
    (void)signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    if ((config->ca_file && !certificate_check_ca(config->ca_file, err)) ||
        (config->cert_file && !certificate_check_own(config->cert_file, config->key_file, err)))
        return false;
    struct http_client *c = mem_alloc(sizeof(*c));
    c->curl_us = c->timer_us = NEVER;
    c->wake_fd = -1;
    settings_fill(c, config);
    c->observe = config->observe;
    c->settings.keeps_heads = config->observe != NULL;
    c->observe_ctx = config->observe_ctx;
    if (!loop_make(c, err)) {
        http_client_free(c);
        return false;
    }
    c->multi = curl_multi_init();
    assert(c->multi); /* it fails for want of memory only */
    c->sockets = (struct http_sockets){.base = c->base, .multi = c->multi};
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, sockets_wish);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, &c->sockets);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer_wish);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, per_host);
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS,
                      per_host * 4 > CACHE_LEAST ? per_host * 4 : CACHE_LEAST);
    c->lanes = (struct http_lanes){
        .settings = &c->settings,
        .multi = c->multi,
        .per_origin = (unsigned)per_host,
        .ended = on_lane_end,
        .sockets = &c->sockets,
        .ctx = c,
    };
    lanes_init(&c->lanes);
    *out = c;
    return true;
}

void http_client_free(struct http_client *c)
{
    if (!c)
        return;
    lanes_done(&c->lanes);
    origins_done(&c->origins);
    while (c->all) {
        struct http_call *call = c->all;

        c->all = call->next_all;
        if (call->running)
            curl_multi_remove_handle(c->multi, call->easy);
        call_free(call);
    }
    if (c->multi)
        curl_multi_cleanup(c->multi);
    sockets_done(&c->sockets);
    if (c->base) {
        event_del(&c->timer);
        event_del(&c->wake_event);
        event_base_free(c->base);
    }
    if (c->wake_fd >= 0)
        close(c->wake_fd);
    free(c->settings.ca_file);
    free(c->settings.cert_file);
    free(c->settings.key_file);
    curl_slist_free_all(c->settings.headers);
    free(c);
}

/* --- Requests. --- */

static struct http_call *take_call(struct http_client *c)
{
    struct http_call *call = c->spare;

    if (call) {
        c->spare = call->next;
        return call;
    }
    call = call_new(&c->settings);
    call->next_all = c->all;
    c->all = call;
    return call;
}

static void start_alone(struct http_client *c, struct http_call *call, bool forbids)
{
    call_load(call, forbids);
    CURLMcode code = curl_multi_add_handle(c->multi, call->easy);
    assert(code == CURLM_OK);
    (void)code;
    call->running = true;
    c->lanes.elsewhere++;
}

static void start(struct http_client *c, struct http_call *call)
{
    const struct http_origin *o = call->tls ? origins_find(&c->origins, call) : NULL;

    if (!call->tls || (o && !o->multiplexes)) {
        lanes_send(&c->lanes, call);
    } else if (o || !c->scout) {
        c->scout = o ? c->scout : call;
        start_alone(c, call, !o);
    } else if (str_eq(buf_str(&c->scout->origin), buf_str(&call->origin))) {
        call->next = c->held;
        c->held = call;
    } else {
        start_alone(c, call, true);
    }
}

/* They go their way by what is known now. When that is still nothing, all go at once: one failure
 * shall not become many, one after the other. */
static void release_held(struct http_client *c)
{
    struct http_call *list = NULL;

    while (c->held) { /* in the order in which they came */
        struct http_call *call = c->held;

        c->held = call->next;
        call->next = list;
        list = call;
    }
    while (list) {
        struct http_call *call = list;

        list = call->next;
        call->hop_us = clock_monotonic_us();
        if (origins_find(&c->origins, call)) {
            start(c, call);
        } else {
            start_alone(c, call, true);
        }
    }
}

void http_client_send(struct http_client *c, const struct http_call_options *options,
                      http_client_done *done, void *ctx)
{
    struct http_call *call = take_call(c);

    call->done = done;
    call->ctx = ctx;
    c->in_flight++;
    if (call_prepare(call, options)) {
        start(c, call);
    } else {
        put_finished(c, call);
    }
}

/* Whether it failed on a kept-alive connection that was dead before any of the answer came. Most of
 * these libcurl has sent again by itself (see on_request in call.c). */
static bool may_repeat(const struct http_call *call, CURLcode code)
{
    long connects = 1;

    if (code != CURLE_GOT_NOTHING && code != CURLE_SEND_ERROR && code != CURLE_RECV_ERROR &&
        code != CURLE_HTTP2 && code != CURLE_HTTP2_STREAM)
        return false;
    curl_easy_getinfo(call->easy, CURLINFO_NUM_CONNECTS, &connects);
    return connects == 0 && call->sends < 2 && call->head_bytes == 0 && call_is_repeatable(call);
}

static void end_call(struct http_client *c, struct http_call *call, CURLcode code)
{
    long status = 0;

    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    call->status = (int)status;
    if (code == CURLE_OK)
        origins_learn(&c->origins, call);
    curl_multi_remove_handle(c->multi, call->easy);
    call->running = false;
    c->lanes.elsewhere--;
    if (call == c->scout) {
        c->scout = NULL;
        release_held(c);
    }
    if ((code != CURLE_OK && may_repeat(call, code)) || (code == CURLE_OK && call_follow(call))) {
        call_forget_answer(call);
        start(c, call);
        return;
    }
    call_finish(call, code);
    put_finished(c, call);
}

static void collect(struct http_client *c)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(c->multi, &left))) {
        CURLcode code = message->data.result;
        struct curl_owner *owner = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&owner);
        if (owner->is_lane) { /* message is invalid from here on */
            lane_opened((struct http_lane *)(void *)owner, code);
        } else {
            end_call(c, (struct http_call *)(void *)owner, code);
        }
    }
    lanes_turn(&c->lanes);
}

static void add_line(struct buf *out, const char *line)
{
    buf_add_z(out, line);
    buf_add_char(out, '\n');
}

/* What was sent, but for what the connection needs (Host, Content-Length). */
static void write_head(struct buf *out, const struct http_call *call)
{
    const char *line = call->text.ptr + call->lines_at;

    for (size_t i = 0; i < call->line_count; i++) {
        add_line(out, line);
        line += strlen(line) + 1;
    }
    for (const struct curl_slist *h = call->settings->headers; h; h = h->next)
        add_line(out, h->data);
}

static void tell_observer(struct http_client *c, const struct http_call *call)
{
    CLEANUP(buf_done) struct buf head = {0};

    if (!c->observe)
        return;
    buf_init(&head, call->text.max + OWN_HEAD_MAX);
    if (call->text.len)
        write_head(&head, call);
    c->observe(c->observe_ctx, &(struct http_client_exchange){
                                   .method = call->method,
                                   .target = str_from_z(call->text.len ? call->text.ptr : ""),
                                   .body = buf_str(&call->request_body),
                                   .content_type = str_from_z(call->request_type),
                                   .head = buf_str(&head),
                                   .answer_head = buf_str(&call->head),
                                   .answer = &call->answer,
                               });
}

/* Those that are finished now; what done() starts is for the next turn. */
static unsigned deliver(struct http_client *c)
{
    struct http_call *call = c->finished_first;
    unsigned count = 0;

    c->finished_first = NULL;
    while (call) {
        struct http_call *next = call->next;

        c->in_flight--;
        tell_observer(c, call);
        call->done(call->ctx, &call->answer);
        call_recycle(call);
        call->next = c->spare;
        c->spare = call;
        call = next;
        count++;
    }
    return count;
}

static void set_timer(struct http_client *c, int64_t at_us, int64_t now_us)
{
    int64_t left = at_us > now_us ? at_us - now_us : 0;
    struct timeval tv = {.tv_sec = left / US_PER_SECOND, .tv_usec = left % US_PER_SECOND};

    if (at_us >= c->timer_us) /* fires before; set again then */
        return;
    event_add(&c->timer, &tv);
    c->timer_us = at_us;
}

unsigned http_client_run(struct http_client *c, int64_t max_wait_ms)
{
    int64_t now = clock_monotonic_us();
    int64_t until = max_wait_ms > 0 ? now + max_wait_ms * US_PER_MS : now;
    int running;

    for (bool last = false;; now = clock_monotonic_us()) {
        if (c->curl_us <= now) {
            c->curl_us = NEVER;
            curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }
        if (c->lanes.due_us <= now)
            lanes_expire(&c->lanes, now);
        collect(c);
        unsigned count = deliver(c);
        if (count > 0 || c->woken || last) {
            c->woken = false;
            return count;
        }
        last = now >= until;
        bool at_once = last || c->curl_us <= now;
        if (!at_once) {
            int64_t next = c->curl_us < until ? c->curl_us : until;

            set_timer(c, c->lanes.due_us < next ? c->lanes.due_us : next, now);
        }
        event_base_loop(c->base, EVLOOP_ONCE | (at_once ? EVLOOP_NONBLOCK : 0));
    }
}

unsigned http_client_in_flight(const struct http_client *c)
{
    return c->in_flight;
}

void http_client_wake(struct http_client *c)
{
    uint64_t one = 1;

    while (write(c->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}
