/* The known word nearest to a misspelt one. */
#pragma once

#include "base/str.h"

struct cli_nearest {
    struct str given;
    const char *best; /* NULL: nothing is near */
    size_t distance;  /* of best, in edits */
};

void cli_nearest_init(struct cli_nearest *n, struct str given);
void cli_nearest_try(struct cli_nearest *n, const char *word); /* word is borrowed */
