/* Who holds a lease: a name that says which process it is, so that what a process left behind when
 * it was killed is taken over at once by another one of the same machine, instead of after the
 * lease has expired (docs/decisions/0007). */
#pragma once

#include "base/rng.h"
#include "base/str.h"

#define HOLDER_MAX 160 /* bytes of a name, with the NUL */

/* "host/process/start of it/random": another one each time. It is in out, which has HOLDER_MAX
 * bytes. */
struct str holder_name(struct rng *rng, char *out);
/* True when the holder was a process of this machine that no longer exists. False for one of
 * another machine, of which nobody here can know, and for what is no holder's name. */
bool holder_is_dead(struct str name);
