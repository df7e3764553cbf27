#include "notify/host.h"

bool notify_host_is_local(struct str host)
{
    struct str rest = host;
    struct str part;
    int64_t n;
    int parts = 0;
    bool more = true;

    if (str_eq_ascii_nocase(host, STR("localhost")) || str_eq_z(host, "::1"))
        return true;
    if (!str_starts(host, STR("127.")))
        return false;
    for (; more; parts++) { /* "127.evil.example" is a name */
        more = str_cut(&rest, '.', &part);
        if (!str_to_int(part, 0, 255, &n))
            return false;
    }
    return parts == 4;
}
