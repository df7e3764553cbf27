#include "provider/internal.h"

void ids_init(struct ids *ids, struct rng *rng)
{
    pthread_mutex_init(&ids->lock, NULL);
    uuid_run_init(&ids->run, rng);
}

void ids_done(struct ids *ids)
{
    pthread_mutex_destroy(&ids->lock);
}

struct str ids_next(struct ids *ids, struct arena *a)
{
    char id[UUID_TEXT_MAX];

    pthread_mutex_lock(&ids->lock);
    uuid_run_next(&ids->run, id);
    pthread_mutex_unlock(&ids->lock);
    return arena_str(a, (struct str){id, UUID_TEXT_MAX - 1});
}
