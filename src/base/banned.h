/* Functions that have no place here: using one is a compile error. Forced into every file by the
 * build. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat strtok sprintf vsprintf gets atoi atol atof
#pragma GCC poison localtime gmtime srand
/* Not poisoned, because OpenSSL's headers name parameters so; calling it does not compile all the
 * same. */
#define rand() ((int)sizeof(struct rand_is_banned_use_base_rng))
