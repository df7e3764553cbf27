/* Runs a cycle in this process with a live progress display, or follows the one that another
 * process runs. */
#pragma once

#include "cli/wire.h"

/* One job's next cycle to its end, in this process. When another process holds the job, its cycle
 * is waited for instead. *out_stopped: interrupted, the cycle keeps its place. Texts in c->arena.
 */
MUST_USE bool cli_cycle_run(struct cli_wire *w, const struct job *job, struct cycle *out,
                            bool *out_stopped, struct err *err);
