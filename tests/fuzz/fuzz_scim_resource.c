/* The input is a stored document, a body that replaces it, and names for `attributes`, with NULs
 * between. What is read is canonical; a replacement keeps what cannot change; and a projection
 * shows nothing that is hidden or empty, whatever is asked for. */
#include "scim/projection.h"
#include "scim/resource.h"
#include "scim/sort.h"

#include <assert.h>

#define S(text) STR_INIT(text)

static const struct scim_attribute box_subs[] = {
    {.name = S("label")},
    {.name = S("size"), .type = SCIM_INTEGER},
    {.name = S("fixed"), .mutability = SCIM_IMMUTABLE},
    {.name = S("veiled"), .returned = SCIM_NEVER},
    {.name = S("asked"), .returned = SCIM_ON_REQUEST},
    {.name = S("shown"), .returned = SCIM_ALWAYS},
};
static const struct scim_attribute thing_subs[] = {
    {.name = S("value"), .case_exact = true},
    {.name = S("type")},
    {.name = S("primary"), .type = SCIM_BOOLEAN},
    {.name = S("at"), .type = SCIM_DATETIME},
    {.name = S("fixed"), .mutability = SCIM_IMMUTABLE},
    {.name = S("veiled"), .returned = SCIM_NEVER},
};
static const struct scim_attribute attributes[] = {
    {.name = S("code"), .mutability = SCIM_IMMUTABLE, .case_exact = true},
    {.name = S("pin"), .mutability = SCIM_WRITE_ONLY, .returned = SCIM_NEVER},
    {.name = S("given"), .mutability = SCIM_READ_ONLY},
    {.name = S("asked"), .returned = SCIM_ON_REQUEST},
    {.name = S("shown"), .returned = SCIM_ALWAYS},
    {.name = S("height"), .type = SCIM_DECIMAL},
    {.name = S("blob"), .type = SCIM_BINARY},
    {.name = S("tags"), .multi = true},
    {.name = S("numbers"), .type = SCIM_INTEGER, .multi = true},
    {.name = S("box"), .type = SCIM_COMPLEX, .subs = box_subs, .sub_count = ARRAY_LEN(box_subs)},
    {.name = S("things"),
     .type = SCIM_COMPLEX,
     .multi = true,
     .subs = thing_subs,
     .sub_count = ARRAY_LEN(thing_subs)},
};
static const struct scim_schema own = {.urn = S("urn:example:params:own-1.0"),
                                       .attributes = attributes,
                                       .count = ARRAY_LEN(attributes)};
static const struct scim_schema *const extensions[] = {&scim_enterprise_schema, &own};
static const struct scim_resource_type user = {.name = S("User"),
                                               .core = &scim_user_schema,
                                               .extensions = extensions,
                                               .extension_count = 2,
                                               .hides = true};
static const struct scim_rules lenient = {0};
static const struct json_limits limits = {.max_depth = 32, .names_ignore_case = true};

/* A document of the object in the text; NULL if it has none. */
static struct json *read(struct arena *a, struct str text)
{
    struct json *raw, *doc, *again;
    struct err err = {0};

    if (!json_parse(a, text, &limits, &raw, NULL, NULL) || raw->type != JSON_OBJECT)
        return NULL;
    if (!scim_resource_read(a, &user, &lenient, raw, &doc, &err)) {
        assert(err.kind == ERR_INVALID);
        return NULL;
    }
    assert(scim_resource_read(a, &user, &lenient, doc, &again, &err));
    assert(json_equal(doc, again));
    return doc;
}

static void check_stored(struct arena *a, const struct json *doc)
{
    CLEANUP(buf_done) struct buf text;
    struct json *loaded;

    buf_init(&text, 1 << 24);
    scim_resource_write(&text, &user, STR("an-id"), doc);
    assert(scim_resource_load(a, buf_str(&text), &loaded, NULL));
    assert(json_equal(doc, loaded));
}

static void check_kept(struct arena *a, struct json *stored, const struct json *body)
{
    struct json *before = json_clone(a, stored), *doc = json_clone(a, body), *again;
    struct json *old = json_get(stored, own.urn), *fresh;
    struct err err = {0};

    if (!scim_resource_keep(a, &user, stored, doc, &err)) {
        assert(strcmp(err.code, "mutability") == 0);
        return;
    }
    assert(json_equal(stored, before));
    again = json_clone(a, doc);
    assert(scim_resource_keep(a, &user, stored, again, &err));
    assert(json_equal(doc, again));
    fresh = json_get(doc, own.urn);
    if (json_get(old, STR("code")))
        assert(json_equal(json_get(old, STR("code")), json_get(fresh, STR("code"))));
    if (json_get(old, STR("pin")))
        assert(json_get(fresh, STR("pin")));
}

static void check_shown(const struct json *v)
{
    assert(v->type != JSON_NULL);
    if (v->type == JSON_OBJECT || v->type == JSON_ARRAY)
        assert(v->count > 0);
    assert(!str_eq(v->name, STR("pin")) && !str_eq(v->name, STR("veiled")));
    JSON_EACH(member, v)
    check_shown(member);
}

static void check_projection(struct arena *a, const struct json *doc, struct str names,
                             bool include)
{
    struct json *shown = json_clone(a, doc), *twice;
    const struct scim_projection *p;

    if (!scim_projection_parse(a, &user, include ? names : STR(""), include ? STR("") : names, &p,
                               NULL))
        return;
    scim_projection_apply(p, &user, shown);
    JSON_EACH(member, shown)
    check_shown(member);
    twice = json_clone(a, shown);
    scim_projection_apply(p, &user, twice);
    assert(json_equal(shown, twice));
    if (json_get(json_get(doc, own.urn), STR("shown")))
        assert(json_get(json_get(shown, own.urn), STR("shown")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str rest = {(const char *)data, size};
    struct str stored_text, body_text;
    struct json *stored, *body;
    struct scim_sort sort;

    if (!str_cut(&rest, '\0', &stored_text) || !str_cut(&rest, '\0', &body_text))
        return 0;
    stored = read(a, stored_text);
    body = read(a, body_text);
    if (!stored)
        return 0;
    check_stored(a, stored);
    if (body)
        check_kept(a, stored, body);
    check_projection(a, stored, rest, true);
    check_projection(a, stored, rest, false);
    scim_sort_compile(a, &user, rest, &sort);
    (void)scim_sort_key(a, &sort, stored);
    return 0;
}
