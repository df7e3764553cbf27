#include "base/env.h"

#include <stdlib.h>

const char *env_get(const char *name)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): unsafe beside setenv only, which nobody calls */
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}
