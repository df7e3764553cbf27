/* What the audit log is told of changes that somebody makes to people and groups by hand. */
#include "base/unicode.h"
#include "cli/author.h"
#include "cli/object.h"

static const char *word_of(const struct directory_object *o)
{
    return o->kind == SOURCE_USER ? "user" : "group";
}

/* Passwords have no place in a log. */
static struct json *shown(struct cli *c, const struct directory_object *o)
{
    struct json *v = json_new(c->arena, JSON_OBJECT);

    JSON_EACH(item, o->attributes)
    {
        bool secret = str_starts(str_fold(c->arena, item->name), STR("password"));

        json_set(c->arena, v, item->name,
                 secret ? json_string(c->arena, STR("*****")) : json_clone(c->arena, item));
    }
    if (o->deleted_us)
        json_set(c->arena, v, STR("inRecycleBin"), json_bool(c->arena, true));
    return v;
}

static bool append(struct cli *c, const struct directory_object *o, struct json *before,
                   struct json *after, struct err *err)
{
    const struct audit_change change = {
        .activity = AUDIT_USER,
        .subject = arena_printf(
            c->arena, "%s %.*s", word_of(o),
            STR_ARG(o->kind == SOURCE_USER ? directory_object_upn(o) : directory_object_name(o))),
        .before = before,
        .after = after,
    };

    return cli_note(c, &change, err);
}

bool cli_object_note(struct cli *c, const struct directory_object *before, struct str id,
                     struct err *err)
{
    struct directory_object now;
    struct json *was, *is;
    bool found;

    if (!directory_load(c->db_handle, c->arena, id, &now, &found, err))
        return false;
    if (!before)
        return !found || append(c, &now, NULL, shown(c, &now), err);
    if (!found)
        return append(c, before, shown(c, before), NULL, err);
    was = shown(c, before);
    is = shown(c, &now);
    audit_difference(was, is);
    json_set(c->arena, is, STR("id"), json_string(c->arena, id));
    return append(c, &now, was, is, err);
}

bool cli_members_note(struct cli *c, const struct directory_object *group,
                      const struct json *members, enum cli_members_change what, struct err *err)
{
    struct json *v = json_new(c->arena, JSON_OBJECT);
    bool adds = what == CLI_MEMBERS_ADDED;

    json_add_str(c->arena, v, "groupId", group->id);
    json_add(c->arena, v, STR("members"), json_clone(c->arena, members));
    return append(c, group, adds ? NULL : v, adds ? v : NULL, err);
}
