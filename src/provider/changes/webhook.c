#include "provider/changes/webhook.h"

#include "base/buf.h"
#include "notify/webhook.h"
#include "provider/changes/change.h"
#include "provider/tenant.h"

#include <string.h>

enum { SECRET_BYTES = 32, URL_MAX = 2000 };

static struct str bound_to(struct arena *a, int64_t tenant_no)
{
    return arena_printf(a, "webhook of tenant %lld", (long long)tenant_no);
}

static bool not_found(struct str tenant, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "webhookNotFound", "tenant '%.*s' has no webhook",
                   STR_ARG(tenant));
}

/* --- The secret --- */

static bool make_secret(struct rng *rng, struct secret *out, struct err *err)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char bytes[SECRET_BYTES];
    char text[2 * SECRET_BYTES];
    bool ok;

    rng->fill(rng, bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = hex[(bytes[i / 2] >> (i % 2 ? 0 : 4)) & 15];
    ok = secret_init(out, (struct str){text, sizeof(text)}, err);
    explicit_bzero(bytes, sizeof(bytes));
    explicit_bzero(text, sizeof(text));
    return ok;
}

/* The given one, or a new one, which is then in out. */
static bool seal(struct arena *a, const struct secret_key *key, int64_t tenant_no,
                 const struct secret *given, struct rng *rng, struct secret *out,
                 struct str *out_sealed, struct err *err)
{
    CLEANUP(buf_done) struct buf sealed = {0};

    if (!given && !make_secret(rng, out, err))
        return false;
    secret_seal(key, secret_reveal(given ? given : out), bound_to(a, tenant_no), &sealed);
    *out_sealed = arena_str(a, buf_str(&sealed));
    return true;
}

bool provider_webhook_unseal(const struct secret_key *key, int64_t tenant_no, struct str sealed,
                             struct secret *out, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    return secret_open(key, sealed, bound_to(a, tenant_no), out, err);
}

bool provider_webhook_secret(struct db *db, const struct secret_key *key, int64_t tenant_no,
                             struct secret *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, provider_query(PROVIDER_WEBHOOK_LOAD), DB_ARGS(db_int(tenant_no)), &st,
                       err))
        return false;
    if (!st)
        return err_set(err, ERR_NOT_FOUND, "webhookNotFound", "the tenant has no webhook any more");
    return provider_webhook_unseal(key, tenant_no, db_col_text(st, 1), out, err);
}

/* --- Setting --- */

static bool is_there(struct db *db, int64_t tenant_no, bool *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, provider_query(PROVIDER_WEBHOOK_LOAD), DB_ARGS(db_int(tenant_no)), &st,
                       err))
        return false;
    *out = st != NULL;
    return true;
}

static bool switch_feed_on(struct db *db, const struct provider_tenant *tenant,
                           const struct provider_webhook_order *order, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct provider_profile *profile;

    if (!(order->events & PROVIDER_WEBHOOK_CHANGES))
        return true;
    return provider_tenant_profile(a, tenant, &profile, err) &&
           (profile->settings.change_feed ||
            provider_tenant_set(db, tenant->name, STR("changeFeed"), STR("on"), err));
}

static bool set(struct db *db, struct arena *a, const struct secret_key *key,
                const struct provider_webhook_order *order, struct rng *rng, struct secret *out,
                struct err *err)
{
    struct provider_tenant tenant;
    struct str sealed = {0};
    int64_t head;
    bool known;

    if (!provider_tenant_load(db, a, order->tenant, &tenant, err) ||
        !switch_feed_on(db, &tenant, order, err) || !change_head(db, tenant.no, &head, err) ||
        !is_there(db, tenant.no, &known, err))
        return false;
    if ((!known || order->secret) &&
        !seal(a, key, tenant.no, order->secret, rng, out, &sealed, err))
        return false;
    if (!db_exec(db, provider_query(PROVIDER_WEBHOOK_SET),
                 DB_ARGS(db_int(tenant.no), db_text(order->url), db_text(sealed),
                         db_int(order->events), db_int(head), db_int(PROVIDER_WEBHOOK_BATCH)),
                 NULL, err))
        return false;
    return !known || !order->secret ||
           db_exec(db, provider_query(PROVIDER_WEBHOOK_SECRET),
                   DB_ARGS(db_int(tenant.no), db_text(sealed)), NULL, err);
}

bool provider_webhook_set(struct db *db, const struct secret_key *key,
                          const struct provider_webhook_order *order, struct rng *rng,
                          struct secret *out_secret, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    bool own = !db_in_transaction(db);

    *out_secret = (struct secret){0};
    if (order->url.len > URL_MAX) {
        return err_set(err, ERR_INVALID, "badWebhook", "the URL of a webhook has at most %d bytes",
                       URL_MAX);
    }
    if (!notify_webhook_check(order->url, err) || (own && !db_begin(db, DB_WRITE, err)))
        return false;
    if (set(db, a, key, order, rng, out_secret, err))
        return !own || db_commit(db, err);
    secret_done(out_secret);
    if (own)
        db_rollback(db);
    return false;
}

static bool find(struct db *db, struct arena *a, struct str name, int64_t *out_no, struct err *err)
{
    struct provider_tenant tenant;
    bool known;

    if (!provider_tenant_load(db, a, name, &tenant, err) || !is_there(db, tenant.no, &known, err))
        return false;
    *out_no = tenant.no;
    return known || not_found(name, err);
}

bool provider_webhook_renew(struct db *db, const struct secret_key *key, struct str tenant,
                            const struct secret *given, struct rng *rng, struct secret *out_secret,
                            struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str sealed;
    int64_t no;

    *out_secret = (struct secret){0};
    if (find(db, a, tenant, &no, err) && seal(a, key, no, given, rng, out_secret, &sealed, err) &&
        db_exec(db, provider_query(PROVIDER_WEBHOOK_SECRET), DB_ARGS(db_int(no), db_text(sealed)),
                NULL, err))
        return true;
    secret_done(out_secret);
    return false;
}

bool provider_webhook_pause(struct db *db, struct str tenant, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    int64_t no;

    return find(db, a, tenant, &no, err) &&
           db_exec(db, provider_query(PROVIDER_WEBHOOK_PAUSE), DB_ARGS(db_int(no)), NULL, err);
}

static bool move(struct db *db, int64_t no, int64_t from, struct err *err)
{
    int64_t head;

    if (from == 0)
        return true;
    if (!change_head(db, no, &head, err))
        return false;
    if (from > head + 1) {
        return err_set(err, ERR_INVALID, "badPosition", "the last change is number %lld",
                       (long long)head);
    }
    return db_exec(
        db, provider_query(PROVIDER_WEBHOOK_MOVE),
        DB_ARGS(db_int(no), db_int(from < 0 ? head : from - 1), db_int(PROVIDER_WEBHOOK_BATCH)),
        NULL, err);
}

bool provider_webhook_resume(struct db *db, struct str tenant, int64_t from, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    int64_t no;

    return find(db, a, tenant, &no, err) && move(db, no, from, err) &&
           db_exec(db, provider_query(PROVIDER_WEBHOOK_RESUME), DB_ARGS(db_int(no)), NULL, err);
}

bool provider_webhook_remove(struct db *db, struct str tenant, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    int64_t no;

    return find(db, a, tenant, &no, err) &&
           db_exec(db, provider_query(PROVIDER_TENANT_CLEAR_WEBHOOK), DB_ARGS(db_int(no)), NULL,
                   err) &&
           db_exec(db, provider_query(PROVIDER_TENANT_CLEAR_ASIDE), DB_ARGS(db_int(no)), NULL,
                   err) &&
           db_exec(db, provider_query(PROVIDER_TENANT_CLEAR_ASIDE_CHANGES), DB_ARGS(db_int(no)),
                   NULL, err);
}

/* --- Looking --- */

/* When the oldest change was made that was not taken. */
static bool load_pending(struct db *db, struct provider_webhook *hook, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct str records, line, at;
    int64_t seq;

    if (!db_select_one(db, provider_query(PROVIDER_WEBHOOK_PENDING),
                       DB_ARGS(db_int(hook->tenant_no), db_int(hook->position)), &st, err))
        return false;
    if (!st)
        return true;
    records = db_col_text(st, 0);
    seq = db_col_int(st, 1);
    str_cut(&records, '\n', &line);
    for (; seq <= hook->position; seq++)
        str_cut(&records, '\n', &line);
    str_cut(&line, '\t', &at);
    if (!str_to_int(at, INT64_MIN, INT64_MAX, &hook->pending_us))
        return err_set(err, ERR_INTERNAL, "badChangeLog", "the change feed cannot be read");
    return true;
}

static bool load_row(struct db *db, struct arena *a, int64_t tenant_no, int64_t now_us,
                     struct provider_webhook *out, bool *out_found, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, provider_query(PROVIDER_WEBHOOK_LOAD), DB_ARGS(db_int(tenant_no)), &st,
                       err))
        return false;
    *out_found = st != NULL;
    if (!st)
        return true;
    *out = (struct provider_webhook){
        .tenant_no = tenant_no,
        .url = arena_str(a, db_col_text(st, 0)),
        .events = (unsigned)db_col_int(st, 2),
        .paused = db_col_bool(st, 3),
        .position = db_col_int(st, 4),
        .attempts = db_col_int(st, 5),
        .next_us = db_col_int(st, 6),
        .sending = db_col_int(st, 7) > now_us,
        .delivered_us = db_col_int(st, 8),
        .failed_us = db_col_int(st, 9),
        .error = arena_str(a, db_col_text(st, 10)),
        .lost = db_col_int(st, 11),
    };
    return true;
}

static bool load_aside(struct db *db, int64_t tenant_no, int64_t *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, provider_query(PROVIDER_ASIDE_COUNT), DB_ARGS(db_int(tenant_no)), &st,
                       err))
        return false;
    *out = st ? db_col_int(st, 0) : 0;
    return true;
}

bool provider_webhook_load(struct db *db, struct arena *a, struct str tenant,
                           const struct clock *clock, struct provider_webhook *out, struct err *err)
{
    const struct provider_profile *profile;
    struct notify_backlog backlog;
    struct provider_tenant owner;
    bool found;

    if (!provider_tenant_load(db, a, tenant, &owner, err) ||
        !provider_tenant_profile(a, &owner, &profile, err) ||
        !load_row(db, a, owner.no, clock_now(clock), out, &found, err))
        return false;
    if (!found)
        return not_found(tenant, err);
    if (!notify_backlog_load(db, a, notify_tenant(owner.no), clock_now(clock), &backlog, err))
        return false;
    out->failures = backlog.waiting;
    if (!load_aside(db, owner.no, &out->aside, err))
        return false;
    out->feed = profile->settings.change_feed;
    if (!change_head(db, owner.no, &out->head, err))
        return false;
    if (!(out->events & PROVIDER_WEBHOOK_CHANGES))
        out->position = out->head;
    return out->position == out->head || load_pending(db, out, err);
}

bool provider_webhook_failures(struct db *db, struct arena *a, int64_t tenant_no, struct str *out,
                               struct err *err)
{
    struct provider_webhook hook;
    bool found;

    *out = (struct str){0};
    if (!load_row(db, a, tenant_no, 0, &hook, &found, err))
        return false;
    if (found && hook.events & PROVIDER_WEBHOOK_FAILURES && !hook.paused)
        *out = hook.url;
    return true;
}

struct str provider_webhook_trial(struct arena *a, struct str tenant, int64_t at_us)
{
    struct json *v = json_new(a, JSON_OBJECT);
    char at[TIME_TEXT_MAX];

    json_add_str(a, v, "id", arena_printf(a, "%.*s/test/%lld", STR_ARG(tenant), (long long)at_us));
    json_add_z(a, v, "kind", "test");
    json_add_str(a, v, "tenant", tenant);
    json_add_str(a, v, "at", time_write(at_us, at));
    return json_text(a, v);
}
