/* What scoping filters ask about others than the object itself: its manager's attributes, and
 * groups by their display name (scoping-filters.md 2). Both come from the source; the stations that
 * use them stay pure. */
#include "base/unicode.h"
#include "engine/cycle/run.h"

/* A person without manager, or whose manager is gone, has none: that is a value, and no failure. */
static bool manager_of(void *ctx, const struct source_entry *entry, struct arena *a,
                       const struct json **out, struct err *err)
{
    struct run *r = ctx;
    struct str id = json_get_text(entry->attributes, "manager");
    struct source_entry manager;
    bool found = false;

    *out = NULL;
    if (id.len == 0)
        return true;
    if (!r->source->ops->read(r->source, id, a, &manager, &found, err))
        return err_wrap(err, "the manager of '%.*s'", STR_ARG(entry->display_name));
    if (found && !manager.gone)
        *out = manager.attributes;
    return true;
}

static bool find_group(struct run *r, struct str name, struct str *out_id, struct err *err)
{
    struct source_entry entry;

    if (!r->source->ops->find(r->source, name, r->arena, &entry, err))
        return err_wrap(err, "the filter names the group '%.*s'", STR_ARG(name));
    if (entry.kind != SOURCE_GROUP) {
        return err_set(err, ERR_NOT_FOUND, "groupNotFound",
                       "the filter names the group '%.*s', but that is no group", STR_ARG(name));
    }
    *out_id = arena_str(r->arena, entry.id);
    return true;
}

/* Names are looked up once a run. */
static bool known_group(struct run *r, struct str name, struct str *out_id, struct err *err)
{
    struct str *known = map_get(&r->group_ids, name);

    if (!known) {
        known = ARENA_NEW(r->arena, struct str);
        if (!find_group(r, name, known, err))
            return false;
        map_put(&r->group_ids, arena_str(r->arena, name), known);
    }
    *out_id = *known;
    return true;
}

static struct str group_id(void *ctx, struct str name)
{
    struct str id = {0};
    struct err ignored;

    return known_group(ctx, name, &id, &ignored) ? id : (struct str){0};
}

static bool uses_default_domain(const struct run *r)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    const struct mapping_program *p = r->walk_job.program;
    size_t at;

    for (size_t i = 0; i < p->object_count; i++) {
        for (size_t k = 0; k < p->objects[i].attribute_count; k++) {
            if (str_find(str_fold(tmp, p->objects[i].attributes[k].source_text),
                         STR("defaultdomain"), &at))
                return true;
        }
    }
    return false;
}

/* Tells the source what the job needs of it, and asks it what expressions need. */
static bool configure_source(struct run *r, struct err *err)
{
    const struct mapping_object *users = mapping_for(r->walk_job.program, SOURCE_USER);
    struct source_needs needs = {
        .nested_groups = r->settings.nested_groups,
        .reports = users && users->enabled && mapping_needs_manager(users),
    };

    if (r->source->ops->configure)
        r->source->ops->configure(r->source, &needs);
    r->walk_job.default_domain = r->settings.default_domain;
    return r->walk_job.default_domain.len > 0 || !r->source->ops->default_domain ||
           !uses_default_domain(r) ||
           r->source->ops->default_domain(r->source, r->arena, &r->walk_job.default_domain, err);
}

bool others_open(struct run *r, struct err *err)
{
    const struct mapping_program *p = r->walk_job.program;

    r->walk_job.others =
        (struct walk_others){.manager_of = manager_of, .group_id = group_id, .ctx = r};
    if (!configure_source(r, err))
        return false;
    for (size_t i = 0; i < p->object_count; i++) {
        const struct str *names;
        size_t count = mapping_group_names(&p->objects[i], &names);

        /* A name that means nothing would put everybody out of scope: the run does not begin. */
        for (size_t k = 0; k < count; k++) {
            struct str id;

            if (!known_group(r, names[k], &id, err))
                return false;
        }
    }
    return true;
}
