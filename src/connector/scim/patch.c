/* Writes PATCH requests in the dialects of scim.md 11.4, with the settings of 10.5. */
#include "connector/scim/body.h"

#define PATCH_HEAD \
    "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":["

enum { PATH_MAX_BYTES = 16 << 10, ROLE_MAX = 64 << 10 };

enum op { OP_ADD, OP_REPLACE, OP_REMOVE };

static const char *op_name(const struct scim_style *style, enum op op)
{
    static const char *const names[] = {"add", "replace", "remove"};
    static const char *const legacy[] = {"Add", "Replace", "Remove"};

    return style->dialect == DIALECT_ENTRA_LEGACY ? legacy[op] : names[op];
}

static void begin_operation(struct buf *out, bool first, const struct scim_style *style, enum op op,
                            struct str path_json)
{
    buf_addf(out, "%s{\"op\":\"%s\"", first ? "" : ",", op_name(style, op));
    if (path_json.len) {
        buf_add_z(out, ",\"path\":");
        buf_add(out, path_json);
    }
}

/* Is this the first of the changes that belong to its element? */
static bool leads_its_element(const struct scim_object *o, const struct mapping_changes *changes,
                              size_t at)
{
    const struct mapping_attribute *all = o->mapping->attributes;
    const struct scim_body *element = o->attributes[changes->items[at].attribute - all].element;

    for (size_t i = 0; i < at; i++) {
        if (o->attributes[changes->items[i].attribute - all].element == element &&
            changes->items[i].after)
            return false;
    }
    return true;
}

/* Roles of the legacy dialect: each element's value is the whole element as JSON text. */
static void write_legacy_roles(struct buf *out, const struct json *v)
{
    bool first = true;

    buf_add_char(out, '[');
    JSON_EACH(item, v)
    {
        CLEANUP(buf_done) struct buf text;

        buf_init(&text, ROLE_MAX);
        json_write(&text, item);
        buf_add_z(out, first ? "{\"value\":" : ",{\"value\":");
        json_write_text(out, buf_str(&text));
        buf_add_char(out, '}');
        first = false;
    }
    buf_add_char(out, ']');
}

static void write_value(const struct scim_writer *w, const struct scim_attribute *t,
                        const struct json *v)
{
    bool legacy = w->object->style->dialect == DIALECT_ENTRA_LEGACY;

    if (legacy && json_is(v, JSON_BOOL)) {
        buf_add_z(w->out, v->boolean ? "\"True\"" : "\"False\"");
    } else if (legacy && t->mapping->multivalued && json_is(v, JSON_ARRAY) &&
               json_is(v->first, JSON_OBJECT) && str_eq_ascii_nocase(t->name, STR("roles"))) {
        write_legacy_roles(w->out, v);
    } else {
        scim_write_value(w->out, t, w->object->style, v, w->secrets);
    }
}

static void write_change(const struct scim_writer *w, const struct mapping_change *c, bool first)
{
    const struct scim_style *style = w->object->style;
    const struct scim_attribute *t =
        &w->object->attributes[c->attribute - w->object->mapping->attributes];

    if (!c->after) {
        begin_operation(w->out, first, style, style->empty_replace ? OP_REPLACE : OP_REMOVE,
                        t->path_json);
        buf_add_z(w->out, style->empty_replace ? ",\"value\":\"\"}" : "}");
        return;
    }
    begin_operation(w->out, first, style, scim_is_empty(c->before) ? OP_ADD : OP_REPLACE,
                    t->path_json);
    buf_add_z(w->out, ",\"value\":");
    write_value(w, t, c->after);
    buf_add_char(w->out, '}');
}

static void add_element(const struct scim_writer *w, const struct scim_attribute *t, bool first)
{
    begin_operation(w->out, first, w->object->style, OP_ADD, t->list_json);
    buf_add_z(w->out, ",\"value\":[{");
    buf_add(w->out, t->element->fixed);
    scim_write_children(w, t->element, true);
    buf_add_z(w->out, "}]}");
}

/* A value that can stand under its name in one replace without path. */
static bool is_simple(const struct scim_object *o, const struct mapping_change *c)
{
    const struct scim_attribute *t = &o->attributes[c->attribute - o->mapping->attributes];

    return c->after && t->term_count == 0 && !t->mapping->multivalued && !t->mapping->is_reference;
}

/* A single one is an operation of its own, with its path. */
static bool combines(const struct scim_object *o, const struct mapping_changes *changes)
{
    size_t n = 0;

    for (size_t i = 0; o->style->combine && i < changes->count; i++)
        n += is_simple(o, &changes->items[i]);
    return n > 1;
}

static void write_combined(const struct scim_writer *w, const struct mapping_changes *changes,
                           bool first)
{
    const char *comma = "";

    begin_operation(w->out, first, w->object->style, OP_REPLACE, (struct str){0});
    buf_add_z(w->out, ",\"value\":{");
    for (size_t i = 0; i < changes->count; i++) {
        const struct mapping_change *c = &changes->items[i];
        const struct scim_attribute *t =
            &w->object->attributes[c->attribute - w->object->mapping->attributes];

        if (!is_simple(w->object, c))
            continue;
        buf_add_z(w->out, comma);
        buf_add(w->out, t->path_json);
        buf_add_char(w->out, ':');
        write_value(w, t, c->after);
        comma = ",";
    }
    buf_add_z(w->out, "}}");
}

bool scim_write_patch(struct buf *out, const struct scim_object *o,
                      const struct mapping_changes *changes, const struct json *resource,
                      enum scim_secrets secrets, size_t *io_at)
{
    const struct json *values[SCIM_ATTRIBUTES_MAX];
    struct scim_writer w = {out, o, values, secrets};
    bool combined = combines(o, changes);
    size_t written = 0;
    size_t at = *io_at;

    for (size_t i = 0; i < o->mapping->attribute_count; i++)
        values[i] = NULL;
    for (size_t i = 0; i < changes->count; i++)
        values[changes->items[i].attribute - o->mapping->attributes] = changes->items[i].after;
    buf_add_z(out, PATCH_HEAD);
    for (; at < changes->count && written < o->style->max_ops; at++) {
        const struct mapping_change *c = &changes->items[at];
        const struct scim_attribute *t = &o->attributes[c->attribute - o->mapping->attributes];

        if (combined && is_simple(o, c))
            continue;
        if (resource && t->element && !scim_has_element(t, resource)) {
            if (!c->after || !leads_its_element(o, changes, at))
                continue;
            add_element(&w, t, written == 0);
        } else {
            write_change(&w, c, written == 0);
        }
        written++;
    }
    /* The place behind the last change is that of the combined operation. */
    if (at == changes->count && written < o->style->max_ops) {
        if (combined) {
            write_combined(&w, changes, written == 0);
            written++;
        }
        at++;
    }
    buf_add_z(out, "]}");
    *io_at = at;
    return written > 0;
}

bool scim_patch_is_complete(const struct scim_object *o, const struct mapping_changes *changes,
                            size_t at)
{
    return at > changes->count || (at == changes->count && !combines(o, changes));
}

/* members[value eq "id"]: quoted for the filter, and that again for JSON. */
static void write_member_path(struct buf *out, const struct scim_attribute *t, struct str id)
{
    CLEANUP(buf_done) struct buf path;

    buf_init(&path, PATH_MAX_BYTES);
    buf_add(&path, t->path);
    buf_add_z(&path, "[value eq ");
    json_write_text(&path, id);
    buf_add_char(&path, ']');
    json_write_text(out, buf_str(&path));
}

/* One operation with all of them. */
static void write_member_list(struct buf *out, const struct scim_style *style,
                              const struct scim_attribute *t, enum op op, const struct str *ids,
                              size_t count)
{
    const char *head =
        style->dialect == DIALECT_ENTRA_LEGACY ? "{\"$ref\":null,\"value\":" : "{\"value\":";

    begin_operation(out, true, style, op, t->path_json);
    buf_add_z(out, ",\"value\":[");
    for (size_t i = 0; i < count; i++) {
        buf_add_z(out, i ? "," : "");
        buf_add_z(out, head);
        json_write_text(out, ids[i]);
        buf_add_char(out, '}');
    }
    buf_add_z(out, "]}");
}

void scim_write_members(struct buf *out, const struct scim_style *style,
                        const struct scim_attribute *attribute, enum scim_member_op op,
                        const struct str *ids, size_t count)
{
    buf_add_z(out, PATCH_HEAD);
    if (op == SCIM_MEMBERS_ADD || style->member_array) {
        write_member_list(out, style, attribute, op == SCIM_MEMBERS_ADD ? OP_ADD : OP_REMOVE, ids,
                          count);
    } else {
        for (size_t i = 0; i < count; i++) {
            buf_addf(out, "%s{\"op\":\"%s\",\"path\":", i ? "," : "", op_name(style, OP_REMOVE));
            write_member_path(out, attribute, ids[i]);
            buf_add_char(out, '}');
        }
    }
    buf_add_z(out, "]}");
}
