/* Letter case and diacritics (expressions.md 8.1, 8.2). */
#include "base/unicode.h"
#include "expr/function.h"
#include "expr/utf16.h"

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

/* en, en-US, zh-Hans-CN: letters, then parts of letters and digits. */
static bool is_culture(struct str s)
{
    struct str part;
    bool first = true;
    bool more = true;

    while (more) {
        more = str_cut(&s, '-', &part);
        if (part.len == 0)
            return false;
        for (size_t i = 0; i < part.len; i++) {
            if (!ascii_is_alpha(part.ptr[i]) && (first || !ascii_is_digit(part.ptr[i])))
                return false;
        }
        first = false;
    }
    return true;
}

/* Turkish and Azerbaijani pair i with İ and ı with I. */
static bool is_dotted(struct str culture)
{
    struct str language;

    str_cut(&culture, '-', &language);
    return str_eq_ascii_nocase(language, STR("tr")) || str_eq_ascii_nocase(language, STR("az"));
}

static uint32_t map_letter(uint32_t c, bool upper, bool dotted)
{
    if (upper) {
        if (dotted && c == 'i')
            return 0x130;
        if (c == 0x131)
            return dotted ? 'I' : c;
        return uc_toupper(c);
    }
    if (dotted && c == 'I')
        return 0x131;
    if (c == 0x130)
        return dotted ? 'i' : c;
    return uc_tolower(c);
}

static bool map_case(struct call *c, bool upper, struct expr_value *out)
{
    struct str s = c->args[0].text;
    struct str culture = call_given(c, 1) ? c->args[1].text : STR("");
    bool dotted = is_dotted(culture);
    size_t n = 0;
    char *text;

    if (culture.len > 0 && !is_culture(culture)) {
        return call_fail(c, EXPR_INVALID_ARGUMENT, 1, "'%.*s' is no culture name such as en-US",
                         STR_ARG(str_sub(culture, 0, 40)));
    }
    /* One to one, but a letter may need a byte more than before: ı is 1 to 2, ɐ (2) to Ɐ (3). */
    text = call_alloc(c, s.len * 2);
    if (!text)
        return false;
    if (!dotted && utf16_is_ascii(s)) {
        for (size_t i = 0; i < s.len; i++)
            text[n++] = (char)(upper ? ascii_upper(s.ptr[i]) : ascii_lower(s.ptr[i]));
        return give_text(out, (struct str){text, n});
    }
    for (size_t i = 0; i < s.len;)
        n += utf8_put(map_letter(utf8_next(s, &i), upper, dotted), text + n);
    return give_text(out, (struct str){text, n});
}

bool fn_to_lower(struct call *c, struct expr_value *out)
{
    return map_case(c, false, out);
}

bool fn_to_upper(struct call *c, struct expr_value *out)
{
    return map_case(c, true, out);
}

static bool separates(uint32_t c)
{
    return c != '\'' && uc_is_general_category_withtable(
                            c, UC_CATEGORY_MASK_Z | UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cf |
                                   UC_CATEGORY_MASK_P | UC_CATEGORY_MASK_S);
}

/* Title casing (expressions.md 8.3): with separators of its own, the first character of a word is
 * capital; without, its first letter. */
bool fn_pcase(struct call *c, struct expr_value *out)
{
    struct str s = c->args[0].text;
    struct str set = call_given(c, 1) ? c->args[1].text : STR("");
    bool in_word = false;
    size_t n = 0;
    char *text;

    if (!call_spend(c, s.len, set.len))
        return false;
    text = call_alloc(c, s.len * 2);
    if (!text)
        return false;
    for (size_t i = 0; i < s.len;) {
        size_t start = i;
        uint32_t letter = utf8_next(s, &i);
        size_t at;
        bool ends =
            set.len > 0 ? str_find(set, str_sub(s, start, i - start), &at) : separates(letter);
        bool begins = !ends && !in_word &&
                      (set.len > 0 || uc_is_general_category_withtable(letter, UC_CATEGORY_MASK_L));

        n += utf8_put(map_letter(letter, begins, false), text + n);
        in_word = !ends && (in_word || begins);
    }
    return give_text(out, (struct str){text, n});
}

/* Letters without decomposition that are folded all the same. */
static const struct {
    uint32_t letter;
    struct str base;
} folded[] = {
    {0x00C6, STR_INIT("AE")}, {0x00E6, STR_INIT("ae")}, {0x00D8, STR_INIT("OE")},
    {0x00F8, STR_INIT("oe")}, {0x0152, STR_INIT("OE")}, {0x0153, STR_INIT("oe")},
    {0x00DF, STR_INIT("ss")}, {0x0141, STR_INIT("L")},  {0x0142, STR_INIT("l")},
    {0x0131, STR_INIT("i")},
};

static bool is_mark(uint32_t c)
{
    return (c >= 0x300 && c <= 0x36F) || (c >= 0x1AB0 && c <= 0x1AFF) ||
           (c >= 0x1DC0 && c <= 0x1DFF);
}

static size_t put_folded(uint32_t c, char *out)
{
    for (size_t i = 0; i < ARRAY_LEN(folded); i++) {
        if (folded[i].letter == c) {
            memcpy(out, folded[i].base.ptr, folded[i].base.len);
            return folded[i].base.len;
        }
    }
    return is_mark(c) ? 0 : utf8_put(c, out);
}

/* NFD or NFC of s into the arena. The library may give its own memory. */
static struct str normalize(struct arena *a, uninorm_t form, struct str s)
{
    size_t length = 0;
    uint8_t *made = u8_normalize(form, (const uint8_t *)s.ptr, s.len, NULL, &length);
    struct str result = s;

    if (made)
        result = arena_str(a, (struct str){(const char *)made, length});
    free(made);
    return result;
}

bool fn_normalize_diacritics(struct call *c, struct expr_value *out)
{
    struct str s = c->args[0].text;
    size_t n = 0;
    char *text;

    if (utf16_is_ascii(s))
        return give_text(out, s);
    s = normalize(call_arena(c), UNINORM_NFD, s);
    text = call_alloc(c, s.len + 1);
    if (!text)
        return false;
    for (size_t i = 0; i < s.len;)
        n += put_folded(utf8_next(s, &i), text + n);
    return give_text(out, normalize(call_arena(c), UNINORM_NFC, (struct str){text, n}));
}
