/* From a complete head to the handler: the checks on the head as a whole, the route, its admission,
 * and the refusals. The order matters: nothing of the body is read, and no 100 Continue is sent,
 * before the route, the size and the admission have been settled. */
#include "http/server/internal.h"

#define LENGTH_DIGITS_MAX 18 /* fits into 64 bits with room to spare */

static const struct {
    uint8_t theirs;
    enum http_method ours;
} methods[] = {
    {LLHTTP_GET, HTTP_GET},         {LLHTTP_POST, HTTP_POST}, {LLHTTP_PATCH, HTTP_PATCH},
    {LLHTTP_DELETE, HTTP_DELETE},   {LLHTTP_PUT, HTTP_PUT},   {LLHTTP_HEAD, HTTP_HEAD},
    {LLHTTP_OPTIONS, HTTP_OPTIONS},
};

struct verdict { /* status 0: go on */
    int status;
    const char *reason;
};

/* --- Answers that do not come from a handler. --- */

static void refuse_plainly(struct http_exchange *x, int status, const char *reason)
{
    struct str text =
        arena_printf(x->arena, "%d %s: %s\n", status, reply_status_text(status), reason);

    http_reply(x, status, "text/plain; charset=utf-8", text);
}

void dispatch_refuse(struct connection *c, int status, const char *reason, bool close)
{
    struct http_exchange *x = c->x;
    struct http_loop *loop = c->loop;

    atomic_fetch_add_explicit(&loop->refused, 1, memory_order_relaxed);
    x->close = x->close || close;
    loop->current = x;
    loop->answered = false;
    if (x->route && x->route->refuse)
        x->route->refuse(x, status, reason, x->route->ctx);
    if (!loop->answered)
        refuse_plainly(x, status, reason);
    loop->current = NULL;
    connection_answered(c, x);
}

/* --- The head as a whole. --- */

static bool is_digits(struct str s)
{
    if (s.len == 0 || s.len > LENGTH_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!ascii_is_digit(s.ptr[i]))
            return false;
    }
    return true;
}

/* How long the body is must have one reading only (RFC 9112, 6.3). */
static struct verdict check_framing(const struct connection *c)
{
    const struct http_exchange *x = c->x;
    struct str length, coding;
    size_t lengths = exchange_header_count(x, "Content-Length", &length);
    size_t codings = exchange_header_count(x, "Transfer-Encoding", &coding);

    if (lengths > 0 && codings > 0)
        return (struct verdict){400, "there are both Content-Length and Transfer-Encoding"};
    if (lengths > 1)
        return (struct verdict){400, "there is more than one Content-Length"};
    if (lengths == 1 && !is_digits(length))
        return (struct verdict){400, "Content-Length is not a number"};
    if (codings > 1)
        return (struct verdict){400, "there is more than one Transfer-Encoding"};
    if (codings == 1 && x->http_1_0)
        return (struct verdict){400, "HTTP/1.0 has no Transfer-Encoding"};
    if (codings == 1 && !str_eq_ascii_nocase(coding, STR("chunked")))
        return (struct verdict){501, "the only transfer coding known here is chunked"};
    return (struct verdict){0};
}

/* "host", "host:port", "[::1]:port" as far as its characters go (RFC 3986, 3.2); a user name before
 * '@' does not belong to either place. */
static bool is_authority(struct str s)
{
    static const struct str marks = STR_INIT("-._~%!$&'()*+,;=:[]");
    size_t at;

    for (size_t i = 0; i < s.len; i++) {
        if (!ascii_is_alpha(s.ptr[i]) && !ascii_is_digit(s.ptr[i]) &&
            !str_find_char(marks, s.ptr[i], &at))
            return false;
    }
    return true;
}

static struct verdict check_host(const struct http_exchange *x)
{
    struct str host;
    size_t hosts = exchange_header_count(x, "Host", &host);

    if (hosts > 1)
        return (struct verdict){400, "there is more than one Host"};
    if (hosts == 0 && !x->http_1_0)
        return (struct verdict){400, "Host is missing"};
    if (!is_authority(host))
        return (struct verdict){400, "Host is not the name of a host"};
    return (struct verdict){0};
}

/* Takes "http://host" from the front of a target. False when it has one and it is not right. */
static bool take_origin(struct str *rest)
{
    struct str scheme, authority;
    size_t at, end = 0;

    if (!str_find(*rest, STR("://"), &at))
        return true;
    scheme = str_sub(*rest, 0, at);
    if (!str_eq_ascii_nocase(scheme, STR("http")) && !str_eq_ascii_nocase(scheme, STR("https")))
        return true; /* a path has this in it, or it is refused as none */
    authority = str_from(*rest, at + 3);
    while (end < authority.len && authority.ptr[end] != '/' && authority.ptr[end] != '?')
        end++;
    *rest = str_from(authority, end);
    return end > 0 && is_authority(str_sub(authority, 0, end));
}

/* "/path?query", "*" for OPTIONS, or "http://host/path?query" as proxies are asked (RFC 9112, 3.2).
 */
static struct verdict split_target(struct http_exchange *x)
{
    struct str target = buf_str(&x->target), rest = target;
    size_t at;

    if (str_find_char(target, '#', &at))
        return (struct verdict){400, "the address has a fragment"};
    if (!take_origin(&rest))
        return (struct verdict){400, "the address has no host"};
    if (rest.len < target.len && (rest.len == 0 || rest.ptr[0] == '?')) { /* "http://host?query" */
        x->path = STR("/");
        x->query = str_from(rest, 1);
        return (struct verdict){0};
    }
    bool star = str_eq(rest, STR("*")) && x->method == HTTP_OPTIONS;
    if (!star && !str_starts(rest, STR("/")))
        return (struct verdict){400, "the address does not begin with '/'"};
    (void)str_cut(&rest, '?', &x->path);
    x->query = rest;
    return (struct verdict){0};
}

static bool note_method(struct connection *c)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (methods[i].theirs == c->parser.method) {
            c->x->method = methods[i].ours;
            return true;
        }
    }
    return false;
}

static struct verdict check_head(struct connection *c)
{
    struct http_exchange *x = c->x;
    struct verdict v;

    if (c->parser.http_major != 1)
        return (struct verdict){505, "this server speaks HTTP/1.1"};
    x->http_1_0 = c->parser.http_minor == 0;
    v = check_framing(c);
    if (!v.status)
        v = check_host(x);
    if (!v.status && !note_method(c))
        v = (struct verdict){501, "this method is not known here"};
    if (!v.status)
        v = split_target(x);
    return v;
}

/* --- Routing and admission. --- */

static void add_allow(struct http_exchange *x, unsigned allowed)
{
    char text[64];
    size_t len = 0;

    for (unsigned m = 0; m < HTTP_METHOD_COUNT; m++) {
        if (allowed & 1u << m) {
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", len ? ", " : "",
                                    http_method_name((enum http_method)m));
        }
    }
    http_reply_header(x, "Allow", (struct str){text, len});
}

static struct verdict find_route(struct http_exchange *x)
{
    const struct http_route *of_path;
    unsigned allowed;

    x->route = route_find(x->loop->server, x->path, x->method, &allowed, &of_path);
    if (x->route)
        return (struct verdict){0};
    x->route = of_path;
    if (!of_path)
        return (struct verdict){404, "there is nothing at this address"};
    add_allow(x, allowed);
    return (struct verdict){405, "this address does not have the method"};
}

static struct verdict check_body(struct connection *c)
{
    struct http_exchange *x = c->x;
    struct str expect;

    if (c->parser.content_length > x->route->max_body && !(c->parser.flags & F_CHUNKED))
        return (struct verdict){413, "the body is too large"};
    if (exchange_header_count(x, "Expect", &expect) > 0 && !x->http_1_0) {
        if (!str_eq_ascii_nocase(expect, STR("100-continue")))
            return (struct verdict){417, "the only expectation known here is 100-continue"};
        c->expects = !c->message_done;
    }
    return (struct verdict){0};
}

/* Whether the rest of a request that is answered early is read and thrown away, so that the
 * connection can go on. */
static bool can_discard(const struct connection *c)
{
    if (c->message_done)
        return true;
    return !c->expects && !(c->parser.flags & F_CHUNKED) &&
           c->parser.content_length <= HTTP_DISCARD_MAX;
}

/* False when the route has answered. */
static bool admit(struct connection *c)
{
    static const struct str go_on = STR_INIT("HTTP/1.1 100 Continue\r\n\r\n");
    struct http_exchange *x = c->x;
    struct http_loop *loop = c->loop;
    bool close = x->close, admitted = true;

    if (x->route->admit) {
        x->close = close || !can_discard(c);
        c->discard = !c->message_done;
        loop->current = x;
        loop->answered = false;
        admitted = x->route->admit(x, x->route->ctx);
        loop->current = NULL;
        assert(admitted != loop->answered);
        if (!admitted) {
            connection_answered(c, x);
            return false;
        }
        x->close = close;
        c->discard = false;
    }
    if (c->expects && connection_send(c, go_on.ptr, go_on.len) != (ptrdiff_t)go_on.len) {
        connection_close(c); /* the socket is empty at this point: it is broken */
        return false;
    }
    return true;
}

void dispatch_head(struct connection *c)
{
    struct http_exchange *x = c->x;
    struct http_server *s = c->loop->server;

    atomic_fetch_add_explicit(&c->loop->requests, 1, memory_order_relaxed);
    c->message_done = !(c->parser.flags & F_CHUNKED) && c->parser.content_length == 0;
    struct verdict v = check_head(c);
    if (v.status) { /* where this request ends may be in doubt */
        dispatch_refuse(c, v.status, v.reason, true);
        return;
    }
    x->close =
        !llhttp_should_keep_alive(&c->parser) || ++c->requests >= s->config.limits.max_requests;
    if (c->loop->draining) {
        dispatch_refuse(c, 503, "the server is shutting down", true);
        return;
    }
    if (!c->message_done)
        c->body_started_us = clock_monotonic_us();
    v = find_route(x);
    if (!v.status)
        v = check_body(c);
    if (v.status) {
        c->discard = !c->message_done;
        dispatch_refuse(c, v.status, v.reason,
                        !can_discard(c) || v.status == 413 || v.status == 417);
        return;
    }
    if (!admit(c))
        return;
    if (c->message_done) {
        dispatch_request(c);
        return;
    }
    connection_set_state(c, CONNECTION_BODY);
    parse_body_deadline(c);
}

/* True when the handler, or what the route has for quick requests, has taken it; it may be answered
 * already. */
static bool handle_here(struct http_exchange *x)
{
    const struct http_route *route = x->route;
    struct http_loop *loop = x->loop;
    bool taken = true;

    loop->current = x;
    loop->answered = false;
    if (route->run == HTTP_ON_LOOP) {
        route->handle(x, route->ctx);
    } else {
        taken = route->quick && route->quick(x, route->ctx);
    }
    loop->current = NULL;
    assert(taken || !loop->answered);
    return taken;
}

void dispatch_request(struct connection *c)
{
    struct http_exchange *x = c->x;
    struct http_loop *loop = c->loop;

    connection_set_state(c, CONNECTION_HANDLING);
    connection_deadline(c, HTTP_NEVER);
    x->returned = false;
    loop->in_flight++;
    if (!handle_here(x)) {
        worker_give(loop->server, x);
    } else if (loop->answered) {
        exchange_returned(x);
        connection_answered(c, x);
    }
}
