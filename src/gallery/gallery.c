/* Loading templates. What a template must have is checked here, once for all of them. */
#include "gallery/gallery.h"

#include "gallery/files.h"
#include "mapping/attributes.h"

static bool bad(const struct gallery_file *file, struct err *err, const char *why)
{
    return err_set(err, ERR_INTERNAL, "badTemplate", "gallery/%s: %s", file->name, why);
}

static bool known_type(struct str type)
{
    for (int t = 0; t < ATTRIBUTE_TYPE_COUNT; t++) {
        if (str_eq_z(type, attribute_type_name((enum attribute_type)t)))
            return true;
    }
    return false;
}

static bool check_attributes(const struct gallery_file *file, const struct json *document,
                             const char *member, struct err *err)
{
    JSON_EACH(a, json_get(document, str_from_z(member)))
    {
        if (str_empty(json_get_text(a, "target")) || !known_type(json_get_text(a, "type")))
            return bad(file, err, "an attribute lacks its target or has an unknown type");
    }
    return true;
}

static bool is_listed(const struct json *document, const char *member, struct str target)
{
    JSON_EACH(a, json_get(document, str_from_z(member)))
    {
        if (str_eq(json_get_text(a, "target"), target))
            return true;
    }
    return false;
}

static bool check_matching(const struct gallery_file *file, const struct json *document,
                           const char *kind, const char *attributes, struct err *err)
{
    const struct json *list = json_get(json_get(document, STR("matching")), str_from_z(kind));

    if (!json_is(list, JSON_ARRAY) || list->count == 0)
        return bad(file, err, "there is no matching attribute");
    JSON_EACH(target, list)
    {
        if (!json_is(target, JSON_STRING) || !is_listed(document, attributes, target->text))
            return bad(file, err, "a matching attribute is not in the list of attributes");
    }
    return true;
}

static bool load(struct arena *a, const struct gallery_file *file, struct gallery_template *out,
                 struct err *err)
{
    struct gallery_template t;
    struct json *document;

    if (!json_parse(a, (struct str){file->text, file->size}, NULL, &document, NULL, err))
        return err_wrap(err, "gallery/%s", file->name);
    t = (struct gallery_template){
        .id = json_get_text(document, "id"),
        .display_name = json_get_text(document, "displayName"),
        .supports_groups = json_get_bool(document, "supportsGroups", false),
        .scope_default = json_get_text(document, "scopeDefault"),
        .document = document,
    };
    if (!str_eq(str_sub(str_from_z(file->name), 0, t.id.len), t.id) ||
        !str_eq_z(str_from(str_from_z(file->name), t.id.len), ".json"))
        return bad(file, err, "the id is not the name of the file");
    if (str_empty(t.display_name) || str_empty(t.scope_default))
        return bad(file, err, "displayName or scopeDefault is missing");
    if (!check_attributes(file, document, "userAttributes", err) ||
        !check_attributes(file, document, "moreUserAttributes", err) ||
        !check_attributes(file, document, "groupAttributes", err) ||
        !check_matching(file, document, "user", "userAttributes", err))
        return false;
    if (t.supports_groups && !check_matching(file, document, "group", "groupAttributes", err))
        return false;
    *out = t;
    return true;
}

bool gallery_load(struct arena *a, struct str id, struct gallery_template *out, struct err *err)
{
    CLEANUP(buf_done) struct buf known = {0};

    buf_init(&known, sizeof(err->message));
    for (size_t i = 0; i < gallery_file_count; i++) {
        struct str name = str_from_z(gallery_files[i].name);
        struct str stem = str_sub(name, 0, name.len - sizeof(".json") + 1);

        if (str_eq(stem, id))
            return load(a, &gallery_files[i], out, err);
        buf_addf(&known, "%s%.*s", i > 0 ? ", " : "", STR_ARG(stem));
    }
    return err_set(err, ERR_NOT_FOUND, "unknownTemplate",
                   "there is no application template '%.*s'; there are: %s",
                   STR_ARG(str_sub(id, 0, 60)), buf_z(&known));
}

bool gallery_list(struct arena *a, struct gallery_template **out, size_t *out_count,
                  struct err *err)
{
    struct gallery_template *all = ARENA_ARRAY(a, struct gallery_template, gallery_file_count);

    for (size_t i = 0; i < gallery_file_count; i++) {
        if (!load(a, &gallery_files[i], &all[i], err))
            return false;
    }
    *out = all;
    *out_count = gallery_file_count;
    return true;
}
