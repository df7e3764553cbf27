/* The table of settings: what each is called, what it takes and where it stands in a struct
 * job_settings. Inside src/job only. */
#pragma once

#include "job/settings.h"

enum setting_kind {
    SETTING_BOOL,     /* "true", "false" */
    SETTING_INT,      /* from min to max */
    SETTING_RATE,     /* "auto" or a number */
    SETTING_DURATION, /* ISO 8601, from min to max microseconds */
    SETTING_NAME,     /* one of the names in `allowed`, separated by '|'; its place is the value */
    SETTING_TEXT,     /* at most max bytes */
    SETTING_POLICY,   /* of a removal: ACTION [after DURATION] */
};

struct setting {
    const char *name;
    enum setting_kind kind;
    size_t offset;
    const char *initial; /* its default, as people write it */
    int64_t min, max;
    const char *allowed; /* for people, and the names of SETTING_NAME; NULL: told from the kind */
    const char *help;    /* one line */
};

extern const struct setting setting_table[];
extern const size_t setting_count;

const struct setting *setting_find(struct str name); /* without regard to case; NULL: unknown */

/* Puts a value, as people write it, into settings; texts are copied to a, unless it is NULL. False
 * when the setting does not take it. */
MUST_USE bool setting_put(const struct setting *t, struct job_settings *s, struct arena *a,
                          struct str value);
/* What the setting takes, in words. */
struct str setting_allowed(const struct setting *t, struct arena *a);
