/* Which rows of a plan are applied: --only, any number of times. */
#pragma once

#include "connector/source.h"
#include "engine/plans/plan_file.h"
#include "job/held.h"

struct apply_selection {
    struct arena *arena;
    bool actions[INTENT_COUNT]; /* of action=..., unless there is none */
    bool by_action;
    struct str *whom; /* names and ids */
    struct str *ids;  /* source ids that a name means, or empty */
    size_t count;
    int64_t rows;                      /* to apply */
    int64_t guarded[HELD_CLASS_COUNT]; /* of them, what the guard counts */
};

/* Fits every part of the selection against the plan before anything is sent, and counts.
 * ERR_INVALID "noSuchRow", "ambiguousRow", "badSelection". The reader is left at the first row. */
MUST_USE bool apply_selection_make(struct apply_selection *s, struct plan_reader *r,
                                   const struct mapping_program *program, struct source *source,
                                   const struct str *only, size_t count, struct err *err);
bool apply_selects(const struct apply_selection *s, const struct plan_row *row);
