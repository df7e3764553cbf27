/* One lane: its connection, and the request that is written to it. */
#include "base/clock.h"
#include "http/client/lane_internal.h"

#include <errno.h>
#include <sys/socket.h>

#define INSIDE_MAX (64 * 1024) /* a body up to here is sent together with its head */
#define HEAD_MAX   (1 << 20)   /* bytes of a request without a long body */

/* --- the connection --- */

static enum moved lane_write(struct http_lane *lane, struct str s, size_t *out_n)
{
    if (lane->tls) {
        CURLcode code = curl_easy_send(lane->easy, s.ptr, s.len, out_n);

        return code == CURLE_OK ? MOVED : code == CURLE_AGAIN ? MOVED_LATER : MOVED_NEVER;
    }
    ssize_t n = send(lane->fd, s.ptr, s.len, MSG_NOSIGNAL);
    *out_n = n > 0 ? (size_t)n : 0;
    if (n >= 0)
        return MOVED;
    return errno == EAGAIN || errno == EINTR ? MOVED_LATER : MOVED_NEVER;
}

enum moved lane_read(struct http_lane *lane, char *p, size_t max, size_t *out_n)
{
    if (lane->tls) {
        CURLcode code = curl_easy_recv(lane->easy, p, max, out_n);

        return code == CURLE_OK ? MOVED : code == CURLE_AGAIN ? MOVED_LATER : MOVED_NEVER;
    }
    ssize_t n = recv(lane->fd, p, max, 0);
    *out_n = n > 0 ? (size_t)n : 0;
    if (n >= 0)
        return MOVED;
    return errno == EAGAIN || errno == EINTR ? MOVED_LATER : MOVED_NEVER;
}

void lane_watch(struct http_lane *lane, bool writing)
{
    lane->writing = writing;
    sockets_watch_lane(lane->lanes->sockets, lane->fd, lane, writing);
}

/* --- its life --- */

static struct http_lane *lane_new(struct http_lanes *l, struct http_call *call)
{
    struct http_lane *lane = mem_alloc(sizeof(*lane));
    CURL *e = call_easy_new(l->settings);

    *lane = (struct http_lane){
        .owner.is_lane = true, .lanes = l, .easy = e, .fd = -1, .tls = call->tls, .call = call};
    buf_init(&lane->origin, call->origin.max);
    buf_add(&lane->origin, buf_str(&call->origin));
    buf_init(&lane->head, HEAD_MAX);
    curl_easy_setopt(e, CURLOPT_PRIVATE, &lane->owner);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, lane->error);
    curl_easy_setopt(e, CURLOPT_URL, buf_z(&lane->origin));
    curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, call);
    lane->next = l->all;
    l->all = lane;
    l->count++;
    return lane;
}

void lane_free(struct http_lane *lane)
{
    struct http_lanes *l = lane->lanes;
    struct http_lane **at = &l->all;

    while (*at != lane)
        at = &(*at)->next;
    *at = lane->next;
    l->count--;
    curl_multi_remove_handle(l->multi, lane->easy); /* closes the connection */
    curl_easy_cleanup(lane->easy);
    lane_answer_free(lane);
    buf_done(&lane->origin);
    buf_done(&lane->head);
    free(lane);
}

void lane_open(struct http_lanes *l, struct http_call *call)
{
    struct http_lane *lane = lane_new(l, call);
    int64_t late_us = clock_monotonic_us() - call->hop_us;
    int64_t left_ms = call->timeout_ms - late_us / US_PER_MS;

    l->busy++;
    curl_easy_setopt(lane->easy, CURLOPT_TIMEOUT_MS, (long)(left_ms > 1 ? left_ms : 1));
    CURLMcode code = curl_multi_add_handle(l->multi, lane->easy);
    assert(code == CURLM_OK);
    (void)code;
}

/* --- a request --- */

static bool is_header(const char *line, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < len; i++) {
        if (ascii_lower(line[i]) != name[i])
            return false;
    }
    return line[len] == ':' || line[len] == ';';
}

/* As libcurl reads them: "Name;" is an empty one, "Name:" none. */
static void add_line(struct buf *out, const char *line)
{
    size_t len = strlen(line);

    if (len > 0 && line[len - 1] == ':')
        return;
    buf_add(out, (struct str){line, len});
    if (len > 0 && line[len - 1] == ';')
        out->ptr[out->len - 1] = ':';
    buf_add(out, STR("\r\n"));
}

static void write_head(struct http_lane *lane, const struct http_call *call)
{
    struct str authority = buf_str(&call->origin);
    const char *line = call->text.ptr + call->lines_at;
    bool accepts = false, names_host = false;
    struct buf *out = &lane->head;
    size_t at;

    buf_reset(out);
    if (str_find(authority, STR("://"), &at))
        authority = str_from(authority, at + 3);
    buf_add_z(out, http_method_name(call->method));
    buf_add_char(out, ' ');
    buf_add_z(out, call_target(call));
    buf_add(out, STR(" HTTP/1.1\r\n"));
    for (size_t i = 0; i < call->line_count; i++) {
        accepts = accepts || is_header(line, "accept");
        names_host = names_host || is_header(line, "host");
        line += strlen(line) + 1;
    }
    if (!names_host) {
        buf_add(out, STR("Host: "));
        buf_add(out, authority);
        buf_add(out, STR("\r\n"));
    }
    if (!accepts)
        buf_add(out, STR("Accept: */*\r\n"));
    line = call->text.ptr + call->lines_at;
    for (size_t i = 0; i < call->line_count; i++) {
        add_line(out, line);
        line += strlen(line) + 1;
    }
    for (const struct curl_slist *h = call->settings->headers; h; h = h->next)
        add_line(out, h->data);
    if (call->with_body) {
        buf_add(out, STR("Content-Length: "));
        buf_add_int(out, (int64_t)call->request_body.len);
        buf_add(out, STR("\r\n"));
    }
    buf_add(out, STR("\r\n"));
    lane->body_inside = call->request_body.len <= INSIDE_MAX;
    if (lane->body_inside)
        buf_add(out, buf_str(&call->request_body));
    lane->sent = 0;
}

static bool send_part(struct http_lane *lane, struct str part, size_t already, bool *out_later)
{
    while (already < part.len) {
        size_t n = 0;
        enum moved how = lane_write(lane, str_from(part, already), &n);

        already += n;
        lane->sent += n;
        *out_later = how == MOVED_LATER;
        if (how != MOVED)
            return false;
    }
    return true;
}

void lane_send_on(struct http_lane *lane)
{
    struct str body = buf_str(&lane->call->request_body);
    size_t head = lane->head.len;
    bool later = false;
    bool ok = lane->sent >= head || send_part(lane, buf_str(&lane->head), lane->sent, &later);

    ok = ok && (lane->body_inside || send_part(lane, body, lane->sent - head, &later));
    lane->dead = lane->dead || (!ok && !later);
    lane->lanes->broken = lane->lanes->broken || lane->dead;
    if (later != lane->writing)
        lane_watch(lane, later);
}

bool lane_sent_all(const struct http_lane *lane)
{
    return lane->sent == lane->head.len + (lane->body_inside ? 0 : lane->call->request_body.len);
}

void lane_note_deadline(struct http_lane *lane)
{
    const struct http_call *call = lane->call;
    int64_t silence_ms = call_silence_ms(call);
    int64_t silent_us = silence_ms > 0 ? lane->heard_us + silence_ms * US_PER_MS : NEVER;

    lane->deadline_us = call->hop_us + call->timeout_ms * US_PER_MS;
    if (silent_us < lane->deadline_us)
        lane->deadline_us = silent_us;
    if (lane->deadline_us < lane->lanes->due_us)
        lane->lanes->due_us = lane->deadline_us;
}

void lane_put_on(struct http_lane *lane, struct http_call *call)
{
    lane->call = call;
    call->sends++;
    lane->heard_us = clock_monotonic_us();
    lane_answer_begin(lane);
    write_head(lane, call);
    lane_note_deadline(lane);
    assert(!lane->head.overflowed); /* its parts are limited */
    lane_send_on(lane);
}
