/* Tokens of the expression language (expressions.md section 1). Private to this folder. */
#pragma once

#include "expr/node.h"

enum token_kind {
    TOKEN_END,
    TOKEN_STRING,
    TOKEN_ATTRIBUTE,
    TOKEN_INTEGER,
    TOKEN_DOUBLE,
    TOKEN_IDENTIFIER,
    TOKEN_RELOP,
    TOKEN_CONCAT,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
};

struct token {
    enum token_kind kind;
    size_t offset;
    struct str source; /* as written */
    struct str text;   /* string without quotes and escapes, attribute name, identifier */
    enum relop relop;
    int64_t integer;
    double number;
};

struct lexer {
    struct arena *arena; /* for strings with escapes */
    struct str text;
    size_t at;
};

/* The next token; at the end of the text, TOKEN_END again and again. */
MUST_USE bool lexer_next(struct lexer *lx, struct token *out, struct expr_error *err);
