#include "cli/author.h"

#include "base/env.h"

#include <pwd.h>
#include <unistd.h>

struct str cli_author(struct cli *c)
{
    const char *sudo = getuid() == 0 ? env_get("SUDO_USER") : NULL;
    struct passwd *found = NULL;
    struct passwd entry;
    char buffer[1024];

    if (sudo && *sudo)
        return arena_str(c->arena, str_from_z(sudo));
    if (getpwuid_r(getuid(), &entry, buffer, sizeof(buffer), &found) == 0 && found)
        return arena_str(c->arena, str_from_z(found->pw_name));
    return arena_printf(c->arena, "uid %lu", (unsigned long)getuid());
}

bool cli_note(struct cli *c, const struct audit_change *change, struct err *err)
{
    CLEANUP(secret_key_done) struct secret_key key;

    if (!cli_secret_key(c, &key, err)) {
        key = (struct secret_key){0};
        return false;
    }
    return audit_append(c->db_handle,
                        &(struct audit){.key = &key, .clock = c->clock, .author = cli_author(c)},
                        change, err);
}
