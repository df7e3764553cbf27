#include "provider/internal.h"

void pool_init(struct pool *pool, const struct db_config *config)
{
    *pool = (struct pool){.config = config};
    pthread_mutex_init(&pool->lock, NULL);
}

void pool_done(struct pool *pool)
{
    for (size_t i = 0; i < pool->count; i++)
        db_close(pool->free[i]);
    free(pool->free);
    pthread_mutex_destroy(&pool->lock);
}

bool pool_take(struct pool *pool, struct db **out, struct err *err)
{
    struct db *db = NULL;

    pthread_mutex_lock(&pool->lock);
    if (pool->count > 0)
        db = pool->free[--pool->count];
    pthread_mutex_unlock(&pool->lock);
    if (!db && !db_open(pool->config, &db, err))
        return false;
    *out = db;
    return true;
}

void pool_give(struct pool *pool, struct db *db)
{
    db_rollback(db);
    pthread_mutex_lock(&pool->lock);
    if (pool->count == pool->cap) {
        pool->cap = pool->cap * 2 + 8;
        pool->free = mem_realloc(pool->free, pool->cap * sizeof(struct db *));
    }
    pool->free[pool->count++] = db;
    pthread_mutex_unlock(&pool->lock);
}
