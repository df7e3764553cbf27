/* How a thread that looks for work now and then is ended: it rests between two looks, and stopping
 * wakes it. Any number of threads may rest on one. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct stopper {
    pthread_mutex_t lock; /* of wake */
    pthread_cond_t wake;
    atomic_bool stop; /* for whoever works to look at */
};

void stopper_init(struct stopper *s);
void stopper_rest(struct stopper *s, int seconds); /* until then or until stopped; monotonic */
void stopper_stop(struct stopper *s);              /* the threads are still to be joined */
void stopper_done(struct stopper *s);              /* when nobody rests on it any more */
