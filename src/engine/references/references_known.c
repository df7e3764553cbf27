/* Who is in a group as far as this engine has put them there, for a target that is sent groups as a
 * whole and does not show their members (target.h): what was exported, and what walks of the group
 * have sent since that the recorder has not committed yet. */
#include "engine/references/references.h"

/* The accounts that the walks of the group have sent in a leg. */
static void collect_sent(struct run *r, struct str group_id, enum reference_leg leg,
                         void (*visit)(void *ctx, struct str id), void *ctx)
{
    for (struct walk *w = map_get(&r->under_way, group_id); w && w->second; w = w->second->before) {
        const struct walk_references *s = w->second;

        for (size_t i = 0; s->leg == leg && i < s->member_count; i++) {
            const struct walk_member *m = &s->members[i];

            if (m->outcome == MEMBER_SENT && m->target_id.len > 0)
                visit(ctx, m->target_id);
        }
    }
}

struct collected {
    struct arena *a;
    struct target_membership *out;
    size_t max;
    struct map left, there; /* accounts; keys in walks or in a */
};

static void collected_done(struct collected *c)
{
    map_done(&c->left);
    map_done(&c->there);
}

static void has_left(void *ctx, struct str id)
{
    struct collected *c = ctx;

    map_put(&c->left, id, c);
}

static void is_there(void *ctx, struct str id)
{
    struct collected *c = ctx;

    if (map_get(&c->left, id) || map_put(&c->there, id, c))
        return;
    if (c->out->count == c->max) {
        c->out->more = true;
        return;
    }
    c->out->ids[c->out->count++] = arena_str(c->a, id);
}

static bool load(struct run *r, const struct connection *group, size_t max, struct arena *a,
                 struct target_membership *out, struct err *err)
{
    CLEANUP(collected_done) struct collected c = {.a = a, .out = out, .max = max};
    struct str *ids;
    size_t count;

    *out = (struct target_membership){
        .ids = ARENA_ARRAY(a, struct str, max),
        .ours = group->origin == CONNECTION_CREATED,
    };
    collect_sent(r, group->source_id, LEG_LEAVES, has_left, &c);
    /* Those that have left are still among them. */
    if (!exported_member_accounts(r->db, a, r->job.no, group->source_id, max + c.left.count + 1,
                                  &ids, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        is_there(&c, ids[i]);
    collect_sent(r, group->source_id, LEG_JOINS, is_there, &c);
    return true;
}

static bool known_members(struct target_known *k, struct str id, size_t max, struct arena *a,
                          struct target_membership *out, struct err *err)
{
    struct run *r = ((struct run_known *)k)->run;
    struct connection group;
    bool found;

    if (!connection_find_target(r->db, a, r->job.no, id, &group, &found, err))
        return false;
    if (found)
        return load(r, &group, max, a, out, err);
    *out = (struct target_membership){0};
    return true;
}

void references_tell_target(struct run *r)
{
    r->known = (struct run_known){.base = {.members = known_members}, .run = r};
    r->target->known = &r->known.base;
}
