/* What the `usher config` commands share: reading a draft, refusing it with all findings, saving
 * it.
 */
#pragma once

#include "cli/wire.h"
#include "engine/config.h"

/* A command's work on the schema of one application. */
struct cli_config {
    struct cli_wire wire;
    struct job job;
    struct engine_config_check check; /* what a refusal shows */
};

/* Opens the database and loads the job that the first argument names. End with cli_config_end. */
MUST_USE bool cli_config_begin(struct cli_config *g, struct cli *c, const struct cli_args *args,
                               struct err *err);
void cli_config_end(struct cli_config *g); /* for CLEANUP */

/* A schema from a file; err->place is "FILE:LINE:COLUMN". */
MUST_USE bool cli_config_read(struct cli *c, const char *path, struct json **out, struct err *err);
/* The job's schema; version 0: the newest. */
MUST_USE bool cli_config_load(struct cli_config *g, int64_t version, struct json **out,
                              int64_t *out_version, struct err *err);

/* Reports a failure, with the findings and failed golden cases when there are some. */
int cli_config_fail(struct cli_config *g, const struct err *err);

/* Checks and saves a draft by the options of a command (--author, --comment, --force, --dry-run)
 * and says what differs. comment is used when none is given. Returns the exit code. */
int cli_config_save(struct cli_config *g, const struct cli_args *args, struct json *draft,
                    const char *comment);

/* Those options, for the tables of commands. */
#define CLI_CONFIG_SAVE_OPTIONS                                                           \
    {"--comment", "TEXT", "why, for the history"},                                        \
        {"--author", "NAME", "who, for the history (default: the user of this session)"}, \
        {"--force", NULL, "save although golden cases fail"},                             \
    {                                                                                     \
        "--dry-run", NULL, "check and show the differences, save nothing"                 \
    }

void cli_config_print_differences(struct cli *c, const struct mapping_difference *list,
                                  size_t count);
struct json *cli_config_differences_json(struct arena *a, const struct mapping_difference *list);
/* Golden cases line by line; only_failed leaves out those that pass. */
void cli_config_print_golden(struct cli *c, FILE *to, const struct engine_config_check *check,
                             bool only_failed);
struct json *cli_config_golden_json(struct arena *a, const struct engine_config_check *check);
