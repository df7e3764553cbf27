/* Errors are values: a function that can fail returns false and fills a struct err that its caller
 * owns. An err owns no memory, so it can always be filled, copied and dropped. */
#pragma once

#include "base/compiler.h"

/* What the caller can do about it. */
enum err_kind {
    ERR_NONE = 0,
    ERR_INVALID,     /* the input is wrong: do not retry */
    ERR_NOT_FOUND,   /* the named thing does not exist */
    ERR_CONFLICT,    /* uniqueness or version conflict */
    ERR_DENIED,      /* authenticated, but not allowed */
    ERR_LIMIT,       /* a documented limit was reached */
    ERR_UNAVAILABLE, /* the other side is down or busy: retry later */
    ERR_INTERNAL,    /* our own defect or a broken environment */
    ERR_KIND_COUNT,
};

struct err {
    enum err_kind kind;
    const char *code;  /* stable, machine-readable, static storage; e.g. "invalidFilter" */
    char message[384]; /* one sentence for people, no trailing full stop, never a secret */
    char place[128];   /* where in the input: "people.csv:12:3", "/rules/0/name"; "" if nowhere */
};

/* Fills *err, which may be NULL. A message that is too long is cut at a character boundary; what is
 * not UTF-8 in it becomes '?', a control character a blank. */
void err_fill(struct err *err, enum err_kind kind, const char *code, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Puts "text: " in front of the message. */
void err_prefix(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Says where in the input the error is. */
void err_place(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* All have the value false, so that failing is one statement: `return err_set(err, ...)`.
 * They are macros so that compilers and analysers see the constant. */
#define err_set(...)  (err_fill(__VA_ARGS__), false)
#define err_wrap(...) (err_prefix(__VA_ARGS__), false)
#define err_at(...)   (err_place(__VA_ARGS__), false)

/* "invalid", "notFound", ...; static storage. */
const char *err_kind_name(enum err_kind kind);
