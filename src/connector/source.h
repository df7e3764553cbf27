/* Where people and groups come from. The engine knows a source by these operations only; the
 * directory is the first kind (connector/directory.c). Calls are synchronous and read-only; a
 * source belongs to one thread. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "mapping/attributes.h"

struct source;

/* One source object with what decides its scope. Text and attributes live in the arena of the call.
 */
struct source_entry {
    struct str id;
    enum source_kind kind;
    struct str display_name;
    const struct json *attributes; /* by first spelling; references as ids; NULL when gone */
    bool gone;                     /* hard-deleted: nothing but id and kind is known */
    bool soft_deleted;             /* in the recycle bin */
    bool enabled;                  /* accountEnabled, or a group */
    bool assigned;   /* to the application: directly or through an assigned group (engine.md 5.2) */
    int64_t version; /* position of its latest change in the feed */
};

struct source_page {
    struct source_entry *entries;
    size_t count;
    struct str next; /* cursor or watermark after this page; in the arena */
    bool last;       /* nothing was left when this page was read */
};

enum source_scope { SOURCE_SCOPE_ASSIGNED, SOURCE_SCOPE_ALL };

/* A change of membership since a watermark: what the second pass sends as a difference. */
struct source_member_change {
    struct str group_id;
    struct str member_id;
    bool present; /* is the member in the group now? */
};

/* What a job wants of its source beyond the attributes. */
struct source_needs {
    bool nested_groups; /* members of groups inside an assigned group are assigned, too */
    bool reports;       /* a change of somebody concerns those who report to them */
};

struct source_ops {
    const char *kind; /* "directory" */
    /* Before anything is read; without it nothing is needed. May be NULL. */
    void (*configure)(struct source *s, const struct source_needs *needs);
    /* The feed's position now: where an initial cycle that starts now will go on from. */
    bool (*position)(struct source *s, struct arena *a, struct str *out_watermark, struct err *err);
    /* All objects of a kind in id order after `cursor` (empty: from the start), at most `limit`.
     * With SOURCE_SCOPE_ASSIGNED only those assigned to the application, directly or through a
     * group; soft-deleted ones included. */
    bool (*read_all)(struct source *s, enum source_kind kind, enum source_scope scope,
                     struct str cursor, size_t limit, struct arena *a, struct source_page *out,
                     struct err *err);
    /* The distinct objects concerned by changes after `watermark`: of attributes, of membership and
     * assignment (for everybody whose entitlement they can move), deletions. Reads at most about
     * `limit` changes. An object's entry shows it as it is now. Cost follows the number of changes,
     * not the directory. */
    bool (*read_changes)(struct source *s, struct str watermark, size_t limit, struct arena *a,
                         struct source_page *out, struct err *err);
    /* One object as it is now; *out_found is false if no such id was ever known. */
    bool (*read)(struct source *s, struct str id, struct arena *a, struct source_entry *out,
                 bool *out_found, struct err *err);
    /* Several as they are now, `ids` in id order, out[i] for ids[i]; out_found[i] is false if no
     * such id was ever known. A few statements, however many there are. */
    bool (*read_many)(struct source *s, const struct str *ids, size_t count, struct arena *a,
                      struct source_entry *out, bool *out_found, struct err *err);
    /* What WHO means: id, userPrincipalName, mail, employeeId, display name. ERR_NOT_FOUND, or
     * ERR_CONFLICT "ambiguousName" listing the candidates. Disabled and soft-deleted ones are found
     * too. */
    bool (*find)(struct source *s, struct str who, struct arena *a, struct source_entry *out,
                 struct err *err);
    /* Direct members of a group, in id order after `cursor`: ids only. Those in the recycle bin
     * too: they are in the group again when they are restored. */
    bool (*members)(struct source *s, struct str group_id, struct str cursor, size_t limit,
                    struct arena *a, struct str **out_ids, size_t *out_count, struct err *err);
    /* Is it a direct member now? */
    bool (*has_member)(struct source *s, struct str group_id, struct str member_id, bool *out,
                       struct err *err);
    /* Membership changes after `watermark` up to `until`, at most limit; *out_next moves on. */
    bool (*member_changes)(struct source *s, struct str watermark, struct str until, size_t limit,
                           struct arena *a, struct source_member_change **out, size_t *out_count,
                           struct str *out_next, struct err *err);
    /* About how many read_all would show, for progress; may be NULL. */
    bool (*count)(struct source *s, enum source_kind kind, enum source_scope scope, int64_t *out,
                  struct err *err);
    /* The domain that most people's names are in, for DefaultDomain(); empty when there are none.
     * May be NULL. */
    bool (*default_domain)(struct source *s, struct arena *a, struct str *out, struct err *err);
    void (*close)(struct source *s);
};

struct source { /* first member of every kind */
    const struct source_ops *ops;
};

void source_close(struct source *s); /* NULL is fine */
void source_closep(struct source **s);

/* Up to which position of the directory's change feed whoever has this watermark is done. */
MUST_USE bool source_directory_done(struct str watermark, int64_t *out, struct err *err);

/* The directory as a source for one application. db is borrowed and must outlive the source. */
struct db;
MUST_USE bool source_open_directory(struct db *db, struct str app_id, struct source **out,
                                    struct err *err);
