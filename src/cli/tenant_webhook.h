/* What `usher tenant webhook` does with changes that are set aside. Internal to cli/. */
#pragma once

#include "cli/cli.h"

int cli_webhook_set_aside(struct cli *c, struct str tenant, struct err *err);
/* which: an id, "all", or empty. */
int cli_webhook_decide(struct cli *c, struct str tenant, struct str which, bool drop,
                       struct err *err);
