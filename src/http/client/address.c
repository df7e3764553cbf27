#include "http/client/address.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct block4 {
    uint32_t network; /* host byte order */
    unsigned bits;
    const char *what;
    bool only_private; /* refused with deny_private only */
};

static const struct block4 blocks4[] = {
    {0x00000000, 8, "an unspecified address", false},
    {0xa9fe0000, 16, "a link-local address", false},           /* 169.254/16, cloud metadata too */
    {0x646464c8, 32, "a cloud metadata address", false},       /* 100.100.100.200 */
    {0xe0000000, 4, "a multicast address", false},             /* 224/4 */
    {0xf0000000, 4, "a reserved or broadcast address", false}, /* 240/4 */
    {0x7f000000, 8, "a loopback address", true},
    {0x0a000000, 8, "a private address", true},
    {0xac100000, 12, "a private address", true},
    {0xc0a80000, 16, "a private address", true},
    {0x64400000, 10, "a private address", true}, /* 100.64/10, carrier-grade NAT */
};

struct block6 {
    unsigned char network[16];
    unsigned bits;
    const char *what;
    bool only_private;
};

static const struct block6 blocks6[] = {
    {{0}, 128, "an unspecified address", false},
    {{0xfe, 0x80}, 10, "a link-local address", false},
    {{0xfd, 0x00, 0x0e, 0xc2, [15] = 0x54, [14] = 0x02}, 128, "a cloud metadata address", false},
    {{0xff}, 8, "a multicast address", false},
    {{[15] = 1}, 128, "a loopback address", true},
    {{0xfc}, 7, "a private address", true},
    {{0xfe, 0xc0}, 10, "a private address", true},
};

/* An IPv4 address in an IPv6 one is judged as what it is: mapped, compatible, NAT64, 6to4. */
static const struct {
    unsigned char prefix[16];
    unsigned bits;
    unsigned at; /* byte where the IPv4 address begins */
} embeddings[] = {
    {{[10] = 0xff, [11] = 0xff}, 96, 12},
    {{0}, 96, 12},
    {{0x00, 0x64, 0xff, 0x9b}, 96, 12},
    {{0x20, 0x02}, 16, 2},
};

static bool in_block(const unsigned char *address, const unsigned char *network, unsigned bits)
{
    for (unsigned i = 0; i < bits; i++) {
        unsigned char mask = (unsigned char)(0x80 >> i % 8);

        if ((address[i / 8] & mask) != (network[i / 8] & mask))
            return false;
    }
    return true;
}

static const char *refused4(uint32_t address, bool deny_private)
{
    for (size_t i = 0; i < ARRAY_LEN(blocks4); i++) {
        const struct block4 *b = &blocks4[i];

        if ((address ^ b->network) >> (32 - b->bits) == 0 && (deny_private || !b->only_private))
            return b->what;
    }
    return NULL;
}

static const char *refused6(const unsigned char *address, bool deny_private)
{
    static const unsigned char loopback[16] = {[15] = 1};

    for (size_t i = 0; i < ARRAY_LEN(blocks6); i++) {
        const struct block6 *b = &blocks6[i];

        if (in_block(address, b->network, b->bits) && (deny_private || !b->only_private))
            return b->what;
    }
    for (size_t i = 0; i < ARRAY_LEN(embeddings); i++) {
        const unsigned char *four = address + embeddings[i].at;

        if (in_block(address, embeddings[i].prefix, embeddings[i].bits) &&
            !in_block(address, loopback, 128)) {
            return refused4((uint32_t)four[0] << 24 | (uint32_t)four[1] << 16 |
                                (uint32_t)four[2] << 8 | four[3],
                            deny_private);
        }
    }
    return NULL;
}

const char *http_address_refused(const struct sockaddr *address, bool deny_private)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;

        return refused4(ntohl(four->sin_addr.s_addr), deny_private);
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address;

        return refused6(six->sin6_addr.s6_addr, deny_private);
    }
    return "not an internet address";
}
