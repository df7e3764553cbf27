/* SelectUniqueValue (expressions.md 6.4): before a create the target is asked for one candidate
 * after the other. A candidate is reserved from the moment it is asked for until the walk's outcome
 * is committed, so that two people on the walk at once never get the same value. */
#include "base/unicode.h"
#include "engine/cycle/run.h"

enum { ASKED_MAX = 100 };

struct walk_unique {
    void (*then)(struct walk *w);
    size_t attribute; /* the one being chosen for */
    bool chosen;      /* all have their value */
    /* Every evaluation draws the same random numbers, so that it comes by the same candidates. */
    uint64_t seed;
    struct str pending; /* the candidate to ask for */
    struct str free;    /* what the target said is not there */
    struct str taken[ASKED_MAX];
    size_t taken_count;
    struct str keys[WALK_UNIQUE_MAX]; /* reserved */
    size_t key_count;
};

static void choose(struct walk *w);

static const struct mapping_attribute *current(const struct walk *w)
{
    return &w->mapping->attributes[w->unique->attribute];
}

/* Target attribute and value; letter case counts where it counts in the target. */
static struct str key_of(struct walk *w, struct str value)
{
    const struct mapping_attribute *m = current(w);

    if (!m->case_exact)
        value = str_fold(w->arena, value);
    return arena_printf(w->arena, "%c%.*s=%.*s", '0' + (int)w->entry.kind, STR_ARG(m->target),
                        STR_ARG(value));
}

static bool reserve(struct walk *w, struct str value)
{
    struct walk_unique *u = w->unique;
    struct str key = key_of(w, value);
    const struct walk *owner = map_get(&w->run->reserved, key);

    if (owner)
        return owner == w;
    if (u->key_count == WALK_UNIQUE_MAX)
        return false;
    map_put(&w->run->reserved, key, w);
    u->keys[u->key_count++] = key;
    return true;
}

static void release_last(struct walk *w)
{
    struct walk_unique *u = w->unique;

    if (u->key_count > 0)
        map_take(&w->run->reserved, u->keys[--u->key_count]);
}

void unique_release(struct walk *w)
{
    while (w->unique && w->unique->key_count > 0)
        release_last(w);
}

/* What is known of a candidate. False when the target has to be asked first. */
static bool answer(void *ctx, struct str target_attribute, struct str value, bool *out_taken,
                   struct err *err)
{
    struct walk *w = ctx;
    struct walk_unique *u = w->unique;

    (void)target_attribute;
    *out_taken = true;
    for (size_t i = 0; i < u->taken_count; i++) {
        if (str_eq(u->taken[i], value))
            return true;
    }
    *out_taken = false;
    if (u->free.ptr && str_eq(u->free, value))
        return true;
    *out_taken = !reserve(w, value);
    if (*out_taken)
        return true;
    if (u->taken_count == ASKED_MAX) {
        return err_set(err, ERR_INVALID, "NotUnique", "%d candidates were tried and are taken",
                       ASKED_MAX);
    }
    u->pending = arena_str(w->arena, value);
    return err_set(err, ERR_UNAVAILABLE, "NotUnique", "the target has not been asked yet");
}

static void on_asked(void *ctx, const struct target_result *result)
{
    struct walk *w = ctx;
    struct walk_unique *u = w->unique;

    w->requests++;
    if (result->status != TARGET_OK) {
        export_failed(w, result, STEP_PROCESSING, "EntrySynchronizationAdd", choose);
        return;
    }
    walk_step(w, STEP_PROCESSING, "SelectUniqueValue", STATUS_SUCCESS, "'%.*s' is %s as %.*s",
              STR_ARG(u->pending), result->record_count > 0 ? "taken" : "free",
              STR_ARG(current(w)->target));
    if (result->record_count > 0) {
        u->taken[u->taken_count++] = u->pending;
        release_last(w);
    } else {
        u->free = u->pending;
    }
    choose(w);
}

static void ask_target(struct walk *w)
{
    struct target *t = w->run->target;
    struct mapping_criterion by = {
        .attributes = {current(w)},
        .values = {json_string(w->arena, w->unique->pending)},
        .count = 1,
    };

    t->ops->find(t, w->mapping, &by, on_asked, w);
}

/* Evaluates one attribute with what is known of its candidates. */
static bool evaluate(struct walk *w, struct err *err)
{
    const struct walk_job *j = &w->run->walk_job;
    struct walk_unique *u = w->unique;
    struct rng_seeded rng;
    struct mapping_source source = {.kind = w->entry.kind, .attributes = w->entry.attributes};
    struct mapping_context context = {
        .now_us = j->now_us, .rng = &rng.rng, .taken = answer, .taken_ctx = w};

    rng_seeded_init(&rng, u->seed);
    u->pending = (struct str){0};
    return mapping_evaluate_one(w->mapping, u->attribute, &source, &context, w->arena,
                                &w->values[u->attribute], err);
}

static void choose(struct walk *w)
{
    struct walk_unique *u = w->unique;
    struct err err = {0};

    for (; u->attribute < w->mapping->attribute_count; u->attribute++) {
        if (!current(w)->selects_unique)
            continue;
        if (!evaluate(w, &err)) {
            if (u->pending.ptr) {
                ask_target(w);
                return;
            }
            walk_step(w, STEP_PROCESSING, "SelectUniqueValue", STATUS_FAILURE, "%s", err.message);
            walk_fail(w, TARGET_PERMANENT, err.code, "%s: %s", err.place, err.message);
            export_finish(w);
            return;
        }
        u->taken_count = 0;
        u->free = (struct str){0};
    }
    u->chosen = true;
    u->then(w);
}

static bool selects(const struct mapping_object *m)
{
    for (size_t i = 0; i < m->attribute_count; i++) {
        if (m->attributes[i].selects_unique)
            return true;
    }
    return false;
}

bool unique_begin(struct walk *w, void (*then)(struct walk *w))
{
    if ((w->unique && w->unique->chosen) || !selects(w->mapping))
        return false;
    w->unique = ARENA_NEW(w->arena, struct walk_unique);
    w->unique->then = then;
    w->unique->seed = rng_u64(w->run->engine->rng);
    choose(w);
    return true;
}
