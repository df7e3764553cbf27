/* The lease of a job: one run at a time, whichever process. A holder names its host, process and
 * the start of that process, so that a lease left behind by a crash on this machine is taken over
 * at once instead of after it expires. */
#include "base/holder.h"
#include "engine/cycle/run.h"

bool lease_claim(const struct engine *e, struct db *db, int64_t job_no, struct str position,
                 struct job_lease *out, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    char text[HOLDER_MAX];
    struct str owner = holder_name(e->rng, text);
    int64_t now = clock_now(e->clock);
    const struct lease_stretch stretch = {.from = position, .began_us = now};
    struct err ignored;
    struct str holder;
    int64_t until;

    if (lease_take_for(db, job_no, owner, now, now + RUN_LEASE_US, &stretch, out, err))
        return true;
    if (err->kind != ERR_CONFLICT || !lease_holder(db, tmp, job_no, &holder, &until, &ignored) ||
        !holder_is_dead(holder))
        return false;
    /* It counts as expired, whatever it says; the first record shortens the new one to its length.
     */
    return lease_take_for(db, job_no, owner, until, until + RUN_LEASE_US, &stretch, out, err);
}
