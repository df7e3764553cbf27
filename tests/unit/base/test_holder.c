#include "base/holder.h"
#include "frame/frame.h"

#include <sys/wait.h>
#include <unistd.h>

static void the_living_and_others_are_not_dead(void **state)
{
    static const char *const names[] = {"", "x", "elsewhere/1/2/3", "9f0c0000-0000-4000-8000-0000"};
    char mine[HOLDER_MAX], again[HOLDER_MAX];
    struct str name = holder_name(rng_system(), mine);

    (void)state;
    CHECK(!holder_is_dead(name), "%s", mine);
    CHECK(!str_eq(name, holder_name(rng_system(), again)), "another one each time");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        CHECK(!holder_is_dead(str_from_z(names[i])), "'%s' is not known", names[i]);
}

/* A child that has ended is dead, waited for or not; so is one whose number another process has. */
static void the_dead_are_dead(void **state)
{
    char mine[HOLDER_MAX], text[HOLDER_MAX + 32];
    struct str rest, host, field;
    siginfo_t ended;
    pid_t child;

    (void)state;
    rest = holder_name(rng_system(), mine);
    str_cut(&rest, '/', &host);
    str_cut(&rest, '/', &field);
    snprintf(text, sizeof(text), "%.*s/%d/1/0", STR_ARG(host), getpid());
    CHECK(holder_is_dead(str_from_z(text)), "started at another time: %s", text);
    child = fork();
    if (child == 0)
        _exit(0);
    CHECK(waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT) == 0, "a child ends");
    snprintf(text, sizeof(text), "%.*s/%d/1234/0", STR_ARG(host), child);
    CHECK(holder_is_dead(str_from_z(text)), "a zombie");
    CHECK(waitpid(child, NULL, 0) == child, "gone");
    CHECK(holder_is_dead(str_from_z(text)), "gone");
}

TEST_GROUP(holder, cmocka_unit_test(the_living_and_others_are_not_dead),
           cmocka_unit_test(the_dead_are_dead));
