#include "directory/import/work.h"

enum { NAMES_MAX = 500 }; /* different member names in a file */

/* What the member names of a kind of object mean: bound once, then found in the order in which
 * they mostly come. */
struct names {
    struct bound {
        struct str name;
        struct directory_attribute attribute;
        bool ignored;
    } * bound;
    size_t count;
    size_t next; /* the one after the last that was found */
};

static bool bind(struct import_work *w, struct names *n, enum source_kind kind, struct str name,
                 const struct bound **out, struct err *err)
{
    struct bound *b;

    for (size_t i = 0; i < n->count; i++) {
        size_t at = (n->next + i) % n->count;

        if (str_eq(n->bound[at].name, name)) {
            n->next = at + 1;
            *out = &n->bound[at];
            return true;
        }
    }
    if (n->count == NAMES_MAX)
        return err_set(err, ERR_LIMIT, "tooManyColumns", "more than %d different names", NAMES_MAX);
    if (!n->bound)
        n->bound = ARENA_ARRAY(w->a, struct bound, NAMES_MAX);
    b = &n->bound[n->count];
    b->name = arena_str(w->a, name);
    if (!import_bind(w, kind, b->name, &b->attribute, &b->ignored, err))
        return false;
    n->count++;
    *out = b;
    return true;
}

static bool fail_value(const struct directory_attribute *at, const char *wanted, struct err *err)
{
    return err_set(err, ERR_INVALID, "badValue", "%.*s takes %s", STR_ARG(at->name), wanted);
}

static bool read_reference(const struct directory_attribute *at, const struct json *v,
                           struct str *out, struct err *err)
{
    if (v->type == JSON_NULL) {
        *out = STR("");
    } else if (v->type == JSON_STRING && v->text.len <= DIRECTORY_TEXT_MAX &&
               strlen(v->text.ptr) == v->text.len) {
        *out = str_trim(v->text);
    } else {
        return fail_value(at, "an id, a userPrincipalName or an employeeId", err);
    }
    return true;
}

static bool read_members(struct import_work *w, const struct directory_attribute *at,
                         const struct json *v, struct import_row *row, struct err *err)
{
    row->has_members = true;
    row->members_place = row->place;
    if (v->type == JSON_NULL)
        return true;
    if (v->type != JSON_ARRAY)
        return fail_value(at, "a list of ids or names", err);
    row->members = ARENA_ARRAY(w->row, struct str, v->count);
    JSON_EACH(item, v)
    {
        if (!read_reference(at, item, &row->members[row->member_count], err))
            return false;
        row->member_count += row->members[row->member_count].len > 0;
    }
    return true;
}

/* Two names of an object can mean one attribute: by spelling, by case, or by a rule. */
static bool is_there(const struct directory_attribute *at, const struct import_row *row)
{
    return (at->is_id && row->id.len > 0) || (at->is_manager && row->has_manager) ||
           (at->is_members && row->has_members) || json_get(row->patch, at->name);
}

static bool add_member(struct import_work *w, const struct directory_attribute *at,
                       const struct json *v, struct import_row *row, struct err *err)
{
    struct json *value;

    if (is_there(at, row)) {
        return err_set(err, ERR_INVALID, "duplicateColumn", "%.*s is there in both spellings",
                       STR_ARG(at->name));
    }
    if (at->is_id) {
        if (v->type != JSON_STRING)
            return fail_value(at, "a text", err);
        row->id = v->text;
        return directory_check_id(row->id, err);
    }
    if (at->is_manager) {
        row->has_manager = true;
        row->manager_place = row->place;
        return read_reference(at, v, &row->manager, err);
    }
    if (at->is_members)
        return read_members(w, at, v, row, err);
    if (!directory_value(at, v, w->row, &value, err))
        return false;
    value->name = at->name;
    json_append(row->patch, value);
    return true;
}

static bool read_row(struct import_work *w, struct names *names,
                     const struct json_stream_item *item, struct import_row *out, struct err *err)
{
    *out = (struct import_row){.kind = item->in_section ? item->kind : w->o->kind,
                               .place = {item->line, item->column},
                               .patch = json_new(w->row, JSON_OBJECT)};
    JSON_EACH(v, item->object)
    {
        const struct bound *b;

        if (!bind(w, &names[out->kind], out->kind, v->name, &b, err) ||
            (!b->ignored && !add_member(w, &b->attribute, v, out, err)))
            return import_fail_at(w, out->place, err);
    }
    return true;
}

bool import_read_json(struct import_work *w, struct err *err)
{
    CLEANUP(json_stream_freep)
    struct json_stream *s = json_stream_new(w->o->name, w->o->read, w->o->read_ctx);
    struct names names[SOURCE_KIND_COUNT] = {0};
    struct json_stream_item item;
    struct import_row row;
    bool more;

    for (;;) {
        arena_reset(w->row);
        if (!json_stream_next(s, w->row, &item, &more, err))
            return false;
        if (!more)
            break;
        if (!item.in_section && !w->o->kind_given) {
            (void)err_set(err, ERR_INVALID, "unknownKind",
                          "an array says not what is in it: give --type user or --type group, or "
                          "write {\"users\": [...], \"groups\": [...]}");
            return import_fail_at(w, (struct import_place){item.line, item.column}, err);
        }
        w->result->had[item.in_section ? item.kind : w->o->kind] = true;
        if (!read_row(w, names, &item, &row, err) || !import_row_apply(w, &row, err))
            return false;
    }
    for (int kind = 0; kind < SOURCE_KIND_COUNT; kind++) {
        w->result->had[kind] =
            w->result->had[kind] || json_stream_has_section(s, (enum source_kind)kind);
    }
    if (w->o->kind_given)
        w->result->had[w->o->kind] = true;
    return true;
}
