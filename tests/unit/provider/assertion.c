#include "assertion.h"

#include <regex.h>

void variables_set(struct variables *v, struct str name, struct str value)
{
    json_set(v->arena, v->values, name, json_string(v->arena, value));
}

/* Replaces the innermost {{name}} once; false when there is none. */
static bool expand_once(const struct variables *v, struct str *text)
{
    size_t open = 0, close, next;
    const struct json *value;

    if (!str_find(*text, STR("}}"), &close))
        return false;
    for (size_t at = 0; str_find(str_sub(*text, at, close - at), STR("{{"), &next); at += next + 2)
        open = at + next + 2;
    if (open == 0)
        return false;
    value = json_get(v->values, str_sub(*text, open, close - open));
    CHECK(value, "no variable in %.*s", STR_ARG(*text));
    *text = arena_printf(v->arena, "%.*s%.*s%.*s", STR_ARG(str_sub(*text, 0, open - 2)),
                         STR_ARG(value->text), STR_ARG(str_from(*text, close + 2)));
    return true;
}

struct str expand(const struct variables *v, struct str text)
{
    size_t at;

    if (!str_find(text, STR("{{"), &at))
        return text;
    while (expand_once(v, &text))
        ;
    return text;
}

static void expand_in_place(const struct variables *v, struct json *value)
{
    if (value->type == JSON_STRING)
        value->text = expand(v, value->text);
    JSON_EACH(item, value)
    expand_in_place(v, item);
}

struct json *expand_json(const struct variables *v, const struct json *value)
{
    struct json *copy = json_clone(v->arena, value);

    expand_in_place(v, copy);
    return copy;
}

static void add(struct arena *a, struct json *out, const struct json *value)
{
    if (value)
        json_append(out, json_clone(a, value));
}

/* [n], [*], [name=value], ['any text'] */
static void select_bracket(struct arena *a, const struct json *from, struct str inside,
                           struct json *out)
{
    struct str value = inside, name;
    int64_t index;

    if (inside.ptr[0] == '\'') {
        add(a, out, json_get(from, str_sub(inside, 1, inside.len - 2)));
    } else if (str_eq(inside, STR("*"))) {
        JSON_EACH(item, from)
        add(a, out, item);
    } else if (str_to_int(inside, -1000000, 1000000, &index)) {
        if (index < 0)
            index += (int64_t)from->count;
        JSON_EACH(item, from)
        if (index-- == 0)
            add(a, out, item);
    } else if (str_cut(&value, '=', &name)) {
        JSON_EACH(item, from)
        {
            const struct json *member = json_get(item, name);

            if (member && (member->type == JSON_BOOL
                               ? str_eq(value, member->boolean ? STR("true") : STR("false"))
                               : str_eq(value, member->text)))
                add(a, out, item);
        }
    }
}

/* Takes one segment off the path and applies it to each value. */
static struct json *step(struct arena *a, const struct json *values, struct str *path)
{
    struct json *out = json_new(a, JSON_ARRAY);
    bool bracket = path->ptr[0] == '[';
    size_t end = 1;
    struct str segment;

    if (bracket)
        CHECK(str_find(*path, path->ptr[1] == '\'' ? STR("']") : STR("]"), &end), "path");
    else
        while (end < path->len && path->ptr[end] != '.' && path->ptr[end] != '[')
            end++;
    if (bracket && path->ptr[1] == '\'')
        end++;
    segment = str_sub(*path, 1, end - 1);
    *path = str_from(*path, bracket ? end + 1 : end);
    JSON_EACH(value, values)
    {
        if (bracket)
            select_bracket(a, value, segment, out);
        else
            add(a, out, json_get(value, segment));
    }
    return out;
}

struct json *select_path(struct arena *a, const struct answer *answer, struct str path)
{
    struct json *values = json_new(a, JSON_ARRAY);
    struct str header;

    if (path.ptr[0] == '@') {
        header = answer_header(answer, str_from(path, 1));
        if (header.len > 0)
            json_append(values, json_string(a, header));
        return values;
    }
    add(a, values, answer->json);
    for (path = str_from(path, 1); path.len > 0;)
        values = step(a, values, &path);
    return values;
}

/* --- Assertions --- */

static const struct json *only(const struct json *values)
{
    return values->count == 1 ? values->first : NULL;
}

/* The array that a path names, or the values it gives. */
static const struct json *as_list(const struct json *values)
{
    return values->count == 1 && values->first->type == JSON_ARRAY ? values->first : values;
}

/* An object argument matches an object that has at least those members. */
static bool includes(const struct json *value, const struct json *wanted)
{
    if (value->type != JSON_OBJECT || wanted->type != JSON_OBJECT)
        return json_equal(value, wanted);
    JSON_EACH(member, wanted)
    {
        const struct json *mine = json_get(value, member->name);

        if (!mine || !json_equal(mine, member))
            return false;
    }
    return true;
}

static bool contains(const struct json *list, const struct json *wanted)
{
    JSON_EACH(item, list)
    if (includes(item, wanted))
        return true;
    return false;
}

static bool same_set(const struct json *list, const struct json *wanted)
{
    if (list->count != wanted->count)
        return false;
    JSON_EACH(item, wanted)
    if (!contains(list, item))
        return false;
    JSON_EACH(item, list)
    if (!contains(wanted, item))
        return false;
    return true;
}

static bool found_by(struct arena *a, const struct json *value, struct str pattern)
{
    CLEANUP(buf_done) struct buf text;
    regex_t compiled;
    bool found;

    buf_init(&text, 10000);
    for (size_t i = 0; i < pattern.len; i++)
        if (pattern.ptr[i] == '\\' && i + 1 < pattern.len && pattern.ptr[i + 1] == 'd') {
            buf_add_z(&text, "[0-9]");
            i++;
        } else {
            buf_add_char(&text, pattern.ptr[i]);
        }
    CHECK(regcomp(&compiled, buf_z(&text), REG_EXTENDED | REG_NOSUB) == 0, "pattern");
    found = value && value->type == JSON_STRING &&
            regexec(&compiled, arena_z(a, value->text), 0, NULL, 0) == 0;
    regfree(&compiled);
    return found;
}

static bool is_absent(const struct json *values)
{
    JSON_EACH(value, values)
    if (value->type != JSON_NULL && !(value->type == JSON_ARRAY && value->count == 0))
        return false;
    return true;
}

static bool ordered(const struct json *value, struct str op, const struct json *wanted)
{
    double x, y;
    int order;

    if (!value)
        return false;
    if (json_to_double(value, &x) && json_to_double(wanted, &y))
        order = (x > y) - (x < y);
    else
        order = str_cmp(value->text, wanted->text);
    return str_eq(op, STR("lt"))   ? order < 0
           : str_eq(op, STR("le")) ? order <= 0
           : str_eq(op, STR("gt")) ? order > 0
                                   : order >= 0;
}

static bool type_is(const struct json *value, struct str name)
{
    static const char *const names[] = {"null", "boolean", "number", "string", "array", "object"};

    return value && str_eq_z(name, names[value->type]);
}

static bool test(struct arena *a, const struct json *values, struct str op,
                 const struct json *wanted)
{
    const struct json *value = only(values);
    const struct json *list = as_list(values);
    int64_t length;

    if (str_eq(op, STR("eq")))
        return value && json_equal(value, wanted);
    if (str_eq(op, STR("ne")))
        return value && !json_equal(value, wanted);
    if (str_eq(op, STR("eqi")))
        return value && str_eq_ascii_nocase(value->text, wanted->text);
    if (str_eq(op, STR("absent")))
        return is_absent(values);
    if (str_eq(op, STR("present")))
        return values->count > 0 && !is_absent(values);
    if (str_eq(op, STR("len")))
        return json_to_int(wanted, &length) && list->count == (size_t)length;
    if (str_eq(op, STR("has")))
        return contains(list, wanted);
    if (str_eq(op, STR("lacks")))
        return !contains(list, wanted);
    if (str_eq(op, STR("set")))
        return same_set(list, wanted);
    if (str_eq(op, STR("seq")))
        return json_equal(list, wanted);
    if (str_eq(op, STR("re")))
        return found_by(a, value, wanted->text);
    if (str_eq(op, STR("in")))
        return value && contains(wanted, value);
    if (str_eq(op, STR("type")))
        return type_is(value, wanted->text);
    CHECK(op.len == 2, "unknown operator %.*s", STR_ARG(op));
    return ordered(value, op, wanted);
}

bool holds(struct arena *a, const struct answer *answer, const struct json *assertion,
           struct str *why)
{
    const struct json *path = assertion->first;
    const struct json *op = path->next;
    struct json *values = select_path(a, answer, path->text);

    if (test(a, values, op->text, op->next))
        return true;
    *why = arena_printf(a, "%.*s, but there is %.*s", STR_ARG(json_text(a, assertion)),
                        STR_ARG(json_text(a, values)));
    return false;
}
