/* What a job is doing, as JSON and as lines for people. */
#pragma once

#include "cli/cli.h"
#include "engine/engine.h"

struct json *cli_cycle_json(struct arena *a, const struct cycle *cycle);
struct json *cli_status_json(struct arena *a, const struct engine_status *s, int64_t now_us);
/* Objects a second that the running cycle deals with; 0: unknown. */
double cli_status_rate(const struct engine_status *s, int64_t now_us);
/* How long the running cycle will still take, as far as can be told; -1: it cannot. */
int64_t cli_status_left_us(const struct engine_status *s, int64_t now_us);
/* "1,000 created, 3 failed": what a cycle did, without what it did not do. */
struct str cli_cycle_counts(struct arena *a, const struct cycle_counters *n);
/* Objects dealt with so far, and how many are expected (0: unknown). */
void cli_cycle_progress(const struct cycle *cycle, int64_t *out_done, int64_t *out_total);
/* The same with what is known of its pace and of throttling. */
struct str cli_status_line(struct cli *c, struct arena *a, const struct engine_status *s);
/* One line on a running cycle: phase, bar, count, rate, time left. */
struct str cli_cycle_line(struct cli *c, struct arena *a, const struct cycle *cycle);
/* What remains to be said about an ended cycle: one line, and where to look when objects failed. */
void cli_cycle_report(struct cli *c, const struct job *job, const struct cycle *cycle);
