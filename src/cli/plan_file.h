/* What `plan --save`, `show`, `apply` and `undo` print of saved plans. */
#pragma once

#include "cli/cli.h"
#include "engine/plans/plan_file.h"

/* "12 to create or match, 3 to update, ..." in the arena. */
struct str cli_plan_counts(struct arena *a, const int64_t by_intent[INTENT_COUNT]);
/* Where it was saved and what to do with it next. */
void cli_plan_saved(struct cli *c, const char *path, const struct plan_head *head);
/* One row: action, who, why; with its changes below when details. */
void cli_plan_row_print(struct cli *c, const struct plan_row *row, bool details);
