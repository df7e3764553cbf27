/* JSON documents in an arena (RFC 8259). Member order and the source text of numbers are kept,
 * duplicate member names are refused, UTF-8 is fully checked, lone surrogates are refused, and
 * every error carries its byte offset. Values are linked nodes, so that documents can be edited in
 * place; strings are NUL-terminated in memory and may hold NULs of their own. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_type type;
    bool boolean;       /* JSON_BOOL */
    struct str name;    /* when it is a member of an object */
    struct str text;    /* JSON_STRING: the text; JSON_NUMBER: its source text */
    struct json *first; /* JSON_ARRAY, JSON_OBJECT: elements in order */
    struct json *last;
    struct json *next; /* the next element of the parent */
    size_t count;      /* elements */
};

struct json_limits {
    size_t max_depth;       /* 0: 64 */
    size_t max_bytes;       /* 0: 16 MiB */
    size_t max_values;      /* 0: 1,000,000 nodes */
    bool names_ignore_case; /* duplicate names are compared without ASCII case (scim.md 2.3) */
};

/* Parses the whole text as one value. On failure err->place is "byte N" and *out_offset, if not
 * NULL, is that N. ERR_INVALID "invalidJson"; ERR_LIMIT "jsonTooDeep", "jsonTooLarge". The document
 * belongs to a and does not point into text. A leading BOM is skipped. */
MUST_USE bool json_parse(struct arena *a, struct str text, const struct json_limits *limits,
                         struct json **out, size_t *out_offset, struct err *err);

/* Making values; text is copied into the arena. */
struct json *json_new(struct arena *a, enum json_type type);
struct json *json_string(struct arena *a, struct str text);
struct json *json_int(struct arena *a, int64_t n);
struct json *json_bool(struct arena *a, bool b);
struct json *json_null(struct arena *a);
struct json *json_clone(struct arena *a, const struct json *v); /* deep; name kept, next cleared */

/* Editing. A value may be in one parent only. */
void json_append(struct json *array, struct json *v);
void json_add(struct arena *a, struct json *object, struct str name,
              struct json *v); /* appends; the name must be new */
void json_set(struct arena *a, struct json *object, struct str name,
              struct json *v);                          /* replaces in place or appends */
bool json_remove(struct json *object, struct str name); /* false if it was not there */
void json_unlink(struct json *parent, struct json *child);

/* Shorthands for json_add. */
void json_add_str(struct arena *a, struct json *object, const char *name, struct str text);
void json_add_z(struct arena *a, struct json *object, const char *name, const char *text);
void json_add_int(struct arena *a, struct json *object, const char *name, int64_t n);
void json_add_bool(struct arena *a, struct json *object, const char *name, bool b);
/* With at most so many decimals (6), those that say nothing left out; null when it is no number. */
void json_add_real(struct arena *a, struct json *object, const char *name, double n,
                   unsigned decimals);
void json_add_null(struct arena *a, struct json *object, const char *name);

/* Looking. NULL when it is not there; object may be NULL. */
struct json *json_get(const struct json *object, struct str name);
struct json *json_get_nocase(const struct json *object, struct str name); /* ASCII case ignored */
struct str json_get_text(const struct json *object,
                         const char *name); /* empty if no string there */
bool json_get_bool(const struct json *object, const char *name, bool otherwise);
int64_t json_get_int(const struct json *object, const char *name, int64_t otherwise);
bool json_to_int(const struct json *v, int64_t *out); /* an integer that fits */
bool json_to_double(const struct json *v, double *out);
bool json_is(const struct json *v, enum json_type type); /* false for NULL */
/* Same type and content; objects without regard to member order; numbers by value. */
bool json_equal(const struct json *a, const struct json *b);

/* NOLINTBEGIN(bugprone-macro-parentheses): item is a name that is declared */
#define JSON_EACH(item, parent) \
    for (struct json *item = (parent) ? (parent)->first : NULL; item; item = item->next)
/* NOLINTEND(bugprone-macro-parentheses) */

/* Writing. */
void json_write(struct buf *out, const struct json *v); /* compact */
void json_write_pretty(struct buf *out,
                       const struct json *v);           /* two-space indent, ends without newline */
void json_write_text(struct buf *out, struct str text); /* one string with its quotes */
struct str json_text(struct arena *a, const struct json *v); /* compact, in the arena */

/* Line and column (both from 1, column in characters) of a byte offset in a text. */
void json_line_column(struct str text, size_t offset, size_t *out_line, size_t *out_column);
