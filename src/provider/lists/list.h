/* A list at work: which resources it holds, in which order, and the window of them that is
 * answered (scim.md 5). Internal to provider/. */
#pragma once

#include "provider/lists/cursor.h"
#include "scim/sort.h"

/* What the list holds of one resource type. Candidates come from `from` with `key`. */
struct list_type {
    struct call call; /* with the type, its projection, and an arena emptied for each candidate */
    const struct scim_matcher *matcher; /* NULL: all */
    struct scim_sort sort;
    struct parts used; /* by the matcher and the order */
    enum provider_statement from;
    struct str key;
    int64_t since_us; /* of PROVIDER_BY_MODIFIED, instead of the key */
    bool exact;       /* every candidate matches */
};

struct list_order; /* order.c */

/* A page ends with the resource that brings it to so many bytes, whatever `count` is (RFC 7644,
 * 3.4.2.4): one page after another, memory stays bounded. */
#define LIST_BYTES_MAX (8 * 1024 * 1024)

struct list {
    struct list *next; /* in the line of scans */
    struct call *call;
    struct db *db;
    struct list_type types[2]; /* both for a list over all types */
    size_t type_count;
    struct arena *scratch;
    int64_t start, count; /* the window; start from 1 */
    bool by_cursor;       /* the window begins behind `after`, if there is one, not at `start` */
    bool has_after;
    struct rank_item after;
    struct rank_item last; /* written */
    bool more;             /* there is something behind the window */
    enum rank_order order;
    bool sorted;
    const struct list_order *indexed; /* an index has what is filtered in its order */
    bool ranked;                      /* the order is another than that of the candidates */
    struct ranking ranking;
    int64_t seen, total, items;
    struct buf out;
    /* the last candidate seen */
    int64_t last_us; /* its time in the order of candidates */
    char last_id[UUID_TEXT_MAX];
};

/* list.c: with what is prepared; the call and the list end with the answer. */
void list_run(struct list *l);

/* walk.c */
/* Chooses the index that serves the type's filter. */
void list_choose_index(struct list *l, struct list_type *type);
/* Whether there is one candidate at most. */
bool list_is_look_up(const struct list *l);
/* Whether the candidates are the users that are active, or those that are not. */
bool list_is_by_activity(const struct list_type *type);
/* Whether there can be many that have to be looked at. */
bool list_is_scan(const struct list *l);
/* Whether nothing more goes into the answer. */
bool list_is_full(const struct list *l);
/* Looks at every candidate; what is in the window is written, or ranked. */
MUST_USE bool list_walk(struct list *l, struct err *err);
/* Whether the candidates come in order of creation. */
bool list_in_order(const struct list_type *type);
/* Writes what is in the window, in the order it comes. */
MUST_USE bool list_take(struct list *l, const struct list_type *type, const struct stored *s,
                        const struct rank_item *place, struct err *err);
/* Ranks all candidates, then writes the window. */
MUST_USE bool list_ranked(struct list *l, struct err *err);

/* order.c */
/* Sets `indexed`. */
void list_choose_order(struct list *l);
/* An indexed list: the window alone is read. */
MUST_USE bool list_all(struct list *l, struct err *err);
