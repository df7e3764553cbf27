/* Which of the known names a misspelt one may have meant. Inside src/job only. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

enum { SUGGESTIONS_MAX = 5 };

struct suggestions {
    struct str wanted;                 /* casefolded */
    struct str names[SUGGESTIONS_MAX]; /* nearest first */
    size_t distances[SUGGESTIONS_MAX];
    size_t count;
};

/* Keeps name if it is among the nearest so far. */
void suggestions_consider(struct suggestions *s, struct arena *a, struct str name);
/* "'a', 'b' or 'c'"; empty when there is none. */
struct str suggestions_text(const struct suggestions *s, struct arena *a);
