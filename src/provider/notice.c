#include "provider/notice.h"

#include "base/log.h"
#include "base/unicode.h"
#include "notify/notify.h"
#include "provider/changes/webhook.h"
#include "provider/internal.h"
#include "provider/tenant.h"

#define TOLD_MAX     50 /* failures that a mail names; the others are counted */
#define RETENTION_US (90 * US_PER_DAY)
#define MINUTE_MAX   60 /* of one tenant, recorded in a minute; the others are counted */

bool provider_notices(struct db *db, struct arena *a, struct str tenant, size_t limit,
                      struct provider_notice **out, size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct provider_notice *list = ARENA_ARRAY(a, struct provider_notice, limit + 1);
    struct provider_tenant owner;
    size_t count = 0;
    bool row;

    if (!provider_tenant_load(db, a, tenant, &owner, err) ||
        !db_select(db, provider_query(PROVIDER_NOTICE_LIST),
                   DB_ARGS(db_int(owner.no), db_int((int64_t)limit)), &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        list[count++] = (struct provider_notice){.at_us = db_col_int(st, 0),
                                                 .method = arena_str(a, db_col_text(st, 1)),
                                                 .target = arena_str(a, db_col_text(st, 2)),
                                                 .attribute = arena_str(a, db_col_text(st, 3)),
                                                 .reason = arena_str(a, db_col_text(st, 4)),
                                                 .status = db_col_int(st, 5),
                                                 .more = db_col_int(st, 6)};
    }
    *out = list;
    *out_count = count;
    return true;
}

/* --- The mail of the hour --- */

/* What the mail says: the first failures, and how many there were. */
static bool fill_event(struct db *db, struct arena *a, int64_t tenant_no, struct notify_event *e,
                       struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct notify_object *objects = ARENA_ARRAY(a, struct notify_object, TOLD_MAX);
    bool row;

    e->objects = objects;
    if (!db_select(db, provider_query(PROVIDER_NOTICE_OF_EVENT),
                   DB_ARGS(db_int(tenant_no), db_text(e->id)), &st, err))
        return false;
    for (;;) {
        struct notify_object *o = &objects[e->object_count];
        struct str method, target, attribute;

        if (!db_step(st, &row, err))
            return false;
        if (!row)
            return true;
        e->count += 1 + db_col_int(st, 6);
        if (e->object_count == TOLD_MAX)
            continue;
        method = db_col_text(st, 1);
        target = db_col_text(st, 2);
        attribute = db_col_text(st, 3);
        o->name = target.len > 0 ? arena_str(a, target) : STR("a request");
        o->code = arena_printf(a, "%.*s answered %lld%s%.*s", STR_ARG(method),
                               (long long)db_col_int(st, 5), attribute.len > 0 ? ", " : "",
                               STR_ARG(attribute));
        o->message = arena_str(a, db_col_text(st, 4));
        o->since_us = db_col_int(st, 0);
        e->object_count++;
    }
}

static int64_t next_hour(int64_t at_us)
{
    return (at_us / US_PER_HOUR + 1) * US_PER_HOUR;
}

static bool insert(struct db *db, const struct provider_notice_tenant *tenant,
                   const struct provider_notice *n, struct str id, struct str event,
                   struct err *err)
{
    return db_exec(db, provider_query(PROVIDER_NOTICE_FORGET),
                   DB_ARGS(db_int(tenant->no), db_int(n->at_us - RETENTION_US)), NULL, err) &&
           db_exec(db, provider_query(PROVIDER_NOTICE_ADD),
                   DB_ARGS(db_int(tenant->no), db_int(n->at_us), db_text(id), db_text(n->method),
                           db_text(n->target), db_text(n->attribute), db_text(n->reason),
                           db_int(n->status), db_int(n->more), db_text(event)),
                   NULL, err);
}

/* A mail waits for the hour to end; a webhook hears of each. */
static bool tell_webhook(struct db *db, struct arena *a, const struct notify_event *mail,
                         const struct provider_notice *n, struct str id, struct err *err)
{
    const struct notify_object object = {
        .name = n->target.len > 0 ? n->target : STR("a request"),
        .code =
            arena_printf(a, "%.*s answered %lld%s%.*s", STR_ARG(n->method), (long long)n->status,
                         n->attribute.len > 0 ? ", " : "", STR_ARG(n->attribute)),
        .message = n->reason,
        .since_us = n->at_us,
    };
    struct notify_event event = *mail;

    event.id = arena_printf(a, "%.*s/webhook", STR_ARG(id));
    event.to = (struct notify_to){0};
    event.count = 1 + n->more;
    event.objects = &object;
    event.object_count = 1;
    return provider_webhook_failures(db, a, -mail->job_no, &event.to.webhook, err) &&
           notify_event(db, &event, err);
}

bool provider_notice_add(struct db *db, const struct provider_notice_tenant *tenant,
                         const struct provider_notice *notice, struct rng *rng, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char id[UUID_TEXT_MAX];
    struct notify_event event = {
        .id = uuid_new(rng, id),
        .kind = NOTIFY_PROVISIONING_FAILED,
        .at_us = notice->at_us,
        .job_no = notify_tenant(tenant->no),
        .job_id = arena_printf(a, "tenant %.*s", STR_ARG(tenant->name)),
        .job_name = tenant->name,
        .to = {.mails = tenant->mails, .batch_us = next_hour(notice->at_us) - notice->at_us},
    };
    struct str own = event.id, open;

    if (!tell_webhook(db, a, &event, notice, own, err))
        return false;
    if (!notify_wanted(&event.to, event.kind))
        return insert(db, tenant, notice, own, STR(""), err);
    if (!notify_open_event(db, a, event.job_no, event.kind, notice->at_us, &open, err))
        return false;
    if (open.len > 0)
        event.id = open;
    if (!insert(db, tenant, notice, own, event.id, err) ||
        !fill_event(db, a, tenant->no, &event, err))
        return false;
    return open.len > 0 ? notify_event_update(db, &event, err) : notify_event(db, &event, err);
}

/* --- From an answer --- */

struct notice_write {
    struct db_write write; /* first */
    struct provider *provider;
    int64_t tenant_no, at_us, more;
    int status;
    char tenant[PROVIDER_NAME_MAX + 1], mails[4096], method[8], target[200], attribute[200];
    char reason[400];
};

static void copy(char *to, size_t size, struct str text)
{
    text = str_sub(text, 0, size - 1);
    while (text.len > 0 && !utf8_valid(text, NULL))
        text.len--;
    if (text.len > 0)
        memcpy(to, text.ptr, text.len);
    utf8_blank_controls(to, text.len, '\n'); /* NUL among them */
    to[text.len] = 0;
}

static bool run(struct db_write *write, struct db *db, struct err *err)
{
    struct notice_write *w = (struct notice_write *)write;
    const struct provider_notice_tenant tenant = {
        .no = w->tenant_no, .name = str_from_z(w->tenant), .mails = str_from_z(w->mails)};
    const struct provider_notice notice = {.at_us = w->at_us,
                                           .method = str_from_z(w->method),
                                           .target = str_from_z(w->target),
                                           .attribute = str_from_z(w->attribute),
                                           .reason = str_from_z(w->reason),
                                           .status = w->status,
                                           .more = w->more};

    return provider_notice_add(db, &tenant, &notice, w->provider->config.rng, err);
}

static void done(struct db_write *write, bool ok, const struct err *err)
{
    if (!ok)
        log_error("provider_notice_lost", err);
    free(write);
}

/* The first text in quotes that names an attribute of the resource. */
static struct str attribute_of(const struct call *c, const struct err *err)
{
    struct str rest = str_from_z(err->message), part;

    if (err->code && strcmp(err->code, "uniqueness") == 0) {
        str_cut(&rest, ' ', &part); /* it begins with the attribute */
        return part;
    }
    while (c->type && str_cut(&rest, '\'', &part)) {
        struct scim_path path;
        struct scim_ref ref;

        str_cut(&rest, '\'', &part);
        if (part.len > 0 && scim_path_parse(c->arena, part, &path, NULL) &&
            scim_resolve(c->type, &path, &ref) && ref.attribute)
            return part;
    }
    return (struct str){0};
}

/* Whether another one may be recorded in this minute; what may not is counted. */
static bool has_room(struct tenant_state *state, int64_t now_us, int64_t *out_more)
{
    int64_t minute = now_us / US_PER_MINUTE;

    if (atomic_exchange(&state->notice_minute, minute) != minute)
        atomic_store(&state->notice_count, 0);
    if (atomic_fetch_add(&state->notice_count, 1) >= MINUTE_MAX) {
        atomic_fetch_add(&state->notice_more, 1);
        return false;
    }
    *out_more = atomic_exchange(&state->notice_more, 0);
    return true;
}

static bool counts(const struct call *c, int status)
{
    bool write = c->method == HTTP_POST || c->method == HTTP_PUT || c->method == HTTP_PATCH ||
                 c->method == HTTP_DELETE;
    bool place = c->endpoint == ENDPOINT_USERS || c->endpoint == ENDPOINT_USER ||
                 c->endpoint == ENDPOINT_GROUPS || c->endpoint == ENDPOINT_GROUP ||
                 c->endpoint == ENDPOINT_BULK;

    return c->tenant && c->tenant->profile->settings.own_notifications && write && place &&
           status >= 400 && status != 401;
}

void notice_failure(const struct call *c, int status, const struct err *err)
{
    struct notice_write *w;
    int64_t more, now;

    if (!counts(c, status))
        return;
    now = clock_now(c->provider->config.clock);
    if (!has_room(c->tenant->state, now, &more))
        return;
    w = mem_alloc(sizeof(*w));
    *w = (struct notice_write){.write = {.run = run, .done = done},
                               .provider = c->provider,
                               .tenant_no = c->tenant->no,
                               .at_us = now,
                               .more = more,
                               .status = status};
    copy(w->tenant, sizeof(w->tenant), c->tenant->name);
    copy(w->mails, sizeof(w->mails), c->tenant->profile->settings.notification_mail);
    copy(w->method, sizeof(w->method), str_from_z(http_method_name(c->method)));
    copy(w->target, sizeof(w->target), c->subject.len > 0 ? c->subject : c->id);
    copy(w->attribute, sizeof(w->attribute), attribute_of(c, err));
    copy(w->reason, sizeof(w->reason), str_from_z(err->message));
    if (!db_writer_submit(c->provider->writer, &w->write, NULL))
        free(w);
}
