/* The tokens that filters and attribute paths are made of (RFC 7644 section 3.4.2.2, scim.md 3.1).
 * Brackets, parentheses and keywords inside a string are text. Internal to scim/. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "scim/path.h"

enum scim_token_kind {
    SCIM_TOKEN_END,
    SCIM_TOKEN_WORD,   /* a run without blanks, brackets, parentheses and double quotes */
    SCIM_TOKEN_STRING, /* "..." with JSON escapes or '...' without any */
    SCIM_TOKEN_OPEN,   /* ( */
    SCIM_TOKEN_CLOSE,  /* ) */
    SCIM_TOKEN_LEFT,   /* [ */
    SCIM_TOKEN_RIGHT,  /* ] */
    SCIM_TOKEN_BAD,    /* a string without end, or with a bad escape */
};

struct scim_token {
    enum scim_token_kind kind;
    struct str source; /* as written, quotes included */
    size_t at;         /* byte offset of its start */
};

struct scim_lexer {
    struct str text;
    size_t at;
};

/* Takes the next token; END again and again at the end. */
struct scim_token scim_lex(struct scim_lexer *lexer);

/* The value of a STRING token, in a. False on a bad escape or lone surrogate. */
MUST_USE bool scim_token_text(struct arena *a, const struct scim_token *token, struct str *out);

/* The 1-based character of a byte offset, for err->place. */
size_t scim_character(struct str text, size_t at);

/* ALPHA *( ALPHA / DIGIT / "-" / "_" ), or "$ref". */
bool scim_name_valid(struct str name);

/* Splits "[URI:]name[.sub]" or a URI alone into out->urn, attribute and sub; false if malformed. */
bool scim_path_split(struct str word, struct scim_path *out);
