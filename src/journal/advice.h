/* What an operator can do about an error code of the provisioning log (engine.md 13.4). */
#pragma once

#include "base/compiler.h"
#include "base/str.h"

struct journal_advice {
    struct str code;
    bool ours; /* a fault of this program, not of the target or the data */
    const char *action;
};

/* By the code with or without the connector's prefix; NULL when there is no advice. */
const struct journal_advice *journal_advice_find(struct str code);
