#include "base/clock.h"
#include "provider/internal.h"

void ids_init(struct ids *ids, struct rng *rng)
{
    rng->fill(rng, ids->key.key, sizeof(ids->key.key));
}

struct str ids_next(const struct call *c)
{
    const struct provider_config *config = &c->provider->config;
    const int64_t where[] = {c->tenant->no, clock_now(config->clock) / US_PER_SECOND};
    struct secret_mark first =
        secret_mark(&c->provider->ids.key, (struct str){(const char *)where, sizeof(where)});
    char id[UUID_TEXT_MAX];

    return arena_str(c->arena, uuid_new_at(config->rng, first.bytes, id));
}
