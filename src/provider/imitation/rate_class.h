/* How often requests of a class may come, for all keys of a tenant together (apps.md 5, rate). */
#pragma once

#include "base/json.h"

#include <pthread.h>

#define RATE_CLASS_MAX 16

/* Of a tenant, in this process. */
struct rate_classes {
    pthread_mutex_t lock; /* guards all below */
    struct {
        double tokens;
        int64_t filled_us; /* monotonic; 0: not yet */
    } buckets[RATE_CLASS_MAX];
};

/* {class: {requests, seconds, burst}}. ERR_INVALID "badSetting". */
MUST_USE bool rate_classes_check(const struct json *rates, struct err *err);

struct call;
/* Counts the request; microseconds to wait, 0: it may go on. */
int64_t rate_classes_take(const struct json *rates, struct rate_classes *state,
                          const struct call *c);
