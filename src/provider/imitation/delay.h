/* Answers that are held back, to imitate an application that is slow (apps.md 5, latency). Internal
 * to provider/. */
#pragma once

#include "provider/internal.h"

struct delay {
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wake;
    pthread_t thread; /* started with the first answer that is held */
    bool started, stopping;
    struct delayed *first; /* by the time that they are due */
    size_t count;
};
void delay_init(struct delay *d);
/* Sends what is held at once. */
void delay_done(struct delay *d);
/* `latency` is milliseconds, or [least, most]. False when the answer is not held; type and body are
 * copied. */
bool delay_reply(const struct call *c, const struct json *latency, int status, const char *type,
                 struct str body);
