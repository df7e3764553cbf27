#include "provider/internal.h"

#define NAMES_MAX 16384 /* bytes of attribute names, as many as a URL can hold */

static bool wrong(struct err *err, const char *name, const char *should)
{
    return err_set(err, ERR_INVALID, "invalidSyntax", "'%s' must be %s", name, should);
}

static bool take_text(const struct json *body, const char *name, struct str *out, struct err *err)
{
    const struct json *v = json_get_nocase(body, str_from_z(name));

    *out = STR("");
    if (!v || v->type == JSON_NULL)
        return true;
    *out = v->text;
    return v->type == JSON_STRING || wrong(err, name, "text");
}

/* A number, or its text. */
static bool take_number(const struct json *body, const char *name, struct str *out, struct err *err)
{
    const struct json *v = json_get_nocase(body, str_from_z(name));

    *out = STR("");
    if (!v || v->type == JSON_NULL)
        return true;
    *out = v->text;
    return v->type == JSON_NUMBER || v->type == JSON_STRING ||
           err_set(err, ERR_INVALID, "invalidValue", "'%s' must be a whole number", name);
}

static bool too_many(struct err *err, const char *name)
{
    return err_set(err, ERR_INVALID, "invalidValue", "'%s' is longer than %d bytes", name,
                   NAMES_MAX);
}

/* A list of names, or the names joined by commas. */
static bool take_names(struct arena *a, const struct json *body, const char *name, struct str *out,
                       struct err *err)
{
    const struct json *v = json_get_nocase(body, str_from_z(name));
    CLEANUP(buf_done) struct buf names;

    buf_init(&names, NAMES_MAX);
    if (!json_is(v, JSON_ARRAY))
        return take_text(body, name, out, err) && (out->len <= NAMES_MAX || too_many(err, name));
    JSON_EACH(item, v)
    {
        if (item->type != JSON_STRING)
            return wrong(err, name, "a list of names");
        if (names.len > 0)
            buf_add_char(&names, ',');
        buf_add(&names, item->text);
    }
    *out = arena_str(a, buf_str(&names));
    return !names.overflowed || too_many(err, name);
}

bool search_read(struct call *c, struct err *err)
{
    const struct json *cursor;
    struct json *body;

    if (!call_body(c, &body, err) || !take_text(body, "filter", &c->filter, err) ||
        !take_names(c->arena, body, "attributes", &c->attributes, err) ||
        !take_names(c->arena, body, "excludedAttributes", &c->excluded, err) ||
        !take_text(body, "sortBy", &c->sort_by, err) ||
        !take_text(body, "sortOrder", &c->sort_order, err) ||
        !take_number(body, "startIndex", &c->start_index, err) ||
        !take_number(body, "count", &c->count, err) || !take_text(body, "cursor", &c->cursor, err))
        return false;
    cursor = json_get_nocase(body, STR("cursor"));
    c->has_cursor = cursor && cursor->type == JSON_STRING;
    c->has_filter = !str_empty(str_trim(c->filter));
    return true;
}
