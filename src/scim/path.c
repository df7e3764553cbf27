#include "scim/path.h"

#include "scim/filter_parse.h"
#include "scim/lex.h"

static bool fail(struct str text, size_t at, struct err *err, const char *why)
{
    err_fill(err, ERR_INVALID, "invalidPath", "path '%.*s': %s", STR_ARG(str_sub(text, 0, 200)),
             why);
    return err_at(err, "character %zu", scim_character(text, at));
}

/* The lexer stands behind '['; leaves it behind the matching ']' and gives the text between. */
static bool take_bracket(struct str text, struct scim_lexer *lexer, struct str *out,
                         struct err *err)
{
    size_t from = lexer->at;
    size_t depth = 1;
    struct scim_token token;

    do {
        token = scim_lex(lexer);
        if (token.kind == SCIM_TOKEN_END || token.kind == SCIM_TOKEN_BAD)
            return fail(text, token.at, err, "the bracket is not closed");
        if (token.kind == SCIM_TOKEN_LEFT) {
            depth++;
        } else if (token.kind == SCIM_TOKEN_RIGHT) {
            depth--;
        }
    } while (depth > 0);
    *out = str_sub(text, from, token.at - from);
    if (str_empty(str_trim(*out)))
        return fail(text, from, err, "the brackets are empty");
    return true;
}

/* What may stand behind the bracket: nothing or ".sub". */
static bool take_sub(struct str text, struct scim_lexer *lexer, struct str *out, struct err *err)
{
    size_t behind = lexer->at;
    struct scim_token token = scim_lex(lexer);

    *out = (struct str){0};
    if (token.kind == SCIM_TOKEN_END)
        return true;
    if (token.kind != SCIM_TOKEN_WORD || token.at != behind || token.source.ptr[0] != '.' ||
        !scim_name_valid(str_from(token.source, 1)))
        return fail(text, token.at, err, "only .subAttribute may follow the bracket");
    *out = str_from(token.source, 1);
    token = scim_lex(lexer);
    if (token.kind != SCIM_TOKEN_END)
        return fail(text, token.at, err, "text after the end of the path");
    return true;
}

bool scim_path_parse(struct arena *a, struct str text, struct scim_path *out, struct err *err)
{
    struct scim_lexer lexer = {text, 0};
    struct scim_token token = scim_lex(&lexer);
    struct str word = token.source;
    size_t word_end = lexer.at;
    struct scim_path path;
    size_t inner_at;

    if (token.kind != SCIM_TOKEN_WORD)
        return fail(text, token.at, err, "an attribute name is missing");
    /* "emails.[type eq ...]" is a synonym of the form without the dot (apps.md 1). */
    if (word.len > 1 && word.ptr[word.len - 1] == '.' && lexer.at < text.len &&
        text.ptr[lexer.at] == '[')
        word.len--;
    if (!scim_path_split(word, &path))
        return fail(text, token.at, err, "not an attribute name");
    token = scim_lex(&lexer);
    if (token.kind == SCIM_TOKEN_LEFT && token.at == word_end) {
        inner_at = lexer.at;
        if (str_empty(path.attribute) || !str_empty(path.sub))
            return fail(text, token.at, err, "a value filter belongs to an attribute");
        if (!take_bracket(text, &lexer, &path.filter_text, err) ||
            !take_sub(text, &lexer, &path.sub, err) ||
            !scim_filter_parse_inner(a, text, inner_at, path.filter_text, &path.filter, err))
            return false;
    } else if (token.kind != SCIM_TOKEN_END) {
        return fail(text, token.at, err, "text after the end of the path");
    }
    *out = path;
    return true;
}
