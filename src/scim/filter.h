/* SCIM filters (RFC 7644 section 3.4.2.2, scim.md 3): lexer and parser into a tree. What a name
 * denotes and how values compare needs a schema: see scim/match.h. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "scim/path.h"

enum scim_filter_op {
    SCIM_AND,
    SCIM_OR,
    SCIM_NOT,
    SCIM_VALUE_PATH,
    SCIM_PR,
    SCIM_EQ,
    SCIM_NE,
    SCIM_CO,
    SCIM_SW,
    SCIM_EW,
    SCIM_GT,
    SCIM_GE,
    SCIM_LT,
    SCIM_LE
};

struct scim_filter {
    enum scim_filter_op op;
    struct scim_path path;           /* comparisons, pr and value paths */
    const struct json *value;        /* comparisons */
    bool bare;                       /* value is text that was not in double quotes */
    const struct scim_filter *left;  /* and, or, not; the inner filter of a value path */
    const struct scim_filter *right; /* and, or */
};

#define SCIM_FILTER_MAX_BYTES 8192
#define SCIM_FILTER_MAX_NODES 500
#define SCIM_FILTER_MAX_DEPTH 32

/* ERR_INVALID "invalidFilter" with err->place "character N" (from 1). The tree and its texts live
 * in a. Blank text counts as no filter: *out is NULL. Unquoted words are text, numbers keep theirs,
 * and a boolean keeps in value->text how it was written (scim.md 3.1, 3.3). `attr[f]` is
 * SCIM_VALUE_PATH with the inner filter in left and path.filter; `attr[f].sub op value` is the
 * comparison with path.filter and path.sub. */
MUST_USE bool scim_filter_parse(struct arena *a, struct str text, const struct scim_filter **out,
                                struct err *err);
/* Writes `attribute op "value"` with the value quoted and escaped for the grammar: for requests. */
void scim_filter_write_eq(struct buf *out, struct str path, const struct json *value);
/* The strict form, with just the parentheses that are needed: parse(write(f)) is f again. */
void scim_filter_write(struct buf *out, const struct scim_filter *f);
struct str scim_filter_op_name(enum scim_filter_op op); /* "eq"; static storage */
