#include "provider/template.h"

#include "provider/schemas.h"
#include "scim/path.h"

#include <stdarg.h>

struct check {
    struct arena *arena;
    provider_finding_fn *fn;
    void *ctx;
    size_t count;
    char place[128], what[256]; /* of the first */
};

static void PRINTF_LIKE(3, 4) found(struct check *c, struct str place, const char *format, ...)
{
    char what[256];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    if (c->count++ == 0) {
        snprintf(c->place, sizeof(c->place), "%.*s", STR_ARG(str_sub(place, 0, 100)));
        snprintf(c->what, sizeof(c->what), "%s", what);
    }
    if (c->fn)
        c->fn(c->ctx, arena_z(c->arena, place), what);
}

static void check_bool(struct check *c, struct str place, const struct json *entry,
                       const char *name)
{
    const struct json *v = json_get(entry, str_from_z(name));

    if (v && v->type != JSON_BOOL)
        found(c, place, "'%s' must be true or false", name);
}

static void check_uniqueness(struct check *c, struct str place, const struct json *entry)
{
    static const char *const words[] = {"none", "server", "global"};
    const struct json *v = json_get(entry, STR("uniqueness"));

    for (size_t i = 0; v && v->type == JSON_STRING && i < ARRAY_LEN(words); i++) {
        if (str_eq_ascii_nocase(v->text, str_from_z(words[i])))
            return;
    }
    if (v)
        found(c, place, "'uniqueness' must be none, server or global");
}

static bool type_known(struct str type)
{
    enum scim_type ignored;

    return type.len == 0 || str_eq_ascii_nocase(type, STR("dateTime")) ||
           scim_type_from_name(type, &ignored);
}

static bool seen_before(const struct json *list, const struct json *entry, struct str target)
{
    JSON_EACH(other, list)
    {
        if (other == entry)
            return false;
        if (str_eq_ascii_nocase(json_get_text(other, "target"), target))
            return true;
    }
    return false;
}

static void check_attribute(struct check *c, struct str place, const struct json *list,
                            const struct json *entry)
{
    struct str target = json_get_text(entry, "target"), type = json_get_text(entry, "type");
    struct scim_path path;
    struct err err = {0};

    if (entry->type != JSON_OBJECT) {
        found(c, place, "must be an object with 'target' and 'type'");
        return;
    }
    if (target.len == 0) {
        found(c, place, "'target' is missing");
    } else if (!scim_path_parse(c->arena, target, &path, &err)) {
        found(c, place, "'%.*s' is no path of an attribute: %s", STR_ARG(str_sub(target, 0, 80)),
              err.message);
    } else if (seen_before(list, entry, target)) {
        found(c, place, "'%.*s' occurs twice", STR_ARG(str_sub(target, 0, 80)));
    }
    if (!type_known(type))
        found(c, place, "there is no type '%.*s'", STR_ARG(str_sub(type, 0, 40)));
    check_bool(c, place, entry, "required");
    check_bool(c, place, entry, "filterable");
    check_bool(c, place, entry, "caseExact");
    check_uniqueness(c, place, entry);
}

static void check_list(struct check *c, const struct json *document, const char *name)
{
    const struct json *list = json_get(document, str_from_z(name));
    size_t i = 0;

    if (list && list->type != JSON_ARRAY)
        found(c, arena_printf(c->arena, "/%s", name), "must be a list");
    if (!json_is(list, JSON_ARRAY))
        return;
    JSON_EACH(entry, list)
    check_attribute(c, arena_printf(c->arena, "/%s/%zu", name, i++), list, entry);
}

static void check_switches(struct check *c, const struct json *document)
{
    const struct json *switches = json_get(document, STR("switches"));
    struct provider_settings ignored;

    if (switches && switches->type != JSON_OBJECT) {
        found(c, STR("/switches"), "must be an object");
        return;
    }
    JSON_EACH(v, switches)
    {
        struct str place = arena_printf(c->arena, "/switches/%.*s", STR_ARG(v->name));
        struct json *one = json_new(c->arena, JSON_OBJECT);
        struct err err = {0};

        json_add(c->arena, one, v->name, json_clone(c->arena, v));
        if (!provider_setting_find(v->name)) {
            found(c, place, "there is no such switch");
        } else if (!provider_settings_read(one, NULL, &ignored, &err)) {
            found(c, place, "%s", err.message);
        }
    }
}

/* Whether it can be a profile after all, which is where paths meet the schema. */
static void check_whole(struct check *c, struct str text)
{
    const struct provider_profile_source source = {.kind = STR("generic"), .template = text};
    const struct provider_profile *profile;
    struct err err = {0};

    if (c->count == 0 && !provider_profile_load(c->arena, &source, &profile, &err))
        found(c, STR(""), "%s", err.message);
}

static void pass_on(void *ctx, const char *place, const char *what)
{
    found(ctx, str_from_z(place), "%s", what);
}

static void check_schemas(struct check *c, const struct json *document)
{
    struct provider_profile *ignored = ARENA_NEW(c->arena, struct provider_profile);
    size_t findings;

    schemas_read(c->arena, document, pass_on, c, ignored, &findings);
}

static void check_paths(struct check *c, const struct json *document)
{
    const struct json *users = json_get(document, STR("userAttributes"));

    if (!json_is(users, JSON_ARRAY) || users->count == 0)
        found(c, STR("/userAttributes"), "must list the attributes of users");
    check_bool(c, STR("/supportsGroups"), document, "supportsGroups");
    check_list(c, document, "userAttributes");
    check_list(c, document, "groupAttributes");
}

bool provider_template_check(struct str text, provider_finding_fn *fn, void *ctx, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct check c = {.arena = a, .fn = fn, .ctx = ctx};
    struct json *document;

    if (!json_parse(a, text, NULL, &document, NULL, err))
        return false;
    if (schemas_given(document)) {
        check_schemas(&c, document);
    } else if (document->type == JSON_OBJECT) {
        check_paths(&c, document);
    } else {
        found(&c, STR(""), "must be an object, or a list of SCIM schemas");
    }
    check_switches(&c, document);
    check_whole(&c, text);
    if (c.count == 0)
        return true;
    err_fill(err, ERR_INVALID, "badTemplate", "%s%s", c.what,
             c.count > 1 ? arena_printf(a, " (and %zu more findings)", c.count - 1).ptr : "");
    return err_at(err, "%s", c.place);
}
