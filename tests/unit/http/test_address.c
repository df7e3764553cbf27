#include "frame/frame.h"
#include "http/client/address.h"

#include <arpa/inet.h>

static const char *judge(const char *text, bool deny_private)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_in four = {.sin_family = AF_INET};

    if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
        return http_address_refused((struct sockaddr *)&four, deny_private);
    CHECK(inet_pton(AF_INET6, text, &six.sin6_addr) == 1, "%s", text);
    return http_address_refused((struct sockaddr *)&six, deny_private);
}

static void judges(void **state)
{
    enum { NEVER, PRIVATE, FREE };
    static const struct {
        const char *address;
        int what;
    } cases[] = {
        {"0.0.0.0", NEVER},
        {"0.1.2.3", NEVER},
        {"169.254.0.1", NEVER},
        {"169.254.169.254", NEVER},
        {"100.100.100.200", NEVER},
        {"224.0.0.1", NEVER},
        {"239.255.255.255", NEVER},
        {"255.255.255.255", NEVER},
        {"::", NEVER},
        {"fe80::1", NEVER},
        {"febf::1", NEVER},
        {"ff02::1", NEVER},
        {"fd00:ec2::254", NEVER},
        {"::ffff:169.254.1.1", NEVER},
        {"::ffff:0.0.0.0", NEVER},
        {"64:ff9b::169.254.169.254", NEVER},
        {"::169.254.169.254", NEVER},
        {"2002:a9fe:a9fe::1", NEVER},
        {"127.0.0.1", PRIVATE},
        {"127.255.255.254", PRIVATE},
        {"10.1.2.3", PRIVATE},
        {"172.16.0.1", PRIVATE},
        {"172.31.255.255", PRIVATE},
        {"192.168.1.1", PRIVATE},
        {"100.64.0.1", PRIVATE},
        {"::1", PRIVATE},
        {"fc00::1", PRIVATE},
        {"fd12:3456::1", PRIVATE},
        {"::ffff:10.0.0.1", PRIVATE},
        {"::ffff:127.0.0.1", PRIVATE},
        {"64:ff9b::10.0.0.1", PRIVATE},
        {"8.8.8.8", FREE},
        {"169.253.255.255", FREE},
        {"169.255.0.0", FREE},
        {"172.15.255.255", FREE},
        {"172.32.0.0", FREE},
        {"223.255.255.255", FREE},
        {"100.63.255.255", FREE},
        {"100.128.0.0", FREE},
        {"2606:4700::1111", FREE},
        {"fec0::1", PRIVATE},
        {"::ffff:8.8.8.8", FREE},
        {"2002:808:808::1", FREE},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *open = judge(cases[i].address, false);
        const char *strict = judge(cases[i].address, true);

        CHECK((open != NULL) == (cases[i].what == NEVER), "%s: %s", cases[i].address,
              open ? open : "allowed");
        CHECK((strict != NULL) == (cases[i].what != FREE), "%s with deny_private: %s",
              cases[i].address, strict ? strict : "allowed");
    }
}

TEST_GROUP(address, cmocka_unit_test(judges))
