/* The two passes of drift.c: reading and comparing (compare.c), then answering (answer.c). */
#pragma once

#include "engine/cycle/run.h"
#include "engine/drift/drift.h"

/* Keeps a row of job/drift.h for each difference. out counts what was read, and says why it is not
 * complete. how may be NULL. */
MUST_USE bool drift_read_target(struct run *r, const struct engine_reading *how, struct drift *out,
                                struct err *err);
/* Gives each row its answer. What is to be repaired is parked; memberships are owed to the next
 * second pass. */
MUST_USE bool drift_answer_all(struct run *r, struct err *err);
