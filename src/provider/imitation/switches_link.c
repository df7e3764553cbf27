/* Attributes that are one for the application: writing one writes the other (apps.md 5,
 * linkedAttributes). */
#include "provider/imitation/switches.h"

struct side {
    struct scim_path path;
    struct str text;
    const struct json *was, *is; /* NULL: none */
    bool opposite;               /* of a boolean: it is what the other is not */
};

static bool read_side(const struct call *c, const struct json *text, const struct json *before,
                      const struct json *doc, struct side *out)
{
    *out = (struct side){.text = text->text};
    if (str_starts(out->text, STR("!"))) {
        out->opposite = true;
        out->text = str_from(out->text, 1);
    }
    if (!scim_path_parse(c->arena, out->text, &out->path, NULL))
        return false;
    out->was = before ? switches_value_at(&out->path, before) : NULL;
    out->is = switches_value_at(&out->path, doc);
    return true;
}

static bool is_written(const struct side *s)
{
    return s->is && (!s->was || !json_equal(s->was, s->is));
}

/* Writes what `from` has where `to` is; as a client would with PATCH. */
static bool copy(const struct call *c, const struct side *from, const struct side *to,
                 struct json **doc, struct err *err)
{
    static const struct scim_rules rules = {.max_ops = 1, .max_work = 1000000};
    struct arena *a = c->arena;
    struct json *body = json_new(a, JSON_OBJECT), *list = json_new(a, JSON_ARRAY);
    struct json *op = json_new(a, JSON_OBJECT), *value = json_clone(a, from->is);
    struct scim_patch patch;

    if (value->type == JSON_BOOL && from->opposite != to->opposite)
        value->boolean = !value->boolean;
    if (to->is && json_equal(to->is, value))
        return true;
    json_add_z(a, op, "op", "replace");
    json_add_str(a, op, "path", to->text);
    json_add(a, op, STR("value"), value);
    json_append(list, op);
    json_add(a, body, STR("Operations"), list);
    return scim_patch_parse(a, c->type, &rules, body, &patch, err) &&
           scim_patch_apply(a, &patch, *doc, doc, err);
}

bool switches_link(const struct call *c, const struct json *before, struct json **doc,
                   struct err *err)
{
    if (c->kind != RESOURCE_USER)
        return true;
    JSON_EACH(pair, c->tenant->profile->settings.linked)
    {
        struct side a, b;
        bool ok = true;

        if (pair->count != 2 || !read_side(c, pair->first, before, *doc, &a) ||
            !read_side(c, pair->first->next, before, *doc, &b))
            continue;
        if (is_written(&a) || (!is_written(&b) && a.is && !b.is)) {
            ok = copy(c, &a, &b, doc, err);
        } else if (is_written(&b) || (b.is && !a.is)) {
            ok = copy(c, &b, &a, doc, err);
        }
        if (!ok)
            return false;
    }
    return true;
}
