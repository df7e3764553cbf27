/* Joins the engine to its two ends: the directory as source, the application over SCIM as target.
 * The engine knows neither (src/FLOORS). */
#pragma once

#include "cli/cli.h"
#include "engine/engine.h"

#include <stdatomic.h>

/* Lives as long as the command; begin once, end once. */
struct cli_wire {
    struct cli *cli;
    struct secret_key key;
    struct engine engine;
};

/* Opens the database, makes the key when there is none. */
MUST_USE bool cli_wire_begin(struct cli_wire *w, struct cli *c, struct err *err);
void cli_wire_end(struct cli_wire *w); /* also after a failed begin; for CLEANUP */

/* The job of an application by name or id. Text in c->arena. */
MUST_USE bool cli_job(struct cli *c, const char *name, struct job *out, struct err *err);

/* Interruption (SIGINT, SIGTERM) as a wish: *cli_interrupted() becomes true, a second signal ends
 * the process. Signals go to the thread that called begin; threads that are started between hold
 * and release do not get them. */
void cli_interrupt_begin(void);
const atomic_bool *cli_interrupted(void);
void cli_interrupt_wait(void); /* until it is true */
void cli_interrupt_hold(void);
void cli_interrupt_release(void);
