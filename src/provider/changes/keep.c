#include "provider/changes/keep.h"

#include "provider/profile.h"
#include "provider/statements.h"
#include "provider/tenant.h"

#define FEEDS_AT_ONCE 100
#define ROWS_AT_ONCE  256 /* that a transaction looks at */
#define BUDGET_US     US_PER_SECOND

/* A feed, and what of it may go. */
struct kept {
    int64_t tenant_no, head, taken; /* taken: by the webhook; INT64_MAX: there is none */
    struct provider_settings settings;
};

/* A tenant whose settings cannot be read keeps its feed as others do. */
static bool load_kept(struct arena *a, struct db_stmt *st, struct kept *out, struct err *err)
{
    const struct provider_tenant tenant = {.kind = arena_str(a, db_col_text(st, 1)),
                                           .settings = arena_str(a, db_col_text(st, 2)),
                                           .template = arena_str(a, db_col_text(st, 3))};
    const struct provider_profile *profile;
    struct err ignored = {0};

    *out = (struct kept){.tenant_no = db_col_int(st, 0),
                         .head = db_col_int(st, 4),
                         .taken = db_col_is_null(st, 5) ? INT64_MAX : db_col_int(st, 5)};
    if (!provider_tenant_profile(a, &tenant, &profile, &ignored))
        return provider_settings_read(NULL, NULL, &out->settings, err);
    out->settings = profile->settings;
    return true;
}

static bool load_page(struct db *db, struct arena *a, int64_t behind, struct kept *out,
                      size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    size_t count = 0;
    bool row;

    if (!db_select(db, provider_query(PROVIDER_CHANGE_FEEDS),
                   DB_ARGS(db_int(behind), db_int(FEEDS_AT_ONCE)), &st, err))
        return false;
    for (;; count++) {
        if (!db_step(st, &row, err))
            return false;
        if (!row || count == FEEDS_AT_ONCE)
            break;
        if (!load_kept(a, st, &out[count], err))
            return false;
    }
    *out_count = count;
    return true;
}

/* Whether the oldest row may go, asked without a lock. */
static bool is_due(struct db *db, const struct kept *k, int64_t old_us, int64_t hard, bool *out,
                   struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, provider_query(PROVIDER_CHANGE_OLD), DB_ARGS(db_int(k->tenant_no)), &st,
                       err))
        return false;
    *out = st && (db_col_int(st, 1) <= hard ||
                  (db_col_int(st, 0) < old_us && db_col_int(st, 1) <= k->taken));
    return true;
}

/* Webhooks wait meanwhile. */
static bool is_enough(const atomic_bool *stop, int64_t until_us)
{
    return (stop && atomic_load(stop)) || clock_monotonic_us() > until_us;
}

struct bounds {
    int64_t old_us, hard;
};

static struct bounds bounds_of(const struct kept *k, int64_t now_us)
{
    return (struct bounds){.old_us = now_us - k->settings.change_days * US_PER_DAY,
                           .hard =
                               k->taken == INT64_MAX ? 0 : k->head - k->settings.change_pending};
}

/* Some rows; *out_rows is 0 when there is nothing more to remove. */
static bool prune_some(struct db *db, const struct kept *k, const struct bounds *b,
                       int64_t *out_rows, int64_t *removed, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row = true;

    *out_rows = 0;
    if (!db_select(db, provider_query(PROVIDER_CHANGE_PRUNE),
                   DB_ARGS(db_int(k->tenant_no), db_int(b->old_us), db_int(k->taken),
                           db_int(ROWS_AT_ONCE), db_int(b->hard)),
                   &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            return true;
        (*out_rows)++;
        *removed += db_col_int(st, 0);
    }
}

/* What a pass over all feeds has done so far. */
struct pass {
    struct db *db;
    const struct clock *clock;
    const atomic_bool *stop;
    int64_t until_us; /* monotonic */
    int64_t count;
    bool cut_short;
};

static bool prune(struct pass *p, const struct kept *k, struct err *err)
{
    struct bounds b = bounds_of(k, clock_now(p->clock));
    int64_t rows = 1;
    bool due;

    while (rows > 0) {
        if (!is_due(p->db, k, b.old_us, b.hard, &due, err))
            return false;
        if (!due)
            return true;
        p->cut_short = is_enough(p->stop, p->until_us);
        if (p->cut_short)
            return true;
        if (!prune_some(p->db, k, &b, &rows, &p->count, err))
            return false;
    }
    return true;
}

static bool count_due(struct pass *p, const struct kept *k, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct bounds b = bounds_of(k, clock_now(p->clock));

    if (!db_select_one(
            p->db, provider_query(PROVIDER_CHANGE_PRUNABLE),
            DB_ARGS(db_int(k->tenant_no), db_int(b.old_us), db_int(k->taken), db_int(b.hard)), &st,
            err))
        return false;
    p->count += st ? db_col_int(st, 0) : 0;
    return true;
}

static bool each_feed(struct pass *p,
                      bool (*visit)(struct pass *p, const struct kept *k, struct err *err),
                      struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct kept *page = mem_alloc(FEEDS_AT_ONCE * sizeof(*page));
    size_t count = FEEDS_AT_ONCE;
    int64_t behind = INT64_MIN;
    bool ok = true;

    while (ok && count == FEEDS_AT_ONCE && !p->cut_short) {
        ok = load_page(p->db, a, behind, page, &count, err);
        for (size_t i = 0; ok && i < count && !p->cut_short; i++) {
            behind = page[i].tenant_no;
            ok = visit(p, &page[i], err);
        }
        arena_reset(a);
    }
    free(page);
    return ok;
}

bool provider_changes_prune(struct db *db, const struct clock *clock, const atomic_bool *stop,
                            int64_t *out_removed, bool *out_done, struct err *err)
{
    struct pass p = {
        .db = db, .clock = clock, .stop = stop, .until_us = clock_monotonic_us() + BUDGET_US};
    bool ok = each_feed(&p, prune, err);

    *out_removed = p.count;
    *out_done = ok && !p.cut_short;
    return ok;
}

bool provider_changes_prunable(struct db *db, const struct clock *clock, int64_t *out_count,
                               struct err *err)
{
    struct pass p = {.db = db, .clock = clock};
    bool ok = each_feed(&p, count_due, err);

    *out_count = p.count;
    return ok;
}
