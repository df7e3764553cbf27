/* Values that no two resources of a type may share (scim.md 1.3, uniqueness): one row each, whose
 * primary key is what keeps them apart, also between two connections. In the transaction of the
 * write. */
#include "base/unicode.h"
#include "provider/internal.h"

/* --- Which --- */

struct collector {
    struct arena *arena;
    struct provider_unique *list;
    size_t count, cap;
};

static void add_place(struct collector *c, struct provider_unique place)
{
    const char *dot = place.sub ? "." : "";
    struct str sub = place.sub ? place.sub->name : STR("");

    place.name =
        arena_printf(c->arena, "%.*s%s%.*s%s%.*s", STR_ARG(place.urn), place.urn.len > 0 ? ":" : "",
                     STR_ARG(place.attribute->name), dot, STR_ARG(sub));
    ARENA_GROW(c->arena, c->list, c->count, c->cap);
    c->list[c->count++] = place;
}

static bool is_kept(const struct scim_attribute *attribute)
{
    return attribute->uniqueness != SCIM_NOT_UNIQUE && attribute->type != SCIM_COMPLEX &&
           attribute->mutability != SCIM_READ_ONLY;
}

static void collect(struct collector *c, struct str urn, const struct scim_schema *schema,
                    struct str key)
{
    for (size_t i = 0; i < schema->count; i++) {
        const struct scim_attribute *attribute = &schema->attributes[i];

        if (is_kept(attribute) && !(urn.len == 0 && str_eq_ascii_nocase(attribute->name, key)))
            add_place(c, (struct provider_unique){.urn = urn, .attribute = attribute});
        for (size_t k = 0; k < attribute->sub_count; k++) {
            if (is_kept(&attribute->subs[k]))
                add_place(c, (struct provider_unique){
                                 .urn = urn, .attribute = attribute, .sub = &attribute->subs[k]});
        }
    }
}

struct provider_uniques unique_collect(struct arena *a, const struct scim_resource_type *type,
                                       struct str key, bool external_id)
{
    struct collector c = {.arena = a};

    collect(&c, STR(""), type->core, key);
    for (size_t i = 0; i < type->extension_count; i++)
        collect(&c, type->extensions[i]->urn, type->extensions[i], key);
    if (external_id) {
        add_place(&c, (struct provider_unique){.attribute = scim_schema_attribute(
                                                   &scim_common_schema, STR("externalId"))});
    }
    return (struct provider_uniques){.list = c.list, .count = c.count};
}

/* --- Keeping them --- */

struct keeper {
    struct db *db;
    const struct call *call;
    struct arena *arena;
    enum resource_kind kind;
    struct str id;
    const struct provider_unique *place;
};

/* What two values have in common exactly when they are the same. */
static struct str key_of(const struct keeper *k, const struct json *v)
{
    const struct scim_attribute *leaf = k->place->sub ? k->place->sub : k->place->attribute;
    struct str key = v->text;
    int64_t number;

    if (v->type == JSON_BOOL)
        return v->boolean ? STR("true") : STR("false");
    if (leaf->type == SCIM_DATETIME && time_parse(key, &number)) {
        key = arena_printf(k->arena, "%lld", (long long)number);
    } else if (v->type == JSON_NUMBER) {
        key = arena_printf(k->arena, "%.17g", strtod(arena_z(k->arena, key), NULL));
        if (json_to_int(v, &number))
            key = arena_printf(k->arena, "%lld", (long long)number);
    } else if (!leaf->case_exact) {
        key = str_fold(k->arena, key);
    }
    return store_key(k->arena, key);
}

static bool claim(const struct keeper *k, const struct json *v, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct db_value tenant = db_int(k->call->tenant->no), kind = db_int(k->kind);
    struct db_value name = db_text(k->place->name);
    struct str key = key_of(k, v);
    int64_t added;

    if (key.len == 0)
        return true;
    if (text_has_nul(key)) {
        return err_set(err, ERR_INVALID, "invalidValue", "'%.*s' takes no NUL characters",
                       STR_ARG(k->place->name));
    }
    if (!db_exec(k->db, provider_query(PROVIDER_UNIQUE_ADD),
                 DB_ARGS(tenant, kind, name, db_text(key), db_text(k->id)), &added, err))
        return false;
    if (added == 1)
        return true;
    if (!db_select_one(k->db, provider_query(PROVIDER_UNIQUE_FIND),
                       DB_ARGS(tenant, kind, name, db_text(key)), &st, err))
        return false;
    return (st && str_eq(db_col_text(st, 0), k->id)) ||
           err_set(err, ERR_CONFLICT, "uniqueness", "%.*s '%.*s' is already in use",
                   STR_ARG(k->place->name), STR_ARG(str_sub(v->text, 0, 100)));
}

static const struct json *attribute_of(const struct provider_unique *place, const struct json *doc)
{
    return json_get(place->urn.len > 0 ? json_get(doc, place->urn) : doc, place->attribute->name);
}

static bool claim_element(const struct keeper *k, const struct json *element, struct err *err)
{
    const struct json *v = k->place->sub ? json_get(element, k->place->sub->name) : element;

    if (json_is(v, JSON_ARRAY)) {
        JSON_EACH(one, v)
        {
            if (!claim(k, one, err))
                return false;
        }
        return true;
    }
    return !v || claim(k, v, err);
}

static bool claim_all(const struct keeper *k, const struct json *doc, struct err *err)
{
    const struct json *v = attribute_of(k->place, doc);

    if (!json_is(v, JSON_ARRAY))
        return !v || claim_element(k, v, err);
    JSON_EACH(element, v)
    {
        if (!claim_element(k, element, err))
            return false;
    }
    return true;
}

static bool is_same(const struct provider_unique *place, const struct json *before,
                    const struct json *doc)
{
    const struct json *was = attribute_of(place, before), *is = attribute_of(place, doc);

    return was == is || (was && is && json_equal(was, is));
}

static const struct provider_uniques *uniques_of(const struct call *c, enum resource_kind kind)
{
    const struct provider_profile *profile = c->tenant->profile;

    return kind == RESOURCE_GROUP ? &profile->group_unique : &profile->user_unique;
}

bool unique_store(struct db *db, struct arena *a, const struct call *c, const struct stored *s,
                  const struct json *before, const struct json *doc, struct err *err)
{
    const struct provider_uniques *all = uniques_of(c, s->kind);
    struct keeper k = {.db = db, .call = c, .arena = a, .kind = s->kind, .id = s->id};

    for (size_t i = 0; i < all->count; i++) {
        k.place = &all->list[i];
        if (is_same(k.place, before, doc))
            continue;
        if (before && attribute_of(k.place, before) &&
            !db_exec(db, provider_query(PROVIDER_UNIQUE_REMOVE),
                     DB_ARGS(db_int(c->tenant->no), db_text(s->id), db_text(k.place->name)), NULL,
                     err))
            return false;
        if (!claim_all(&k, doc, err))
            return false;
    }
    return true;
}

bool unique_forget(struct db *db, const struct call *c, const struct stored *s, struct err *err)
{
    return uniques_of(c, s->kind)->count == 0 ||
           db_exec(db, provider_query(PROVIDER_UNIQUE_FORGET),
                   DB_ARGS(db_int(c->tenant->no), db_text(s->id)), NULL, err);
}
