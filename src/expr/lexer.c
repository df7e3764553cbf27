#include "expr/lexer.h"

static char peek(const struct lexer *lx, size_t ahead)
{
    size_t at = lx->at + ahead;

    return (char)(at < lx->text.len ? lx->text.ptr[at] : '\0');
}

static bool is_word(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c) || c == '_';
}

static int hex_digit(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Takes the escapes \\ and \" out; any other backslash stays (section 1). */
static struct str unescape(struct arena *a, struct str s)
{
    char *out;
    size_t n = 0;
    size_t at;

    if (!str_find_char(s, '\\', &at))
        return s;
    out = arena_alloc(a, s.len);
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\\' && i + 1 < s.len && (s.ptr[i + 1] == '\\' || s.ptr[i + 1] == '"'))
            i++;
        out[n++] = s.ptr[i];
    }
    return (struct str){out, n};
}

static bool lex_string(struct lexer *lx, struct token *out, struct expr_error *err)
{
    size_t start = lx->at + 1;
    size_t i = start;

    while (i < lx->text.len && lx->text.ptr[i] != '"') {
        bool escape = lx->text.ptr[i] == '\\' && i + 1 < lx->text.len &&
                      (lx->text.ptr[i + 1] == '\\' || lx->text.ptr[i + 1] == '"');

        i += escape ? 2 : 1;
    }
    if (i >= lx->text.len) {
        return expr_fail(err, EXPR_PARSE, lx->at,
                         "the text that begins here has no closing quote (\")");
    }
    out->kind = TOKEN_STRING;
    out->text = unescape(lx->arena, str_sub(lx->text, start, i - start));
    lx->at = i + 1;
    return true;
}

/* Brackets nest, and below the first level quoted runs hide brackets, so that
 * [emails[type eq "a]b"].value] is one name. */
static bool lex_attribute(struct lexer *lx, struct token *out, struct expr_error *err)
{
    size_t start = lx->at + 1;
    size_t depth = 1;
    bool quoted = false;
    size_t i = start;

    for (; i < lx->text.len && depth > 0; i++) {
        char c = lx->text.ptr[i];

        if (quoted) {
            quoted = c != '"';
        } else if (c == '"' && depth >= 2) {
            quoted = true;
        } else if (c == '[') {
            depth++;
        } else if (c == ']') {
            depth--;
        }
    }
    if (depth > 0) {
        return expr_fail(err, EXPR_PARSE, lx->at,
                         "the attribute name that begins here has no closing bracket (])");
    }
    out->kind = TOKEN_ATTRIBUTE;
    out->text = str_sub(lx->text, start, i - 1 - start);
    if (str_empty(out->text))
        return expr_fail(err, EXPR_PARSE, lx->at, "expected an attribute name between [ and ]");
    lx->at = i;
    return true;
}

/* Leading zeros are fine, though not in JSON, whose numbers str_to_double reads. */
static bool read_double(struct str s, double *out)
{
    bool negative = str_starts(s, STR("-"));

    if (negative)
        s = str_from(s, 1);
    while (s.len > 1 && s.ptr[0] == '0' && s.ptr[1] != '.')
        s = str_from(s, 1);
    if (!str_to_double(s, out))
        return false;
    *out = negative ? -*out : *out;
    return true;
}

static void skip_digits(struct lexer *lx)
{
    while (ascii_is_digit(peek(lx, 0)))
        lx->at++;
}

static bool lex_number(struct lexer *lx, struct token *out, struct expr_error *err)
{
    size_t start = lx->at;
    bool fraction;
    bool fits;

    lx->at += peek(lx, 0) == '-';
    skip_digits(lx);
    fraction = peek(lx, 0) == '.' && ascii_is_digit(peek(lx, 1));
    if (fraction) {
        lx->at++;
        skip_digits(lx);
    }
    out->text = str_sub(lx->text, start, lx->at - start);
    if (is_word(peek(lx, 0)) || peek(lx, 0) == '.') {
        return expr_fail(err, EXPR_PARSE, start, "expected a number, found '%.*s%c'",
                         STR_ARG(str_sub(out->text, 0, 60)), peek(lx, 0));
    }
    out->kind = fraction ? TOKEN_DOUBLE : TOKEN_INTEGER;
    fits = fraction ? read_double(out->text, &out->number)
                    : str_to_int(out->text, INT64_MIN, INT64_MAX, &out->integer);
    return fits || expr_fail(err, EXPR_PARSE, start, "the number does not fit in 64 bits");
}

/* &HF7: only when hexadecimal digits follow directly and no word goes on behind them. */
static bool lex_hex(struct lexer *lx, struct token *out, bool *out_found, struct expr_error *err)
{
    size_t digits = 0;
    uint64_t n = 0;
    bool overflow = false;

    *out_found = false;
    if (ascii_lower(peek(lx, 1)) != 'h')
        return true;
    for (int d; (d = hex_digit(peek(lx, 2 + digits))) >= 0; digits++) {
        overflow |= n > (uint64_t)INT64_MAX >> 4;
        n = n << 4 | (uint64_t)d;
    }
    if (digits == 0 || is_word(peek(lx, 2 + digits)) || peek(lx, 2 + digits) == '(')
        return true;
    if (overflow)
        return expr_fail(err, EXPR_PARSE, lx->at, "the number does not fit in 64 bits");
    *out_found = true;
    out->kind = TOKEN_INTEGER;
    out->text = str_sub(lx->text, lx->at, digits + 2);
    out->integer = (int64_t)n;
    lx->at += digits + 2;
    return true;
}

static void take(struct lexer *lx, struct token *out, enum token_kind kind, enum relop relop,
                 size_t length)
{
    out->kind = kind;
    out->relop = relop;
    lx->at += length;
}

static bool lex_operator(struct lexer *lx, struct token *out, struct expr_error *err)
{
    char next = peek(lx, 1);

    switch (peek(lx, 0)) {
    case '(':
        take(lx, out, TOKEN_OPEN, RELOP_EQ, 1);
        return true;
    case ')':
        take(lx, out, TOKEN_CLOSE, RELOP_EQ, 1);
        return true;
    case ',':
        take(lx, out, TOKEN_COMMA, RELOP_EQ, 1);
        return true;
    case '&':
        take(lx, out, TOKEN_CONCAT, RELOP_EQ, 1);
        return true;
    case '=':
        take(lx, out, TOKEN_RELOP, RELOP_EQ, 1);
        return true;
    case '<':
        take(lx, out, TOKEN_RELOP,
             next == '>'   ? RELOP_NE
             : next == '=' ? RELOP_LE
                           : RELOP_LT,
             next == '>' || next == '=' ? 2 : 1);
        return true;
    case '>':
        take(lx, out, TOKEN_RELOP, next == '=' ? RELOP_GE : RELOP_GT, next == '=' ? 2 : 1);
        return true;
    default:
        break;
    }
    if ((unsigned char)peek(lx, 0) >= 0x80) {
        return expr_fail(err, EXPR_PARSE, lx->at,
                         "unexpected character; texts stand between straight quotes (\")");
    }
    return expr_fail(err, EXPR_PARSE, lx->at, "unexpected character '%c'", peek(lx, 0));
}

static bool lex_token(struct lexer *lx, struct token *out, struct expr_error *err)
{
    char c = peek(lx, 0);
    bool found = false;

    if (c == '"')
        return lex_string(lx, out, err);
    if (c == '[')
        return lex_attribute(lx, out, err);
    if (ascii_is_digit(c) || (c == '-' && ascii_is_digit(peek(lx, 1))))
        return lex_number(lx, out, err);
    if (ascii_is_alpha(c) || c == '_') {
        size_t start = lx->at;

        while (is_word(peek(lx, 0)))
            lx->at++;
        out->kind = TOKEN_IDENTIFIER;
        out->text = str_sub(lx->text, start, lx->at - start);
        return true;
    }
    if (c == '&' && !lex_hex(lx, out, &found, err))
        return false;
    return found || lex_operator(lx, out, err);
}

bool lexer_next(struct lexer *lx, struct token *out, struct expr_error *err)
{
    while (lx->at < lx->text.len && ascii_is_blank(lx->text.ptr[lx->at]))
        lx->at++;
    *out = (struct token){.kind = TOKEN_END, .offset = lx->at};
    if (lx->at >= lx->text.len)
        return true;
    if (!lex_token(lx, out, err))
        return false;
    out->source = str_sub(lx->text, out->offset, lx->at - out->offset);
    return true;
}
