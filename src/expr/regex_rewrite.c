#include "expr/regex_rewrite.h"

#include "expr/node.h"

#include <unictype.h>

enum { CLASS_DEPTH_MAX = 20 };

struct rewriter {
    struct str in;
    size_t at;
    struct buf *out;
    struct regex_groups *groups; /* of the whole pattern; filled by the first pass */
    struct expr_error *err;
    size_t depth;  /* of classes subtracted from classes */
    bool counting; /* the first pass: groups only */
};

static bool refuse(struct rewriter *r, const char *why)
{
    return expr_fail(r->err, EXPR_REGEX, r->at, "the regular expression has %s", why);
}

static char peek(const struct rewriter *r, size_t ahead)
{
    return (char)(r->at + ahead < r->in.len ? r->in.ptr[r->at + ahead] : '\0');
}

static bool looking_at(const struct rewriter *r, const char *z)
{
    return str_starts(str_from(r->in, r->at), str_from_z(z));
}

static void copy(struct rewriter *r, size_t n)
{
    buf_add(r->out, str_sub(r->in, r->at, n));
    r->at += n;
}

static bool hex(struct str digits, uint32_t *out)
{
    *out = 0;
    for (size_t i = 0; i < digits.len; i++) {
        char c = ascii_lower(digits.ptr[i]);

        if (!ascii_is_digit(c) && (c < 'a' || c > 'f'))
            return false;
        *out = *out * 16 + (uint32_t)(ascii_is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    return true;
}

/* \xHH and \uHHHH: exactly so many digits; a pair of surrogates is one character. */
static bool rewrite_hex(struct rewriter *r, size_t digits)
{
    struct str rest = str_from(r->in, r->at + 2);
    uint32_t c;
    uint32_t low;

    if (rest.len < digits || !hex(str_sub(rest, 0, digits), &c))
        return refuse(r, "too few hexadecimal digits behind \\x or \\u");
    r->at += 2 + digits;
    if (c >= 0xD800 && c < 0xDC00 && looking_at(r, "\\u") &&
        hex(str_sub(r->in, r->at + 2, 4), &low) && low >= 0xDC00 && low < 0xE000) {
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        r->at += 6;
    }
    if (c >= 0xD800 && c < 0xE000)
        return refuse(r, "half a surrogate pair");
    buf_addf(r->out, "\\x{%X}", c);
    return true;
}

static bool rewrite_back_reference(struct rewriter *r)
{
    size_t digits = 1;
    int64_t n;
    size_t number;

    while (ascii_is_digit(peek(r, 1 + digits)) && digits < 4)
        digits++;
    if (!str_to_int(str_sub(r->in, r->at + 1, digits), 1, REGEX_MAX_GROUPS, &n))
        return refuse(r, "a reference to a group that is not there");
    number = regex_group_number(r->groups, (size_t)n);
    if (number == 0 && !r->counting)
        return refuse(r, "a reference to a group that is not there");
    r->at += 1 + digits;
    buf_addf(r->out, "\\g{%zu}", number);
    return true;
}

/* A block's name as .NET has it: "IsLatinExtended-A" for "Latin Extended-A". */
static bool is_block(struct str name, const char *block)
{
    static const char *const others[][2] = {
        {"IsGreek", "Greek and Coptic"},
        {"IsCombiningMarksforSymbols", "Combining Diacritical Marks for Symbols"},
        {"IsPrivateUse", "Private Use Area"},
    };
    size_t i = 2;

    for (size_t k = 0; k < ARRAY_LEN(others); k++) {
        if (str_eq_z(name, others[k][0]))
            return strcmp(block, others[k][1]) == 0;
    }
    for (; *block; block++) {
        if (*block == ' ')
            continue;
        if (i >= name.len || name.ptr[i++] != *block)
            return false;
    }
    return i == name.len;
}

/* \p{IsGreek} is a range of code points. */
static bool rewrite_block(struct rewriter *r, struct str name, bool in_class)
{
    bool negated = peek(r, 1) == 'P';
    const uc_block_t *blocks;
    size_t count;

    uc_all_blocks(&blocks, &count);
    for (size_t i = 0; i < count && !(in_class && negated); i++) {
        if (!is_block(name, blocks[i].name) ||
            (blocks[i].start < 0xE000 && blocks[i].end >= 0xD800))
            continue;
        buf_addf(r->out,
                 in_class  ? "\\x{%X}-\\x{%X}"
                 : negated ? "[^\\x{%X}-\\x{%X}]"
                           : "[\\x{%X}-\\x{%X}]",
                 (unsigned)blocks[i].start, (unsigned)blocks[i].end);
        r->at += 4 + name.len;
        return true;
    }
    return refuse(r, "a named block (\\p{IsGreek} and the like) that is not supported");
}

/* \p{Lu}: one or two letters. \p{IsGreek}: a block. Names of scripts are not .NET's. */
static bool rewrite_property(struct rewriter *r, bool in_class)
{
    struct str name = str_from(r->in, r->at + 3);
    size_t length;

    if (peek(r, 2) != '{' || !str_find_char(name, '}', &length))
        return refuse(r, "a \\p without {name}");
    name = str_sub(name, 0, length);
    if (str_starts(name, STR("Is")))
        return rewrite_block(r, name, in_class);
    if (length < 1 || length > 2 || !ascii_is_alpha(name.ptr[0]) ||
        !ascii_is_alpha(name.ptr[length - 1]))
        return refuse(r, "a \\p{name} that is not known");
    copy(r, 4 + length);
    return true;
}

static bool rewrite_escape(struct rewriter *r, bool in_class)
{
    char c = peek(r, 1);
    size_t at;

    if (r->at + 1 >= r->in.len)
        return refuse(r, "a backslash at its end");
    if (c == 'x' || c == 'u')
        return rewrite_hex(r, c == 'x' ? 2 : 4);
    if (c == 'p' || c == 'P')
        return rewrite_property(r, in_class);
    if (c == 'v') { /* PCRE2 reads a class of its own */
        buf_add_z(r->out, "\\x{B}");
        r->at += 2;
        return true;
    }
    if (c >= '1' && c <= '9')
        return in_class ? refuse(r, "an octal number in a class") : rewrite_back_reference(r);
    if (c == 'k' && (in_class || (peek(r, 2) != '<' && peek(r, 2) != '\'')))
        return refuse(r, "a \\k without <name>");
    if (ascii_is_alpha(c) && !str_find_char(STR("abcdefknrstwABDGSWZz"), c, &at))
        return refuse(r, "an escape that is not known");
    copy(r, 2);
    return true;
}

static bool rewrite_class(struct rewriter *r);

/* [a-z-[aeiou]]: what is in the one class and not in the other, which comes last. The output has
 * the first class since `from`, still open. */
static bool subtract_class(struct rewriter *r, size_t from)
{
    struct str written = str_from(buf_str(r->out), from);
    CLEANUP(buf_done) struct buf base = {0};
    bool ok;

    buf_init(&base, r->out->max);
    buf_add(&base, written);
    r->out->len = from;
    buf_add_z(r->out, "(?:(?!");
    r->at++;
    ok = ++r->depth <= CLASS_DEPTH_MAX && rewrite_class(r);
    r->depth--;
    if (!ok || peek(r, 0) != ']')
        return refuse(r, "a subtracted class that is not the last in its class");
    r->at++;
    buf_add_char(r->out, ')');
    buf_add(r->out, buf_str(&base));
    buf_add_z(r->out, "])");
    return true;
}

/* The end is found as .NET finds it; a '[' inside would mean a POSIX class to PCRE2. */
static bool rewrite_class(struct rewriter *r)
{
    size_t from = r->out->len;

    copy(r, 1);
    if (peek(r, 0) == '^')
        copy(r, 1);
    if (peek(r, 0) == ']')
        copy(r, 1);
    while (r->at < r->in.len && peek(r, 0) != ']') {
        if (peek(r, 0) == '\\') {
            if (!rewrite_escape(r, true))
                return false;
        } else if (peek(r, 0) == '-' && peek(r, 1) == '[') {
            return subtract_class(r, from);
        } else if (peek(r, 0) == '[') {
            buf_add_z(r->out, "\\[");
            r->at++;
        } else {
            copy(r, 1);
        }
    }
    if (r->at >= r->in.len)
        return refuse(r, "a class that is not closed");
    copy(r, 1);
    return true;
}

static bool note_group(struct rewriter *r, struct str name)
{
    if (!r->counting)
        return true;
    if (r->groups->count == REGEX_MAX_GROUPS)
        return refuse(r, "too many groups");
    r->groups->names[r->groups->count++] = name;
    return true;
}

/* (?<name> or (?'name' */
static bool rewrite_named(struct rewriter *r)
{
    char end = peek(r, 2) == '<' ? '>' : '\'';
    struct str name = str_from(r->in, r->at + 3);
    size_t length;

    if (!str_find_char(name, end, &length))
        return refuse(r, "a group name that is not closed");
    name = str_sub(name, 0, length);
    if (name.len == 0 || name.len > 32 || ascii_is_digit(name.ptr[0]))
        return refuse(r, "a group name that is not supported");
    for (size_t i = 0; i < name.len; i++) {
        if (!ascii_is_alpha(name.ptr[i]) && !ascii_is_digit(name.ptr[i]) && name.ptr[i] != '_')
            return refuse(r, "a group name with other characters than letters, digits and _");
    }
    copy(r, 4 + length);
    return note_group(r, name);
}

static bool rewrite_group(struct rewriter *r)
{
    static const char *const plain[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>"};

    if (looking_at(r, "(*"))
        return refuse(r, "a '(*', which is not supported");
    if (!looking_at(r, "(?")) {
        copy(r, 1);
        return note_group(r, (struct str){"", 0});
    }
    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        if (looking_at(r, plain[i])) {
            copy(r, strlen(plain[i]));
            return true;
        }
    }
    if (looking_at(r, "(?#")) {
        size_t length;

        if (!str_find_char(str_from(r->in, r->at), ')', &length))
            return refuse(r, "a comment that is not closed");
        r->at += length + 1;
        return true;
    }
    if (looking_at(r, "(?<") || looking_at(r, "(?'"))
        return rewrite_named(r);
    /* (?im-s) and (?im-s:  */
    for (size_t n = 2; r->at + n < r->in.len; n++) {
        char c = peek(r, n);
        size_t at;

        if (c == ')' || c == ':') {
            copy(r, n + 1);
            return true;
        }
        if (!str_find_char(STR("ims-"), c, &at))
            break;
    }
    return refuse(r, "a group '(?...' that is not supported");
}

/* Behind * + ? or {n,m}: .NET knows the lazy ? but nothing possessive. */
static bool rewrite_quantifier(struct rewriter *r, size_t length)
{
    copy(r, length);
    if (peek(r, 0) == '?')
        copy(r, 1);
    if (peek(r, 0) == '+' || peek(r, 0) == '*' || peek(r, 0) == '?')
        return refuse(r, "a quantifier behind a quantifier");
    return true;
}

/* {n}, {n,} or {n,m} at the position; 0 when it is a plain brace. */
static size_t counted(const struct rewriter *r)
{
    size_t n = 1;

    if (peek(r, 0) != '{' || !ascii_is_digit(peek(r, 1)))
        return 0;
    while (ascii_is_digit(peek(r, n)))
        n++;
    if (peek(r, n) == ',')
        n++;
    while (ascii_is_digit(peek(r, n)))
        n++;
    return peek(r, n) == '}' ? n + 1 : 0;
}

static bool pass(struct rewriter *r)
{
    r->at = 0;
    while (r->at < r->in.len) {
        char c = peek(r, 0);
        size_t length = counted(r);
        bool ok = true;

        if (c == '\\') {
            ok = rewrite_escape(r, false);
        } else if (c == '[') {
            ok = rewrite_class(r);
        } else if (c == '(') {
            ok = rewrite_group(r);
        } else if (c == '*' || c == '+' || c == '?' || length > 0) {
            ok = rewrite_quantifier(r, length > 0 ? length : 1);
        } else {
            copy(r, 1);
        }
        if (!ok)
            return false;
    }
    return true;
}

bool regex_rewrite(struct str pattern, struct buf *out, struct regex_groups *groups,
                   struct expr_error *err)
{
    struct rewriter r = {.in = pattern, .out = out, .groups = groups, .err = err, .counting = true};

    groups->count = 0;
    if (!pass(&r))
        return false;
    r.counting = false;
    buf_reset(out);
    return pass(&r);
}

size_t regex_group_number(const struct regex_groups *groups, size_t net_number)
{
    size_t number = 0;

    for (size_t i = 0; i < groups->count; i++) {
        if (groups->names[i].len == 0 && ++number == net_number)
            return i + 1;
    }
    for (size_t i = 0; i < groups->count; i++) {
        bool repeated = false;

        for (size_t k = 0; k < i; k++)
            repeated |= str_eq(groups->names[k], groups->names[i]);
        if (groups->names[i].len > 0 && !repeated && ++number == net_number)
            return i + 1;
    }
    return 0;
}
