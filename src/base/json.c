#include "base/json.h"

#include "base/unicode.h"

#include <math.h>

struct json *json_new(struct arena *a, enum json_type type)
{
    struct json *v = ARENA_NEW(a, struct json);

    v->type = type;
    if (type == JSON_NUMBER) {
        v->text = STR("0");
    } else if (type == JSON_STRING) {
        v->text = STR("");
    }
    return v;
}

struct json *json_string(struct arena *a, struct str text)
{
    struct json *v = ARENA_NEW(a, struct json);

    v->type = JSON_STRING;
    v->text = arena_str(a, text);
    return v;
}

struct json *json_int(struct arena *a, int64_t n)
{
    struct json *v = ARENA_NEW(a, struct json);

    v->type = JSON_NUMBER;
    v->text = arena_printf(a, "%lld", (long long)n);
    return v;
}

struct json *json_bool(struct arena *a, bool b)
{
    struct json *v = json_new(a, JSON_BOOL);

    v->boolean = b;
    return v;
}

struct json *json_null(struct arena *a)
{
    return json_new(a, JSON_NULL);
}

struct json *json_clone(struct arena *a, const struct json *v)
{
    struct json *copy = ARENA_NEW(a, struct json);

    copy->type = v->type;
    copy->boolean = v->boolean;
    if (v->name.ptr)
        copy->name = arena_str(a, v->name);
    if (v->text.ptr)
        copy->text = arena_str(a, v->text);
    JSON_EACH(child, v)
    {
        json_append(copy, json_clone(a, child));
    }
    return copy;
}

void json_append(struct json *array, struct json *v)
{
    v->next = NULL;
    if (array->last) {
        array->last->next = v;
    } else {
        array->first = v;
    }
    array->last = v;
    array->count++;
}

void json_add(struct arena *a, struct json *object, struct str name, struct json *v)
{
    v->name = arena_str(a, name);
    json_append(object, v);
}

/* What points at child: its parent's first or its elder sibling's next. *out_before is that
 * sibling. */
static struct json **link_of(struct json *parent, const struct json *child,
                             struct json **out_before)
{
    struct json **link = &parent->first;

    *out_before = NULL;
    while (*link && *link != child) {
        *out_before = *link;
        link = &(*link)->next;
    }
    return link;
}

void json_set(struct arena *a, struct json *object, struct str name, struct json *v)
{
    struct json *old = json_get(object, name);
    struct json *before;

    if (!old) {
        json_add(a, object, name, v);
        return;
    }
    if (old == v)
        return;
    v->name = arena_str(a, name);
    *link_of(object, old, &before) = v;
    v->next = old->next;
    if (object->last == old)
        object->last = v;
    old->next = NULL;
}

bool json_remove(struct json *object, struct str name)
{
    struct json *v = json_get(object, name);

    if (!v)
        return false;
    json_unlink(object, v);
    return true;
}

void json_unlink(struct json *parent, struct json *child)
{
    struct json *before;
    struct json **link = link_of(parent, child, &before);

    if (!*link)
        return;
    *link = child->next;
    if (parent->last == child)
        parent->last = before;
    parent->count--;
    child->next = NULL;
}

void json_add_str(struct arena *a, struct json *object, const char *name, struct str text)
{
    json_add(a, object, str_from_z(name), json_string(a, text));
}

void json_add_z(struct arena *a, struct json *object, const char *name, const char *text)
{
    json_add_str(a, object, name, str_from_z(text));
}

void json_add_int(struct arena *a, struct json *object, const char *name, int64_t n)
{
    json_add(a, object, str_from_z(name), json_int(a, n));
}

void json_add_bool(struct arena *a, struct json *object, const char *name, bool b)
{
    json_add(a, object, str_from_z(name), json_bool(a, b));
}

void json_add_real(struct arena *a, struct json *object, const char *name, double n,
                   unsigned decimals)
{
    struct json *v = json_new(a, JSON_NUMBER);
    struct str text = arena_printf(a, "%.*f", (int)decimals, n);

    if (!isfinite(n)) {
        json_add_null(a, object, name);
        return;
    }
    for (; decimals > 0 && text.ptr[text.len - 1] == '0'; decimals--)
        text.len--;
    if (text.ptr[text.len - 1] == '.')
        text.len--;
    v->text = str_eq_z(text, "-0") ? STR("0") : text;
    json_add(a, object, str_from_z(name), v);
}

void json_add_null(struct arena *a, struct json *object, const char *name)
{
    json_add(a, object, str_from_z(name), json_null(a));
}

struct json *json_get(const struct json *object, struct str name)
{
    if (!json_is(object, JSON_OBJECT))
        return NULL;
    JSON_EACH(v, object)
    {
        if (str_eq(v->name, name))
            return v;
    }
    return NULL;
}

struct json *json_get_nocase(const struct json *object, struct str name)
{
    if (!json_is(object, JSON_OBJECT))
        return NULL;
    JSON_EACH(v, object)
    {
        if (str_eq_ascii_nocase(v->name, name))
            return v;
    }
    return NULL;
}

struct str json_get_text(const struct json *object, const char *name)
{
    const struct json *v = json_get(object, str_from_z(name));

    return json_is(v, JSON_STRING) ? v->text : (struct str){"", 0};
}

bool json_get_bool(const struct json *object, const char *name, bool otherwise)
{
    const struct json *v = json_get(object, str_from_z(name));

    return json_is(v, JSON_BOOL) ? v->boolean : otherwise;
}

int64_t json_get_int(const struct json *object, const char *name, int64_t otherwise)
{
    int64_t n;

    return json_to_int(json_get(object, str_from_z(name)), &n) ? n : otherwise;
}

bool json_to_int(const struct json *v, int64_t *out)
{
    const double exact = 9007199254740992.0; /* 2^53: below it a double holds every integer */
    double d;

    if (!json_is(v, JSON_NUMBER))
        return false;
    if (str_to_int(v->text, INT64_MIN, INT64_MAX, out))
        return true;
    /* 2.0 and 2e3 are integers too. Integers out of range fail the bound. */
    if (!str_to_double(v->text, &d) || d < -exact || d > exact || d != (double)(int64_t)d)
        return false;
    *out = (int64_t)d;
    return true;
}

bool json_to_double(const struct json *v, double *out)
{
    return json_is(v, JSON_NUMBER) && str_to_double(v->text, out);
}

bool json_is(const struct json *v, enum json_type type)
{
    return v && v->type == type;
}

/* A number as 0.d1d2d3... times ten to the power of `exponent`; digits start and end with a digit
 * that is not 0, and a '.' between them does not count. Zero has no digits. */
struct decimal {
    bool negative;
    struct str digits;
    int64_t exponent;
};

static struct decimal decimal_from(struct str text)
{
    struct decimal d = {.negative = str_starts(text, STR("-"))};
    struct str mantissa = str_from(text, d.negative);
    size_t at = 0;
    size_t point;
    size_t zeros = 0;

    while (at < mantissa.len && ascii_lower(mantissa.ptr[at]) != 'e')
        at++;
    if (at < mantissa.len) {
        struct str power = str_from(mantissa, at + 1);
        bool down = str_starts(power, STR("-"));

        if (str_starts(power, STR("+")))
            power = str_from(power, 1);
        /* No mantissa is long enough to make up for an exponent beyond this. */
        if (!str_to_int(power, -INT64_MAX / 4, INT64_MAX / 4, &d.exponent))
            d.exponent = down ? -INT64_MAX / 4 : INT64_MAX / 4;
        mantissa = str_sub(mantissa, 0, at);
    }
    if (!str_find_char(mantissa, '.', &point))
        point = mantissa.len;
    while (zeros < mantissa.len && (mantissa.ptr[zeros] == '0' || mantissa.ptr[zeros] == '.'))
        zeros++;
    d.exponent += (int64_t)point - (int64_t)zeros + (zeros > point);
    d.digits = str_from(mantissa, zeros);
    while (d.digits.len > 0 && (str_ends(d.digits, STR("0")) || str_ends(d.digits, STR("."))))
        d.digits.len--;
    return d;
}

/* By value and exactly: no rounding, whatever the length. */
static bool equal_numbers(struct str a, struct str b)
{
    struct decimal x;
    struct decimal y;
    size_t i = 0;
    size_t j = 0;

    if (str_eq(a, b))
        return true;
    x = decimal_from(a);
    y = decimal_from(b);
    if (x.digits.len == 0 || y.digits.len == 0)
        return x.digits.len == y.digits.len; /* 0, -0 and 0e9 are the same */
    if (x.negative != y.negative || x.exponent != y.exponent)
        return false;
    while (i < x.digits.len && j < y.digits.len) {
        i += x.digits.ptr[i] == '.';
        j += y.digits.ptr[j] == '.';
        if (x.digits.ptr[i++] != y.digits.ptr[j++])
            return false;
    }
    return i == x.digits.len && j == y.digits.len;
}

static bool equal_arrays(const struct json *a, const struct json *b)
{
    const struct json *y = b->first;

    JSON_EACH(x, a)
    {
        if (!json_equal(x, y))
            return false;
        y = y->next;
    }
    return true;
}

static int compare_names(const void *a, const void *b)
{
    const struct json *const *x = a;
    const struct json *const *y = b;

    return str_cmp((*x)->name, (*y)->name);
}

static const struct json **sorted_members(const struct json *object)
{
    const struct json **members = mem_alloc(object->count * sizeof(const struct json *));
    size_t n = 0;

    JSON_EACH(v, object)
    {
        members[n++] = v;
    }
    qsort(members, n, sizeof(const struct json *), compare_names);
    return members;
}

/* For objects with many members, where looking each one up would cost their square. */
static bool equal_sorted(const struct json *a, const struct json *b)
{
    const struct json **x = sorted_members(a);
    const struct json **y = sorted_members(b);
    bool equal = true;

    for (size_t i = 0; equal && i < a->count; i++)
        equal = str_eq(x[i]->name, y[i]->name) && json_equal(x[i], y[i]);
    free(x);
    free(y);
    return equal;
}

static bool equal_objects(const struct json *a, const struct json *b)
{
    enum { FEW = 32 };
    const struct json *hint = b->first; /* mostly both have the same order */

    if (a->count > FEW)
        return equal_sorted(a, b);
    JSON_EACH(x, a)
    {
        const struct json *y = hint && str_eq(hint->name, x->name) ? hint : json_get(b, x->name);

        if (!y || !json_equal(x, y))
            return false;
        hint = y->next;
    }
    return true;
}

bool json_equal(const struct json *a, const struct json *b)
{
    if (!a || !b)
        return a == b;
    if (a->type != b->type || a->count != b->count)
        return false;
    switch (a->type) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        return a->boolean == b->boolean;
    case JSON_NUMBER:
        return equal_numbers(a->text, b->text);
    case JSON_STRING:
        return str_eq(a->text, b->text);
    case JSON_ARRAY:
        return equal_arrays(a, b);
    case JSON_OBJECT:
        return equal_objects(a, b);
    }
    return false;
}

void json_line_column(struct str text, size_t offset, size_t *out_line, size_t *out_column)
{
    struct str before = str_sub(text, 0, offset);
    size_t line = 1;
    size_t start = 0;

    for (size_t i = 0; i < before.len; i++) {
        if (before.ptr[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    *out_line = line;
    *out_column = utf8_length(str_from(before, start)) + 1;
}
