/* What the commands about applications share. */
#pragma once

#include "cli/wire.h"

/* Puts what --name, --url, --scope, --interval and --notification-mail say into the job; what is
 * not given stays. */
MUST_USE bool cli_app_options(const struct cli_args *args, struct job *job, struct err *err);

/* As `usher app list|show --json` print it. */
struct json *cli_app_json(struct cli *c, const struct job *job);
int cli_app_show(struct cli *c, const struct job *job);

/* The audit log is told, in the caller's transaction, that an application with a token was added;
 * that its token was set or replaced, never what it is. */
MUST_USE bool cli_app_note_added(struct cli *c, const struct job *job, struct err *err);
MUST_USE bool cli_app_note_token(struct cli *c, const struct job *job, bool had_one,
                                 struct err *err);
