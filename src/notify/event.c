/* Events: what is worth telling, put into the queue in the transaction of what happened. */
#include "base/clock.h"
#include "base/secret.h"
#include "notify/address.h"
#include "notify/notify.h"
#include "notify/statements.h"

enum { ID_CHARS = 32 };

bool notify_wanted(const struct notify_to *to, enum notify_kind kind)
{
    struct str names = to->events;
    struct str name;
    bool more = true;

    if (str_empty(str_trim(to->mails)) && str_empty(to->webhook))
        return false;
    if (str_empty(str_trim(names)))
        return true;
    while (more) {
        more = str_cut(&names, ',', &name);
        if (str_eq_ascii_nocase(str_trim(name), str_from_z(notify_kind_name(kind))))
            return true;
    }
    return false;
}

static void add_text(struct arena *a, struct json *v, const char *name, struct str text)
{
    if (text.len)
        json_add_str(a, v, name, text);
}

static void add_time(struct arena *a, struct json *v, const char *name, int64_t us)
{
    char text[TIME_TEXT_MAX];

    if (us)
        json_add_str(a, v, name, time_write(us, text));
}

static struct json *objects_json(struct arena *a, const struct notify_event *e)
{
    struct json *list = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < e->object_count; i++) {
        const struct notify_object *o = &e->objects[i];
        struct json *v = json_new(a, JSON_OBJECT);

        add_text(a, v, "name", o->name);
        add_text(a, v, "code", o->code);
        add_text(a, v, "message", o->message);
        add_time(a, v, "since", o->since_us);
        add_time(a, v, "nextAttempt", o->next_us);
        json_append(list, v);
    }
    return list;
}

struct json *notify_content(struct arena *a, const struct notify_event *e)
{
    struct json *v = json_new(a, JSON_OBJECT);
    struct json *job = json_new(a, JSON_OBJECT);

    json_add_str(a, job, "id", e->job_id);
    json_add_str(a, job, "name", e->job_name);
    json_add(a, v, STR("job"), job);
    add_text(a, v, "code", e->code);
    add_text(a, v, "message", e->message);
    add_time(a, v, "since", e->since_us);
    add_time(a, v, "until", e->until_us);
    if (e->count)
        json_add_int(a, v, "count", e->count);
    if (e->limit)
        json_add_int(a, v, "limit", e->limit);
    if (e->object_count)
        json_add(a, v, STR("objects"), objects_json(a, e));
    return v;
}

/* From the first event that it tells and who gets it: the same when it is made again. */
static struct str message_id(struct arena *a, const struct notify_event *e,
                             enum notify_channel channel, struct str recipient)
{
    struct str text = arena_printf(a, "%.*s\n%.*s\n%s\n%.*s", STR_ARG(e->job_id), STR_ARG(e->id),
                                   notify_channel_name(channel), STR_ARG(recipient));
    char *hex = arena_alloc(a, SHA256_HEX_MAX);

    return str_sub(sha256_hex(text, hex), 0, ID_CHARS);
}

/* The id of a batch for this recipient that is still open; empty when there is none. */
static bool open_batch(struct db *db, struct arena *a, const struct notify_event *e,
                       struct str recipient, struct str *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row;
    bool more = false;

    *out = (struct str){0};
    if (!db_select(db, notify_query(Q_JOIN),
                   DB_ARGS(db_int(e->job_no), db_text(recipient), db_int(e->at_us),
                           db_int(NOTIFY_BATCH_MAX)),
                   &st, err) ||
        !db_step(st, &row, err))
        return false;
    if (row)
        *out = arena_str(a, db_col_text(st, 0));
    return !row || db_step(st, &more, err);
}

static bool add_message(struct db *db, struct arena *a, const struct notify_event *e,
                        enum notify_channel channel, struct str recipient, struct err *err)
{
    int64_t batch_us = channel == NOTIFY_MAIL ? e->to.batch_us : 0;
    struct str id = {0};

    if (batch_us > 0 && !open_batch(db, a, e, recipient, &id, err))
        return false;
    if (id.len == 0) {
        id = message_id(a, e, channel, recipient);
        if (!db_exec(db, notify_query(Q_MESSAGE),
                     DB_ARGS(db_text(id), db_int(e->job_no), db_int(channel), db_text(recipient),
                             db_int(e->at_us), db_int(e->at_us + batch_us)),
                     NULL, err))
            return false;
    }
    return db_exec(db, notify_query(Q_LINK),
                   DB_ARGS(db_text(id), db_text(e->id), db_int(e->job_no)), NULL, err);
}

static bool add_event(struct db *db, const struct notify_event *e, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str mails = e->to.mails;
    struct str mail;
    int64_t added;

    if (!db_exec(db, notify_query(Q_EVENT),
                 DB_ARGS(db_int(e->job_no), db_text(e->id),
                         db_text(str_from_z(notify_kind_name(e->kind))), db_int(e->at_us),
                         db_text(json_text(a, notify_content(a, e)))),
                 &added, err))
        return false;
    if (added == 0)
        return true;
    while (notify_address_next(&mails, &mail)) {
        if (!add_message(db, a, e, NOTIFY_MAIL, mail, err))
            return false;
    }
    return str_empty(e->to.webhook) || add_message(db, a, e, NOTIFY_WEBHOOK, e->to.webhook, err);
}

bool notify_event(struct db *db, const struct notify_event *e, struct err *err)
{
    bool own = !db_in_transaction(db);

    if (!notify_wanted(&e->to, e->kind))
        return true;
    if (own && !db_begin(db, DB_WRITE, err))
        return false;
    if (!add_event(db, e, err)) {
        if (own)
            db_rollback(db);
        return false;
    }
    return !own || db_commit(db, err);
}

static bool find_open(struct db *db, struct arena *a, int64_t job_no, enum notify_kind kind,
                      int64_t now_us, struct str *out, int64_t *out_messages, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    *out = (struct str){0};
    if (!db_select_one(
            db, notify_query(Q_OPEN),
            DB_ARGS(db_int(job_no), db_int(now_us), db_text(str_from_z(notify_kind_name(kind)))),
            &st, err))
        return false;
    if (st) {
        *out = arena_str(a, db_col_text(st, 0));
        *out_messages = db_col_int(st, 1);
    }
    return true;
}

bool notify_open_event(struct db *db, struct arena *a, int64_t job_no, enum notify_kind kind,
                       int64_t now_us, struct str *out, struct err *err)
{
    int64_t messages = 0, held = 0;
    struct str id;

    if (!find_open(db, a, job_no, kind, now_us, &id, &messages, err))
        return false;
    if (id.len > 0 &&
        !db_exec(db, notify_query(Q_OPEN_HOLD), DB_ARGS(db_int(job_no), db_text(id)), &held, err))
        return false;
    *out = id.len > 0 && held == messages ? id : (struct str){0};
    return true;
}

bool notify_event_update(struct db *db, const struct notify_event *e, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    return db_exec(
        db, notify_query(Q_UPDATE),
        DB_ARGS(db_int(e->job_no), db_text(e->id), db_text(json_text(a, notify_content(a, e)))),
        NULL, err);
}

bool notify_forget(struct db *db, int64_t job_no, struct err *err)
{
    static const enum notify_query steps[] = {Q_FORGET_LINKS, Q_FORGET_MESSAGES, Q_FORGET_EVENTS};

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (!db_exec(db, notify_query(steps[i]), DB_ARGS(db_int(job_no)), NULL, err))
            return false;
    }
    return true;
}

bool notify_event_known(struct db *db, int64_t job_no, struct str id, bool *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, notify_query(Q_EVENT_KNOWN), DB_ARGS(db_int(job_no), db_text(id)), &st,
                       err))
        return false;
    *out = st != NULL;
    return true;
}

bool notify_mark_load(struct db *db, struct arena *a, int64_t job_no, struct str name,
                      struct str *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, notify_query(Q_MARK_LOAD), DB_ARGS(db_int(job_no), db_text(name)), &st,
                       err))
        return false;
    *out = st ? arena_str(a, db_col_text(st, 0)) : (struct str){0};
    return true;
}

bool notify_mark_save(struct db *db, int64_t job_no, struct str name, struct str value,
                      struct err *err)
{
    if (str_empty(value)) {
        return db_exec(db, notify_query(Q_MARK_REMOVE), DB_ARGS(db_int(job_no), db_text(name)),
                       NULL, err);
    }
    return db_exec(db, notify_query(Q_MARK_SAVE),
                   DB_ARGS(db_int(job_no), db_text(name), db_text(value)), NULL, err);
}
