/* Replace and its five modes (expressions.md 6.3). */
#include "expr/function.h"
#include "expr/regex.h"

enum { SOURCE, OLD_VALUE, PATTERN, GROUP, REPLACEMENT, REPLACEMENT_ATTRIBUTE, TEMPLATE, POSITIONS };

/* Every occurrence of what in s becomes with. */
static bool replace_plain(struct call *c, struct str s, struct str what, struct str with,
                          struct expr_value *out)
{
    size_t hits = 0;
    size_t n = 0;
    size_t at;
    char *text;

    for (struct str rest = s; str_find(rest, what, &at); rest = str_from(rest, at + what.len))
        hits++;
    if (hits == 0)
        return give_text(out, s);
    text = call_alloc(c, s.len - hits * what.len + hits * with.len);
    if (!text)
        return false;
    while (str_find(s, what, &at)) {
        memcpy(text + n, s.ptr, at);
        n += at;
        if (with.len > 0)
            memcpy(text + n, with.ptr, with.len);
        n += with.len;
        s = str_from(s, at + what.len);
    }
    if (s.len > 0)
        memcpy(text + n, s.ptr, s.len);
    return give_text(out, (struct str){text, n + s.len});
}

static bool illegal(struct call *c)
{
    return call_fail(c, EXPR_INVALID_ARGUMENT, SOURCE,
                     "Replace takes one of: oldValue and replacementValue; oldValue and template; "
                     "regexPattern and replacementValue; regexPattern, regexGroupName and "
                     "replacementValue; regexPattern, regexGroupName and "
                     "replacementAttributeName");
}

bool fn_replace(struct call *c, struct expr_value *out)
{
    unsigned given = 0;
    const unsigned plain = 1u << OLD_VALUE | 1u << REPLACEMENT;
    const unsigned template = 1u << OLD_VALUE | 1u << TEMPLATE;

    for (size_t i = OLD_VALUE; i < POSITIONS; i++)
        given |= call_given(c, i) ? 1u << i : 0;
    if (given != plain && given != template)
        return illegal(c);
    if (value_is_null(&c->args[SOURCE]))
        return give_null(out);
    if (c->args[OLD_VALUE].text.len == 0)
        return call_fail(c, EXPR_INVALID_ARGUMENT, OLD_VALUE, "the value to be replaced is empty");
    if (given == plain)
        return replace_plain(c, c->args[SOURCE].text, c->args[OLD_VALUE].text,
                             c->args[REPLACEMENT].text, out);
    return replace_plain(c, c->args[TEMPLATE].text, c->args[OLD_VALUE].text, c->args[SOURCE].text,
                         out);
}
