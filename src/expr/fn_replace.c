/* Replace and its five modes (expressions.md 6.3). */
#include "base/unicode.h"
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

/* One run of the pattern over a subject. */
struct replacer {
    const struct expr_regex *regex;
    struct expr_matcher *matcher;
    struct str subject;
    struct buf out;
    size_t copied; /* so much of the subject is in out or replaced */
};

static void replacer_done(struct replacer *r)
{
    expr_matcher_freep(&r->matcher);
    buf_done(&r->out);
}

static struct str span_text(const struct replacer *r, struct expr_span span)
{
    return span.taken ? str_sub(r->subject, span.from, span.to - span.from) : (struct str){"", 0};
}

static void copy_to(struct replacer *r, size_t end)
{
    buf_add(&r->out, str_sub(r->subject, r->copied, end - r->copied));
    r->copied = end;
}

/* A group by name or number, as in ${name}; false when there is none: then the text is literal. */
static bool add_group(struct replacer *r, struct str name)
{
    int64_t number;
    size_t group;

    if (str_to_int(name, 0, INT32_MAX, &number)) {
        group = (size_t)number;
    } else if (!expr_regex_group(r->regex, name, &group)) {
        return false;
    }
    if (group >= expr_regex_groups(r->regex))
        return false;
    buf_add(&r->out, span_text(r, expr_matcher_span(r->matcher, group)));
    return true;
}

/* What follows a $; returns how many bytes it takes, 0 for a literal $. */
static size_t substitute(struct replacer *r, struct str rest)
{
    struct expr_span match = expr_matcher_span(r->matcher, 0);
    size_t n = 0;

    if (rest.len == 0)
        return 0;
    while (n < rest.len && ascii_is_digit(rest.ptr[n]))
        n++;
    if (n > 0)
        return add_group(r, str_sub(rest, 0, n)) ? n : 0;
    switch (rest.ptr[0]) {
    case '{':
        if (str_find_char(rest, '}', &n) && add_group(r, str_sub(rest, 1, n - 1)))
            return n + 1;
        return 0;
    case '$':
        buf_add_char(&r->out, '$');
        return 1;
    case '&':
        buf_add(&r->out, span_text(r, match));
        return 1;
    case '`':
        buf_add(&r->out, str_sub(r->subject, 0, match.from));
        return 1;
    case '\'':
        buf_add(&r->out, str_from(r->subject, match.to));
        return 1;
    case '+':
        buf_add(&r->out,
                span_text(r, expr_matcher_span(r->matcher, expr_regex_groups(r->regex) - 1)));
        return 1;
    case '_':
        buf_add(&r->out, r->subject);
        return 1;
    default:
        return 0;
    }
}

static void add_substituted(struct replacer *r, struct str with)
{
    size_t at;

    while (str_find_char(with, '$', &at)) {
        size_t used;

        buf_add(&r->out, str_sub(with, 0, at));
        with = str_from(with, at + 1);
        used = substitute(r, with);
        if (used == 0)
            buf_add_char(&r->out, '$');
        with = str_from(with, used);
    }
    buf_add(&r->out, with);
}

/* Replaces each match: wholly, by a text with substitutions, or in it what the group has captured,
 * by a literal text. */
static void replace_match(struct replacer *r, struct str with, size_t group)
{
    struct expr_span match = expr_matcher_span(r->matcher, 0);
    struct expr_span part = expr_matcher_span(r->matcher, group);

    if (group == 0) {
        copy_to(r, match.from);
        add_substituted(r, with);
        r->copied = match.to;
    } else if (part.taken && part.from >= r->copied) {
        copy_to(r, part.from);
        buf_add(&r->out, with);
        r->copied = part.to;
    }
}

static bool too_costly(struct call *c)
{
    return call_fail(c, EXPR_REGEX, PATTERN,
                     "the regular expression takes too many steps on this value");
}

static bool give_buffer(struct call *c, struct replacer *r, struct expr_value *out)
{
    struct str text = buf_str(&r->out);
    char *kept = call_alloc(c, r->out.overflowed ? (size_t)EXPR_MAX_TEXT + 1 : text.len);

    if (!kept)
        return false;
    if (text.len > 0)
        memcpy(kept, text.ptr, text.len);
    return give_text(out, (struct str){kept, text.len});
}

static bool replace_matches(struct call *c, const struct expr_regex *regex, size_t group,
                            struct expr_value *out)
{
    CLEANUP(replacer_done)
    struct replacer r = {.regex = regex, .subject = c->args[SOURCE].text};
    enum expr_match m;

    r.matcher = expr_matcher_new(regex, r.subject, &c->evaluation->steps);
    buf_init(&r.out, EXPR_MAX_TEXT);
    while ((m = expr_matcher_next(r.matcher)) == EXPR_MATCH_YES && !r.out.overflowed)
        replace_match(&r, c->args[REPLACEMENT].text, group);
    if (m == EXPR_MATCH_FAILED)
        return too_costly(c);
    copy_to(&r, r.subject.len);
    return give_buffer(c, &r, out);
}

/* Mode 5: the source if it has a value, else what the group captures in another attribute. */
static bool take_from_attribute(struct call *c, const struct expr_regex *regex, size_t group,
                                struct expr_value *out)
{
    CLEANUP(replacer_done) struct replacer r = {.regex = regex};
    enum expr_match m;

    *out = c->args[SOURCE];
    if (!value_is_empty(out))
        return true;
    if (value_is_null(&c->args[REPLACEMENT_ATTRIBUTE]))
        return give_null(out);
    if (!call_text(c, REPLACEMENT_ATTRIBUTE, &c->args[REPLACEMENT_ATTRIBUTE], &r.subject))
        return false;
    r.matcher = expr_matcher_new(regex, r.subject, &c->evaluation->steps);
    m = expr_matcher_next(r.matcher);
    if (m == EXPR_MATCH_FAILED)
        return too_costly(c);
    if (m == EXPR_MATCH_NO)
        return give_null(out);
    return give_text(out, span_text(&r, expr_matcher_span(r.matcher, group)));
}

static const struct expr_regex *pattern_of(struct call *c)
{
    const struct expr_regex *regex = c->node->regex;
    struct expr_error why;

    if (regex)
        return regex;
    regex = expr_regex_compile(call_arena(c), c->args[PATTERN].text, &why);
    if (!regex)
        call_fail(c, EXPR_REGEX, PATTERN, "%s", why.err.message);
    return regex;
}

static bool illegal(struct call *c)
{
    return call_fail(c, EXPR_INVALID_ARGUMENT, SOURCE,
                     "Replace takes one of: oldValue and replacementValue; oldValue and template; "
                     "regexPattern and replacementValue; regexPattern, regexGroupName and "
                     "replacementValue; regexPattern, regexGroupName and "
                     "replacementAttributeName");
}

static bool replace_text(struct call *c, bool template, struct expr_value *out)
{
    if (c->args[OLD_VALUE].text.len == 0)
        return call_fail(c, EXPR_INVALID_ARGUMENT, OLD_VALUE, "the value to be replaced is empty");
    if (template) {
        return replace_plain(c, c->args[TEMPLATE].text, c->args[OLD_VALUE].text,
                             c->args[SOURCE].text, out);
    }
    return replace_plain(c, c->args[SOURCE].text, c->args[OLD_VALUE].text,
                         c->args[REPLACEMENT].text, out);
}

bool fn_replace(struct call *c, struct expr_value *out)
{
    enum {
        PLAIN = 1u << OLD_VALUE | 1u << REPLACEMENT,
        IN_TEMPLATE = 1u << OLD_VALUE | 1u << TEMPLATE,
        MATCH = 1u << PATTERN | 1u << REPLACEMENT,
        MATCHED_GROUP = MATCH | 1u << GROUP,
        FROM_ATTRIBUTE = 1u << PATTERN | 1u << GROUP | 1u << REPLACEMENT_ATTRIBUTE,
    };
    const struct expr_regex *regex;
    unsigned given = 0;
    size_t group = 0;

    for (size_t i = OLD_VALUE; i < POSITIONS; i++)
        given |= call_given(c, i) ? 1u << i : 0;
    if (given != PLAIN && given != IN_TEMPLATE && given != MATCH && given != MATCHED_GROUP &&
        given != FROM_ATTRIBUTE)
        return illegal(c);
    if (value_is_null(&c->args[SOURCE]) && given != FROM_ATTRIBUTE)
        return give_null(out);
    if (given == PLAIN || given == IN_TEMPLATE)
        return replace_text(c, given == IN_TEMPLATE, out);
    regex = pattern_of(c);
    if (!regex)
        return false;
    if (given != MATCH && !expr_regex_group(regex, c->args[GROUP].text, &group)) {
        return call_fail(c, EXPR_INVALID_ARGUMENT, GROUP, "the pattern has no group '%.*s'",
                         STR_ARG(str_sub(c->args[GROUP].text, 0, 60)));
    }
    if (given == FROM_ATTRIBUTE)
        return take_from_attribute(c, regex, group, out);
    return replace_matches(c, regex, group, out);
}

/* The pairs a:x,b:yy,c: of ReplaceChars. Gives the next; *out_ok is false for what is no pair. */
static bool next_pair(struct str *rest, struct str *out_letter, struct str *out_with, bool *out_ok)
{
    struct str pair;

    do {
        if (rest->len == 0)
            return false;
        str_cut(rest, ',', &pair);
    } while (pair.len == 0);
    *out_ok = str_cut(&pair, ':', out_letter) && out_letter->len > 0 &&
              utf8_sequence(*out_letter, 0) == out_letter->len;
    *out_with = pair;
    return true;
}

static bool check_pairs(struct call *c, struct str pattern)
{
    struct str letter;
    struct str with;
    bool ok;

    while (next_pair(&pattern, &letter, &with, &ok)) {
        if (!ok) {
            return call_fail(c, EXPR_INVALID_ARGUMENT, 1,
                             "the pattern is a list of single characters and what replaces them, "
                             "such as a:x,b:yy,c:");
        }
    }
    return true;
}

static struct str replaced(struct str letter, struct str pattern)
{
    struct str from;
    struct str with;
    bool ok;

    while (next_pair(&pattern, &from, &with, &ok)) {
        if (str_eq(from, letter))
            return with;
    }
    return letter;
}

bool fn_replace_chars(struct call *c, struct expr_value *out)
{
    struct str s = c->args[0].text;
    CLEANUP(buf_done) struct buf pattern = {0};
    CLEANUP(buf_done) struct buf text = {0};
    char *kept;

    buf_init(&pattern, EXPR_MAX_TEXT);
    buf_init(&text, EXPR_MAX_TEXT);
    for (size_t i = 0; i < c->args[1].text.len; i++) {
        if (c->args[1].text.ptr[i] != ' ')
            buf_add_char(&pattern, c->args[1].text.ptr[i]);
    }
    if (!check_pairs(c, buf_str(&pattern)) || !call_spend(c, s.len, pattern.len))
        return false;
    for (size_t i = 0; i < s.len && !text.overflowed;) {
        size_t bytes = utf8_sequence(s, i);

        buf_add(&text, replaced(str_sub(s, i, bytes), buf_str(&pattern)));
        i += bytes;
    }
    kept = call_alloc(c, text.overflowed ? (size_t)EXPR_MAX_TEXT + 1 : text.len);
    if (!kept)
        return false;
    if (text.len > 0)
        memcpy(kept, text.ptr, text.len);
    return give_text(out, (struct str){kept, text.len});
}
