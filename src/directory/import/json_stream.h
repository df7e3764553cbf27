/* Reads the objects of a JSON file one after the other, in memory bounded by the longest one: the
 * elements of {"users": [...], "groups": [...]} or of one array. */
#pragma once

#include "base/json.h"
#include "directory/import/csv.h"
#include "mapping/attributes.h"

#define JSON_STREAM_OBJECT_MAX ((size_t)16 << 20) /* bytes of one person or group */
#define JSON_STREAM_DEPTH_MAX  16

struct json_stream;

struct json_stream_item {
    bool in_section; /* of "users" or "groups", which kind says; else of an array */
    enum source_kind kind;
    const struct json *object; /* in the arena of the call */
    int64_t line, column;      /* where it begins, from 1 */
};

struct json_stream *json_stream_new(const char *name, csv_read *read, void *ctx);
void json_stream_free(struct json_stream *s); /* NULL is fine */
void json_stream_freep(struct json_stream **s);

/* The next object; *out_item is false at the end. Errors have the place "NAME:LINE:COLUMN":
 * ERR_INVALID "invalidJson", "unknownSection"; ERR_LIMIT "jsonTooDeep", "jsonTooLarge". */
MUST_USE bool json_stream_next(struct json_stream *s, struct arena *a, struct json_stream_item *out,
                               bool *out_item, struct err *err);
/* Whether a section of that kind was begun. */
bool json_stream_has_section(const struct json_stream *s, enum source_kind kind);
