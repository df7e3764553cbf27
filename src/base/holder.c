#include "base/holder.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { HOST_MAX = 80 };

#define ENDED (-1) /* a zombie that nobody has waited for */

/* When a process started, in clock ticks since boot; ENDED; 0 when the system does not tell. */
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
    str_cut(&rest, ' ', &field); /* field 3 of proc(5) */
    if (str_eq_z(field, "Z") || str_eq_z(field, "X"))
        return ENDED;
    for (int i = 4; i <= 22; i++)
        str_cut(&rest, ' ', &field);
    return str_to_int(field, 0, INT64_MAX, &start) ? start : 0;
}

static void host_name(char *out)
{
    if (gethostname(out, HOST_MAX) != 0)
        snprintf(out, HOST_MAX, "localhost");
    out[HOST_MAX - 1] = '\0';
}

struct str holder_name(struct rng *rng, char *out)
{
    char host[HOST_MAX];
    int64_t pid = getpid();
    int n;

    host_name(host);
    n = snprintf(out, HOLDER_MAX, "%s/%lld/%lld/%08llx", host, (long long)pid,
                 (long long)process_start(pid), (unsigned long long)rng_below(rng, UINT32_MAX));
    return (struct str){out, (size_t)n};
}

bool holder_is_dead(struct str name)
{
    char host[HOST_MAX];
    struct str part;
    int64_t pid, start, now;

    host_name(host);
    if (!str_cut(&name, '/', &part) || !str_eq_z(part, host) || !str_cut(&name, '/', &part) ||
        !str_to_int(part, 1, INT32_MAX, &pid) || !str_cut(&name, '/', &part) ||
        !str_to_int(part, 0, INT64_MAX, &start))
        return false;
    if (kill((pid_t)pid, 0) != 0 && errno == ESRCH)
        return true;
    now = process_start(pid);
    return start != 0 && now != 0 && now != start;
}
