/* Failed authentications, limited by the address that they come from (scim.md 12 and 15): 20 a
 * minute for a tenant, 60 for all together, in a table of fixed size. An IPv6 address counts as its
 * network of 64 bits. While an address is over the limit nothing is looked up for it and nothing it
 * guesses is told right or wrong; keys that this process knows go on working. Internal to
 * provider/. */
#pragma once

#include "base/secret.h"
#include "base/str.h"

#include <pthread.h>

#define GUESS_SETS 1024
#define GUESS_WAYS 4

struct guess_slot {
    struct secret_mark mark; /* of the address, alone or with a tenant's name */
    int64_t tokens;          /* failures that may still come, in millionths */
    int64_t filled_us;       /* when that was so; 0: the slot is free */
};

struct guesses {
    struct secret_marker marker; /* never changed: nobody can choose places in the table */
    pthread_mutex_t lock;        /* guards the slots */
    struct guess_slot slots[GUESS_SETS][GUESS_WAYS];
};
void guesses_init(struct guesses *g);
void guesses_done(struct guesses *g);

/* Microseconds until the address may fail again at this tenant (which need not exist); 0: it may
 * now. `now_us` is monotonic. */
int64_t guesses_wait(struct guesses *g, struct str peer, struct str tenant, int64_t now_us);
/* The same, and counts a failure. */
int64_t guesses_failed(struct guesses *g, struct str peer, struct str tenant, int64_t now_us);
