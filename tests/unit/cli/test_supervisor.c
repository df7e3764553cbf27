#include "base/arena.h"
#include "cli/supervisor.h"
#include "frame/frame.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A supervisor's socket; name as in NOTIFY_SOCKET. */
static int listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    memcpy(address.sun_path, name, strlen(name));
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    CHECK(fd >= 0 && bind(fd, (const struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))) == 0,
          "%s", name);
    return fd;
}

static void is_told(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *const names[] = {
        arena_printf(a, "%s/notify", test_temp_dir()).ptr,
        arena_printf(a, "@usher-test-%d", (int)getpid()).ptr,
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        int fd = listen_at(names[i]);
        char got[64];
        ssize_t n;

        setenv("NOTIFY_SOCKET", names[i], 1);
        supervisor_tell("READY=1");
        n = recv(fd, got, sizeof(got), 0);
        CHECK_STR(((struct str){got, n > 0 ? (size_t)n : 0}), "READY=1", "%s", names[i]);
        close(fd);
    }
    unsetenv("NOTIFY_SOCKET");
}

/* Nobody there, or no socket at all: the service goes on. */
static void nobody_listens(void **state)
{
    static const char *const names[] = {"", "/", "relative", "/nonexistent/notify", "@nobody"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        supervisor_tell("READY=1");
    }
    unsetenv("NOTIFY_SOCKET");
    supervisor_tell("READY=1");
}

TEST_GROUP(supervisor, cmocka_unit_test(is_told), cmocka_unit_test(nobody_listens));
