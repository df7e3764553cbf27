/* The lanes of all origins: which one a call goes by, who waits, and how a request ends. */
#include "base/clock.h"
#include "http/client/lane_internal.h"

#define INPUT_MAX  (64 * 1024)           /* bytes read at once */
#define KEPT_US    (118 * US_PER_SECOND) /* idle for longer: the peer has most likely given it up */
#define IDLE_LANES 64                    /* kept for all origins */
#define CLOSED_MAX 2   /* lanes closed on a second request, until none carries one */
#define SINGLE_MAX 100 /* requests on lanes of their own, until one is kept again */

/* --- who waits --- */

static void wait_in_line(struct http_lanes *l, struct http_call *call, bool in_front)
{
    call->next = in_front ? l->first : NULL;
    if (!l->first) {
        l->first = l->last = call;
    } else if (in_front) {
        l->first = call;
    } else {
        l->last->next = call;
        l->last = call;
    }
    call->queued = true;
    l->waiting++;
    int64_t late_us = call->hop_us + call->timeout_ms * US_PER_MS;
    if (late_us < l->due_us)
        l->due_us = late_us;
}

static void take_out(struct http_lanes *l, struct http_call **at)
{
    struct http_call *call = *at;

    *at = call->next;
    l->waiting--;
    call->queued = false;
    if (l->last == call)
        l->last = NULL;
    for (struct http_call *c = l->first; c && !l->last; c = c->next)
        l->last = c->next ? NULL : c;
}

/* --- choosing a lane --- */

/* What it has done last is what is asked for next, most likely. */
static void to_front(struct http_lane *lane)
{
    struct http_lanes *l = lane->lanes;
    struct http_lane **at = &l->all;

    while (*at != lane)
        at = &(*at)->next;
    *at = lane->next;
    lane->next = l->all;
    l->all = lane;
}

static bool is_of(const struct http_lane *lane, const struct http_call *call)
{
    return str_eq(buf_str(&lane->origin), buf_str(&call->origin));
}

/* Idle, and closed or no longer to be trusted. What TLS says of itself meanwhile is read here. */
static bool is_gone(struct http_lane *lane, int64_t now_us)
{
    size_t n;

    if (lane->dead || now_us - lane->idle_us > KEPT_US)
        return true;
    return lane_read(lane, lane->lanes->input, INPUT_MAX, &n) != MOVED_LATER;
}

static struct http_lane *find_idle(struct http_lanes *l, const struct http_call *call)
{
    int64_t now = 0;

    if (l->busy == l->count)
        return NULL;
    now = clock_monotonic_us();
    for (struct http_lane *lane = l->all, *next; lane; lane = next) {
        next = lane->next;
        if (lane->call || !is_of(lane, call))
            continue;
        if (!is_gone(lane, now))
            return lane;
        lane_free(lane);
    }
    return NULL;
}

static bool may_open(const struct http_lanes *l, const struct http_call *call)
{
    unsigned count = 0;

    for (const struct http_lane *lane = l->all; lane; lane = lane->next)
        count += is_of(lane, call);
    return count == 0 || count + l->elsewhere < l->per_origin;
}

/* Those of other origins make room; the one idle longest goes. */
static void make_room(struct http_lanes *l)
{
    struct http_lane *oldest = NULL;

    if (l->count - l->busy < IDLE_LANES)
        return;
    for (struct http_lane *lane = l->all; lane; lane = lane->next) {
        if (!lane->call && (!oldest || lane->idle_us < oldest->idle_us))
            oldest = lane;
    }
    if (oldest)
        lane_free(oldest);
}

/* False: there is no lane for it, nor room for one more. */
static bool find_lane(struct http_lanes *l, struct http_call *call)
{
    struct http_lane *lane = find_idle(l, call);

    if (lane) {
        l->busy++;
        lane->used = true;
        lane_put_on(lane, call);
        return true;
    }
    if (!may_open(l, call))
        return false;
    make_room(l);
    lane_open(l, call);
    return true;
}

static void serve_waiting(struct http_lanes *l)
{
    struct http_call **at = &l->first;

    while (*at && (l->busy < l->count || may_open(l, *at))) {
        struct http_call *call = *at;

        take_out(l, at);
        if (!find_lane(l, call)) { /* of another origin: those behind it may fare better */
            call->next = *at;
            *at = call;
            call->queued = true;
            l->waiting++;
            if (!call->next)
                l->last = call;
            at = &call->next;
        }
    }
}

/* --- the end of a request --- */

/* On a kept-alive lane that was closed before any of the answer came. */
static bool may_repeat(const struct http_lane *lane)
{
    const struct http_call *call = lane->call;

    return lane->used && !lane->heard && call->sends < 2 && call_is_repeatable(call);
}

/* Some servers close behind each answer without having said so. What is sent meanwhile is lost, and
 * a creation cannot be sent again by itself: on such a server each lane carries one request. */
static void note_closing(struct http_lane *lane, CURLcode code)
{
    struct http_lanes *l = lane->lanes;

    if (l->closed_in_row >= CLOSED_MAX && ++l->single > SINGLE_MAX)
        l->closed_in_row = l->single = 0;
    if (lane->used && code == CURLE_OK) {
        l->closed_in_row = 0;
    } else if (lane->used && code == CURLE_RECV_ERROR && !lane->heard) {
        l->closed_in_row++;
    }
}

static void give_back(struct http_lane *lane)
{
    struct http_lanes *l = lane->lanes;

    lane->call = NULL;
    l->busy--;
    if (lane->dead || l->closed_in_row >= CLOSED_MAX) {
        lane_free(lane);
    } else {
        lane->idle_us = clock_monotonic_us();
        to_front(lane);
    }
}

static void end_request(struct http_lane *lane, CURLcode code)
{
    struct http_lanes *l = lane->lanes;
    struct http_call *call = lane->call;
    bool answered = code == CURLE_OK;

    note_closing(lane, code);
    if (answered && !lane_sent_all(lane)) /* it did not want all of it */
        lane->dead = true;
    if (!answered)
        lane->dead = true;
    if (code == CURLE_RECV_ERROR && may_repeat(lane)) {
        give_back(lane);
        call_forget_answer(call);
        wait_in_line(l, call, true);
    } else if (answered && call_follow(call)) {
        give_back(lane);
        call_forget_answer(call);
        call->hop_us = clock_monotonic_us();
        wait_in_line(l, call, true);
    } else {
        give_back(lane);
        l->ended(l->ctx, call, code);
    }
    if (l->waiting > 0)
        serve_waiting(l);
}

/* --- events --- */

void lane_opened(struct http_lane *lane, CURLcode code)
{
    struct http_lanes *l = lane->lanes;
    struct http_call *call = lane->call;
    curl_socket_t fd = CURL_SOCKET_BAD;

    if (code == CURLE_OK)
        curl_easy_getinfo(lane->easy, CURLINFO_ACTIVESOCKET, &fd);
    if (code == CURLE_OK && fd == CURL_SOCKET_BAD)
        code = CURLE_COULDNT_CONNECT;
    if (code == CURLE_OK) {
        lane->fd = fd;
        lane_watch(lane, false);
        lane_put_on(lane, call);
        return;
    }
    memcpy(call->error, lane->error, sizeof(call->error));
    call->via = lane->easy;
    lane->call = NULL;
    l->busy--;
    l->ended(l->ctx, call, code);
    call->via = call->easy;
    lane_free(lane);
    if (l->waiting > 0)
        serve_waiting(l);
}

static void read_answer(struct http_lane *lane)
{
    struct http_lanes *l = lane->lanes;
    enum moved how = MOVED;

    while (!lane->answered && !lane->not_http && !lane->call->too_large && how == MOVED) {
        size_t n = 0;

        how = lane_read(lane, l->input, INPUT_MAX, &n);
        if (how == MOVED && n > 0) {
            lane_answer_feed(lane, l->input, n);
            if (!lane->tls && n < INPUT_MAX)
                break; /* all that there was */
        } else if (how != MOVED_LATER) {
            lane_answer_end(lane);
            how = MOVED_NEVER;
        }
    }
    if (lane->answered) {
        end_request(lane, CURLE_OK);
    } else if (lane->call->too_large) {
        end_request(lane, CURLE_FILESIZE_EXCEEDED);
    } else if (lane->not_http) {
        end_request(lane, CURLE_WEIRD_SERVER_REPLY);
    } else if (how == MOVED_NEVER) {
        end_request(lane, CURLE_RECV_ERROR);
    } else {
        lane->heard_us = clock_monotonic_us();
    }
}

void lane_ready(struct http_lane *lane, bool can_read, bool can_write)
{
    size_t n;

    if (!lane->call) {
        if (lane_read(lane, lane->lanes->input, INPUT_MAX, &n) != MOVED_LATER)
            lane_free(lane); /* closed by the peer; or it speaks unasked */
        return;
    }
    if (can_write && lane->writing)
        lane_send_on(lane);
    if (can_read || lane->dead)
        read_answer(lane);
}

static void expire_waiting(struct http_lanes *l, int64_t now_us)
{
    for (struct http_call **at = &l->first; *at;) {
        struct http_call *call = *at;
        int64_t late_us = call->hop_us + call->timeout_ms * US_PER_MS;

        if (late_us <= now_us) {
            take_out(l, at);
            call->queued = true; /* for what is said of it */
            l->ended(l->ctx, call, CURLE_OPERATION_TIMEDOUT);
            continue;
        }
        if (late_us < l->due_us)
            l->due_us = late_us;
        at = &call->next;
    }
}

/* One that is being opened has its time minded by libcurl. */
static struct http_lane *first_late(const struct http_lanes *l, int64_t now_us)
{
    for (struct http_lane *lane = l->all; lane; lane = lane->next) {
        if (lane->call && lane->fd >= 0) {
            lane_note_deadline(lane);
            if (lane->deadline_us <= now_us)
                return lane;
        }
    }
    return NULL;
}

void lanes_expire(struct http_lanes *l, int64_t now_us)
{
    struct http_lane *late;

    while ((late = first_late(l, now_us)))
        end_request(late, CURLE_OPERATION_TIMEDOUT);
    l->due_us = NEVER;
    (void)first_late(l, now_us); /* notes when the next is due */
    expire_waiting(l, now_us);
}

static struct http_lane *first_broken(const struct http_lanes *l)
{
    for (struct http_lane *lane = l->all; lane; lane = lane->next) {
        if (lane->call && lane->fd >= 0 && lane->dead)
            return lane;
    }
    return NULL;
}

void lanes_turn(struct http_lanes *l)
{
    struct http_lane *lane;

    while (l->broken) {
        l->broken = false;
        while ((lane = first_broken(l)))
            read_answer(lane);
    }
    if (l->waiting > 0)
        serve_waiting(l);
}

void lanes_send(struct http_lanes *l, struct http_call *call)
{
    if (l->waiting > 0 || !find_lane(l, call))
        wait_in_line(l, call, false);
}

void lanes_init(struct http_lanes *l)
{
    l->due_us = NEVER;
    l->input = mem_alloc(INPUT_MAX);
}

void lanes_done(struct http_lanes *l)
{
    while (l->all)
        lane_free(l->all);
    free(l->input);
    l->input = NULL;
}
