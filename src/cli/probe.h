/* Profiles of applications, as `usher app probe` writes them (scim.md 10.6). */
#pragma once

#include "cli/wire.h"

/* Sets what the file of --profile says; nothing when it is not given. ERR_INVALID "badProfile". */
MUST_USE bool cli_profile_apply(struct cli_wire *w, const struct cli_args *args,
                                const struct job *job, struct err *err);
