#include "provider/access/guess.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <string.h>

#define WHOLE       INT64_C(1000000) /* a failure */
#define TENANT_RATE 20               /* a minute, and at once */
#define PEER_RATE   60
#define KEY_MAX     (1 + 8 + 256)

/* What counts as one place: an IPv4 address, or 64 bits of an IPv6 address. */
static size_t put_peer(struct str peer, char *out)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    unsigned char address[16];
    char text[INET6_ADDRSTRLEN];

    if (peer.len >= sizeof(text))
        return 0;
    memcpy(text, peer.ptr, peer.len);
    text[peer.len] = 0;
    if (inet_pton(AF_INET, text, address) == 1) {
        memcpy(out, address, 4);
        return 4;
    }
    if (inet_pton(AF_INET6, text, address) != 1)
        return 0;
    if (memcmp(address, mapped, sizeof(mapped)) == 0) {
        memcpy(out, address + 12, 4);
        return 4;
    }
    memcpy(out, address, 8);
    return 8;
}

static struct secret_mark mark_of(const struct guesses *g, struct str peer, struct str tenant)
{
    char key[KEY_MAX];
    size_t len = 1 + put_peer(peer, key + 1);

    key[0] = tenant.len > 0;
    tenant = str_sub(tenant, 0, sizeof(key) - len);
    if (tenant.len > 0)
        memcpy(key + len, tenant.ptr, tenant.len);
    return secret_mark(&g->marker, (struct str){key, len + tenant.len});
}

/* The slot of a mark, filled up to now; a new one takes the place of the one longest unused. */
static struct guess_slot *slot_of(struct guesses *g, const struct secret_mark *mark, int64_t rate,
                                  int64_t now_us)
{
    struct guess_slot *set = g->slots[(mark->bytes[0] | mark->bytes[1] << 8) % GUESS_SETS];
    struct guess_slot *slot = &set[0];
    int64_t since_us;

    for (size_t i = 0; i < GUESS_WAYS; i++) {
        if (set[i].filled_us != 0 && secret_mark_equal(&set[i].mark, mark)) {
            slot = &set[i];
            break;
        }
        if (set[i].filled_us < slot->filled_us)
            slot = &set[i];
    }
    if (slot->filled_us == 0 || !secret_mark_equal(&slot->mark, mark))
        *slot = (struct guess_slot){.mark = *mark, .tokens = rate * WHOLE, .filled_us = now_us};
    since_us = now_us - slot->filled_us;
    if (since_us > US_PER_MINUTE)
        since_us = US_PER_MINUTE;
    slot->tokens += since_us * rate / 60; /* rate a minute, in millionths a microsecond */
    if (slot->tokens > rate * WHOLE)
        slot->tokens = rate * WHOLE;
    slot->filled_us = now_us;
    return slot;
}

static int64_t wait_of(const struct guess_slot *slot, int64_t rate)
{
    return slot->tokens < WHOLE ? (WHOLE - slot->tokens) * 60 / rate + 1 : 0;
}

/* What is refused anyway counts nowhere, so that who goes on is let in again as the time passes. */
static int64_t take(struct guesses *g, struct str peer, struct str tenant, int64_t counted,
                    int64_t now_us)
{
    struct secret_mark mark = mark_of(g, peer, (struct str){0});
    struct secret_mark with_tenant = mark_of(g, peer, tenant.len > 0 ? tenant : STR("?"));
    struct guess_slot *of_tenant, *of_peer;
    int64_t wait_us, peer_us;

    pthread_mutex_lock(&g->lock);
    /* Of one set the first is not taken for the second, which has been used before it. */
    of_peer = slot_of(g, &mark, PEER_RATE, now_us);
    of_tenant = slot_of(g, &with_tenant, TENANT_RATE, now_us);
    wait_us = wait_of(of_tenant, TENANT_RATE);
    peer_us = wait_of(of_peer, PEER_RATE);
    if (wait_us == 0 && peer_us == 0) {
        of_tenant->tokens -= counted;
        of_peer->tokens -= counted;
    }
    pthread_mutex_unlock(&g->lock);
    return wait_us > peer_us ? wait_us : peer_us;
}

void guesses_init(struct guesses *g)
{
    secret_marker_init(&g->marker);
    pthread_mutex_init(&g->lock, NULL);
    memset(g->slots, 0, sizeof(g->slots));
}

void guesses_done(struct guesses *g)
{
    pthread_mutex_destroy(&g->lock);
}

int64_t guesses_wait(struct guesses *g, struct str peer, struct str tenant, int64_t now_us)
{
    return take(g, peer, tenant, 0, now_us);
}

int64_t guesses_failed(struct guesses *g, struct str peer, struct str tenant, int64_t now_us)
{
    return take(g, peer, tenant, WHOLE, now_us);
}
