/* The environment of the process. */
#pragma once

/* The value of a variable; NULL when it is not set or empty. Any thread may ask: nothing in usher
 * writes the environment. */
const char *env_get(const char *name);
