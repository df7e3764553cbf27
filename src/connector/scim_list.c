/* Reads all accounts of a SCIM application in pages, and asks what it can (scim.md 10.1, 10.2). */
#include "connector/scim_call.h"

enum { BULK_OPERATIONS_MAX = 100 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void send_list(struct scim_call *c)
{
    buf_reset(&c->url);
    (void)scim_body(c->target);
    scim_write_list_url(&c->url, &c->target->url, c->object, &c->page, &c->asked.shown);
    scim_call_send(c, STR(""));
}

void scim_list(struct target *target, const struct mapping_object *m,
               const struct target_page *page, target_done *done, void *ctx)
{
    struct scim_target *t = scim_of(target);
    struct scim_call *c = scim_call_new(t, SCIM_LIST, HTTP_GET, m, done, ctx);

    c->page = *page;
    c->page.cursor = arena_str(c->arena, page->cursor);
    if (t->list_at_once)
        c->page.count = smaller(c->page.count, t->list_at_once);
    /* "c" alone: cursor paging from the start (RFC 9865). */
    if (c->page.cursor.len == 0 && t->service.cursor)
        c->page.cursor = STR("c");
    send_list(c);
}

bool scim_call_list_smaller(struct scim_call *c)
{
    if (c->page.count < 2)
        return false;
    c->page.count /= 2;
    c->target->list_at_once = c->page.count;
    send_list(c);
    return true;
}

/* A member that is an object with "supported": true. */
static bool supported(const struct json *config, const char *name)
{
    return json_get_bool(json_get_nocase(config, str_from_z(name)), "supported", false);
}

static size_t limit(const struct json *of, const char *name, size_t otherwise)
{
    int64_t n = json_get_int(of, name, 0);

    return n > 0 ? (size_t)n : otherwise;
}

static void read_service(const struct json *config, struct scim_service_traits *out)
{
    const struct json *bulk = json_get_nocase(config, STR("bulk"));
    const struct json *patch = json_get_nocase(config, STR("patch"));

    out->known = json_is(config, JSON_OBJECT) && (bulk || patch);
    if (!out->known)
        return;
    out->patch = json_get_bool(patch, "supported", true);
    out->cursor = json_get_bool(json_get_nocase(config, STR("pagination")), "cursor", false);
    if (supported(config, "bulk")) {
        out->bulk_operations =
            smaller(limit(bulk, "maxOperations", BULK_OPERATIONS_MAX), BULK_OPERATIONS_MAX);
        out->bulk_bytes = smaller(limit(bulk, "maxPayloadSize", SCIM_BODY_MAX), SCIM_BODY_MAX);
    }
}

const struct scim_service_traits *scim_service(struct scim_target *t)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct http_answer answer;
    struct json *config;
    struct err ignored;

    if (t->service.asked)
        return &t->service;
    t->service = (struct scim_service_traits){.asked = true, .patch = true};
    scim_target_get_path(t, a, "/ServiceProviderConfig", &answer);
    if (answer.failure == HTTP_OK && answer.status / 100 == 2 &&
        json_parse(a, answer.body, NULL, &config, NULL, &ignored))
        read_service(config, &t->service);
    return &t->service;
}

void scim_describe(struct target *target, struct target_traits *out)
{
    const struct scim_service_traits *s = scim_service(scim_of(target));

    *out = (struct target_traits){
        .known = s->known,
        .patch = s->patch,
        .bulk_operations = s->bulk_operations,
    };
}
