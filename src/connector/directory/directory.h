/* What the files of the directory source share. Inside src/connector/directory only. */
#pragma once

#include "connector/directory/entry.h"
#include "connector/directory/merge.h"

enum { DIRECTORY_GROUPS_PAGE = 1000 };

struct directory_source {
    struct source base;
    struct db *db;
    char *app_id;
    struct source_needs needs;
};

static inline struct directory_source *directory_source_of(struct source *s)
{
    return (struct directory_source *)s;
}

static inline struct str directory_source_app(const struct directory_source *d)
{
    return str_from_z(d->app_id);
}

/* "SEQ": everything up to that position is done. "SEQ:MEMBER": everything before it is, and of the
 * change at it, which concerns all members of a group, the members up to that one. */
struct directory_watermark {
    int64_t seq;
    struct str member; /* or empty */
};
/* ERR_INVALID "badWatermark". The member is a part of text. */
MUST_USE bool directory_watermark_parse(struct str text, struct directory_watermark *out,
                                        struct err *err);
struct str directory_watermark_write(struct arena *a, struct directory_watermark w);

/* Entries of objects in id order, with what the source was told to look for. */
MUST_USE bool directory_source_entries(struct directory_source *d,
                                       const struct directory_object *objects, size_t count,
                                       enum entry_reach reach, struct arena *a,
                                       struct source_entry *out, struct err *err);
/* The entry of somebody who was deleted for good; *out_found is false of whom nobody remembers. */
MUST_USE bool directory_source_gone(struct directory_source *d, struct str id,
                                    struct source_entry *out, bool *out_found, struct err *err);
/* Adds members of the groups after `cursor` to m, of each group a share of `limit`. */
MUST_USE bool directory_source_members(struct directory_source *d, const struct str *groups,
                                       size_t group_count, struct str cursor, size_t limit,
                                       struct arena *a, struct merge *m, struct err *err);

/* A page of whom the changes since the watermark concern: source_read_changes. */
MUST_USE bool directory_source_changes(struct source *s, struct str watermark, size_t limit,
                                       struct arena *a, struct source_page *out, struct err *err);

extern const struct db_query directory_source_queries[];
extern const size_t directory_source_query_count;
