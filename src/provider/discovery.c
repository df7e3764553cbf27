#include "provider/lists/cursor.h"
#include "scim/message.h"

static bool extends(const struct scim_resource_type *type, const struct scim_schema *schema)
{
    for (size_t i = 0; i < type->extension_count; i++) {
        if (type->extensions[i] == schema)
            return true;
    }
    return false;
}

/* The schemas of a profile: core User, its extensions, core Group, and its own extensions. NULL
 * beyond the last. */
static const struct scim_schema *schema_at(const struct provider_profile *profile, size_t i)
{
    if (i == 0)
        return profile->user.core;
    i--;
    if (i < profile->user.extension_count)
        return profile->user.extensions[i];
    i -= profile->user.extension_count;
    if (!profile->has_groups)
        return NULL;
    if (i == 0)
        return profile->group.core;
    for (size_t k = 0; k < profile->group.extension_count; k++) {
        if (!extends(&profile->user, profile->group.extensions[k]) && --i == 0)
            return profile->group.extensions[k];
    }
    return NULL;
}

static const struct scim_resource_type *type_at(const struct provider_profile *profile, size_t i)
{
    if (i == 0)
        return &profile->user;
    return i == 1 && profile->has_groups ? &profile->group : NULL;
}

static void write_schemas(const struct call *c, const struct provider_profile *profile,
                          struct buf *out)
{
    size_t count = 0;

    while (schema_at(profile, count))
        count++;
    scim_list_begin(out, (int64_t)count, 1, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        scim_schema_write(out, schema_at(profile, i), c->base);
    }
    scim_list_end(out);
}

static void write_types(const struct call *c, const struct provider_profile *profile,
                        struct buf *out)
{
    int64_t count = profile->has_groups ? 2 : 1;

    scim_list_begin(out, count, 1, count);
    scim_resource_type_write(out, &profile->user, c->base);
    if (profile->has_groups) {
        buf_add_char(out, ',');
        scim_resource_type_write(out, &profile->group, c->base);
    }
    scim_list_end(out);
}

/* One item by its id; nothing is written when there is none. */
static void write_item(const struct call *c, const struct provider_profile *profile,
                       struct buf *out)
{
    if (c->endpoint == ENDPOINT_SCHEMA) {
        for (size_t i = 0; schema_at(profile, i); i++) {
            if (str_eq_ascii_nocase(schema_at(profile, i)->urn, c->id))
                scim_schema_write(out, schema_at(profile, i), c->base);
        }
        return;
    }
    for (size_t i = 0; type_at(profile, i); i++) {
        if (str_eq_ascii_nocase(type_at(profile, i)->name, c->id))
            scim_resource_type_write(out, type_at(profile, i), c->base);
    }
}

/* Which tolerances (scim.md 9) are on, for people who read the document. */
static struct str tolerances(struct arena *a, const struct provider_settings *s)
{
    const struct {
        const char *name;
        bool on;
    } all[] = {{"booleanText", s->boolean_text},
               {"roleText", s->role_text},
               {"jsonText", s->json_text},
               {"bareWords", s->bare_words},
               {"createOnNoMatch", s->create_on_no_match}};
    struct json *told = json_new(a, JSON_OBJECT);

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        json_add_bool(a, told, all[i].name, all[i].on);
    return json_text(a, told);
}

static void write_config(const struct call *c, const struct provider_profile *profile,
                         struct buf *out)
{
    const struct provider_settings *s = &profile->settings;
    const struct scim_service service = {
        .patch = s->patch_status.len == 0,
        .bulk = !s->no_bulk,
        .bulk_max_operations = s->bulk_max,
        .bulk_max_payload = s->max_body,
        .change_password = scim_schema_attribute(profile->user.core, STR("password")) != NULL,
        .sort = !s->no_sort,
        .etag = !s->no_etag,
        .cursor = true,
        .no_index = s->cursor_only,
        .cursor_timeout_s = s->cursor_s,
        .filter_max_results = s->page_max,
        .default_page = s->page_default,
        .max_page = s->page_max,
        .tolerances = tolerances(c->arena, s),
    };

    scim_config_write(out, &service, c->base);
}

void discovery_handle(struct call *c, const struct provider_profile *profile)
{
    CLEANUP(buf_done) struct buf out;

    buf_init(&out, PROVIDER_ANSWER_MAX);
    if (c->has_filter) {
        reply_status(c, 403, NULL, "discovery documents take no filter");
        return;
    }
    if (c->endpoint == ENDPOINT_CONFIG) {
        write_config(c, profile, &out);
    } else if (c->endpoint == ENDPOINT_SCHEMAS) {
        write_schemas(c, profile, &out);
    } else if (c->endpoint == ENDPOINT_RESOURCE_TYPES) {
        write_types(c, profile, &out);
    } else {
        write_item(c, profile, &out);
    }
    if (out.len == 0) {
        reply_status(c, 404, NULL, "there is no such document");
    } else {
        reply_json(c, 200, buf_str(&out));
    }
}
