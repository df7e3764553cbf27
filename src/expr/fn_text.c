/* Functions over text (expressions.md 5). */
#include "expr/function.h"
#include "expr/utf16.h"

#include <unictype.h>
#include <unistr.h>

static size_t put(char *out, size_t at, struct str s)
{
    if (s.len > 0)
        memcpy(out + at, s.ptr, s.len);
    return at + s.len;
}

static bool join_two(struct call *c, struct str a, struct str b, struct expr_value *out)
{
    char *text = call_alloc(c, a.len + b.len);

    if (!text)
        return false;
    return give_text(out, (struct str){text, put(text, put(text, 0, a), b)});
}

bool fn_append(struct call *c, struct expr_value *out)
{
    return join_two(c, c->args[0].text, c->args[1].text, out);
}

static bool prepend_to(struct call *c, const struct expr_value *v, struct expr_value *out)
{
    struct str text;

    if (value_is_null(v))
        return give_null(out);
    return call_text(c, 1, v, &text) && join_two(c, c->args[0].text, text, out);
}

/* The main argument is the second one here, and that may be a list. */
bool fn_prepend(struct call *c, struct expr_value *out)
{
    struct expr_list list = c->args[1].list;
    struct expr_value *items;

    if (c->args[1].type != EXPR_LIST)
        return prepend_to(c, &c->args[1], out);
    items = call_alloc_list(c, list.count);
    if (!items)
        return false;
    for (size_t i = 0; i < list.count; i++) {
        if (!prepend_to(c, &list.items[i], &items[i]))
            return false;
    }
    *out = (struct expr_value){.type = EXPR_LIST, {.list = {items, list.count}}};
    return true;
}

/* One source of Join: the texts of its values that are not empty. Counts, and writes if text is not
 * NULL. */
struct joiner {
    struct call *call;
    struct str separator;
    char *text;
    size_t length;
    bool any;
};

static bool join_value(struct joiner *j, size_t i, const struct expr_value *v)
{
    struct str s;

    if (v->type == EXPR_LIST) {
        for (size_t k = 0; k < v->list.count; k++) {
            if (!join_value(j, i, &v->list.items[k]))
                return false;
        }
        return true;
    }
    if (!call_text(j->call, i, v, &s))
        return false;
    if (s.len == 0)
        return true;
    if (j->any && j->text)
        put(j->text, j->length, j->separator);
    j->length += j->any ? j->separator.len : 0;
    if (j->text)
        put(j->text, j->length, s);
    j->length += s.len;
    j->any = true;
    return true;
}

static bool join_all(struct joiner *j)
{
    j->length = 0;
    j->any = false;
    for (size_t i = 1; i < j->call->count; i++) {
        if (!join_value(j, i, &j->call->args[i]))
            return false;
    }
    return true;
}

bool fn_join(struct call *c, struct expr_value *out)
{
    struct joiner j = {.call = c};

    if (!call_text(c, 0, &c->args[0], &j.separator) || !join_all(&j))
        return false;
    j.text = call_alloc(c, j.length);
    if (!j.text || !join_all(&j))
        return false;
    return give_text(out, (struct str){j.text, j.length});
}

bool fn_left(struct call *c, struct expr_value *out)
{
    int64_t count = c->args[1].integer;

    if (value_is_null(&c->args[1]))
        return call_fail(c, EXPR_TYPE, 1, "Left needs a number of characters, but it is null");
    if (count < 0)
        return give_text(out, c->args[0].text);
    return give_text(out, utf16_sub(c->args[0].text, 0, (size_t)count));
}

bool fn_right(struct call *c, struct expr_value *out)
{
    struct str s = c->args[0].text;
    size_t length = utf16_length(s);
    int64_t count = c->args[1].integer;

    if (value_is_null(&c->args[1]))
        return call_fail(c, EXPR_TYPE, 1, "Right needs a number of characters, but it is null");
    if (count < 0 || (uint64_t)count >= length)
        return give_text(out, s);
    return give_text(out, utf16_sub(s, length - (size_t)count, (size_t)count));
}

bool fn_mid(struct call *c, struct expr_value *out)
{
    struct str s = c->args[0].text;
    int64_t start = c->args[1].integer;
    int64_t length = call_given(c, 2) ? c->args[2].integer : INT64_MAX;

    if (value_is_null(&c->args[1]) || (call_given(c, 2) && value_is_null(&c->args[2])))
        return call_fail(c, EXPR_TYPE, 1, "start and length of Mid need to be numbers, not null");
    if (start < 1 || length < 0)
        return give_text(out, s);
    return give_text(out, utf16_sub(s, (size_t)start - 1, (size_t)length));
}

bool fn_len(struct call *c, struct expr_value *out)
{
    return give_integer(out, (int64_t)utf16_length(c->args[0].text));
}

bool fn_strip_spaces(struct call *c, struct expr_value *out)
{
    struct str s = c->args[0].text;
    size_t at;
    size_t n = 0;
    char *text;

    if (!str_find_char(s, ' ', &at))
        return give_text(out, s);
    text = call_alloc(c, s.len);
    if (!text)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != ' ')
            text[n++] = s.ptr[i];
    }
    return give_text(out, (struct str){text, n});
}

static struct str trim_left(struct str s)
{
    ucs4_t c;
    int bytes;

    while (s.len > 0 && (bytes = u8_mbtouc(&c, (const uint8_t *)s.ptr, s.len)) > 0 &&
           uc_is_property_white_space(c))
        s = str_from(s, (size_t)bytes);
    return s;
}

static struct str trim_right(struct str s)
{
    ucs4_t c;

    while (s.len > 0) {
        const uint8_t *start = (const uint8_t *)s.ptr;
        const uint8_t *last = u8_prev(&c, start + s.len, start);

        if (!last || !uc_is_property_white_space(c))
            break;
        s.len = (size_t)(last - start);
    }
    return s;
}

bool fn_trim(struct call *c, struct expr_value *out)
{
    return give_text(out, trim_left(trim_right(c->args[0].text)));
}

bool fn_ltrim(struct call *c, struct expr_value *out)
{
    return give_text(out, trim_left(c->args[0].text));
}

bool fn_rtrim(struct call *c, struct expr_value *out)
{
    return give_text(out, trim_right(c->args[0].text));
}

/* Whether the character at s[0] stands in the set; *out_bytes is its length. */
static bool is_delimiter(struct str s, struct str set, size_t *out_bytes)
{
    size_t at;
    ucs4_t c;
    int bytes = u8_mbtouc(&c, (const uint8_t *)s.ptr, s.len);

    *out_bytes = bytes > 0 ? (size_t)bytes : 1;
    return str_find(set, str_sub(s, 0, *out_bytes), &at);
}

bool fn_word(struct call *c, struct expr_value *out)
{
    struct str s = c->args[0].text;
    int64_t wanted = value_is_null(&c->args[1]) ? 0 : c->args[1].integer;
    int64_t number = 0;
    size_t bytes = 0;

    if (!call_spend(c, s.len, c->args[2].text.len))
        return false;
    for (size_t i = 0; wanted >= 1 && i < s.len;) {
        size_t start = i;

        while (i < s.len && !is_delimiter(str_from(s, i), c->args[2].text, &bytes))
            i += bytes;
        if (i > start && ++number == wanted)
            return give_text(out, str_sub(s, start, i - start));
        i += i < s.len ? bytes : 0;
    }
    return give_text(out, STR(""));
}

/* For vbTextCompare: both texts in small letters. One-to-one case mapping leaves positions in code
 * units as they are. */
static bool lower(struct call *c, struct str *s)
{
    struct expr_value args[2] = {{.type = EXPR_STRING, {.text = *s}}, {.type = EXPR_NULL}};
    struct call one = *c;
    struct expr_value v;

    one.args = args;
    one.count = 1;
    if (!fn_to_lower(&one, &v))
        return false;
    *s = v.text;
    return true;
}

/* Both texts ready to be compared, by the compareType at position 3. */
static bool comparable(struct call *c, struct str *s, struct str *what)
{
    struct str compare = call_given(c, 3) ? c->args[3].text : STR("vbBinaryCompare");

    *s = c->args[0].text;
    *what = c->args[1].text;
    if (str_eq_z(compare, "vbTextCompare"))
        return lower(c, s) && lower(c, what);
    if (str_eq_z(compare, "vbBinaryCompare"))
        return true;
    return call_fail(c, EXPR_INVALID_ARGUMENT, 3,
                     "the comparison is vbBinaryCompare or vbTextCompare");
}

static bool has_start(const struct call *c)
{
    return call_given(c, 2) && !value_is_null(&c->args[2]);
}

/* 1-based position of the first occurrence at or after start. */
bool fn_in_str(struct call *c, struct expr_value *out)
{
    int64_t start = has_start(c) ? c->args[2].integer : 1;
    struct str s;
    struct str what;
    size_t at;

    if (!comparable(c, &s, &what))
        return false;
    if (start < 1)
        return call_fail(c, EXPR_OUT_OF_RANGE, 2, "the start of InStr is 1 or more");
    if (value_is_null(&c->args[1]) || (uint64_t)start > utf16_length(s))
        return give_integer(out, 0);
    if (what.len == 0)
        return give_integer(out, start);
    s = utf16_sub(s, (size_t)start - 1, SIZE_MAX);
    if (!str_find(s, what, &at))
        return give_integer(out, 0);
    return give_integer(out, start + (int64_t)utf16_length(str_sub(s, 0, at)));
}

/* 1-based position of the last occurrence that ends at or before start. */
bool fn_in_str_rev(struct call *c, struct expr_value *out)
{
    struct str s;
    struct str what;
    size_t from = 0;
    size_t at;
    bool found = false;

    if (!comparable(c, &s, &what))
        return false;
    if (has_start(c) && c->args[2].integer < 1)
        return call_fail(c, EXPR_OUT_OF_RANGE, 2, "the start of InStrRev is 1 or more");
    if (has_start(c))
        s = utf16_sub(s, 0, (size_t)c->args[2].integer);
    if (what.len == 0)
        return give_integer(out, 0);
    while (str_find(str_from(s, from), what, &at)) {
        if (!call_spend(c, 1, what.len))
            return false;
        found = true;
        from += at + 1;
    }
    return give_integer(out, found ? (int64_t)utf16_length(str_sub(s, 0, from - 1)) + 1 : 0);
}

static bool pad(struct call *c, bool left, struct expr_value *out)
{
    struct str s = c->args[0].text;
    struct str fill = c->args[2].text;
    size_t length = utf16_length(s);
    size_t missing;
    size_t at = 0;
    char *text;

    if (utf16_length(fill) != 1)
        return call_fail(c, EXPR_INVALID_ARGUMENT, 2, "expected one character to pad with");
    if (value_is_null(&c->args[0]))
        return give_text(out, STR(""));
    if (value_is_null(&c->args[1]) || c->args[1].integer <= (int64_t)length)
        return give_text(out, s);
    if (c->args[1].integer > (int64_t)EXPR_MAX_TEXT)
        return call_fail(c, EXPR_OUT_OF_RANGE, 1, "the text grows beyond %u bytes", EXPR_MAX_TEXT);
    missing = (size_t)c->args[1].integer - length;
    text = call_alloc(c, s.len + missing * fill.len);
    if (!text)
        return false;
    if (!left)
        at = put(text, at, s);
    for (size_t i = 0; i < missing; i++)
        at = put(text, at, fill);
    if (left)
        at = put(text, at, s);
    return give_text(out, (struct str){text, at});
}

bool fn_pad_left(struct call *c, struct expr_value *out)
{
    return pad(c, true, out);
}

bool fn_pad_right(struct call *c, struct expr_value *out)
{
    return pad(c, false, out);
}
