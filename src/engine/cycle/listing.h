/* Asking or listing (engine.md 4): when many objects of a kind have no connection yet, the target
 * is read once in pages instead of asked for each. What was read is on disk (base/diskmap.h), so
 * memory does not grow with the target. A list that may be incomplete is not used.
 *
 * Promise 2: the list knows what was there while it was read and every account that this run has
 * created since. Objects whose create may have been under way when an earlier stretch of the cycle
 * ended are asked for singly: they are among the first LISTING_STRETCH matches of a resumed cycle,
 * because a run lets all that is under way be recorded after so many. */
#pragma once

#include "engine/cycle/run.h"

enum {
    LISTING_LEAST = 100,     /* fewer objects are asked for */
    LISTING_PAGE = 200,      /* accounts in a page */
    LISTING_PAGE_COST = 4,   /* a page costs as much as so many questions */
    LISTING_STRETCH = 20000, /* matches between two points where nothing is under way */
    LISTING_FOUND_MAX = 2,
};

enum listing_answer {
    LISTING_ASK,  /* the target is to be asked */
    LISTING_WAIT, /* the list is being read; match_ask is called when it is there */
    LISTING_KNOWS /* *out_count accounts are known to have the values, at most LISTING_FOUND_MAX */
};

/* Who has the values of the walk's present criterion? Ids in the walk's arena. */
enum listing_answer listing_ask(struct walk *w, struct str *out_ids, size_t *out_count);
/* A match begins. */
void listing_begin(struct walk *w);
/* The account of the walk has the values of its criteria from now on. */
void listing_add(struct walk *w);
/* Whether nothing may be started until all that is alive is recorded. */
bool listing_settles(struct run *r);
/* Once a turn of the run: who waits goes when the run stops. */
void listing_turn(struct run *r);
void listing_free(struct listing *l); /* NULL is fine */

/* What the disk is asked by for a criterion: equal values have one key, under the case rules of the
 * attributes. Empty if the values cannot be looked up so. */
struct str listing_key(struct arena *a, const struct mapping_criterion *by);
/* The criteria of an account, as mapping_criteria forms those of an object. */
size_t listing_criteria(const struct mapping_object *m, const struct json *values,
                        struct mapping_criterion *out, size_t max);

/* The most accounts a target may have for the list to be cheaper than asking for `objects`; 0: they
 * are asked for in any case. */
int64_t listing_worth(const struct job_settings *s, int64_t objects);
