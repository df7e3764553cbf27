/* The lease of a job: one run at a time, whichever process. A holder names its host, process and
 * the start of that process, so that a lease left behind by a crash on this machine is taken over
 * at once instead of after it expires. */
#include "engine/cycle/run.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

enum { HOST_MAX = 80, OWNER_MAX = 160 };

/* When a process started, in clock ticks since boot; 0 if it does not exist or the system does not
 * tell. */
static int64_t process_start(int64_t pid)
{
    char path[64];
    char line[1024];
    FILE *file;
    size_t len;
    struct str rest;
    struct str field;
    size_t at;
    int64_t start = 0;

    snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
    file = fopen(path, "re");
    if (!file)
        return 0;
    len = fread(line, 1, sizeof(line), file);
    (void)!fclose(file);
    rest = (struct str){line, len};
    if (!str_find_last_char(rest, ')', &at)) /* the name before it may hold blanks */
        return 0;
    rest = str_from(rest, at + 2);
    for (int i = 3; i <= 22; i++) /* field 22 of proc(5) */
        str_cut(&rest, ' ', &field);
    return str_to_int(field, 0, INT64_MAX, &start) ? start : 0;
}

static void host_name(char *out)
{
    if (gethostname(out, HOST_MAX) != 0)
        snprintf(out, HOST_MAX, "localhost");
    out[HOST_MAX - 1] = '\0';
}

static struct str owner_text(const struct engine *e, char *out)
{
    char host[HOST_MAX];
    int64_t pid = getpid();
    int n;

    host_name(host);
    n = snprintf(out, OWNER_MAX, "%s/%lld/%lld/%08llx", host, (long long)pid,
                 (long long)process_start(pid), (unsigned long long)rng_below(e->rng, UINT32_MAX));
    return (struct str){out, (size_t)n};
}

bool lease_holder_is_dead(struct str owner)
{
    char host[HOST_MAX];
    struct str part;
    int64_t pid;
    int64_t start;

    host_name(host);
    if (!str_cut(&owner, '/', &part) || !str_eq_z(part, host) || !str_cut(&owner, '/', &part) ||
        !str_to_int(part, 1, INT32_MAX, &pid) || !str_cut(&owner, '/', &part) ||
        !str_to_int(part, 0, INT64_MAX, &start))
        return false;
    if (kill((pid_t)pid, 0) != 0 && errno == ESRCH)
        return true;
    return start != 0 && process_start(pid) != start;
}

bool lease_claim(const struct engine *e, struct db *db, int64_t job_no, struct str position,
                 struct job_lease *out, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    char text[OWNER_MAX];
    struct str owner = owner_text(e, text);
    int64_t now = clock_now(e->clock);
    const struct lease_stretch stretch = {.from = position, .began_us = now};
    struct err ignored;
    struct str holder;
    int64_t until;

    if (lease_take_for(db, job_no, owner, now, now + RUN_LEASE_US, &stretch, out, err))
        return true;
    if (err->kind != ERR_CONFLICT || !lease_holder(db, tmp, job_no, &holder, &until, &ignored) ||
        !lease_holder_is_dead(holder))
        return false;
    /* It counts as expired, whatever it says; the first record shortens the new one to its length.
     */
    return lease_take_for(db, job_no, owner, until, until + RUN_LEASE_US, &stretch, out, err);
}
