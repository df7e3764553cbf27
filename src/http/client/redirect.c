/* Redirects of the client: within the origin that was asked only, so that what a request carries
 * (a token above all) goes to nobody else (scim.md 10.2). */
#include "http/client/call.h"

#define HOST_SAID_MAX 140 /* bytes of a host's name in a message */

static bool is_redirect(const struct http_call *call, int status)
{
    bool reads = call->method == HTTP_GET || call->method == HTTP_HEAD;

    return status == 307 || status == 308 ||
           (reads && (status == 301 || status == 302 || status == 303));
}

/* The place that the answer names, taken apart; NULL when it is none. */
static CURLU *place_of(const struct http_call *call, struct str location)
{
    CURLU *url = curl_url();
    CLEANUP(buf_done) struct buf text;

    assert(url);
    buf_init(&text, call->text.max + call->seen.max);
    buf_add(&text, buf_str(&call->origin));
    buf_add_z(&text, call_target(call));
    if (curl_url_set(url, CURLUPART_URL, buf_z(&text), 0) == CURLUE_OK) {
        buf_reset(&text);
        buf_add(&text, location);
        if (curl_url_set(url, CURLUPART_URL, buf_z(&text), 0) == CURLUE_OK)
            return url;
    }
    curl_url_cleanup(url);
    return NULL;
}

static bool part_is(CURLU *url, CURLUPart part, struct str want)
{
    char *text = NULL;
    bool same = curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                str_eq_ascii_nocase(str_from_z(text), want);

    curl_free(text);
    return same;
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;

    curl_free(text);
    return has;
}

static bool is_same_origin(const struct http_call *call, CURLU *url)
{
    struct str host = str_sub(buf_str(&call->origin), call->host.at, call->host.len);
    char port[8];

    snprintf(port, sizeof(port), "%u", (unsigned)call->port);
    return part_is(url, CURLUPART_SCHEME, call->tls ? STR("https") : STR("http")) &&
           part_is(url, CURLUPART_HOST, host) && part_is(url, CURLUPART_PORT, str_from_z(port)) &&
           !has_part(url, CURLUPART_USER);
}

static void add_part(struct buf *out, CURLU *url, CURLUPart part, const char *before)
{
    char *text = NULL;

    if (curl_url_get(url, part, &text, 0) == CURLUE_OK) {
        buf_add_z(out, before);
        buf_add_z(out, text);
    }
    curl_free(text);
}

static void refuse(struct http_call *call, CURLU *url, const char *why)
{
    struct http_answer *a = &call->answer;
    CLEANUP(buf_done) struct buf where;

    buf_init(&where, CURL_ERROR_SIZE * 8);
    if (url) {
        add_part(&where, url, CURLUPART_SCHEME, " to ");
        add_part(&where, url, CURLUPART_HOST, "://");
        add_part(&where, url, CURLUPART_PORT, ":");
    }
    snprintf(a->reason, sizeof(a->reason), "%.*s redirects%.*s, %s",
             (int)(call->origin.len < HOST_SAID_MAX ? call->origin.len : HOST_SAID_MAX),
             buf_z(&call->origin), (int)(where.len < 100 ? where.len : 100), buf_z(&where), why);
    a->failure = HTTP_REDIRECT_REFUSED;
}

bool call_follow(struct http_call *call)
{
    if (call->max_redirects == 0 || !is_redirect(call, call->status) || call->location.len == 0)
        return false;
    CURLU *url =
        place_of(call, (struct str){call->seen.ptr + call->location.at, call->location.len});
    if (!url) {
        refuse(call, NULL, "to something that is no address");
    } else if (!is_same_origin(call, url)) {
        refuse(call, url, "which is another server: nothing is sent there");
    } else if (call->redirects == call->max_redirects) {
        refuse(call, url, "and goes on redirecting");
    } else {
        buf_reset(&call->moved);
        add_part(&call->moved, url, CURLUPART_PATH, "");
        add_part(&call->moved, url, CURLUPART_QUERY, "?");
    }
    curl_url_cleanup(url);
    if (call->answer.failure != HTTP_OK)
        return false;
    call->redirects++;
    call->sends = 0;
    (void)buf_z(&call->moved); /* the target of the next request: call_target */
    return true;
}
