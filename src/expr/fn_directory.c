/* Names and identifiers of directories: GUIDs, SIDs, distinguished names (expressions.md 5,
 * extended set). */
#include "base/rng.h"
#include "base/unicode.h"
#include "expr/function.h"

enum { GUID_BYTES = 16, GUID_TEXT = 36, SID_MAX_PARTS = 15 };

/* Where the bytes of .NET's order stand in the text: its first three fields are little-endian. */
static const unsigned char guid_order[GUID_BYTES] = {6,  4,  2,  0,  11, 9,  16, 14,
                                                     19, 21, 24, 26, 28, 30, 32, 34};

static bool guid_text(struct str s, struct str *out)
{
    s = str_trim(s);
    if (s.len == GUID_TEXT + 2 && s.ptr[0] == '{' && s.ptr[s.len - 1] == '}')
        s = str_sub(s, 1, GUID_TEXT);
    *out = s;
    return uuid_valid(s);
}

static unsigned nibble(char c)
{
    return (unsigned)(ascii_is_digit(c) ? c - '0' : ascii_lower(c) - 'a' + 10);
}

bool fn_cguid(struct call *c, struct expr_value *out)
{
    struct str s;
    char *bytes;

    if (!guid_text(c->args[0].text, &s)) {
        return call_fail(c, EXPR_INVALID_ARGUMENT, 0, "'%.*s' is not a GUID",
                         STR_ARG(str_sub(c->args[0].text, 0, 60)));
    }
    bytes = call_alloc(c, GUID_BYTES);
    if (!bytes)
        return false;
    for (size_t i = 0; i < GUID_BYTES; i++) {
        const char *at = s.ptr + guid_order[i];

        bytes[i] = (char)(unsigned char)(nibble(at[0]) << 4 | nibble(at[1]));
    }
    *out = (struct expr_value){.type = EXPR_BINARY, {.text = {bytes, GUID_BYTES}}};
    return true;
}

bool fn_is_guid(struct call *c, struct expr_value *out)
{
    const struct expr_value *v = &c->args[0];
    struct str s;

    while (v->type == EXPR_LIST && v->list.count == 1)
        v = &v->list.items[0];
    return give_bool(out, (v->type == EXPR_STRING || v->type == EXPR_REFERENCE) &&
                              guid_text(v->text, &s));
}

/* The bytes of an argument; anything else is a type error. */
static bool binary_argument(struct call *c, struct str *out)
{
    const struct expr_value *v = &c->args[0];

    while (v->type == EXPR_LIST && v->list.count == 1)
        v = &v->list.items[0];
    *out = v->type == EXPR_BINARY ? v->text : (struct str){0};
    return v->type == EXPR_BINARY ||
           call_fail(c, EXPR_TYPE, 0, "argument 1 of %s needs binary data, but is %s",
                     c->node->function->name, value_type_name(v));
}

bool fn_string_from_guid(struct call *c, struct expr_value *out)
{
    static const char digits[] = "0123456789abcdef";
    struct str bytes;
    char *text;

    if (!binary_argument(c, &bytes))
        return false;
    if (bytes.len != GUID_BYTES)
        return call_fail(c, EXPR_INVALID_ARGUMENT, 0, "a GUID has 16 bytes, not %zu", bytes.len);
    text = call_alloc(c, GUID_TEXT);
    if (!text)
        return false;
    memset(text, '-', GUID_TEXT);
    for (size_t i = 0; i < GUID_BYTES; i++) {
        text[guid_order[i]] = digits[(unsigned char)bytes.ptr[i] >> 4];
        text[guid_order[i] + 1] = digits[(unsigned char)bytes.ptr[i] & 0xF];
    }
    return give_text(out, (struct str){text, GUID_TEXT});
}

/* Revision, number of parts, authority in six bytes, then each part in four, little-endian. */
bool fn_string_from_sid(struct call *c, struct expr_value *out)
{
    CLEANUP(buf_done) struct buf text = {0};
    uint64_t authority = 0;
    struct str bytes;
    size_t parts;

    if (!binary_argument(c, &bytes))
        return false;
    parts = bytes.len > 1 ? (unsigned char)bytes.ptr[1] : 0;
    if (bytes.len < 8 || bytes.ptr[0] != 1 || parts > SID_MAX_PARTS || bytes.len != 8 + 4 * parts)
        return call_fail(c, EXPR_INVALID_ARGUMENT, 0, "the bytes are not a security identifier");
    for (size_t i = 2; i < 8; i++)
        authority = authority << 8 | (unsigned char)bytes.ptr[i];
    buf_init(&text, 256);
    buf_addf(&text, authority > UINT32_MAX ? "S-1-0x%llX" : "S-1-%llu",
             (unsigned long long)authority);
    for (size_t i = 0; i < parts; i++) {
        uint32_t part = 0;

        for (size_t k = 4; k-- > 0;)
            part = part << 8 | (unsigned char)bytes.ptr[8 + 4 * i + k];
        buf_addf(&text, "-%u", part);
    }
    return give_text(out, arena_str(call_arena(c), buf_str(&text)));
}

/* Takes the next part of a distinguished name: up to a comma that no backslash or quote protects.
 */
static bool next_part(struct str *rest, struct str *out)
{
    bool quoted = false;
    size_t i = 0;

    if (!rest->ptr)
        return false;
    for (; i < rest->len && (quoted || rest->ptr[i] != ','); i++) {
        if (rest->ptr[i] == '\\') {
            i++;
        } else if (rest->ptr[i] == '"') {
            quoted = !quoted;
        }
    }
    *out = str_sub(*rest, 0, i);
    *rest = i < rest->len ? str_from(*rest, i + 1) : (struct str){0};
    return true;
}

/* The blanks around a value do not count, but one behind a backslash does. */
static struct str value_of(struct str part)
{
    size_t end;

    while (part.len > 0 && part.ptr[0] == ' ')
        part = str_from(part, 1);
    end = part.len;
    while (end > 0 && part.ptr[end - 1] == ' ' && !(end > 1 && part.ptr[end - 2] == '\\'))
        end--;
    part = str_sub(part, 0, end);
    if (part.len >= 2 && part.ptr[0] == '"' && part.ptr[part.len - 1] == '"')
        part = str_sub(part, 1, part.len - 2);
    return part;
}

static bool is_hex(char c)
{
    return ascii_is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f');
}

/* \, is a comma and \C3\A9 are two bytes. */
static bool give_unescaped(struct call *c, struct str s, struct expr_value *out)
{
    char *text = call_alloc(c, s.len);
    size_t n = 0;

    if (!text)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char letter = s.ptr[i];

        if (letter == '\\' && i + 2 < s.len && is_hex(s.ptr[i + 1]) && is_hex(s.ptr[i + 2])) {
            letter = (char)(unsigned char)(nibble(s.ptr[i + 1]) << 4 | nibble(s.ptr[i + 2]));
            i += 2;
        } else if (letter == '\\' && i + 1 < s.len) {
            letter = s.ptr[++i];
        }
        text[n++] = letter;
    }
    if (!utf8_valid((struct str){text, n}, NULL))
        return call_fail(c, EXPR_INVALID_ARGUMENT, 0, "the name's bytes are not UTF-8 text");
    return give_text(out, (struct str){text, n});
}

struct dn_search {
    size_t count; /* parts that count */
    struct str found;
};

/* Counts the parts and finds number `wanted` from the left (0: none). */
static bool search_dn(struct call *c, bool skip_dc, size_t wanted, struct dn_search *out)
{
    struct str rest = c->args[0].text;
    struct str part;

    *out = (struct dn_search){0};
    if (str_trim(rest).len == 0)
        return true;
    while (next_part(&rest, &part)) {
        struct str type;

        if (!str_cut(&part, '=', &type) || str_trim(type).len == 0)
            return call_fail(c, EXPR_INVALID_ARGUMENT, 0, "the text is not a distinguished name");
        if (skip_dc && str_eq_ascii_nocase(str_trim(type), STR("dc")))
            continue;
        if (++out->count == wanted)
            out->found = value_of(part);
    }
    return true;
}

static bool give_component(struct call *c, bool skip_dc, bool from_right, struct expr_value *out)
{
    int64_t n = c->args[1].integer;
    struct dn_search s;

    if (value_is_null(&c->args[1]))
        return call_fail(c, EXPR_TYPE, 1, "the number of the part is null");
    if (!search_dn(c, skip_dc, 0, &s))
        return false;
    if (n < 1 || (uint64_t)n > s.count) {
        return call_fail(c, EXPR_OUT_OF_RANGE, 1, "there is no part number %lld; there are %zu",
                         (long long)n, s.count);
    }
    if (!search_dn(c, skip_dc, from_right ? s.count + 1 - (size_t)n : (size_t)n, &s))
        return false;
    return give_unescaped(c, s.found, out);
}

bool fn_dn_component(struct call *c, struct expr_value *out)
{
    return give_component(c, false, false, out);
}

bool fn_dn_component_rev(struct call *c, struct expr_value *out)
{
    bool skip_dc = call_given(c, 2) && str_eq_z(c->args[2].text, "DC");

    if (call_given(c, 2) && c->args[2].text.len > 0 && !skip_dc)
        return call_fail(c, EXPR_INVALID_ARGUMENT, 2, "the option of DNComponentRev is \"DC\"");
    return give_component(c, skip_dc, true, out);
}

bool fn_escape_dn(struct call *c, struct expr_value *out)
{
    struct str s = c->args[0].text;
    char *text = call_alloc(c, s.len * 3);
    size_t n = 0;
    size_t at;

    if (!text)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        bool edge =
            (i == 0 && (s.ptr[i] == ' ' || s.ptr[i] == '#')) || (i + 1 == s.len && s.ptr[i] == ' ');

        if (s.ptr[i] == '\0') {
            text[n++] = '\\';
            text[n++] = '0';
            text[n++] = '0';
            continue;
        }
        if (edge || str_find_char(STR(",+\"\\<>;"), s.ptr[i], &at))
            text[n++] = '\\';
        text[n++] = s.ptr[i];
    }
    return give_text(out, (struct str){text, n});
}

bool fn_default_domain(struct call *c, struct expr_value *out)
{
    struct str domain = c->evaluation->context->default_domain;

    return domain.len > 0 ? give_text(out, domain) : give_null(out);
}
