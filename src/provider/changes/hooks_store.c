#include "provider/changes/hooks.h"
#include "provider/changes/webhook.h"
#include "provider/tenant.h"

#include <string.h>

#define DEAD_EVERY_US US_PER_SECOND

/* --- Looking --- */

static bool is_known(const struct hooks *h, int64_t tenant_no)
{
    for (size_t i = 0; i < HOOKS_MAX; i++) {
        if (h->all[i].state != HOOK_FREE && h->all[i].tenant_no == tenant_no)
            return true;
    }
    return false;
}

static struct hook *free_place(struct hooks *h)
{
    for (size_t i = 0; i < HOOKS_MAX; i++) {
        if (h->all[i].state == HOOK_FREE)
            return &h->all[i];
    }
    return NULL;
}

/* Nobody sends any more what a dead process has claimed, so it is released before its time. */
static bool look_for_dead(struct hooks *h, struct db *db, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct hook *hook = free_place(h);
    bool row;

    if (!hook || clock_monotonic_us() < h->dead_us)
        return true;
    h->dead_us = clock_monotonic_us() + DEAD_EVERY_US;
    if (!db_select(db, provider_query(PROVIDER_WEBHOOK_CLAIMED),
                   DB_ARGS(db_int(clock_now(h->provider->config.clock))), &st, err))
        return false;
    for (; hook; hook = free_place(h)) {
        struct str claim;

        if (!db_step(st, &row, err))
            return false;
        if (!row)
            return true;
        claim = db_col_text(st, 1);
        if (is_known(h, db_col_int(st, 0)) || claim.len >= sizeof(hook->claim) ||
            !holder_is_dead(claim))
            continue;
        hook->tenant_no = db_col_int(st, 0);
        memcpy(hook->claim, claim.ptr, claim.len);
        hook->claim[claim.len] = 0;
        hook->state = HOOK_RELEASE;
    }
    return true;
}

static bool look_for_due(struct hooks *h, struct db *db, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct hook *hook = free_place(h);
    bool row;

    if (!hook)
        return true;
    if (!db_select(db, provider_query(PROVIDER_WEBHOOK_DUE),
                   DB_ARGS(db_int(clock_now(h->provider->config.clock)), db_int(HOOKS_MAX)), &st,
                   err))
        return false;
    for (; hook; hook = free_place(h)) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            return true;
        if (is_known(h, db_col_int(st, 0)))
            continue;
        hook->tenant_no = db_col_int(st, 0);
        hook->state = HOOK_DUE;
    }
    return true;
}

static bool look_for_any(struct hooks *h, struct db *db, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, provider_query(PROVIDER_WEBHOOK_ANY), DB_NO_ARGS, &st, err))
        return false;
    h->any = st != NULL;
    return true;
}

bool hooks_look(struct hooks *h, struct db *db, struct err *err)
{
    return look_for_any(h, db, err) && look_for_due(h, db, err) && look_for_dead(h, db, err);
}

/* --- Storing --- */

struct round {
    struct db_write write; /* first */
    struct hooks *hooks;
    int64_t now_us;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t ended;
    bool done, ok;
    struct err err;
};

static bool claim(struct hook *hook, struct db *db, int64_t now_us, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct hooks *h = hook->hooks;
    bool row, more = false;

    holder_name(h->provider->config.rng, hook->claim);
    if (!db_select(db, provider_query(PROVIDER_WEBHOOK_CLAIM),
                   DB_ARGS(db_int(hook->tenant_no), db_text(str_from_z(hook->claim)),
                           db_int(now_us + h->how.claim_us), db_int(now_us)),
                   &st, err) ||
        !db_step(st, &row, err))
        return false;
    hook->state = row ? HOOK_CLAIMED : HOOK_FREE;
    if (!row)
        return true;
    if (hook->arena) {
        arena_reset(hook->arena);
    } else {
        hook->arena = arena_new();
    }
    hook->url = arena_str(hook->arena, db_col_text(st, 0));
    hook->sealed = arena_str(hook->arena, db_col_text(st, 1));
    hook->position = db_col_int(st, 2);
    hook->batch = db_col_int(st, 3);
    hook->attempts = db_col_int(st, 4);
    hook->turns = 0;
    hook->tenant = arena_str(hook->arena, db_col_text(st, 5));
    hook->alone = db_col_int(st, 6);
    hook->aside_row = db_col_int(st, 7);
    hook->has_aside = db_col_int(st, 8) > 0;
    return db_step(st, &more, err);
}

/* Of those that are set aside: the claim goes on, for the next of them or for all others. */
static bool taken_aside(struct hook *hook, struct db *db, int64_t now_us, struct err *err)
{
    bool go_on = ++hook->turns < HOOK_TURNS;
    int64_t changed;

    if (!aside_taken(db, hook->tenant_no, &hook->aside, err) ||
        !db_exec(db, provider_query(PROVIDER_WEBHOOK_PASSED),
                 DB_ARGS(db_int(hook->tenant_no), db_text(str_from_z(hook->claim)),
                         db_int(hook->position),
                         db_int(go_on ? now_us + hook->hooks->how.claim_us : 0)),
                 &changed, err))
        return false;
    hook->state = changed == 1 && go_on ? HOOK_CLAIMED : HOOK_FREE;
    return true;
}

/* All that was read waits behind what is set aside. */
static bool pass(struct hook *hook, struct db *db, int64_t now_us, struct err *err)
{
    int64_t changed;

    if (hook->aside.id.len > 0) /* dropped meanwhile */
        return taken_aside(hook, db, now_us, err);
    if (!db_exec(db, provider_query(PROVIDER_WEBHOOK_PASSED),
                 DB_ARGS(db_int(hook->tenant_no), db_text(str_from_z(hook->claim)),
                         db_int(hook->to), db_int(now_us + hook->hooks->how.claim_us)),
                 &changed, err))
        return false;
    hook->state = changed == 1 ? HOOK_CLAIMED : HOOK_FREE;
    hook->position = hook->to;
    return changed == 0 ||
           aside_add_changes(db, hook->tenant_no, hook->behind, hook->behind_count, now_us, err);
}

/* The claim goes on when there may be more to tell. A batch that was made smaller grows again. */
static bool taken(struct hook *hook, struct db *db, int64_t now_us, struct err *err)
{
    int64_t batch =
        hook->batch * 2 < PROVIDER_WEBHOOK_BATCH ? hook->batch * 2 : PROVIDER_WEBHOOK_BATCH;
    struct str claim = str_from_z(hook->claim);
    int64_t changed;
    bool go_on;

    if (hook->aside.id.len > 0)
        return taken_aside(hook, db, now_us, err);
    go_on = (hook->more || hook->aside_row > 0) && ++hook->turns < HOOK_TURNS;
    if (!db_exec(db, provider_query(PROVIDER_WEBHOOK_TAKEN),
                 DB_ARGS(db_int(hook->tenant_no), db_text(claim), db_int(hook->to), db_int(batch),
                         db_int(now_us), db_int(hook->lost), db_text(go_on ? claim : STR("")),
                         db_int(go_on ? now_us + hook->hooks->how.claim_us : 0)),
                 &changed, err))
        return false;
    hook->state = changed == 1 && go_on ? HOOK_CLAIMED : HOOK_FREE;
    hook->position = hook->to;
    hook->batch = batch;
    hook->attempts = hook->alone = 0;
    if (changed == 0) /* somebody else has it, and what was read with it */
        return true;
    if (hook->aside_row > 0 && !aside_again(db, hook->tenant_no, err))
        return false;
    hook->aside_row = 0;
    return aside_add_changes(db, hook->tenant_no, hook->behind, hook->behind_count, now_us, err);
}

/* Whether the one change that was refused has had its tries, and can be set aside. */
static bool is_to_set_aside(struct hook *hook, struct db *db, const struct provider_settings *s,
                            bool *out, struct err *err)
{
    *out = s->webhook_tries > 0 && hook->alone + 1 >= s->webhook_tries &&
           hook->aside_row < ASIDE_ROW_MAX;
    return !*out || aside_has_room(db, hook->tenant_no, out, err);
}

static bool set_aside(struct hook *hook, struct db *db, const struct provider_settings *s,
                      int64_t now_us, struct err *err)
{
    struct str error = str_from_z(hook->err.message);
    const struct aside_notice notice = {.tenant_no = hook->tenant_no,
                                        .at_us = now_us,
                                        .tenant = hook->tenant,
                                        .mails = s->notification_mail,
                                        .error = error,
                                        .change = &hook->last};
    int64_t changed;

    if (!db_exec(db, provider_query(PROVIDER_WEBHOOK_ASIDE),
                 DB_ARGS(db_int(hook->tenant_no), db_text(str_from_z(hook->claim)),
                         db_int(hook->to), db_int(1), db_int(now_us), db_text(error)),
                 &changed, err))
        return false;
    return changed == 0 ||
           (aside_add(db, hook->tenant_no, &hook->last, now_us, now_us + ASIDE_AGAIN_US, error,
                      err) &&
            aside_add_changes(db, hook->tenant_no, hook->behind, hook->behind_count, now_us, err) &&
            aside_tell(db, &notice, err));
}

static bool failed_aside(struct hook *hook, struct db *db, int64_t now_us, struct err *err)
{
    int64_t next_us = now_us + (hook->aside.count > 1 ? hook->hooks->how.pause_us : ASIDE_AGAIN_US);

    return aside_failed(db, hook->tenant_no, &hook->aside, next_us, str_from_z(hook->err.message),
                        err) &&
           db_exec(db, provider_query(PROVIDER_WEBHOOK_RELEASE),
                   DB_ARGS(db_int(hook->tenant_no), db_text(str_from_z(hook->claim))), NULL, err);
}

/* The next attempt tells half as much, so that what a receiver cannot take stands alone at last,
 * and can be set aside. */
static bool failed(struct hook *hook, struct db *db, int64_t now_us, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    int64_t batch = hook->batch > 1 ? hook->batch / 2 : 1;
    bool alone = hook->refused && hook->count == 1, aside = false;
    const struct provider_profile *profile;
    struct provider_tenant tenant;

    hook->state = HOOK_FREE;
    if (hook->aside.id.len > 0)
        return failed_aside(hook, db, now_us, err);
    if (alone && (!provider_tenant_load(db, a, hook->tenant, &tenant, err) ||
                  !provider_tenant_profile(a, &tenant, &profile, err) ||
                  !is_to_set_aside(hook, db, &profile->settings, &aside, err)))
        return false;
    if (aside)
        return set_aside(hook, db, &profile->settings, now_us, err);
    return db_exec(db, provider_query(PROVIDER_WEBHOOK_FAILED),
                   DB_ARGS(db_int(hook->tenant_no), db_text(str_from_z(hook->claim)), db_int(batch),
                           db_int(now_us + hook->wait_us), db_int(now_us),
                           db_text(str_from_z(hook->err.message)), db_int(hook->alone + alone)),
                   NULL, err);
}

static bool store(struct hook *hook, struct db *db, int64_t now_us, struct err *err)
{
    switch (hook->state) {
    case HOOK_DUE:
        return claim(hook, db, now_us, err);
    case HOOK_TAKEN:
        return taken(hook, db, now_us, err);
    case HOOK_FAILED:
        return failed(hook, db, now_us, err);
    case HOOK_PASS:
        return pass(hook, db, now_us, err);
    case HOOK_RELEASE:
        hook->state = HOOK_FREE;
        return db_exec(db, provider_query(PROVIDER_WEBHOOK_RELEASE),
                       DB_ARGS(db_int(hook->tenant_no), db_text(str_from_z(hook->claim))), NULL,
                       err);
    case HOOK_FREE:
    case HOOK_CLAIMED:
    case HOOK_SENDING:
        break;
    }
    return true;
}

static bool run_round(struct db_write *write, struct db *db, struct err *err)
{
    struct round *r = (struct round *)write;

    for (size_t i = 0; i < HOOKS_MAX; i++) {
        if (!store(&r->hooks->all[i], db, r->now_us, err))
            return false;
    }
    return true;
}

static void end_round(struct db_write *write, bool ok, const struct err *err)
{
    struct round *r = (struct round *)write;

    pthread_mutex_lock(&r->lock);
    r->ok = ok;
    if (!ok)
        r->err = *err;
    r->done = true;
    pthread_cond_signal(&r->ended);
    pthread_mutex_unlock(&r->lock);
}

static bool has_work(const struct hooks *h)
{
    for (size_t i = 0; i < HOOKS_MAX; i++) {
        enum hook_state state = h->all[i].state;

        if (state == HOOK_DUE || state == HOOK_TAKEN || state == HOOK_FAILED ||
            state == HOOK_PASS || state == HOOK_RELEASE)
            return true;
    }
    return false;
}

bool hooks_store(struct hooks *h, struct err *err)
{
    struct round r = {.write = {.run = run_round, .done = end_round},
                      .hooks = h,
                      .now_us = clock_now(h->provider->config.clock)};

    if (!has_work(h))
        return true;
    pthread_mutex_init(&r.lock, NULL);
    pthread_cond_init(&r.ended, NULL);
    if (db_writer_submit(h->provider->writer, &r.write, &r.err)) {
        pthread_mutex_lock(&r.lock);
        while (!r.done)
            pthread_cond_wait(&r.ended, &r.lock);
        pthread_mutex_unlock(&r.lock);
    }
    pthread_cond_destroy(&r.ended);
    pthread_mutex_destroy(&r.lock);
    if (!r.ok)
        *err = r.err;
    return r.ok;
}
