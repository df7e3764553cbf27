/* Writes the provisioning log to files: JSON Lines, or CSV as three files joined by change id
 * (engine.md 13.3). */
#pragma once

#include "cli/cli.h"
#include "journal/journal.h"

/* All records that fit, newest first, in pages. path ending in ".csv": that file, and beside it
 * NAME_ProvisioningSteps.csv and NAME_ModifiedProperties.csv; else JSON Lines; "-": standard
 * output. Files have mode 0600, and are there whole or not at all. Stops early, with what is
 * written so far, when interrupted. */
MUST_USE bool cli_logs_export(struct cli *c, int64_t job_no, const struct journal_query *q,
                              const char *path, int64_t *out_count, struct err *err);
