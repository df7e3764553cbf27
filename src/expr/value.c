#include "expr/value.h"

#include "base/unicode.h"

#include <math.h>
#include <sodium.h>

bool value_is_null(const struct expr_value *v)
{
    return v->type == EXPR_NULL;
}

bool value_is_empty(const struct expr_value *v)
{
    return v->type == EXPR_NULL || (v->type == EXPR_STRING && v->text.len == 0);
}

bool value_is_signal(const struct expr_value *v)
{
    return v->type == EXPR_IGNORE || v->type == EXPR_IGNORE_OBJECT;
}

const char *value_type_name(const struct expr_value *v)
{
    static const char *const names[] = {
        [EXPR_NULL] = "null",
        [EXPR_STRING] = "text",
        [EXPR_BOOLEAN] = "a boolean",
        [EXPR_INTEGER] = "a number",
        [EXPR_DOUBLE] = "a number",
        [EXPR_DATE] = "a date",
        [EXPR_REFERENCE] = "a reference",
        [EXPR_BINARY] = "binary data",
        [EXPR_LIST] = "a list",
        [EXPR_COMPLEX] = "a record",
        [EXPR_IGNORE] = "IgnoreAttributeFlow",
        [EXPR_IGNORE_OBJECT] = "IgnoreObjectFlow",
    };

    return names[v->type];
}

static struct expr_value value_from_array(struct arena *a, const struct json *array)
{
    struct expr_value *items = ARENA_ARRAY(a, struct expr_value, array->count);
    size_t n = 0;

    JSON_EACH(item, array)
    {
        struct expr_value v = value_from_json(a, item);

        if (!value_is_null(&v))
            items[n++] = v;
    }
    if (n == 0)
        return (struct expr_value){.type = EXPR_NULL};
    return (struct expr_value){.type = EXPR_LIST, {.list = {items, n}}};
}

static struct expr_value value_from_object(struct arena *a, const struct json *object)
{
    const struct json *first = object->first;

    if (object->count == 1 && first->type == JSON_STRING && str_eq_z(first->name, "$ref"))
        return (struct expr_value){.type = EXPR_REFERENCE, {.text = first->text}};
    if (object->count == 1 && first->type == JSON_STRING && str_eq_z(first->name, "$binary")) {
        size_t size = first->text.len / 4 * 3 + 3;
        unsigned char *bytes = arena_alloc(a, size);
        size_t len;

        if (sodium_base642bin(bytes, size, first->text.ptr, first->text.len, NULL, &len, NULL,
                              sodium_base64_VARIANT_ORIGINAL) == 0)
            return (struct expr_value){.type = EXPR_BINARY, {.text = {(char *)bytes, len}}};
    }
    return (struct expr_value){.type = EXPR_COMPLEX, {.record = object}};
}

static struct expr_value value_from_number(struct str text)
{
    struct expr_value v = {.type = EXPR_INTEGER};

    if (str_to_int(text, INT64_MIN, INT64_MAX, &v.integer))
        return v;
    v.type = EXPR_DOUBLE;
    if (!str_to_double(text, &v.number) || !isfinite(v.number))
        return (struct expr_value){.type = EXPR_STRING, {.text = text}};
    return v;
}

struct expr_value value_from_json(struct arena *a, const struct json *v)
{
    if (!v)
        return (struct expr_value){.type = EXPR_NULL};
    switch (v->type) {
    case JSON_NULL:
        break;
    case JSON_BOOL:
        return (struct expr_value){.type = EXPR_BOOLEAN, {.boolean = v->boolean}};
    case JSON_NUMBER:
        return value_from_number(v->text);
    case JSON_STRING:
        return (struct expr_value){.type = EXPR_STRING, {.text = v->text}};
    case JSON_ARRAY:
        return value_from_array(a, v);
    case JSON_OBJECT:
        return value_from_object(a, v);
    }
    return (struct expr_value){.type = EXPR_NULL};
}

static const struct expr_value *single(const struct expr_value *v)
{
    while (v->type == EXPR_LIST && v->list.count == 1)
        v = &v->list.items[0];
    return v;
}

static struct str double_text(struct arena *a, double d)
{
    char text[40];

    for (int digits = 15; digits <= 17; digits++) {
        double back;

        (void)snprintf(text, sizeof(text), "%.*g", digits, d);
        if (str_to_double(str_from_z(text), &back) && back == d)
            break;
    }
    return arena_str(a, str_from_z(text));
}

bool expr_value_text(struct arena *a, const struct expr_value *v, struct str *out)
{
    v = single(v);
    switch (v->type) {
    case EXPR_STRING:
    case EXPR_REFERENCE:
        *out = v->text;
        return true;
    case EXPR_BOOLEAN:
        *out = v->boolean ? STR("True") : STR("False");
        return true;
    case EXPR_INTEGER:
        *out = arena_printf(a, "%lld", (long long)v->integer);
        return true;
    case EXPR_DOUBLE:
        *out = double_text(a, v->number);
        return true;
    case EXPR_DATE:
        *out = value_date_text(a, v->ticks);
        return true;
    case EXPR_NULL:
    case EXPR_BINARY:
    case EXPR_LIST:
    case EXPR_COMPLEX:
    case EXPR_IGNORE:
    case EXPR_IGNORE_OBJECT:
        return false;
    }
    return false;
}

/* Numeric text: optional blanks, sign, fraction. */
static bool number_from_text(struct str s, struct expr_value *out)
{
    bool negative;
    size_t points = 0;

    s = str_trim(s);
    negative = str_starts(s, STR("-"));
    if (negative || str_starts(s, STR("+")))
        s = str_from(s, 1);
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '.') {
            points++;
        } else if (!ascii_is_digit(s.ptr[i])) {
            return false;
        }
    }
    if (s.len == 0 || points > 1 || s.ptr[0] == '.' || s.ptr[s.len - 1] == '.' || s.len > 400)
        return false;
    out->type = EXPR_INTEGER;
    if (points == 0) {
        /* The sign belongs to the digits: the least integer has no positive counterpart. */
        struct str whole = negative ? (struct str){s.ptr - 1, s.len + 1} : s;

        if (str_to_int(whole, INT64_MIN, INT64_MAX, &out->integer))
            return true;
    }
    while (s.len > 1 && s.ptr[0] == '0' && s.ptr[1] != '.')
        s = str_from(s, 1);
    out->type = EXPR_DOUBLE;
    if (!str_to_double(s, &out->number) || !isfinite(out->number))
        return false;
    out->number = negative ? -out->number : out->number;
    return true;
}

bool value_to_number(const struct expr_value *v, struct expr_value *out)
{
    v = single(v);
    switch (v->type) {
    case EXPR_INTEGER:
    case EXPR_DOUBLE:
        *out = *v;
        return true;
    case EXPR_BOOLEAN:
        *out = (struct expr_value){.type = EXPR_INTEGER, {.integer = v->boolean}};
        return true;
    case EXPR_STRING:
        return number_from_text(v->text, out);
    case EXPR_NULL:
    case EXPR_DATE:
    case EXPR_REFERENCE:
    case EXPR_BINARY:
    case EXPR_LIST:
    case EXPR_COMPLEX:
    case EXPR_IGNORE:
    case EXPR_IGNORE_OBJECT:
        return false;
    }
    return false;
}

bool value_to_integer(const struct expr_value *v, int64_t *out)
{
    const double limit = 9007199254740992.0; /* 2^53: below it every integer is exact */
    struct expr_value n;

    if (!value_to_number(v, &n))
        return false;
    if (n.type == EXPR_INTEGER) {
        *out = n.integer;
        return true;
    }
    if (n.number < -limit || n.number > limit || n.number != floor(n.number))
        return false;
    *out = (int64_t)n.number;
    return true;
}

bool value_to_boolean(const struct expr_value *v, bool *out)
{
    struct expr_value n;

    v = single(v);
    if (v->type == EXPR_BOOLEAN || v->type == EXPR_NULL) {
        *out = v->type == EXPR_BOOLEAN && v->boolean;
        return true;
    }
    if (v->type == EXPR_STRING) {
        struct str s = str_trim(v->text);

        *out = str_eq_ascii_nocase(s, STR("true"));
        if (*out || str_eq_ascii_nocase(s, STR("false")))
            return true;
    }
    if (!value_to_number(v, &n))
        return false;
    *out = n.type == EXPR_INTEGER ? n.integer != 0 : n.number != 0;
    return true;
}

double value_double(const struct expr_value *number)
{
    return number->type == EXPR_INTEGER ? (double)number->integer : number->number;
}

/* UTF-16 sorts the surrogates, and with them everything above U+FFFF, before U+E000. */
static uint32_t utf16_rank(uint32_t c)
{
    if (c >= 0x10000)
        return c - 0x10000 + 0xD800;
    return c >= 0xE000 ? c + 0x200000 : c;
}

int value_order_text(struct str a, struct str b)
{
    size_t i = 0;
    size_t j = 0;

    while (i < a.len && j < b.len) {
        uint32_t x = utf16_rank(utf8_next(a, &i));
        uint32_t y = utf16_rank(utf8_next(b, &j));

        if (x != y)
            return x < y ? -1 : 1;
    }
    return (i < a.len) - (j < b.len);
}

static struct json *flow_json(struct arena *a, const char *what)
{
    struct json *o = json_new(a, JSON_OBJECT);

    json_add_z(a, o, "$flow", what);
    return o;
}

static struct json *binary_json(struct arena *a, struct str bytes)
{
    size_t size = sodium_base64_encoded_len(bytes.len, sodium_base64_VARIANT_ORIGINAL);
    char *text = arena_alloc(a, size);
    struct json *o = json_new(a, JSON_OBJECT);

    sodium_bin2base64(text, size, (const unsigned char *)bytes.ptr, bytes.len,
                      sodium_base64_VARIANT_ORIGINAL);
    json_add_z(a, o, "$binary", text);
    return o;
}

static struct json *list_json(struct arena *a, const struct expr_list *list)
{
    struct json *array = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < list->count; i++)
        json_append(array, expr_value_json(a, &list->items[i]));
    return array;
}

struct json *expr_value_json(struct arena *a, const struct expr_value *v)
{
    struct json *number;

    switch (v->type) {
    case EXPR_NULL:
        break;
    case EXPR_BOOLEAN:
        return json_bool(a, v->boolean);
    case EXPR_INTEGER:
        return json_int(a, v->integer);
    case EXPR_DOUBLE:
        number = json_new(a, JSON_NUMBER);
        number->text = double_text(a, v->number);
        return number;
    case EXPR_STRING:
    case EXPR_REFERENCE:
        return json_string(a, v->text);
    case EXPR_DATE:
        return json_string(a, value_date_text(a, v->ticks));
    case EXPR_BINARY:
        return binary_json(a, v->text);
    case EXPR_LIST:
        return list_json(a, &v->list);
    case EXPR_COMPLEX:
        return json_clone(a, v->record);
    case EXPR_IGNORE:
        return flow_json(a, "ignore");
    case EXPR_IGNORE_OBJECT:
        return flow_json(a, "ignoreObject");
    }
    return json_null(a);
}
