/* How a tenant's answers look where an application has its own ideas, and how its clients may write
 * the names of attributes (apps.md 5). */
#include "provider/imitation/switches.h"

static const struct provider_settings *settings_of(const struct call *c)
{
    return &c->tenant->profile->settings;
}

bool switches_shape_wanted(const struct call *c)
{
    const struct provider_settings *s = settings_of(c);

    return s->booleans_as_text || s->manager_as_text || s->activation_delay;
}

static void booleans_to_text(struct json *v)
{
    if (v->type == JSON_BOOL) {
        v->type = JSON_STRING;
        v->text = v->boolean ? STR("True") : STR("False");
        return;
    }
    for (struct json *item = v->first; item; item = item->next)
        booleans_to_text(item);
}

static void manager_to_text(const struct call *c, struct json *doc)
{
    struct json *extension = json_get(doc, scim_enterprise_schema.urn);
    const struct json *manager = json_get(extension, STR("manager"));

    if (json_is(manager, JSON_OBJECT)) {
        json_set(c->arena, extension, STR("manager"),
                 json_string(c->arena, json_get_text(manager, "value")));
    }
}

void switches_shape(const struct call *c, struct json *doc)
{
    if (settings_of(c)->manager_as_text && c->kind == RESOURCE_USER)
        manager_to_text(c, doc);
    if (settings_of(c)->booleans_as_text)
        booleans_to_text(doc);
}

/* "urn:...:User.department" at the top of a body, in its extension. */
static void move_into_extension(const struct call *c, struct json *body, struct json *member)
{
    struct json *holder;
    struct scim_path path;
    struct scim_ref ref;
    size_t at;

    if (!str_find_char(member->name, ':', &at) ||
        !scim_path_parse(c->arena, member->name, &path, NULL) || path.filter ||
        !scim_resolve(c->type, &path, &ref) || !ref.extension || !ref.attribute || ref.sub)
        return;
    json_unlink(body, member);
    holder = json_get_nocase(body, ref.extension->urn);
    if (!json_is(holder, JSON_OBJECT)) {
        holder = json_new(c->arena, JSON_OBJECT);
        json_add(c->arena, body, ref.extension->urn, holder);
    }
    json_set(c->arena, holder, ref.attribute->name, json_clone(c->arena, member));
}

const struct json *switches_body(const struct call *c, const struct json *body)
{
    struct json *copy, *next;

    if (!settings_of(c)->separator_dot || body->type != JSON_OBJECT)
        return body;
    copy = json_clone(c->arena, body);
    for (struct json *member = copy->first; member; member = next) {
        next = member->next;
        move_into_extension(c, copy, member);
    }
    return copy;
}
