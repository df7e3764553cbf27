/* What an answer has to hold (script.h). */
#include "conformance/script.h"

enum { SHOWN_MAX = 120 };

static struct str shorten(struct str text)
{
    return str_sub(text, 0, SHOWN_MAX);
}

static struct str show(struct arena *a, const struct json *v)
{
    return v ? shorten(json_text(a, v)) : STR("nothing");
}

/* --- Places --- */

static struct json *select_element(const struct json *array, struct str name, struct str text)
{
    JSON_EACH(element, array)
    {
        const struct json *member = json_get_nocase(element, name);

        if (member && member->type == JSON_STRING && str_eq_ascii_nocase(member->text, text))
            return element;
    }
    return NULL;
}

static struct json *step(const struct json *v, struct str segment)
{
    int64_t index;
    struct str rest = segment, name;

    if (!v)
        return NULL;
    if (v->type == JSON_OBJECT)
        return json_get_nocase(v, segment);
    if (v->type != JSON_ARRAY)
        return NULL;
    if (str_to_int(segment, 0, INT32_MAX, &index)) {
        struct json *element = v->first;

        while (element && index-- > 0)
            element = element->next;
        return element;
    }
    return str_cut(&rest, '=', &name) ? select_element(v, name, rest) : NULL;
}

static struct json *walk(struct json *v, struct str path)
{
    struct str segment;

    while (v && path.len > 0) {
        (void)str_cut(&path, '/', &segment);
        if (segment.len)
            v = step(v, segment);
    }
    return v;
}

static struct json *header(struct arena *a, const struct check_answer *answer, struct str name)
{
    struct str text = str_eq(name, STR("@content-type")) ? answer->content_type
                      : str_eq(name, STR("@etag"))       ? answer->etag
                      : str_eq(name, STR("@location"))   ? answer->location
                                                         : (struct str){NULL, 0};

    return text.len ? json_string(a, text) : NULL;
}

struct json *check_at(struct arena *a, const struct check_answer *answer, struct str place)
{
    return str_starts(place, STR("@")) ? header(a, answer, place) : walk(answer->json, place);
}

/* --- What is to hold of a value --- */

static bool is_empty(const struct json *v)
{
    return !v || v->type == JSON_NULL ||
           ((v->type == JSON_ARRAY || v->type == JSON_OBJECT) && v->count == 0) ||
           (v->type == JSON_STRING && v->text.len == 0);
}

/* A value that the array holds, itself or as the member "value" of an element; a part of a text. */
static bool has(const struct json *v, const struct json *wanted)
{
    size_t at;

    if (v && v->type == JSON_STRING && wanted->type == JSON_STRING)
        return str_find(v->text, wanted->text, &at);
    if (!json_is(v, JSON_ARRAY))
        return false;
    JSON_EACH(element, v)
    {
        if (json_equal(element, wanted) ||
            (element->type == JSON_OBJECT && json_get_nocase(element, STR("value")) &&
             json_equal(json_get_nocase(element, STR("value")), wanted)))
            return true;
    }
    return false;
}

static bool has_type(const struct json *v, struct str name)
{
    static const char *const names[] = {"null", "boolean", "number", "string", "array", "object"};

    return v && str_eq_z(name, names[v->type]);
}

static bool number_at_least(const struct json *v, const struct json *wanted)
{
    double have, want;

    return v && json_to_double(v, &have) && json_to_double(wanted, &want) && have >= want;
}

static bool count_is(const struct json *v, const struct json *wanted, bool or_fewer)
{
    size_t count = v && v->type == JSON_ARRAY ? v->count : 0;
    int64_t want;

    return json_to_int(wanted, &want) &&
           ((int64_t)count == want || (or_fewer && (int64_t)count < want));
}

static struct str folded(struct arena *a, struct str text)
{
    char *out = arena_z(a, text);

    for (size_t i = 0; i < text.len; i++)
        out[i] = ascii_lower(out[i]);
    return (struct str){out, text.len};
}

/* Elements of an array by a member, without regard to case; "-name" descending. Those without the
 * member, and texts outside ASCII, have no order that an RFC fixes. */
static bool is_sorted(struct arena *a, const struct json *array, struct str by)
{
    bool descending = str_starts(by, STR("-"));
    struct str last = {NULL, 0};

    JSON_EACH(element, array)
    {
        struct str text = {NULL, 0};
        const struct json *v = walk(element, str_from(by, descending ? 1 : 0));

        if (v && v->type == JSON_STRING)
            text = folded(a, v->text);
        if (!text.len)
            continue;
        if (last.len && (descending ? str_cmp(last, text) < 0 : str_cmp(last, text) > 0))
            return false;
        last = text;
    }
    return true;
}

static bool compares(struct arena *a, const struct json *v, struct str what,
                     const struct json *operand)
{
    assert(operand);
    if (str_eq(what, STR("is")))
        return v && json_equal(v, operand);
    if (str_eq(what, STR("not")))
        return !v || !json_equal(v, operand);
    if (str_eq(what, STR("has")))
        return has(v, operand);
    if (str_eq(what, STR("lacks")))
        return !has(v, operand);
    if (str_eq(what, STR("type")))
        return has_type(v, operand->text);
    if (str_eq(what, STR("count")))
        return count_is(v, operand, false);
    if (str_eq(what, STR("most")))
        return count_is(v, operand, true);
    if (str_eq(what, STR("least")))
        return number_at_least(v, operand);
    assert(str_eq(what, STR("sorted")));
    return is_sorted(a, v, operand->text);
}

static bool holds(struct arena *a, const struct json *v, struct str what,
                  const struct json *operand)
{
    if (str_eq(what, STR("exists")))
        return !is_empty(v);
    if (str_eq(what, STR("absent")))
        return !v;
    return str_eq(what, STR("empty")) ? is_empty(v) : compares(a, v, what, operand);
}

struct expectation {
    struct arena *arena;
    struct str what;
    const struct json *operand;
    struct str *why;
};

static bool on_value(const struct expectation *e, struct json *v, struct str place)
{
    if (holds(e->arena, v, e->what, e->operand))
        return true;
    *e->why =
        arena_printf(e->arena, "%.*s: found %.*s", STR_ARG(place), STR_ARG(show(e->arena, v)));
    return false;
}

/* The value of a text that is JSON; a word is a text. */
static struct json *operand_of(struct arena *a, struct str text)
{
    struct err err = {.kind = ERR_NONE};
    struct json *v;

    if (!text.len)
        return NULL;
    return json_parse(a, text, NULL, &v, NULL, &err) ? v : json_string(a, text);
}

bool check_holds(struct arena *a, const struct check_answer *answer, struct str line,
                 struct str *out_why)
{
    struct str rest = line, place, what, before;
    struct expectation e = {.arena = a, .why = out_why};
    size_t at;

    (void)str_cut(&rest, ' ', &place);
    (void)str_cut(&rest, ' ', &what);
    e.what = what;
    e.operand = operand_of(a, rest);
    if (!str_starts(place, STR("@")) && !answer->json) {
        *out_why = STR("the answer is not JSON");
        return false;
    }
    if (!str_find(place, STR("/*"), &at))
        return on_value(&e, check_at(a, answer, place), place);
    before = str_sub(place, 0, at);
    JSON_EACH(element, walk(answer->json, before))
    {
        if (!on_value(&e, walk(element, str_from(place, at + 2)), place))
            return false;
    }
    return true;
}

bool check_status(struct arena *a, const struct check_answer *answer, struct str wanted,
                  struct str *out_why)
{
    struct str word;
    int64_t status;

    if (answer->status == 0) {
        *out_why = str_from_z(answer->reason);
        return false;
    }
    while (wanted.len > 0) {
        (void)str_cut(&wanted, ' ', &word);
        if (str_to_int(word, 100, 599, &status) && status == answer->status)
            return true;
    }
    *out_why = arena_printf(a, "status %d", answer->status);
    return false;
}

/* RFC 7644, 3.12: the status stands in the body, as a string. */
bool check_error(struct arena *a, const struct check_answer *answer, struct str type,
                 struct str *out_why)
{
    const struct json *status = check_at(a, answer, STR("/status"));
    struct str code = arena_printf(a, "%d", answer->status);

    if (!check_holds(a, answer, STR("/schemas has \"" API "Error\""), out_why))
        return false;
    if (!status || status->type != JSON_STRING || !str_eq(status->text, code)) {
        *out_why = arena_printf(a, "/status: found %.*s", STR_ARG(show(a, status)));
        return false;
    }
    if (!type.len)
        return true;
    return check_holds(a, answer, arena_printf(a, "/scimType is \"%.*s\"", STR_ARG(type)), out_why);
}
