/* A plan on its way through a run: what the files of an apply know together (engine.md 23). apply.c
 * is the run, apply_current.c says whether the plan still holds as a whole, apply_feed.c reads its
 * rows, apply_row.c does one of them. */
#pragma once

#include "engine/cycle/run.h"
#include "engine/plans/apply.h"
#include "engine/plans/apply_select.h"

struct apply {
    struct plan_reader reader;
    const struct engine_apply_options *options;
    struct apply_selection selection;
    struct engine_applied *out;
};

/* --- apply_current.c --- */

/* The job of the plan, when the plan is of this database. ERR_CONFLICT "planOfAnotherDatabase",
 * "planOfAnotherJob". */
MUST_USE bool apply_belongs_here(struct db *db, const struct engine *e, struct arena *a,
                                 const struct plan_head *head, struct job *out, struct err *err);
/* Under the lease: nothing that the plan was made by may have changed. ERR_CONFLICT
 * "configurationChanged". */
MUST_USE bool apply_is_current(struct run *r, const struct plan_head *head, struct err *err);

/* --- apply_feed.c, apply_row.c: for run_drive --- */
bool apply_feed_rows(struct run *r, struct str cursor, struct feed_page *page, struct err *err);
void apply_start_row(struct walk *w);
/* Whether the walk has found its row done already. */
bool apply_is_done(const struct walk *w);
