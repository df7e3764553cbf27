#include "notify/smtp.h"

#include "http/client.h"
#include "notify/address.h"
#include "notify/host.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { CONNECT_S = 15, TOTAL_S = 90, REPLY_MAX = 200 };

static const char *const tls_names[] = {"required", "opportunistic", "none"};
static_assert(ARRAY_LEN(tls_names) == NOTIFY_TLS_COUNT, "every tls has a name");

bool notify_tls_from_name(struct str name, enum notify_tls *out)
{
    for (size_t i = 0; i < ARRAY_LEN(tls_names); i++) {
        if (str_eq_z(name, tls_names[i])) {
            *out = (enum notify_tls)i;
            return true;
        }
    }
    return false;
}

/* --- Configuration --- */

static bool is_smtps(const char *url)
{
    return strncmp(url, "smtps://", 8) == 0;
}

/* "smtp://host:587" as an http URL, for its parts. */
static bool take_host(const char *url, struct str *out, struct err *err)
{
    struct http_url parts;
    char text[512];
    struct err ignored;
    const char *rest = strstr(url, "://");

    if ((strncmp(url, "smtp://", 7) != 0 && !is_smtps(url)) ||
        snprintf(text, sizeof(text), "http%s", rest) >= (int)sizeof(text) ||
        !http_url_parse(str_from_z(text), &parts, &ignored) || parts.query.len ||
        (parts.path.len && !str_eq_z(parts.path, "/"))) {
        return err_set(err, ERR_INVALID, "badMailServer",
                       "smtp-url takes smtp://HOST:587 or smtps://HOST, not '%.200s'", url);
    }
    *out = str_sub(str_from_z(url), (size_t)(rest - url) + (size_t)(parts.host.ptr - text) - 4,
                   parts.host.len);
    return true;
}

bool notify_smtp_check(const struct notify_smtp *s, struct err *err)
{
    struct str host;

    if (!s->url) {
        return err_set(err, ERR_INVALID, "badMailServer",
                       "no mail server is configured: smtp-url and smtp-from in usher.yaml");
    }
    if (!take_host(s->url, &host, err))
        return false;
    if (!s->from || !notify_address_valid(str_from_z(s->from))) {
        return err_set(err, ERR_INVALID, "badMailServer",
                       "smtp-from takes the sender's address such as usher@example.com, not '%s'",
                       s->from ? s->from : "");
    }
    if (!s->user != !s->password) {
        return err_set(err, ERR_INVALID, "badMailServer",
                       "smtp-user and smtp-password belong together");
    }
    if (s->user && !is_smtps(s->url) && s->tls != NOTIFY_TLS_REQUIRED &&
        !notify_host_is_local(host)) {
        return err_set(err, ERR_INVALID, "badMailServer",
                       "smtp-tls %s could send the password in the clear: use required with "
                       "smtp-user",
                       tls_names[s->tls]);
    }
    return true;
}

/* --- Sending --- */

struct sending {
    struct str rest; /* of the message */
    const atomic_bool *stop;
    const char *verb;      /* of the last command; static storage */
    bool quit;             /* what comes now answers the farewell */
    char reply[REPLY_MAX]; /* the last line that the server sent */
    char error[CURL_ERROR_SIZE];
};

static size_t on_read(char *out, size_t size, size_t count, void *ctx)
{
    struct sending *s = ctx;
    size_t n = size * count < s->rest.len ? size * count : s->rest.len;

    if (n)
        memcpy(out, s->rest.ptr, n);
    s->rest = str_from(s->rest, n);
    return n;
}

/* What was said last. Of commands the verb alone is kept: the rest may be a password. */
/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type */
static int on_debug(CURL *easy, curl_infotype type, char *data, size_t size, void *ctx)
{
    static const char *const verbs[] = {"EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA"};
    struct sending *s = ctx;
    struct str text = str_trim((struct str){data, size});

    (void)easy;
    if (type == CURLINFO_HEADER_OUT && str_starts(text, STR("QUIT")))
        s->quit = true;
    if (s->quit)
        return 0;
    if (type == CURLINFO_HEADER_IN && text.len) {
        snprintf(s->reply, sizeof(s->reply), "%.*s", STR_ARG(text));
    } else if (type == CURLINFO_HEADER_OUT) {
        for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
            if (str_starts(text, str_from_z(verbs[i])))
                s->verb = verbs[i];
        }
    }
    return 0;
}

/* Once the server has all of the message it may have taken it on: its answer is waited for. */
static int on_progress(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    struct sending *s = ctx;

    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    return s->stop && atomic_load(s->stop) && s->rest.len > 0;
}

static void global_init(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void set_security(CURL *e, const struct notify_smtp *s)
{
    static const long levels[] = {
        [NOTIFY_TLS_REQUIRED] = CURLUSESSL_ALL,
        [NOTIFY_TLS_OPPORTUNISTIC] = CURLUSESSL_TRY,
        [NOTIFY_TLS_NONE] = CURLUSESSL_NONE,
    };

    curl_easy_setopt(e, CURLOPT_USE_SSL, is_smtps(s->url) ? (long)CURLUSESSL_ALL : levels[s->tls]);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (s->ca_file) /* the system's are still found, through CURLOPT_CAPATH's default */
        curl_easy_setopt(e, CURLOPT_CAINFO, s->ca_file);
    if (s->user) {
        curl_easy_setopt(e, CURLOPT_USERNAME, s->user);
        curl_easy_setopt(e, CURLOPT_PASSWORD, secret_reveal(s->password).ptr);
    }
}

static void set_up(CURL *e, const struct notify_smtp *s, struct sending *state, struct str message)
{
    curl_easy_setopt(e, CURLOPT_URL, s->url);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(e, CURLOPT_TIMEOUT, (long)TOTAL_S);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, state->error);
    curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)message.len);
    curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(e, CURLOPT_READDATA, state);
    curl_easy_setopt(e, CURLOPT_VERBOSE, 1L); /* for on_debug; nothing is printed */
    curl_easy_setopt(e, CURLOPT_DEBUGFUNCTION, on_debug);
    curl_easy_setopt(e, CURLOPT_DEBUGDATA, state);
    curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(e, CURLOPT_XFERINFODATA, state);
    set_security(e, s);
}

static bool said(const struct sending *s, const char *verb)
{
    return s->verb && strcmp(s->verb, verb) == 0;
}

/* What a failure means, and what there is to say about it. */
static enum notify_smtp_result judge(const struct notify_smtp *s, CURLcode code,
                                     const struct sending *state, struct err *err)
{
    char first = state->reply[0];
    bool answered = first == '4' || first == '5';
    bool this_mail = said(state, "MAIL") || said(state, "RCPT") || said(state, "DATA");

    if (code == CURLE_ABORTED_BY_CALLBACK) {
        err_fill(err, ERR_UNAVAILABLE, "stopped", "usher is stopping");
        return NOTIFY_SMTP_LATER;
    }
    if (answered && state->verb) {
        err_fill(err, ERR_UNAVAILABLE, "mailRefused", "%s answered %s with: %s", s->url,
                 state->verb, state->reply);
    } else if (code == CURLE_USE_SSL_FAILED) {
        err_fill(err, ERR_UNAVAILABLE, "mailTls",
                 "%s offers no TLS (STARTTLS); smtp-tls says whether it has to", s->url);
    } else {
        err_fill(err, ERR_UNAVAILABLE, "mailServer", "%s: %s%s%s", s->url,
                 state->error[0] ? state->error : curl_easy_strerror(code),
                 state->verb ? ", after " : "", state->verb ? state->verb : "");
    }
    if (!answered || !this_mail)
        return NOTIFY_SMTP_UNREACHABLE;
    return first == '5' && !said(state, "MAIL") ? NOTIFY_SMTP_REFUSED : NOTIFY_SMTP_LATER;
}

enum notify_smtp_result notify_smtp_send(const struct notify_smtp *s, struct str to,
                                         struct str message, const atomic_bool *stop,
                                         struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT; /* libcurl's own global state */
    struct sending state = {.rest = message, .stop = stop};
    enum notify_smtp_result result = NOTIFY_SMTP_SENT;
    char recipient[NOTIFY_ADDRESS_MAX + 3];
    char sender[NOTIFY_ADDRESS_MAX + 3];
    struct curl_slist *recipients;
    CURLcode code;
    CURL *e;

    pthread_once(&once, global_init);
    (void)signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    e = curl_easy_init();
    assert(e); /* it fails for want of memory only */
    snprintf(recipient, sizeof(recipient), "<%.*s>", STR_ARG(to));
    snprintf(sender, sizeof(sender), "<%s>", s->from);
    recipients = curl_slist_append(NULL, recipient);
    set_up(e, s, &state, message);
    curl_easy_setopt(e, CURLOPT_MAIL_FROM, sender);
    curl_easy_setopt(e, CURLOPT_MAIL_RCPT, recipients);
    code = curl_easy_perform(e);
    if (code != CURLE_OK)
        result = judge(s, code, &state, err);
    curl_slist_free_all(recipients);
    curl_easy_cleanup(e);
    return result;
}
