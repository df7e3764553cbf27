/* The connection test (engine.md 10): asks for somebody who cannot exist, and says exactly what is
 * wrong when the answer is not an empty list. */
#include "connector/scim/auth.h"

enum { BODY_SHOWN = 120 };

struct test {
    const struct scim_target *target;
    const struct scim_object *object;
    struct arena *a;
    struct str shown;
    struct http_answer answer;
};

/* The words of an error of SCIM, else the body as it is. */
static struct str words_of(const struct test *t)
{
    struct json *document;
    struct str detail;

    if (!json_parse(t->a, t->answer.body, NULL, &document, NULL, NULL))
        return t->answer.body;
    detail = json_get_text(document, "detail");
    return detail.len > 0 ? detail : t->answer.body;
}

/* What was asked and answered, in a few words. */
static struct str exchange(const struct test *t)
{
    struct str secrets[SCIM_OWN_SECRETS];
    size_t count = scim_target_secrets(t->target, secrets);
    struct str body = scim_excerpt(t->a, words_of(t), BODY_SHOWN, secrets, count);
    struct str asked = t->shown;
    size_t at;

    if (str_find_char(asked, '?', &at))
        asked = str_sub(asked, 0, at);
    return arena_printf(t->a, "GET %.*s: %d%s%.*s%s%.*s%s", STR_ARG(asked), t->answer.status,
                        body.len ? " " : "", STR_ARG(body),
                        t->answer.request_id.len ? " (request id " : "",
                        STR_ARG(t->answer.request_id), t->answer.request_id.len ? ")" : "");
}

static struct str matching_name(const struct test *t)
{
    const struct scim_attribute *best = NULL;

    for (size_t i = 0; i < t->object->mapping->attribute_count; i++) {
        const struct scim_attribute *x = &t->object->attributes[i];

        if (x->mapping->matching_priority &&
            (!best || x->mapping->matching_priority < best->mapping->matching_priority))
            best = x;
    }
    return best ? best->path : STR("?");
}

static const struct {
    enum http_failure failure;
    enum err_kind kind;
    const char *code;
    const char *advice;
} by_failure[] = {
    {HTTP_BAD_URL, ERR_INVALID, "wrongUrl", "correct the tenant URL"},
    {HTTP_RESOLVE_FAILED, ERR_UNAVAILABLE, "unresolvable",
     "check the host name in the tenant URL and the name service"},
    {HTTP_CONNECT_FAILED, ERR_UNAVAILABLE, "unreachable",
     "check host and port of the tenant URL, and that a firewall lets this machine out"},
    {HTTP_TLS_FAILED, ERR_UNAVAILABLE, "certificateRefused",
     "the application needs a certificate that is valid for this host; a private CA has to be "
     "configured"},
    {HTTP_TIMED_OUT, ERR_UNAVAILABLE, "timeout",
     "the application took too long; try again, and check it if that goes on"},
    {HTTP_DROPPED, ERR_UNAVAILABLE, "unreachable",
     "the connection was closed before there was an answer"},
    {HTTP_NOT_HTTP, ERR_INVALID, "notScim", "something that is not a web server listens there"},
    {HTTP_TOO_LARGE, ERR_INVALID, "filterIgnored",
     "the answer is far too large for somebody who does not exist"},
    {HTTP_ADDRESS_REFUSED, ERR_DENIED, "unreachable",
     "the host has an address that is never called"},
    {HTTP_REDIRECT_REFUSED, ERR_INVALID, "wrongUrl",
     "enter the address of the application itself as the tenant URL"},
};

static bool failed(const struct test *t, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(by_failure); i++) {
        if (by_failure[i].failure == t->answer.failure) {
            return err_set(err, by_failure[i].kind, by_failure[i].code, "%s: %s", t->answer.reason,
                           by_failure[i].advice);
        }
    }
    return err_set(err, ERR_INTERNAL, "unreachable", "%s", t->answer.reason);
}

static bool busy(const struct test *t, struct err *err)
{
    if (t->answer.retry_after_ms >= 0) {
        return err_set(err, ERR_UNAVAILABLE, "busy",
                       "the application is busy; it says to try again in %lld seconds; %.*s",
                       (long long)(t->answer.retry_after_ms + 999) / 1000, STR_ARG(exchange(t)));
    }
    return err_set(err, ERR_UNAVAILABLE, "busy",
                   "the application is busy; try again in a few minutes; %.*s",
                   STR_ARG(exchange(t)));
}

/* The first whose range has the status; what is left over is a server that fails. */
static const struct {
    int from, to;
    enum err_kind kind;
    const char *code;
    const char *advice;
} by_status[] = {
    {300, 399, ERR_INVALID, "wrongUrl",
     "the application redirects: enter the address it redirects to"},
    {403, 403, ERR_DENIED, "credentialsRefused",
     "the token is known but may not read accounts: give it the rights"},
    {404, 405, ERR_NOT_FOUND, "wrongUrl",
     "there is no SCIM endpoint there: check the path of the tenant URL (a server that answers 404 "
     "instead of an empty list is not compliant)"},
    {410, 410, ERR_NOT_FOUND, "wrongUrl",
     "there is no SCIM endpoint there any more: check the tenant URL"},
    {400, 499, ERR_INVALID, "filterRefused",
     "the application cannot filter on the matching attribute: match by one that it can filter on"},
    {501, 501, ERR_INVALID, "filterRefused",
     "the application cannot filter on the matching attribute: match by one that it can filter on"},
    {0, 999, ERR_UNAVAILABLE, "serverError",
     "the application fails: try again, and check it if that goes on"},
};

/* What a 401 means depends on what was shown. */
static bool not_let_in(const struct test *t, struct err *err)
{
    static const char *const advice[] = {
        [AUTH_BEARER] =
            "the application does not accept the token: enter it again, or have a new one made",
        [AUTH_BASIC] = "the application does not accept user name and password: enter them again",
        [AUTH_OAUTH] = "the application does not accept the access token: check its scope",
        [AUTH_HEADER] =
            "the application does not accept the key: enter it again, and check client.auth.header",
    };
    bool none = scim_auth_has_failed(t->target->auth);

    return err_set(err, ERR_DENIED, "credentialsRefused", "%s; %.*s",
                   none ? "check the token URL, the client id, the client secret and the scope"
                        : advice[scim_auth_kind(t->target->auth)],
                   STR_ARG(exchange(t)));
}

static bool refused(const struct test *t, struct err *err)
{
    int status = t->answer.status;
    size_t i = 0;

    if (status == 429 || status == 503)
        return busy(t, err);
    if (status == 401)
        return not_let_in(t, err);
    while (status < by_status[i].from || status > by_status[i].to)
        i++;
    if (t->answer.location.len && status / 100 == 3) {
        return err_set(err, by_status[i].kind, by_status[i].code, "%s, '%.*s'; %.*s",
                       by_status[i].advice, STR_ARG(str_sub(t->answer.location, 0, 150)),
                       STR_ARG(exchange(t)));
    }
    if (strcmp(by_status[i].code, "filterRefused") == 0) {
        return err_set(err, by_status[i].kind, by_status[i].code, "%s (it is '%.*s'); %.*s",
                       by_status[i].advice, STR_ARG(matching_name(t)), STR_ARG(exchange(t)));
    }
    return err_set(err, by_status[i].kind, by_status[i].code, "%s; %.*s", by_status[i].advice,
                   STR_ARG(exchange(t)));
}

static bool verdict(const struct test *t, struct err *err)
{
    struct scim_list list;
    struct json *document;
    struct err ignored;

    if (t->answer.failure != HTTP_OK)
        return failed(t, err);
    if (t->answer.status == 404 && t->target->empty_is_404)
        return true;
    if (t->answer.status / 100 != 2)
        return refused(t, err);
    if (!json_parse(t->a, t->answer.body, NULL, &document, NULL, &ignored) ||
        !scim_read_list(document, &list)) {
        return err_set(err, ERR_INVALID, "notScim",
                       "the answer is not SCIM: check that the tenant URL is the SCIM base URL of "
                       "the application; %.*s",
                       STR_ARG(exchange(t)));
    }
    if ((list.count > 0 || list.total > 0) && !t->target->scans) {
        return err_set(err, ERR_INVALID, "filterIgnored",
                       "the application ignores the filter: asked for somebody who cannot exist by "
                       "'%.*s', it returned %lld; %.*s",
                       STR_ARG(matching_name(t)), (long long)list.total, STR_ARG(exchange(t)));
    }
    return true;
}

/* Groups are asked for when people are answered: the address is right then. */
static bool no_groups(const struct test *t)
{
    return t->answer.failure == HTTP_OK && !t->target->empty_is_404 &&
           (t->answer.status == 404 || t->answer.status == 405 || t->answer.status == 501);
}

/* The endpoint may be elsewhere. */
static bool is_missing(const struct test *t)
{
    return t->answer.failure == HTTP_OK && t->answer.status == 404 && !t->target->empty_is_404;
}

static bool test_kind(struct scim_target *target, enum source_kind kind, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct test t = {.target = target, .object = scim_target_object(target, kind), .a = a};

    if (!t.object || (kind != SOURCE_USER && !t.object->mapping->enabled))
        return true;
    scim_target_get(target, a, t.object, &t.shown, &t.answer);
    if (is_missing(&t) && scim_find_endpoint(target, t.object))
        scim_target_get(target, a, t.object, &t.shown, &t.answer);
    if (kind == SOURCE_GROUP && no_groups(&t)) {
        return err_set(
            err, ERR_NOT_FOUND, "noGroups",
            "the application has people, but no groups: switch the mapping of groups off "
            "(\"enabled\": false); %.*s",
            STR_ARG(exchange(&t)));
    }
    return verdict(&t, err);
}

bool scim_test(struct target *t, struct err *err)
{
    struct scim_target *target = (struct scim_target *)t;

    return test_kind(target, SOURCE_USER, err) && test_kind(target, SOURCE_GROUP, err);
}
