#include "provider/internal.h"

static const struct scim_attribute *top(const struct call *c, struct str name)
{
    return scim_top_attribute(c->type, name);
}

static bool wants(const struct call *c, struct str name)
{
    const struct scim_attribute *attribute = top(c, name);

    return attribute && scim_projection_wants(c->projection, attribute);
}

static struct parts parts_wanted(const struct call *c)
{
    return (struct parts){.groups = wants(c, STR("groups")),
                          .members = wants(c, STR("members")),
                          .meta = !c->tenant->profile->settings.no_meta && wants(c, STR("meta")),
                          .manager = true};
}

static bool uses(const struct scim_matcher *m, const struct scim_sort *sort, struct str name)
{
    return (m && scim_matcher_uses(m, name)) || scim_sort_uses(sort, name);
}

/* The only member that the filter asks for, as "is u a member of g" does; empty: it is not so. */
static struct str member_used(const struct scim_matcher *m)
{
    static const struct str members = STR_INIT("members"), value = STR_INIT("value");
    struct scim_equality e;

    if (!m || scim_matcher_uses_count(m, members) != 1)
        return STR("");
    for (size_t i = 0; scim_matcher_equality(m, i, &e); i++) {
        if (!e.ref.extension && str_eq(e.ref.attribute->name, members) && e.ref.sub &&
            str_eq(e.ref.sub->name, value))
            return e.text;
    }
    return STR("");
}

struct parts parts_used(const struct scim_matcher *m, const struct scim_sort *sort)
{
    return (struct parts){
        .groups = uses(m, sort, STR("groups")),
        .members = uses(m, sort, STR("members")),
        .member = scim_sort_uses(sort, STR("members")) ? STR("") : member_used(m),
        .meta = uses(m, sort, STR("meta")),
        .manager =
            (m && scim_matcher_uses(m, STR("manager"))) || (sort->leaf && sort->ref.extension),
    };
}

struct str represent_version(int64_t version, char *out)
{
    int len = snprintf(out, 32, "W/\"%lld\"", (long long)version);

    return (struct str){out, (size_t)len};
}

/* {"resourceType":...}: made of texts that need no escaping. */
static void write_meta(const struct call *c, const struct stored *s, struct buf *out)
{
    char created[TIME_TEXT_MAX], modified[TIME_TEXT_MAX];

    buf_add_z(out, "{\"resourceType\":\"");
    buf_add(out, c->type->name);
    buf_add_z(out, "\",\"created\":\"");
    buf_add(out, time_write(s->created_us, created));
    buf_add_z(out, "\",\"lastModified\":\"");
    buf_add(out, time_write(s->modified_us, modified));
    buf_add_z(out, "\",\"location\":\"");
    buf_add(out, c->base);
    buf_add(out, c->type->endpoint);
    buf_add_char(out, '/');
    buf_add(out, s->id);
    buf_add_z(out, "\",\"version\":\"W/\\\"");
    buf_add_int(out, s->version);
    buf_add_z(out, "\\\"\"}");
}

static void add_meta(const struct call *c, const struct stored *s, struct json *doc)
{
    struct json *meta = json_new(c->arena, JSON_OBJECT);
    char text[TIME_TEXT_MAX];

    json_add_str(c->arena, meta, "resourceType", c->type->name);
    json_add_str(c->arena, meta, "created", time_write(s->created_us, text));
    json_add_str(c->arena, meta, "lastModified", time_write(s->modified_us, text));
    json_add_str(c->arena, meta, "location",
                 arena_printf(c->arena, "%.*s%.*s/%.*s", STR_ARG(c->base),
                              STR_ARG(c->type->endpoint), STR_ARG(s->id)));
    json_add_str(c->arena, meta, "version", represent_version(s->version, text));
    json_add(c->arena, doc, STR("meta"), meta);
}

static bool load_groups(const struct call *c, struct db *db, struct str id, struct json **out,
                        struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct json *array = json_new(c->arena, JSON_ARRAY);
    bool row;

    if (!db_select(db, provider_query(PROVIDER_GROUPS_OF),
                   DB_ARGS(db_int(c->tenant->no), db_text(id)), &st, err))
        return false;
    for (;;) {
        struct json *group;

        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        group = json_new(c->arena, JSON_OBJECT);
        json_add_str(c->arena, group, "value", db_col_text(st, 0));
        json_add_str(c->arena, group, "$ref",
                     arena_printf(c->arena, "%.*s/Groups/%.*s", STR_ARG(c->base),
                                  STR_ARG(db_col_text(st, 0))));
        if (!db_col_is_null(st, 1))
            json_add_str(c->arena, group, "display", db_col_text(st, 1));
        json_add_z(c->arena, group, "type", "direct");
        json_append(array, group);
    }
    *out = array->count > 0 ? array : NULL;
    return true;
}

/* manager.$ref when none is stored, and manager.displayName when that user has one. */
static bool add_manager(const struct call *c, struct db *db, const struct stored *s,
                        struct json *doc, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct json *manager = json_get(json_get(doc, scim_enterprise_schema.urn), STR("manager"));
    const struct scim_schema *extension = scim_extension(c->type, scim_enterprise_schema.urn);
    const struct scim_attribute *attribute =
        extension ? scim_schema_attribute(extension, STR("manager")) : NULL;

    if (!manager || !attribute || attribute->type != SCIM_COMPLEX)
        return true;
    if (!json_get(manager, STR("$ref"))) {
        json_add_str(
            c->arena, manager, "$ref",
            arena_printf(c->arena, "%.*s/Users/%.*s", STR_ARG(c->base), STR_ARG(s->manager)));
    }
    if (!db_select_one(db, provider_query(PROVIDER_DISPLAY_NAME),
                       DB_ARGS(db_int(c->tenant->no), db_text(s->manager)), &st, err))
        return false;
    if (st && !db_col_is_null(st, 0))
        json_add_str(c->arena, manager, "displayName", db_col_text(st, 0));
    return true;
}

/* The groups of a user, the members of a group. */
static bool add_lists(const struct call *c, struct db *db, const struct stored *s,
                      struct parts parts, struct json *doc, struct err *err)
{
    bool user = s->kind == RESOURCE_USER;
    struct json *list = NULL;

    if (user && parts.groups && s->in_groups && !load_groups(c, db, s->id, &list, err))
        return false;
    if (!user && parts.members && s->member_count > 0 &&
        !member_list(db, c, s->id, parts.member, &list, err))
        return false;
    if (list)
        json_add(c->arena, doc, user ? STR("groups") : STR("members"), list);
    return true;
}

bool represent_load(const struct call *c, struct db *db, const struct stored *s, struct parts parts,
                    struct json **out, struct err *err)
{
    struct json *doc;
    bool pending;

    if (!json_parse(c->arena, s->doc, NULL, &doc, NULL, err))
        return err_wrap(err, "stored resource");
    if (parts.manager && s->manager.len > 0 && !add_manager(c, db, s, doc, err))
        return false;
    if (!add_lists(c, db, s, parts, doc, err))
        return false;
    if (parts.meta)
        add_meta(c, s, doc);
    if (s->kind == RESOURCE_USER && c->tenant->profile->settings.activation_delay) {
        if (!switches_pending(c, db, s->id, &pending, err))
            return false;
        if (pending)
            json_set(c->arena, doc, STR("active"), json_bool(c->arena, false));
    }
    *out = doc;
    return true;
}

/* The stored text is what is sent, but for a computed list and meta at its end. */
static bool write_fast(const struct call *c, struct db *db, const struct stored *s, struct buf *out,
                       struct err *err)
{
    struct json *groups = NULL;

    if (s->kind == RESOURCE_USER && s->in_groups && !load_groups(c, db, s->id, &groups, err))
        return false;
    buf_add(out, str_sub(s->doc, 0, s->doc.len - 1));
    if (groups) {
        buf_add_z(out, ",\"groups\":");
        json_write(out, groups);
    }
    if (s->kind == RESOURCE_GROUP && s->member_count > 0) {
        buf_add_z(out, ",\"members\":");
        if (!member_write(db, c, s->id, out, err))
            return false;
    }
    if (!c->tenant->profile->settings.no_meta) {
        buf_add_z(out, ",\"meta\":");
        write_meta(c, s, out);
    }
    buf_add_char(out, '}');
    return true;
}

bool represent_write(const struct call *c, struct db *db, const struct stored *s, struct buf *out,
                     struct err *err)
{
    struct json *doc;

    if (!c->projection && s->manager.len == 0 && !switches_shape_wanted(c))
        return write_fast(c, db, s, out, err);
    if (!represent_load(c, db, s, parts_wanted(c), &doc, err))
        return false;
    scim_projection_apply(c->projection, c->type, doc);
    switches_shape(c, doc);
    json_write(out, doc);
    return true;
}
