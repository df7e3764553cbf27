/* Judges answers that are not a success (engine.md 9.3, scim.md 10.3): which code, how it is to be
 * treated, and what people are told. */
#include "base/buf.h"
#include "base/unicode.h"
#include "connector/scim/scim.h"

#define PREFIX "SystemForCrossDomainIdentityManagement"
#define MASK   "[Redact]"

enum { EXCERPT_MAX = 2048, MESSAGE_MAX = 8192 };

struct verdict {
    enum target_class class_;
    const char *code;
};

/* By status alone; the rest of a hundred follows its first entry (599: 500). */
static const struct {
    int status;
    struct verdict verdict;
} by_status[] = {
    {100, {TARGET_TRANSIENT, "WebExceptionProtocolError"}},
    {300, {TARGET_PERMANENT, "WebExceptionProtocolError"}},
    {400, {TARGET_PERMANENT, "UnprocessableEntity"}},
    {401, {TARGET_PERMISSION, "Unauthorized"}},
    {402, {TARGET_PERMANENT, "LicenseLimitExceeded"}},
    {403, {TARGET_PERMISSION, "InsufficientRights"}},
    {404, {TARGET_PERMANENT, "InvalidAnchor"}},
    {405, {TARGET_PERMANENT, "MethodNotAllowed"}},
    {408, {TARGET_TRANSIENT, "Timeout"}},
    {409, {TARGET_PERMANENT, "EntryConflict"}},
    {410, {TARGET_PERMANENT, "InvalidAnchor"}},
    {412, {TARGET_TRANSIENT, "Conflict"}},
    {422, {TARGET_PERMANENT, "UnprocessableEntity"}},
    {425, {TARGET_TRANSIENT, "InternalServerError"}},
    {429, {TARGET_THROTTLED, "TooManyRequests"}},
    {500, {TARGET_TRANSIENT, "InternalServerError"}},
    {501, {TARGET_PERMANENT, "NotImplemented"}},
    {504, {TARGET_TRANSIENT, "Timeout"}},
    {600, {TARGET_TRANSIENT, "WebExceptionProtocolError"}}, /* RFC 9110, 15: no such status */
    {700, {TARGET_TRANSIENT, "WebExceptionProtocolError"}},
    {800, {TARGET_TRANSIENT, "WebExceptionProtocolError"}},
    {900, {TARGET_TRANSIENT, "WebExceptionProtocolError"}},
};

static const struct verdict by_failure[] = {
    [HTTP_OK] = {TARGET_TRANSIENT, "InternalError"},
    [HTTP_BAD_URL] = {TARGET_TRANSIENT, "InternalError"},
    [HTTP_RESOLVE_FAILED] = {TARGET_TRANSIENT, "WebExceptionProtocolError"},
    [HTTP_CONNECT_FAILED] = {TARGET_TRANSIENT, "WebExceptionProtocolError"},
    [HTTP_TLS_FAILED] = {TARGET_TRANSIENT, "WebExceptionProtocolError"},
    [HTTP_TIMED_OUT] = {TARGET_TRANSIENT, "Timeout"},
    [HTTP_DROPPED] = {TARGET_TRANSIENT, "WebExceptionProtocolError"},
    [HTTP_NOT_HTTP] = {TARGET_TRANSIENT, "WebExceptionProtocolError"},
    [HTTP_TOO_LARGE] = {TARGET_PERMANENT, PREFIX "ServiceIncompatible"},
    [HTTP_ADDRESS_REFUSED] = {TARGET_JOB, "NotPermitted"},
    [HTTP_REDIRECT_REFUSED] = {TARGET_PERMANENT, "NotPermitted"},
};
static_assert(ARRAY_LEN(by_failure) == HTTP_FAILURE_COUNT, "every failure has its verdict");

/* What a body says in words, where the status is not enough; the first that holds. All words of a
 * line have to occur, in any case. */
static const struct {
    int status;
    const char *scim_type; /* or NULL: any */
    const char *words[2];
    struct verdict verdict;
} by_body[] = {
    {400, "uniqueness", {NULL}, {TARGET_PERMANENT, "EntryConflict"}},
    {400, "invalidFilter", {NULL}, {TARGET_PERMANENT, PREFIX "ServiceIncompatibleFiltering"}},
    {400, "invalidPath", {NULL}, {TARGET_PERMANENT, "SchemaAttributeNotFound"}},
    {400, NULL, {"domain", "invalid"}, {TARGET_PERMANENT, "InvalidDomain"}},
    {400, NULL, {"domain", "not allowed"}, {TARGET_PERMANENT, "InvalidDomain"}},
    {400, NULL, {"domain", "not verified"}, {TARGET_PERMANENT, "InvalidDomain"}},
    {400, NULL, {"attribute", "unknown"}, {TARGET_PERMANENT, "SchemaAttributeNotFound"}},
    {400, NULL, {"attribute", "not supported"}, {TARGET_PERMANENT, "SchemaAttributeNotFound"}},
    {400, NULL, {"attribute", "unsupported"}, {TARGET_PERMANENT, "SchemaAttributeNotFound"}},
    {400, NULL, {"attribute", "not found"}, {TARGET_PERMANENT, "SchemaAttributeNotFound"}},
    {400, NULL, {"unrecognized", NULL}, {TARGET_PERMANENT, "SchemaAttributeNotFound"}},
    {400, NULL, {"not defined in", "schema"}, {TARGET_PERMANENT, "SchemaAttributeNotFound"}},
    {400, NULL, {"required", NULL}, {TARGET_PERMANENT, "MandatoryFieldsMissing"}},
    {400, NULL, {"missing", NULL}, {TARGET_PERMANENT, "MandatoryFieldsMissing"}},
    {400, NULL, {"mandatory", NULL}, {TARGET_PERMANENT, "MandatoryFieldsMissing"}},
    {422, "uniqueness", {NULL}, {TARGET_PERMANENT, "EntryConflict"}},
    {422, NULL, {"domain", "invalid"}, {TARGET_PERMANENT, "InvalidDomain"}},
    {422, NULL, {"domain", "not allowed"}, {TARGET_PERMANENT, "InvalidDomain"}},
    {422, NULL, {"domain", "not verified"}, {TARGET_PERMANENT, "InvalidDomain"}},
    {403, NULL, {"domain", "not verified"}, {TARGET_PERMANENT, "InvalidDomain"}},
    {403, NULL, {"licen", NULL}, {TARGET_PERMANENT, "LicenseLimitExceeded"}},
    {403, NULL, {"seats", NULL}, {TARGET_PERMANENT, "LicenseLimitExceeded"}},
};

static bool has_word(struct str text, const char *word)
{
    struct str w = str_from_z(word);

    for (size_t i = 0; i + w.len <= text.len; i++) {
        if (str_eq_ascii_nocase(str_sub(text, i, w.len), w))
            return true;
    }
    return false;
}

static struct verdict judge_status(int status, struct str type, struct str body)
{
    struct verdict verdict = {TARGET_PERMANENT, "UnprocessableEntity"};

    body = str_sub(body, 0, EXCERPT_MAX);
    for (size_t i = 0; i < ARRAY_LEN(by_body); i++) {
        bool holds =
            by_body[i].status == status &&
            (!by_body[i].scim_type || str_eq_ascii_nocase(type, str_from_z(by_body[i].scim_type)));

        for (size_t n = 0; holds && n < ARRAY_LEN(by_body[i].words) && by_body[i].words[n]; n++)
            holds = has_word(body, by_body[i].words[n]);
        if (holds)
            return by_body[i].verdict;
    }
    for (size_t i = 0; i < ARRAY_LEN(by_status); i++) {
        int s = by_status[i].status;

        if (s == status || (s % 100 == 0 && status / 100 == s / 100))
            verdict = by_status[i].verdict;
    }
    return verdict;
}

/* A query has verdicts of its own: whoever pays and who is let in is no matter of the filter. */
static struct verdict judge_find(int status, struct verdict verdict)
{
    if (status == 402 || status == 403)
        return verdict;
    if (status == 404 || status == 410)
        return (struct verdict){TARGET_JOB, PREFIX "ServiceIncompatible"};
    if (status == 501 || (status / 100 == 4 && verdict.class_ == TARGET_PERMANENT))
        return (struct verdict){TARGET_PERMANENT, PREFIX "ServiceIncompatibleFiltering"};
    return verdict;
}

static enum target_status status_of(enum scim_action action, int status, const char *code)
{
    if (status == 404 || status == 410) {
        switch (action) {
        case SCIM_READ:
        case SCIM_UPDATE:
        case SCIM_MEMBERS:
        case SCIM_REMOVE:
            return TARGET_NOT_FOUND;
        case SCIM_FIND:
        case SCIM_LIST:
        case SCIM_CREATE:
            return TARGET_FAILED;
        }
    }
    if ((action == SCIM_CREATE || action == SCIM_UPDATE) && strcmp(code, "EntryConflict") == 0)
        return TARGET_CONFLICT;
    return TARGET_FAILED;
}

/* The length of a JSON string at `at`, with its quotes. */
static size_t string_length(struct str text, size_t at)
{
    size_t i = at + 1;

    while (i < text.len && text.ptr[i] != '"')
        i += text.ptr[i] == '\\' ? 2 : 1;
    return (i < text.len ? i + 1 : text.len) - at;
}

/* The length of `: "value"` behind a member's name; 0 if it is something else. */
static size_t value_length(struct str text, size_t at)
{
    size_t i = at;

    while (i < text.len && (ascii_is_blank(text.ptr[i]) || text.ptr[i] == ':'))
        i++;
    if (i == at || i == text.len || text.ptr[i] != '"')
        return 0;
    return i + string_length(text, i) - at;
}

/* The length of a secret that begins at `at`, 0 if none does. */
static size_t secret_length(struct str text, size_t at, const struct str *secrets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (secrets[i].len && str_starts(str_from(text, at), secrets[i]))
            return secrets[i].len;
    }
    return 0;
}

struct str scim_excerpt(struct arena *a, struct str body, size_t max, const struct str *secrets,
                        size_t secret_count)
{
    static const struct str password = STR_INIT("\"password\"");
    CLEANUP(buf_done) struct buf out;
    size_t at = 0;
    size_t n;

    buf_init(&out, max + EXCERPT_MAX);
    while (at < body.len && out.len < max) {
        if ((n = secret_length(body, at, secrets, secret_count))) {
            buf_add_z(&out, MASK);
            at += n;
        } else if (body.ptr[at] == '"' &&
                   str_eq_ascii_nocase(str_sub(body, at, password.len), password) &&
                   (n = value_length(body, at + password.len))) {
            buf_add_z(&out, "\"password\":\"" MASK "\"");
            at += password.len + n;
        } else {
            char c = body.ptr[at++];

            buf_add_char(&out, (char)((unsigned char)c < 0x20 || c == 0x7f ? ' ' : c));
        }
    }
    struct str text = buf_str(&out);
    if (at == body.len)
        return arena_str(a, utf8_clean(a, text));
    /* Cut at the end of a character, which has three bytes of continuation at most. */
    for (int i = 0; i < 3 && text.len && ((unsigned char)text.ptr[text.len - 1] & 0xC0) == 0x80;
         i++)
        text.len--;
    if (text.len && (unsigned char)text.ptr[text.len - 1] >= 0xC0)
        text.len--;
    text = utf8_clean(a, text);
    return arena_printf(a, "%.*s…", STR_ARG(text));
}

struct str scim_error_type(struct arena *a, struct str body)
{
    struct json *document;
    struct err ignored;

    if (!json_parse(a, body, NULL, &document, NULL, &ignored))
        return STR("");
    const struct json *type = json_get_nocase(document, STR("scimType"));
    return json_is(type, JSON_STRING) ? type->text : STR("");
}

/* What an error of RFC 7644, 3.12 says in words: " (uniqueness): taken". False when the body is
 * something else: then it is shown as it is. */
static bool add_scim_error(struct buf *out, struct arena *a, const struct scim_asked *asked,
                           struct str body)
{
    const struct json *type, *detail;
    struct json *document;
    struct err ignored;

    if (!json_parse(a, body, NULL, &document, NULL, &ignored) || !json_is(document, JSON_OBJECT))
        return false;
    type = json_get_nocase(document, STR("scimType"));
    detail = json_get_nocase(document, STR("detail"));
    if (!json_is(detail, JSON_STRING) || detail->text.len == 0)
        return false;
    if (json_is(type, JSON_STRING) && type->text.len > 0)
        buf_addf(out, " (%.*s)", STR_ARG(str_sub(type->text, 0, 100)));
    buf_add_z(out, ": ");
    buf_add(out, scim_excerpt(a, detail->text, EXCERPT_MAX, asked->secrets, asked->secret_count));
    return true;
}

static void add_answer(struct buf *out, struct arena *a, const struct scim_asked *asked,
                       const struct http_answer *answer)
{
    if (answer->body.len == 0 || add_scim_error(out, a, asked, answer->body))
        return;
    buf_add_z(out, ": ");
    buf_add(out, scim_excerpt(a, answer->body, EXCERPT_MAX, asked->secrets, asked->secret_count));
}

static struct str message(struct arena *a, const struct scim_asked *asked,
                          const struct http_answer *answer, const char *why)
{
    CLEANUP(buf_done) struct buf out;
    struct str id = answer->request_id.len ? answer->request_id : asked->request_id;
    struct str shown =
        scim_excerpt(a, asked->shown, EXCERPT_MAX, asked->secrets, asked->secret_count);

    buf_init(&out, MESSAGE_MAX);
    buf_add_z(&out, http_method_name(asked->method));
    buf_add_char(&out, ' ');
    buf_add(&out, shown);
    if (answer->failure != HTTP_OK) {
        buf_addf(&out, ": %s", answer->reason);
    } else {
        buf_addf(&out, " was answered with status %d", answer->status);
        if (answer->status / 100 == 3 && answer->location.len)
            buf_addf(&out, " to %.*s", STR_ARG(str_sub(answer->location, 0, 300)));
    }
    if (why)
        buf_addf(&out, ": %s", why);
    if (answer->failure == HTTP_OK)
        add_answer(&out, a, asked, answer);
    if (id.len)
        buf_addf(&out, " (request id %.*s)", STR_ARG(str_sub(id, 0, 200)));
    return arena_str(a, utf8_clean(a, buf_str(&out)));
}

static void fill(struct arena *a, const struct scim_asked *asked, const struct http_answer *answer,
                 struct verdict verdict, const char *why, struct target_result *out)
{
    int status = answer->failure == HTTP_OK ? answer->status : 0;

    *out = (struct target_result){
        .status = status_of(asked->action, status, verdict.code),
        .class_ = verdict.class_,
        .code = verdict.code,
        .message = message(a, asked, answer, why),
        .http_status = status,
        .retry_after_ms = answer->failure == HTTP_OK ? answer->retry_after_ms : -1,
        .duration_us = answer->duration_us,
    };
}

void scim_judge(struct arena *a, const struct scim_asked *asked, const struct http_answer *answer,
                struct target_result *out)
{
    struct verdict verdict;

    if (answer->failure != HTTP_OK) {
        verdict = by_failure[answer->failure];
    } else {
        verdict = judge_status(answer->status, scim_error_type(a, answer->body), answer->body);
        if (asked->action == SCIM_FIND) {
            verdict = judge_find(answer->status, verdict);
        } else if ((asked->action == SCIM_CREATE || asked->action == SCIM_LIST) &&
                   (answer->status == 404 || answer->status == 410)) {
            /* The endpoint is missing, not an account. */
            verdict = (struct verdict){TARGET_PERMANENT, PREFIX "ServiceIncompatible"};
        }
        /* A server that says when to come again is not broken but busy. */
        if (answer->status == 503 && answer->retry_after_ms >= 0)
            verdict = (struct verdict){TARGET_THROTTLED, "TooManyRequests"};
    }
    fill(a, asked, answer, verdict, NULL, out);
}

void scim_fail(struct arena *a, const struct scim_asked *asked, const struct http_answer *answer,
               enum target_class class_, const char *code, const char *why,
               struct target_result *out)
{
    fill(a, asked, answer, (struct verdict){class_, code}, why, out);
    out->status = TARGET_FAILED;
}
