/* Lists that have to look at many resources wait in a line of their own: whatever they take, the
 * server's workers, and with them everybody else's requests, do not wait for them. */
#include "provider/lists/list.h"

static void *run_scans(void *ctx)
{
    struct scans *s = ctx;

    pthread_mutex_lock(&s->lock);
    for (;;) {
        struct list *l = s->first;

        if (!l && s->closing)
            break;
        if (!l) {
            pthread_cond_wait(&s->more, &s->lock);
            continue;
        }
        s->first = l->next;
        if (!s->first)
            s->last = NULL;
        s->waiting--;
        pthread_mutex_unlock(&s->lock);
        list_run(l);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

bool scans_start(struct scans *s, struct err *err)
{
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->more, NULL);
    for (s->count = 0; s->count < SCAN_THREADS; s->count++) {
        if (pthread_create(&s->threads[s->count], NULL, run_scans, s) != 0)
            return err_set(err, ERR_INTERNAL, "noThread", "cannot start a thread for lists");
    }
    return true;
}

void scans_stop(struct scans *s)
{
    pthread_mutex_lock(&s->lock);
    s->closing = true;
    pthread_cond_broadcast(&s->more);
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < s->count; i++)
        pthread_join(s->threads[i], NULL);
    pthread_cond_destroy(&s->more);
    pthread_mutex_destroy(&s->lock);
}

bool scans_submit(struct scans *s, struct list *l, struct err *err)
{
    bool fits;

    l->next = NULL;
    pthread_mutex_lock(&s->lock);
    fits = s->waiting < SCAN_WAITING_MAX && !s->closing;
    if (fits) {
        *(s->last ? &s->last->next : &s->first) = l;
        s->last = l;
        s->waiting++;
        pthread_cond_signal(&s->more);
    }
    pthread_mutex_unlock(&s->lock);
    return fits || err_set(err, ERR_UNAVAILABLE, "tooManyLists",
                           "too many lists without an index are asked for at the moment");
}
