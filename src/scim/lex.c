#include "scim/lex.h"

#include "base/json.h"
#include "base/unicode.h"

static bool is_word_end(char c)
{
    return ascii_is_blank(c) || c == '[' || c == ']' || c == '(' || c == ')' || c == '"';
}

static struct scim_token take(struct scim_lexer *lexer, enum scim_token_kind kind, size_t len)
{
    struct scim_token token = {kind, str_sub(lexer->text, lexer->at, len), lexer->at};

    lexer->at += len;
    return token;
}

static struct scim_token lex_quoted(struct scim_lexer *lexer, char quote)
{
    struct str text = lexer->text;
    size_t i = lexer->at + 1;

    for (; i < text.len && text.ptr[i] != quote; i++) {
        if (text.ptr[i] == '\\' && quote == '"')
            i++;
    }
    if (i >= text.len)
        return take(lexer, SCIM_TOKEN_BAD, text.len - lexer->at);
    return take(lexer, SCIM_TOKEN_STRING, i + 1 - lexer->at);
}

struct scim_token scim_lex(struct scim_lexer *lexer)
{
    struct str text = lexer->text;
    size_t end;

    while (lexer->at < text.len && ascii_is_blank(text.ptr[lexer->at]))
        lexer->at++;
    if (lexer->at == text.len)
        return take(lexer, SCIM_TOKEN_END, 0);
    switch (text.ptr[lexer->at]) {
    case '(':
        return take(lexer, SCIM_TOKEN_OPEN, 1);
    case ')':
        return take(lexer, SCIM_TOKEN_CLOSE, 1);
    case '[':
        return take(lexer, SCIM_TOKEN_LEFT, 1);
    case ']':
        return take(lexer, SCIM_TOKEN_RIGHT, 1);
    case '"':
    case '\'':
        return lex_quoted(lexer, text.ptr[lexer->at]);
    default:
        for (end = lexer->at; end < text.len && !is_word_end(text.ptr[end]);)
            end++;
        return take(lexer, SCIM_TOKEN_WORD, end - lexer->at);
    }
}

bool scim_token_text(struct arena *a, const struct scim_token *token, struct str *out)
{
    struct str inner = str_sub(token->source, 1, token->source.len - 2);
    struct json *value;

    if (token->source.ptr[0] == '\'' || !memchr(inner.ptr, '\\', inner.len)) {
        /* Without escapes there is nothing to decode; JSON only forbids control characters. */
        if (!utf8_valid(inner, NULL))
            return false;
        for (size_t i = 0; i < inner.len; i++) {
            if ((unsigned char)inner.ptr[i] < 0x20 && token->source.ptr[0] == '"')
                return false;
        }
        *out = inner;
        return true;
    }
    if (!json_parse(a, token->source, NULL, &value, NULL, NULL) || value->type != JSON_STRING)
        return false;
    *out = value->text;
    return true;
}

size_t scim_character(struct str text, size_t at)
{
    size_t character = 1;

    for (size_t i = 0; i < at && i < text.len; i++) {
        if (((unsigned char)text.ptr[i] & 0xC0) != 0x80)
            character++;
    }
    return character;
}

bool scim_name_valid(struct str name)
{
    if (str_eq_ascii_nocase(name, STR("$ref")))
        return true;
    if (name.len == 0 || !ascii_is_alpha(name.ptr[0]))
        return false;
    for (size_t i = 1; i < name.len; i++) {
        char c = name.ptr[i];

        if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '-' && c != '_')
            return false;
    }
    return true;
}

/* "2.0": digits, in groups joined by dots. */
static bool is_version(struct str s)
{
    bool digit_before = false;

    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '.' && !digit_before)
            return false;
        if (s.ptr[i] != '.' && !ascii_is_digit(s.ptr[i]))
            return false;
        digit_before = s.ptr[i] != '.';
    }
    return digit_before;
}

/* Characters that a URI may have in front of an attribute name. */
static bool is_urn(struct str urn)
{
    if (urn.len == 0 || !ascii_is_alpha(urn.ptr[0]))
        return false;
    for (size_t i = 0; i < urn.len; i++) {
        if ((unsigned char)urn.ptr[i] <= ' ' || urn.ptr[i] == '\'' || urn.ptr[i] == '\\')
            return false;
    }
    return true;
}

static bool split_name(struct str name, struct scim_path *out)
{
    struct str rest = name;
    struct str head;
    bool dotted = str_cut(&rest, '.', &head);

    out->attribute = head;
    if (dotted)
        out->sub = rest;
    return scim_name_valid(head) && (!dotted || scim_name_valid(rest));
}

/* What follows the last colon begins with a digit: a URI that ends in its version, alone or joined
 * to the name with a dot (old catalogue names, scim.md 1.13). */
static bool split_after_version(struct str word, size_t colon, struct scim_path *out)
{
    size_t end = colon + 1;

    while (end < word.len &&
           (ascii_is_digit(word.ptr[end]) ||
            (word.ptr[end] == '.' && end + 1 < word.len && ascii_is_digit(word.ptr[end + 1]))))
        end++;
    out->urn = str_sub(word, 0, end);
    if (end == word.len)
        return true;
    return word.ptr[end] == '.' && split_name(str_from(word, end + 1), out);
}

/* "ext-1.0": no name, so the end of a URI. */
static bool ends_in_version(struct str name)
{
    struct str head;

    return str_cut(&name, '.', &head) && scim_name_valid(head) && is_version(name);
}

bool scim_path_split(struct str word, struct scim_path *out)
{
    struct str name, before;
    size_t colon, earlier;

    *out = (struct scim_path){0};
    if (!str_find_last_char(word, ':', &colon))
        return split_name(word, out);
    out->urn = str_sub(word, 0, colon);
    name = str_from(word, colon + 1);
    if (!is_urn(out->urn) || name.len == 0)
        return false;
    if (ascii_is_digit(name.ptr[0]))
        return split_after_version(word, colon, out);
    before = out->urn;
    if ((str_eq_ascii_nocase(name, STR("User")) || str_eq_ascii_nocase(name, STR("Group"))) &&
        str_find_last_char(before, ':', &earlier) && is_version(str_from(before, earlier + 1))) {
        out->urn = word;
        return true;
    }
    if (split_name(name, out))
        return true;
    *out = (struct scim_path){.urn = word};
    return ends_in_version(name);
}
