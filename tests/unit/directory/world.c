#include "world.h"

#include <string.h>

void world_open(struct world *w, const struct db_config *config)
{
    *w = (struct world){.a = arena_new()};
    clock_fixed_init(&w->clock, INT64_C(1767225600000000));
    rng_seeded_init(&w->rng, 7);
    OK(w, db_open(config, &w->db, &w->err));
}

void world_close(struct world *w)
{
    db_close(w->db);
    arena_free(w->a);
}

void world_begin(struct world *w)
{
    w->clock.now += US_PER_SECOND;
    OK(w, directory_begin(w->db, &w->clock.clock, &w->rng.rng, &w->tx, &w->err));
}

void world_commit(struct world *w)
{
    OK(w, directory_commit(&w->tx, &w->err));
}

struct json *world_patch(struct world *w, const char *json)
{
    char *text = arena_z(w->a, str_from_z(json));
    struct json *v;

    for (char *p = text; *p; p++) {
        if (*p == '\'')
            *p = '"';
    }
    OK(w, json_parse(w->a, str_from_z(text), NULL, &v, NULL, &w->err));
    return v;
}

static struct str insert(struct world *w, enum source_kind kind, const struct json *patch)
{
    struct str id;

    world_begin(w);
    OK(w, directory_insert(&w->tx, w->a, kind, STR(""), patch, &id, &w->err));
    world_commit(w);
    return id;
}

struct str world_user(struct world *w, const char *upn, const char *name)
{
    struct json *patch = json_new(w->a, JSON_OBJECT);

    json_add_z(w->a, patch, "userPrincipalName", upn);
    json_add_z(w->a, patch, "displayName", name);
    return insert(w, SOURCE_USER, patch);
}

struct str world_group(struct world *w, const char *name)
{
    struct json *patch = json_new(w->a, JSON_OBJECT);

    json_add_z(w->a, patch, "displayName", name);
    return insert(w, SOURCE_GROUP, patch);
}

struct directory_object world_load(struct world *w, struct str id)
{
    struct directory_object o;
    bool found;

    OK(w, directory_load(w->db, w->a, id, &o, &found, &w->err));
    CHECK(found, "%.*s", STR_ARG(id));
    return o;
}

bool world_update(struct world *w, struct str id, const char *patch)
{
    struct directory_object o = world_load(w, id);
    bool changed;

    world_begin(w);
    OK(w, directory_update(&w->tx, w->a, &o, world_patch(w, patch), &changed, &w->err));
    world_commit(w);
    return changed;
}

void world_join(struct world *w, struct str group, struct str member)
{
    bool changed;

    world_begin(w);
    OK(w, directory_member_add(&w->tx, group, member, &changed, &w->err));
    world_commit(w);
}

void world_leave(struct world *w, struct str group, struct str member)
{
    bool changed;

    world_begin(w);
    OK(w, directory_member_remove(&w->tx, group, member, &changed, &w->err));
    world_commit(w);
}

void world_assign(struct world *w, const char *app, struct str principal, const char *role)
{
    struct directory_role r = {.id = str_from_z(role), .value = str_from_z(role)};
    struct directory_object o = world_load(w, principal);
    bool changed;

    world_begin(w);
    OK(w, directory_assign(&w->tx, str_from_z(app), &o, &r, &changed, &w->err));
    world_commit(w);
}

int64_t world_position(struct world *w)
{
    int64_t seq;

    OK(w, directory_feed_position(w->db, &seq, &w->err));
    return seq;
}
