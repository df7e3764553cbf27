/* The answer: its head, and its way back to the loop. */
#include "http/server/internal.h"

static const struct {
    int status;
    const char *text;
} statuses[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *reply_status_text(int status)
{
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        if (statuses[i].status == status)
            return statuses[i].text;
    }
    return "Status"; /* the phrase says nothing to programs (RFC 9112, 4) */
}

/* IMF-fixdate (RFC 9110, 5.6.7). */
static void date_write(int64_t unix_s, char out[32])
{
    static const char days[][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t day_number = unix_s / 86400, second = unix_s % 86400, year;
    unsigned month, day;

    date_from_days(day_number, &year, &month, &day);
    snprintf(out, 32, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[day_number % 7], day % 100,
             months[month - 1], (unsigned)year % 10000, (unsigned)(second / 3600),
             (unsigned)(second / 60 % 60), (unsigned)(second % 60));
}

static void add_date(struct http_exchange *x)
{
    struct http_loop *loop = x->loop;
    int64_t now = clock_now(clock_system()) / US_PER_SECOND;
    char text[32];

    if (pthread_equal(loop->thread, pthread_self())) { /* the loop keeps the text of this second */
        if (loop->date_s != now) {
            loop->date_s = now;
            date_write(now, loop->date);
        }
        buf_add_z(&x->out, loop->date);
        return;
    }
    date_write(now, text);
    buf_add_z(&x->out, text);
}

static bool has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

void reply_head(struct http_exchange *x, int status, const char *content_type)
{
    struct buf *out = &x->out;

    assert(status >= 200 && status <= 999);
    x->status = status;
    if (atomic_load_explicit(&x->loop->server->draining, memory_order_relaxed))
        x->close = true;
    buf_add(out, STR("HTTP/1.1 "));
    buf_add_int(out, status);
    buf_add_char(out, ' ');
    buf_add_z(out, reply_status_text(status));
    buf_add(out, STR("\r\nDate: "));
    add_date(x);
    buf_add(out, STR("\r\n"));
    if (x->close) {
        buf_add(out, STR("Connection: close\r\n"));
    } else if (x->http_1_0) {
        buf_add(out, STR("Connection: keep-alive\r\n"));
    }
    if (x->is_tls)
        buf_add(out, STR("Strict-Transport-Security: max-age=31536000\r\n"));
    if (content_type) {
        buf_add(out, STR("Content-Type: "));
        buf_add_z(out, content_type);
        buf_add(out, STR("\r\n"));
    }
    buf_add(out, buf_str(&x->reply_headers));
}

void reply_late(struct http_exchange *x)
{
    struct http_server *s = x->loop->server;

    exchange_free(x);
    server_unref(s);
}

static bool is_header_text(struct str s)
{
    size_t at;

    return !str_find_char(s, '\r', &at) && !str_find_char(s, '\n', &at) &&
           !str_find_char(s, '\0', &at);
}

void http_reply_header(struct http_exchange *x, const char *name, struct str value)
{
    assert(is_header_text(str_from_z(name)) && is_header_text(value));
    buf_add_z(&x->reply_headers, name);
    buf_add(&x->reply_headers, STR(": "));
    buf_add(&x->reply_headers, value);
    buf_add(&x->reply_headers, STR("\r\n"));
}

/* What is in x->out goes to the peer; x may be gone afterwards. */
static void post_answer(struct http_exchange *x)
{
    struct http_loop *loop = x->loop;
    bool ended;

    assert(!x->out.overflowed);
    if (loop_is_here(loop, x)) { /* the dispatcher, which is below on the stack, sends it */
        loop->answered = true;
        return;
    }
    pthread_mutex_lock(&loop->lock);
    assert(x->state == ANSWER_NONE);
    x->state = ANSWER_REPLIED;
    ended = loop->ended;
    if (!ended && loop_post_locked(loop, x))
        loop_wake(loop); /* before the lock is released: the loop may end and be freed then */
    pthread_mutex_unlock(&loop->lock);
    if (ended)
        reply_late(x);
}

void http_drop(struct http_exchange *x)
{
    x->close = true;
    x->status = 0;
    post_answer(x);
}

void http_reply(struct http_exchange *x, int status, const char *content_type, struct str body)
{
    reply_head(x, status, content_type);
    if (has_body(status)) {
        buf_add(&x->out, STR("Content-Length: "));
        buf_add_int(&x->out, (int64_t)body.len);
        buf_add(&x->out, STR("\r\n"));
    }
    buf_add(&x->out, STR("\r\n"));
    if (has_body(status) && x->method != HTTP_HEAD)
        buf_add(&x->out, body);
    post_answer(x);
}
