/* What a SCIM service says of itself (scim.md 10.1): ServiceProviderConfig, and ResourceTypes where
 * an endpoint is not where it is expected. What it says is a hint, and kept for the next runs. */
#include "connector/scim/call.h"

enum { BULK_OPERATIONS_MAX = 100, ENDPOINT_MAX = 200 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
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
    out->etag = supported(config, "etag");
    out->cursor = json_get_bool(json_get_nocase(config, STR("pagination")), "cursor", false);
    if (supported(config, "bulk")) {
        out->bulk_operations =
            smaller(limit(bulk, "maxOperations", BULK_OPERATIONS_MAX), BULK_OPERATIONS_MAX);
        out->bulk_bytes = smaller(limit(bulk, "maxPayloadSize", SCIM_BODY_MAX), SCIM_BODY_MAX);
    }
}

static struct json *get(struct scim_target *t, struct arena *a, const char *path)
{
    struct http_answer answer;
    struct json *document;
    struct err ignored;

    scim_target_get_path(t, a, path, &answer);
    return answer.failure == HTTP_OK && answer.status / 100 == 2 &&
                   json_parse(a, answer.body, NULL, &document, NULL, &ignored)
               ? document
               : NULL;
}

static void ask_service(struct scim_target *t)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    t->service = (struct scim_service_traits){.asked = true, .patch = true};
    read_service(get(t, a, "/ServiceProviderConfig"), &t->service);
}

/* "/People" of "/People", "People", and of the whole URL or path of it; empty: none of them. */
static struct str endpoint_of(const struct scim_target *t, struct str text)
{
    struct str base = t->url.url, path = str_from(t->url.url, t->url.path_at);
    size_t at;

    if (str_starts(text, base)) {
        text = str_from(text, base.len);
    } else if (path.len && str_starts(text, path)) {
        text = str_from(text, path.len);
    }
    if (str_starts(text, STR("/")))
        text = str_from(text, 1);
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] <= ' ' ||
            str_find_char(STR("/?#\\:%\x7f"), text.ptr[i], &at))
            return (struct str){0};
    }
    return text.len && text.len <= ENDPOINT_MAX ? text : (struct str){0};
}

static void set_endpoint(struct scim_target *t, struct scim_object *o, struct str name)
{
    o->endpoint = arena_printf(t->arena, "/%.*s", STR_ARG(name));
}

/* The list of ResourceTypes; some servers answer with the array alone. */
static const struct json *types_of(const struct json *document)
{
    return json_is(document, JSON_ARRAY) ? document : json_get_nocase(document, STR("Resources"));
}

bool scim_find_endpoint(struct scim_target *t, const struct scim_object *of)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct scim_object *o = &t->objects[of - t->objects];

    JSON_EACH(type, types_of(get(t, a, "/ResourceTypes")))
    {
        struct str name = endpoint_of(t, json_get_text(type, "endpoint"));

        if (name.len == 0 || str_eq(name, str_from(o->endpoint, 1)) ||
            !(str_eq_ascii_nocase(json_get_text(type, "schema"), o->core_urn) ||
              str_eq_ascii_nocase(json_get_text(type, "name"), o->type)))
            continue;
        set_endpoint(t, o, name);
        return true;
    }
    return false;
}

void scim_describe(struct target *target, struct target_traits *out)
{
    struct scim_target *t = scim_of(target);
    const struct scim_service_traits *s = &t->service;

    if (!s->asked)
        ask_service(t);
    *out = (struct target_traits){
        .known = s->known,
        .patch = s->patch,
        .bulk_operations = s->bulk_operations,
    };
}

/* --- Kept --- */

struct str scim_said(struct target *target, struct arena *a)
{
    struct scim_target *t = scim_of(target);
    const struct scim_service_traits *s = &t->service;
    struct json *v = json_new(a, JSON_OBJECT), *endpoints = json_new(a, JSON_OBJECT);

    if (!s->asked)
        ask_service(t);
    json_add_bool(a, v, "known", s->known);
    json_add_bool(a, v, "patch", s->patch);
    json_add_bool(a, v, "etag", s->etag);
    json_add_bool(a, v, "cursor", s->cursor);
    json_add_int(a, v, "bulkOperations", (int64_t)s->bulk_operations);
    json_add_int(a, v, "bulkBytes", (int64_t)s->bulk_bytes);
    for (size_t i = 0; i < t->object_count; i++)
        json_set(a, endpoints, t->objects[i].type,
                 json_string(a, str_from(t->objects[i].endpoint, 1)));
    json_add(a, v, STR("endpoints"), endpoints);
    return json_text(a, v);
}

void scim_recall(struct target *target, struct str said)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct scim_target *t = scim_of(target);
    struct json *v;
    struct err ignored;

    if (!json_parse(a, said, NULL, &v, NULL, &ignored) || !json_is(v, JSON_OBJECT))
        return;
    t->service = (struct scim_service_traits){
        .asked = true,
        .known = json_get_bool(v, "known", false),
        .patch = json_get_bool(v, "patch", true),
        .etag = json_get_bool(v, "etag", false),
        .cursor = json_get_bool(v, "cursor", false),
        .bulk_operations = smaller(limit(v, "bulkOperations", 0), BULK_OPERATIONS_MAX),
        .bulk_bytes = smaller(limit(v, "bulkBytes", 0), SCIM_BODY_MAX),
    };
    for (size_t i = 0; i < t->object_count; i++) {
        struct scim_object *o = &t->objects[i];
        const struct json *endpoints = json_get(v, STR("endpoints"));
        const struct json *name = endpoints ? json_get(endpoints, o->type) : NULL;

        if (json_is(name, JSON_STRING) && endpoint_of(t, name->text).len)
            set_endpoint(t, o, endpoint_of(t, name->text));
    }
}
