#include "base/log.h"
#include "provider/imitation/delay.h"
#include "scim/message.h"

#define ERROR_MAX 65536 /* bytes of an error's body */

/* Codes of errors that decide the answer by themselves; others follow from the kind. */
static const struct {
    const char *code;
    int status;
    const char *scim_type; /* NULL: none */
} codes[] = {
    {"invalidFilter", 400, "invalidFilter"},
    {"invalidPath", 400, "invalidPath"},
    {"invalidValue", 400, "invalidValue"},
    {"invalidSyntax", 400, "invalidSyntax"},
    {"invalidJson", 400, "invalidSyntax"},
    {"jsonTooDeep", 400, "invalidSyntax"},
    {"jsonTooLarge", 400, "invalidSyntax"},
    {"noTarget", 400, "noTarget"},
    {"mutability", 400, "mutability"},
    {"tooMany", 400, "tooMany"},
    {"invalidCursor", 400, "invalidCursor"},
    {"expiredCursor", 400, "expiredCursor"},
    {"invalidCount", 400, "invalidCount"},
    {"sensitive", 403, "sensitive"},
    {"unauthorized", 401, NULL},
    {"uniqueness", 409, "uniqueness"},
    {"versionMismatch", 412, NULL},
    {"tooManyOperations", 413, NULL},
    {"writerBusy", 503, NULL},
    {"diskFull", 503, NULL},
    {"databaseIo", 503, NULL}, /* a disk that fails or may not grow may be put right */
    {"readOnlyDatabase", 503, NULL},
    {"databaseDenied", 503, NULL},
    {"valueTooBig", 500, NULL}, /* for the database; what clients may send is limited before */
    {"methodNotAllowed", 405, NULL},
};

static const int kind_status[] = {
    [ERR_NONE] = 500,   [ERR_INVALID] = 400, [ERR_NOT_FOUND] = 404,   [ERR_CONFLICT] = 409,
    [ERR_DENIED] = 403, [ERR_LIMIT] = 413,   [ERR_UNAVAILABLE] = 503, [ERR_INTERNAL] = 500,
};
static_assert(ARRAY_LEN(kind_status) == ERR_KIND_COUNT, "every kind has a status");

static const char *content_type(const struct call *c)
{
    struct str set = {0};

    if (c->tenant)
        set = c->tenant->profile->settings.content_type;
    if (set.len > 0)
        return arena_z(c->arena, set);
    return c->plain_json ? "application/json" : "application/scim+json";
}

/* At once, or after the latency that the tenant is set to. */
static void send(struct call *c, int status, const char *type, struct str body)
{
    const struct json *latency =
        c->admitted && c->tenant ? c->tenant->profile->settings.latency : NULL;

    if (!latency || !delay_reply(c, latency, status, type, body))
        http_reply(c->x, status, type, body);
}

void reply_json(struct call *c, int status, struct str body)
{
    http_reply_header(c->x, "Cache-Control", STR("no-store"));
    http_reply_header(c->x, "X-Content-Type-Options", STR("nosniff"));
    send(c, status, content_type(c), body);
}

void reply_empty(struct call *c, int status)
{
    http_reply_header(c->x, "Cache-Control", STR("no-store"));
    send(c, status, NULL, (struct str){0});
}

int reply_error_write(struct arena *a, const struct err *err, struct buf *out)
{
    int status = kind_status[err->kind];
    const char *scim_type = NULL;
    struct str detail = str_from_z(err->message);

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (err->code && strcmp(codes[i].code, err->code) == 0) {
            status = codes[i].status;
            scim_type = codes[i].scim_type;
        }
    }
    if (status >= 500) {
        log_error("scim_request_failed", err);
        detail = status == 503 ? STR("the service is busy: try again") : STR("internal error");
    }
    if (err->place[0] && status < 500)
        detail = arena_printf(a, "%.*s (%s)", STR_ARG(detail), err->place);
    scim_error_write(out, status, str_from_z(scim_type), detail);
    return status;
}

static void reply_text(struct call *c, int status, struct str body)
{
    if (status == 503)
        http_reply_header(c->x, "Retry-After", STR("1"));
    reply_json(c, status, body);
}

void reply_status(struct call *c, int status, const char *scim_type, const char *detail)
{
    CLEANUP(buf_done) struct buf body;
    struct err err = {0};

    err_fill(&err, ERR_INVALID, NULL, "%s", detail);
    notice_failure(c, status, &err);
    buf_init(&body, ERROR_MAX);
    scim_error_write(&body, status, str_from_z(scim_type), str_from_z(detail));
    reply_text(c, status, buf_str(&body));
}

void reply_slow_down(struct call *c, int64_t wait_us, const char *detail)
{
    http_reply_header(
        c->x, "Retry-After",
        arena_printf(c->arena, "%lld", (long long)((wait_us + US_PER_SECOND - 1) / US_PER_SECOND)));
    reply_status(c, 429, NULL, detail);
}

void reply_unauthorized(struct call *c)
{
    bool given = call_token(c).len > 0;
    int64_t wait_us = given ? guesses_failed(c->provider->guesses, http_request_peer(c->x),
                                             c->tenant_name, clock_monotonic_us())
                            : 0;

    if (wait_us > 0) {
        reply_slow_down(c, wait_us, "too many wrong keys came from this address: wait a little");
        return;
    }
    http_reply_header(c->x, "WWW-Authenticate",
                      given ? STR("Bearer realm=\"scim\", error=\"invalid_token\"")
                            : STR("Bearer realm=\"scim\""));
    reply_status(c, 401, NULL, "the key is missing or not valid here");
}

void reply_error(struct call *c, const struct err *err)
{
    CLEANUP(buf_done) struct buf body;
    int status;

    buf_init(&body, ERROR_MAX);
    status = reply_error_write(c->arena, err, &body);
    notice_failure(c, status, err);
    if (status == 401) {
        reply_unauthorized(c);
    } else {
        reply_text(c, status, buf_str(&body));
    }
}

void reply_not_allowed(struct call *c, unsigned methods)
{
    CLEANUP(buf_done) struct buf allow;

    buf_init(&allow, 200);
    for (unsigned m = 0; m < HTTP_METHOD_COUNT; m++) {
        if (methods & 1u << m)
            buf_addf(&allow, "%s%s", allow.len ? ", " : "", http_method_name((enum http_method)m));
    }
    http_reply_header(c->x, "Allow", buf_str(&allow));
    reply_status(c, 405, NULL, "this method is not possible here");
}

bool reply_drop(const struct call *c)
{
    int64_t every = c->tenant->profile->settings.drop_after_write;

    if (every == 0 || (atomic_fetch_add(&c->tenant->state->writes, 1) + 1) % every != 0)
        return false;
    http_drop(c->x);
    return true;
}

void reply_location(struct call *c, struct str id)
{
    if (c->tenant->profile->settings.no_location)
        return;
    http_reply_header(c->x, "Location",
                      arena_printf(c->arena, "%.*s%.*s/%.*s", STR_ARG(c->base),
                                   STR_ARG(c->type->endpoint), STR_ARG(id)));
}

void reply_version(struct call *c, int64_t version)
{
    char text[32];

    if (c->tenant->profile->settings.no_etag)
        return;
    http_reply_header(c->x, "ETag", represent_version(version, text));
}
