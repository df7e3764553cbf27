#include "cli/service.h"
#include "frame/frame.h"

static const struct {
    const char *text;
    const char *address; /* NULL: refused */
    uint16_t port;
} listens[] = {
    {"127.0.0.1:8080", "127.0.0.1", 8080},
    {"8081", "127.0.0.1", 8081},
    {":8081", "127.0.0.1", 8081},
    {"0.0.0.0:0", "0.0.0.0", 0},
    {"[::1]:443", "::1", 443},
    {"localhost:65535", "localhost", 65535},
    {"::1:443", NULL, 0},
    {"127.0.0.1:", NULL, 0},
    {"127.0.0.1:65536", NULL, 0},
    {"127.0.0.1:-1", NULL, 0},
    {"127.0.0.1:80x", NULL, 0},
    {"", NULL, 0},
};

static void listen_texts(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(listens); i++) {
        struct err err = {.kind = ERR_NONE};
        const char *address = "";
        uint16_t port = 1;
        bool ok = service_listen_parse(a, str_from_z(listens[i].text), &address, &port, &err);

        CHECK(ok == (listens[i].address != NULL), "'%s'", listens[i].text);
        if (ok) {
            CHECK_STR(str_from_z(address), listens[i].address, "'%s'", listens[i].text);
            CHECK(port == listens[i].port, "'%s'", listens[i].text);
        } else {
            CHECK_STR(str_from_z(err.code), "usage", "'%s'", listens[i].text);
        }
    }
}

static const struct {
    const char *text;
    unsigned bits; /* 0: refused */
} role_lists[] = {
    {"api", SERVICE_API},
    {"engine,provider", SERVICE_ENGINE | SERVICE_PROVIDER},
    {"api, engine, provider", SERVICE_ALL},
    {"", 0},
    {"engine,", 0},
    {"Engine", 0},
};

static void roles(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(role_lists); i++) {
        struct err err = {.kind = ERR_NONE};
        unsigned bits = 0;

        CHECK(service_roles_parse(str_from_z(role_lists[i].text), &bits, &err) ==
                  (role_lists[i].bits != 0),
              "'%s'", role_lists[i].text);
        CHECK(bits == role_lists[i].bits, "'%s'", role_lists[i].text);
    }
}

TEST_GROUP(service, cmocka_unit_test(listen_texts), cmocka_unit_test(roles));
