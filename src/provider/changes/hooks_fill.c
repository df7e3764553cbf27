/* What a webhook is told next: the changes behind its position, without those of users and groups
 * that are set aside, or, in turn with them, what is set aside and due again. */
#include "provider/changes/hooks.h"
#include "provider/changes/webhook.h"

static void begin_body(const struct hook *hook, struct buf *out, const char *kind, int64_t first,
                       int64_t last)
{
    char at[TIME_TEXT_MAX];

    buf_addf(out, "{\"id\":\"%.*s/%lld-%lld\",\"kind\":\"%s\",\"tenant\":\"%.*s\",\"at\":\"%.*s\"",
             STR_ARG(hook->tenant), (long long)first, (long long)last, kind, STR_ARG(hook->tenant),
             STR_ARG(time_write(clock_now(hook->hooks->provider->config.clock), at)));
}

/* --- Leaving out those that are set aside --- */

struct sieve {
    struct change_sieve base; /* first */
    struct hook *hook;
    struct map ids;
};

static bool leave_out(struct change_sieve *base, int64_t seq, struct str line)
{
    struct sieve *sieve = (struct sieve *)base;
    struct hook *hook = sieve->hook;
    struct aside_change change = {.id = change_record_id(hook->sent, line),
                                  .record = arena_str(hook->sent, line),
                                  .seq = seq};

    if (!map_get(&sieve->ids, change.id)) {
        hook->last = change;
        return false;
    }
    ARENA_GROW(hook->sent, hook->behind, hook->behind_count, hook->behind_cap);
    hook->behind[hook->behind_count++] = change;
    return true;
}

static bool read_page(struct hook *hook, struct db *db, struct buf *list, struct change_page *page,
                      struct err *err)
{
    struct sieve sieve = {.base = {.leave_out = leave_out}, .hook = hook};
    bool ok;

    map_init(&sieve.ids);
    ok = (!hook->has_aside || aside_ids(db, hook->sent, hook->tenant_no, &sieve.ids, err)) &&
         change_page_read(db, hook->tenant_no, hook->position, hook->batch, &sieve.base, list, page,
                          err);
    map_done(&sieve.ids);
    return ok;
}

/* --- Bodies --- */

static void write_lost(struct hook *hook, const struct change_page *page, struct buf *out)
{
    hook->to = page->resume;
    hook->lost = page->resume > hook->position ? page->resume - hook->position : 0;
    begin_body(hook, out, "changesLost", hook->position + 1, hook->to);
    buf_addf(out,
             ",\"text\":\"changes were forgotten, or not recorded, before they could be told: "
             "read all resources anew\",\"next\":%lld}",
             (long long)hook->to);
}

/* Those behind the position. */
static bool fill_changes(struct hook *hook, struct db *db, struct buf *out, enum hook_body *what,
                         struct err *err)
{
    CLEANUP(buf_done) struct buf list = {0};
    struct change_page page;

    buf_init(&list, PROVIDER_ANSWER_MAX);
    if (!read_page(hook, db, &list, &page, err))
        return false;
    hook->count = page.count;
    hook->more = page.gone || page.seen == hook->batch;
    hook->to = page.next;
    *what = page.count > 0 || page.gone ? HOOK_BODY : page.seen > 0 ? HOOK_PASSED : HOOK_NOTHING;
    if (page.gone) {
        write_lost(hook, &page, out);
    } else if (page.count > 0) {
        begin_body(hook, out, "changes", hook->position + 1, hook->to);
        buf_add_z(out, ",\"changes\":");
        buf_add(out, buf_str(&list));
        buf_addf(out, ",\"next\":%lld}", (long long)hook->to);
    }
    return true;
}

/* Those that are set aside and due again. */
static bool fill_aside(struct hook *hook, struct db *db, struct buf *out, enum hook_body *what,
                       struct err *err)
{
    CLEANUP(buf_done) struct buf list = {0};
    const struct provider *p = hook->hooks->provider;

    buf_init(&list, PROVIDER_ANSWER_MAX);
    if (!aside_read_due(db, hook->sent, hook->tenant_no, clock_now(p->config.clock),
                        PROVIDER_WEBHOOK_BATCH, &list, &hook->aside, err))
        return false;
    *what = hook->aside.id.len == 0  ? HOOK_NOTHING
            : hook->aside.count == 0 ? HOOK_PASSED
                                     : HOOK_BODY;
    if (*what != HOOK_BODY)
        return true;
    hook->more = true;
    begin_body(hook, out, "changes", hook->aside.last - hook->aside.count + 1, hook->aside.last);
    buf_add_z(out, ",\"setAside\":true,\"changes\":");
    buf_add(out, buf_str(&list));
    buf_add_char(out, '}');
    return true;
}

static void begin(struct hook *hook)
{
    if (hook->sent) {
        arena_reset(hook->sent);
    } else {
        hook->sent = arena_new();
    }
    hook->last = (struct aside_change){0};
    hook->behind = NULL;
    hook->behind_count = hook->behind_cap = 0;
    hook->aside = (struct aside_page){0};
    hook->lost = hook->count = 0;
    hook->refused = false;
}

bool hook_fill(struct hook *hook, struct db *db, struct buf *out, enum hook_body *what,
               struct err *err)
{
    bool aside_first = hook->turns % 2 == 1;

    begin(hook);
    *what = HOOK_NOTHING;
    if (hook->has_aside && aside_first && !fill_aside(hook, db, out, what, err))
        return false;
    if (*what == HOOK_NOTHING && !fill_changes(hook, db, out, what, err))
        return false;
    return *what != HOOK_NOTHING || !hook->has_aside || aside_first ||
           fill_aside(hook, db, out, what, err);
}
