/* What a failed request is called, for programs and for people. */
#include "http/client/call.h"

#include <errno.h>
#include <stdarg.h>

#define HOST_SAID_MAX 140 /* bytes of a host's name in a message */

static const char *const failure_names[] = {
    [HTTP_OK] = "ok",
    [HTTP_BAD_URL] = "badUrl",
    [HTTP_RESOLVE_FAILED] = "resolveFailed",
    [HTTP_CONNECT_FAILED] = "connectFailed",
    [HTTP_TLS_FAILED] = "tlsFailed",
    [HTTP_TIMED_OUT] = "timedOut",
    [HTTP_DROPPED] = "dropped",
    [HTTP_NOT_HTTP] = "notHttp",
    [HTTP_TOO_LARGE] = "tooLarge",
    [HTTP_ADDRESS_REFUSED] = "addressRefused",
    [HTTP_REDIRECT_REFUSED] = "redirectRefused",
};
static_assert(ARRAY_LEN(failure_names) == HTTP_FAILURE_COUNT, "every failure has a name");

const char *http_failure_name(enum http_failure failure)
{
    return failure_names[failure];
}

static const struct {
    CURLcode code;
    enum http_failure failure;
} failures[] = {
    {CURLE_URL_MALFORMAT, HTTP_BAD_URL},
    {CURLE_COULDNT_RESOLVE_HOST, HTTP_RESOLVE_FAILED},
    {CURLE_COULDNT_CONNECT, HTTP_CONNECT_FAILED},
    {CURLE_INTERFACE_FAILED, HTTP_CONNECT_FAILED},
    {CURLE_OPERATION_TIMEDOUT, HTTP_TIMED_OUT},
    {CURLE_SSL_CONNECT_ERROR, HTTP_TLS_FAILED},
    {CURLE_PEER_FAILED_VERIFICATION, HTTP_TLS_FAILED},
    {CURLE_SSL_CERTPROBLEM, HTTP_TLS_FAILED},
    {CURLE_SSL_CIPHER, HTTP_TLS_FAILED},
    {CURLE_SSL_CACERT_BADFILE, HTTP_TLS_FAILED},
    {CURLE_SSL_ISSUER_ERROR, HTTP_TLS_FAILED},
    {CURLE_SSL_INVALIDCERTSTATUS, HTTP_TLS_FAILED},
    {CURLE_SSL_CLIENTCERT, HTTP_TLS_FAILED},
    {CURLE_WEIRD_SERVER_REPLY, HTTP_NOT_HTTP},
    {CURLE_UNSUPPORTED_PROTOCOL, HTTP_NOT_HTTP}, /* the scheme was checked: this is HTTP/0.9 */
    {CURLE_BAD_CONTENT_ENCODING, HTTP_NOT_HTTP},
    {CURLE_WRITE_ERROR, HTTP_NOT_HTTP}, /* not our limits, which are looked at first */
    {CURLE_FILESIZE_EXCEEDED, HTTP_TOO_LARGE},
    {CURLE_OUT_OF_MEMORY, HTTP_TOO_LARGE}, /* libcurl's own limit on a header line */
};

static enum http_failure classify(const struct http_call *call, CURLcode code)
{
    if (call->too_large)
        return HTTP_TOO_LARGE;
    if (call->refused_address && code == CURLE_COULDNT_CONNECT)
        return HTTP_ADDRESS_REFUSED;
    if (code == CURLE_RECV_ERROR && strstr(call->error, "chunked-encoding"))
        return HTTP_NOT_HTTP;
    for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
        if (failures[i].code == code)
            return failures[i].failure;
    }
    return HTTP_DROPPED;
}

/* What libcurl knows beyond the code. */
static const char *detail(const struct http_call *call, CURLcode code)
{
    return call->error[0] ? call->error : curl_easy_strerror(code);
}

static void say(struct http_call *call, const char *format, ...) PRINTF_LIKE(2, 3);

static void say(struct http_call *call, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(call->answer.reason, sizeof(call->answer.reason), format, args);
    va_end(args);
}

static void say_not_connected(struct http_call *call, const char *peer, CURLcode code)
{
    long why = 0;

    curl_easy_getinfo(call->via, CURLINFO_OS_ERRNO, &why);
    if (why == ECONNREFUSED) {
        say(call, "%s refuses the connection: nothing listens there", peer);
    } else if (why == EHOSTUNREACH || why == ENETUNREACH) {
        say(call, "%s cannot be reached from here", peer);
    } else {
        say(call, "cannot connect to %s: %s", peer, detail(call, code));
    }
}

static void say_late(struct http_call *call, const char *peer)
{
    curl_off_t resolved = 0, connected = 0, secured = 0;
    double seconds = (double)call->answer.duration_us / 1e6;

    curl_easy_getinfo(call->via, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
    curl_easy_getinfo(call->via, CURLINFO_CONNECT_TIME_T, &connected);
    curl_easy_getinfo(call->via, CURLINFO_APPCONNECT_TIME_T, &secured);
    if (call->sends > 0) {
        say(call, "no complete answer from %s within %.1f s", peer, seconds);
    } else if (call->queued) {
        say(call, "no free connection to %s within %.1f s", peer, seconds);
    } else if (resolved == 0) {
        say(call, "the name of %s was not resolved within %.1f s", peer, seconds);
    } else if (connected == 0) {
        say(call, "no connection to %s within %.1f s", peer, seconds);
    } else if (call->tls && secured == 0) {
        say(call, "no TLS with %s within %.1f s", peer, seconds);
    } else {
        say(call, "no free connection to %s within %.1f s", peer, seconds);
    }
}

void http_call_fail(struct http_call *call, CURLcode code)
{
    struct http_answer *a = &call->answer;
    struct str host = str_sub(buf_str(&call->origin), call->host.at, call->host.len);
    char peer[160];

    host = str_sub(host, 0, HOST_SAID_MAX);
    snprintf(peer, sizeof(peer), "%.*s:%u", STR_ARG(host), (unsigned)call->port);
    a->failure = classify(call, code);
    switch (a->failure) {
    case HTTP_RESOLVE_FAILED:
        say(call, "cannot resolve host '%.*s'", STR_ARG(host));
        break;
    case HTTP_CONNECT_FAILED:
        say_not_connected(call, peer, code);
        break;
    case HTTP_ADDRESS_REFUSED:
        say(call, "%s is %s, which is never called", peer, call->refused_address);
        break;
    case HTTP_TLS_FAILED:
        say(call, "no trusted TLS connection to %s: %s", peer, detail(call, code));
        break;
    case HTTP_TIMED_OUT:
        say_late(call, peer);
        break;
    case HTTP_DROPPED:
        say(call, "the connection to %s ended before the answer was complete", peer);
        break;
    case HTTP_NOT_HTTP:
        say(call, "%s does not answer in HTTP: %s", peer, detail(call, code));
        break;
    case HTTP_TOO_LARGE:
        say(call, "the answer of %s is larger than %zu bytes", peer, call->settings->max_answer);
        break;
    case HTTP_OK:
    case HTTP_BAD_URL:
    case HTTP_REDIRECT_REFUSED:
    case HTTP_FAILURE_COUNT:
        say(call, "%s", detail(call, code));
        break;
    }
}
