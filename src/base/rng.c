#include "base/rng.h"

#include <pthread.h>
#include <sodium.h>

enum { UUID_BYTES = 16 };

static pthread_once_t sodium_once = PTHREAD_ONCE_INIT;

static void start_sodium(void)
{
    if (sodium_init() < 0) {
        fputs("usher: libsodium has no source of randomness\n", stderr);
        abort();
    }
}

static void fill_system(struct rng *r, void *out, size_t size)
{
    (void)r;
    randombytes_buf(out, size);
}

struct rng *rng_system(void)
{
    static struct rng system = {.fill = fill_system}; /* never written */

    pthread_once(&sodium_once, start_sodium);
    return &system;
}

/* splitmix64 */
static uint64_t next_seeded(struct rng_seeded *r)
{
    uint64_t z = r->state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static void fill_seeded(struct rng *r, void *out, size_t size)
{
    char *to = out;

    while (size > 0) {
        uint64_t n = next_seeded((struct rng_seeded *)r);
        size_t part = size < sizeof(n) ? size : sizeof(n);

        memcpy(to, &n, part);
        to += part;
        size -= part;
    }
}

void rng_seeded_init(struct rng_seeded *r, uint64_t seed)
{
    *r = (struct rng_seeded){.rng.fill = fill_seeded, .state = seed};
}

uint64_t rng_u64(struct rng *r)
{
    uint64_t n;

    r->fill(r, &n, sizeof(n));
    return n;
}

uint64_t rng_below(struct rng *r, uint64_t limit)
{
    uint64_t cut; /* 2^64 modulo limit: below it lies the part that would weigh double */
    uint64_t n;

    if (limit < 2)
        return 0;
    cut = -limit % limit;
    do {
        n = rng_u64(r);
    } while (n < cut);
    return n % limit;
}

static struct str write_uuid(unsigned char *bytes, char *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;

    bytes[6] = (unsigned char)((bytes[6] & 0x0F) | 0x40); /* version 4 */
    bytes[8] = (unsigned char)((bytes[8] & 0x3F) | 0x80); /* variant of RFC 9562 */
    for (size_t i = 0; i < UUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[at++] = '-';
        out[at++] = digits[bytes[i] >> 4];
        out[at++] = digits[bytes[i] & 15];
    }
    out[at] = '\0';
    return (struct str){out, at};
}

struct str uuid_new(struct rng *r, char *out)
{
    unsigned char bytes[UUID_BYTES];

    r->fill(r, bytes, sizeof(bytes));
    return write_uuid(bytes, out);
}

struct str uuid_new_at(struct rng *r, const unsigned char first[4], char *out)
{
    unsigned char bytes[UUID_BYTES];

    memcpy(bytes, first, 4);
    r->fill(r, bytes + 4, sizeof(bytes) - 4);
    return write_uuid(bytes, out);
}

bool uuid_valid(struct str text)
{
    if (text.len != UUID_TEXT_MAX - 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = ascii_lower(text.ptr[i]);

        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (c != '-')
                return false;
        } else if (!ascii_is_digit(c) && (c < 'a' || c > 'f')) {
            return false;
        }
    }
    return true;
}
