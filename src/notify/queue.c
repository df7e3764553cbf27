#include "notify/queue.h"

#include "base/clock.h"
#include "base/secret.h"
#include "notify/address.h"

enum { BATCH_MAX = 100, ID_CHARS = 32 };

enum query {
    Q_EVENT,
    Q_EVENT_KNOWN,
    Q_JOIN,
    Q_MESSAGE,
    Q_LINK,
    Q_MARK_LOAD,
    Q_MARK_SAVE,
    Q_MARK_REMOVE,
    Q_DUE,
    Q_CLAIM,
    Q_PARTS,
    Q_FINISH,
    Q_RETRY_ALL,
    Q_LIST,
    Q_BACKLOG,
    Q_BACKLOG_ERROR,
    Q_TIDY_LINKS,
    Q_TIDY_MESSAGES,
    Q_TIDY_EVENTS,
    Q_TIDY_UNSENT,
    Q_OPEN,
    Q_OPEN_HOLD,
    Q_UPDATE,
    Q_FORGET_LINKS,
    Q_FORGET_MESSAGES,
    Q_FORGET_EVENTS,
};

const struct db_query notify_queries[] = {
    [Q_EVENT] = {"notify_event", "INSERT INTO notify_event (job_no, id, kind, at_us, content)"
                                 " VALUES ($1, $2, $3, $4, $5)"
                                 " ON CONFLICT (job_no, id) DO NOTHING"},
    [Q_EVENT_KNOWN] = {"notify_event_known",
                       "SELECT 1 FROM notify_event WHERE job_no = $1 AND id = $2"},
    /* A batch that is open: not yet due and never tried. Whoever claims it changes the row first,
     * or waits for this. */
    [Q_JOIN] = {"notify_join", "UPDATE notify_message SET created_us = created_us"
                               " WHERE id = (SELECT id FROM notify_message"
                               "              WHERE job_no = $1 AND channel = 0 AND recipient = $2"
                               "                AND state = 0 AND attempts = 0 AND next_us > $3"
                               "                AND (SELECT count(*) FROM notify_message_event l"
                               "                      WHERE l.message_id = notify_message.id) < $4"
                               "              ORDER BY next_us, id LIMIT 1 /*skip-locked*/)"
                               "   AND attempts = 0 AND state = 0"
                               " RETURNING id"},
    [Q_MESSAGE] = {"notify_message",
                   "INSERT INTO notify_message (id, job_no, channel, recipient, created_us, state,"
                   " attempts, next_us, claim, claim_until_us, ended_us, error)"
                   " VALUES ($1, $2, $3, $4, $5, 0, 0, $6, '', 0, 0, '')"
                   " ON CONFLICT (id) DO NOTHING"},
    [Q_LINK] = {"notify_link", "INSERT INTO notify_message_event (message_id, event_id, job_no)"
                               " VALUES ($1, $2, $3)"
                               " ON CONFLICT (message_id, event_id) DO NOTHING"},
    [Q_MARK_LOAD] = {"notify_mark_load",
                     "SELECT value FROM notify_mark WHERE job_no = $1 AND name = $2"},
    [Q_MARK_SAVE] = {"notify_mark_save",
                     "INSERT INTO notify_mark (job_no, name, value) VALUES ($1, $2, $3)"
                     " ON CONFLICT (job_no, name) DO UPDATE SET value = excluded.value"},
    [Q_MARK_REMOVE] = {"notify_mark_remove",
                       "DELETE FROM notify_mark WHERE job_no = $1 AND name = $2"},
    /* Asked first: a claim takes the write lock, also when there is nothing to claim. */
    [Q_DUE] = {"notify_due", "SELECT 1 FROM notify_message"
                             " WHERE state = 0 AND channel = $1 AND next_us <= $2"
                             "   AND claim_until_us <= $2"
                             "   AND (CAST($3 AS BIGINT) = 0 OR job_no = $3) LIMIT 1"},
    [Q_CLAIM] =
        {"notify_claim",
         "UPDATE notify_message"
         "   SET claim = $1, claim_until_us = $2, attempts = attempts + 1"
         " WHERE id = (SELECT id FROM notify_message"
         "              WHERE state = 0 AND channel = $3 AND next_us <= $4"
         "                AND claim_until_us <= $4 AND (CAST($5 AS BIGINT) = 0 OR job_no = $5)"
         "              ORDER BY next_us, id LIMIT 1 /*skip-locked*/)"
         "   AND state = 0 AND claim_until_us <= $4"
         " RETURNING id, job_no, recipient, created_us, attempts"},
    [Q_PARTS] = {"notify_parts",
                 "SELECT e.id, e.kind, e.at_us, e.content"
                 "  FROM notify_message_event m"
                 "  JOIN notify_event e ON e.job_no = m.job_no AND e.id = m.event_id"
                 " WHERE m.message_id = $1"
                 " ORDER BY e.at_us, e.id LIMIT $2"},
    [Q_FINISH] = {"notify_finish",
                  "UPDATE notify_message SET state = $3, next_us = $4, ended_us = $5, error = $6,"
                  " claim = '', claim_until_us = 0"
                  " WHERE id = $1 AND claim = $2"},
    [Q_RETRY_ALL] =
        {"notify_retry_all",
         "UPDATE notify_message SET state = 0, next_us = $2, ended_us = 0"
         " WHERE state <> 1 AND claim_until_us <= $2 AND (CAST($1 AS BIGINT) = 0 OR job_no = $1)"},
    [Q_LIST] = {"notify_list",
                "SELECT e.id, m.id, e.kind, e.at_us, m.channel, m.recipient, m.state, m.attempts,"
                " m.next_us, m.ended_us, m.error"
                "  FROM notify_message m"
                "  JOIN notify_message_event l ON l.message_id = m.id"
                "  JOIN notify_event e ON e.job_no = l.job_no AND e.id = l.event_id"
                " WHERE m.job_no = $1"
                " ORDER BY m.created_us DESC, m.id, e.at_us DESC, e.id LIMIT $2"},
    [Q_BACKLOG] = {"notify_backlog",
                   "SELECT CAST(count(*) FILTER (WHERE state = 0) AS BIGINT),"
                   " CAST(count(*) FILTER (WHERE state = 2 AND ended_us > $2) AS BIGINT)"
                   "  FROM notify_message WHERE job_no = $1 AND state <> 1"},
    [Q_BACKLOG_ERROR] = {"notify_backlog_error", "SELECT error FROM notify_message"
                                                 " WHERE job_no = $1 AND state <> 1 AND error <> ''"
                                                 "   AND (state = 0 OR ended_us > $2)"
                                                 " ORDER BY created_us DESC, id LIMIT 1"},
    [Q_TIDY_LINKS] = {"notify_tidy_links",
                      "DELETE FROM notify_message_event WHERE message_id IN"
                      " (SELECT id FROM notify_message WHERE created_us < $1)"},
    [Q_TIDY_MESSAGES] = {"notify_tidy_messages",
                         "DELETE FROM notify_message WHERE created_us < $1"},
    [Q_TIDY_EVENTS] = {"notify_tidy_events", "DELETE FROM notify_event WHERE at_us < $1"},
    [Q_TIDY_UNSENT] = {"notify_tidy_unsent",
                       "UPDATE notify_message SET state = 2, ended_us = $2,"
                       " error = CASE WHEN error = '' THEN $3 ELSE error END"
                       " WHERE state = 0 AND created_us < $1 AND claim_until_us <= $2"},
    [Q_OPEN] = {"notify_open",
                "SELECT e.id, (SELECT count(*) FROM notify_message_event n"
                "               WHERE n.job_no = e.job_no AND n.event_id = e.id)"
                "  FROM notify_message m"
                "  JOIN notify_message_event l ON l.message_id = m.id"
                "  JOIN notify_event e ON e.job_no = l.job_no AND e.id = l.event_id"
                " WHERE m.job_no = $1 AND m.channel = 0 AND m.state = 0 AND m.attempts = 0"
                "   AND m.next_us > $2 AND e.kind = $3"
                " ORDER BY e.at_us DESC, e.id LIMIT 1"},
    /* As in Q_JOIN: who claims it waits, or was first. */
    [Q_OPEN_HOLD] = {"notify_open_hold", "UPDATE notify_message SET created_us = created_us"
                                         " WHERE state = 0 AND attempts = 0 AND id IN"
                                         " (SELECT message_id FROM notify_message_event"
                                         "   WHERE job_no = $1 AND event_id = $2)"},
    [Q_UPDATE] = {"notify_update",
                  "UPDATE notify_event SET content = $3 WHERE job_no = $1 AND id = $2"},
    [Q_FORGET_LINKS] = {"notify_forget_links",
                        "DELETE FROM notify_message_event WHERE job_no = $1"},
    [Q_FORGET_MESSAGES] = {"notify_forget_messages",
                           "DELETE FROM notify_message WHERE job_no = $1"},
    [Q_FORGET_EVENTS] = {"notify_forget_events", "DELETE FROM notify_event WHERE job_no = $1"},
};
const size_t notify_query_count = ARRAY_LEN(notify_queries);

static const char *const kind_names[] = {
    [NOTIFY_QUARANTINE_ENTERED] = "quarantineEntered",
    [NOTIFY_QUARANTINE_CHANGED] = "quarantineChanged",
    [NOTIFY_QUARANTINE_LEFT] = "quarantineLeft",
    [NOTIFY_DISABLE_WARNING] = "disableWarning",
    [NOTIFY_JOB_DISABLED] = "jobDisabled",
    [NOTIFY_REMOVALS_HELD] = "removalsHeld",
    [NOTIFY_CREDENTIAL_EXPIRING] = "credentialExpiring",
    [NOTIFY_CYCLE_FAILED] = "cycleFailed",
    [NOTIFY_ESCROWS_GROWN] = "escrowsGrown",
    [NOTIFY_PROVISIONING_FAILED] = "provisioningFailed",
    [NOTIFY_DIGEST] = "digest",
    [NOTIFY_TEST] = "test",
};
static_assert(ARRAY_LEN(kind_names) == NOTIFY_KIND_COUNT, "every kind has a name");

static const char *const channel_names[] = {"mail", "webhook"};
static_assert(ARRAY_LEN(channel_names) == NOTIFY_CHANNEL_COUNT, "every channel has a name");
static const char *const state_names[] = {"waits", "sent", "givenUp"};
static_assert(ARRAY_LEN(state_names) == NOTIFY_STATE_COUNT, "every state has a name");

static const struct db_query *query(enum query q)
{
    return &notify_queries[q];
}

const char *notify_kind_name(enum notify_kind k)
{
    return kind_names[k];
}

bool notify_kind_from_name(struct str name, enum notify_kind *out)
{
    for (size_t i = 0; i < ARRAY_LEN(kind_names); i++) {
        if (str_eq_ascii_nocase(name, str_from_z(kind_names[i]))) {
            *out = (enum notify_kind)i;
            return true;
        }
    }
    return false;
}

const char *notify_channel_name(enum notify_channel c)
{
    return channel_names[c];
}

const char *notify_state_name(enum notify_state s)
{
    return state_names[s];
}

/* --- Putting in --- */

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
        if (str_eq_ascii_nocase(str_trim(name), str_from_z(kind_names[kind])))
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
                                   channel_names[channel], STR_ARG(recipient));
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
    if (!db_select(
            db, query(Q_JOIN),
            DB_ARGS(db_int(e->job_no), db_text(recipient), db_int(e->at_us), db_int(BATCH_MAX)),
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
        if (!db_exec(db, query(Q_MESSAGE),
                     DB_ARGS(db_text(id), db_int(e->job_no), db_int(channel), db_text(recipient),
                             db_int(e->at_us), db_int(e->at_us + batch_us)),
                     NULL, err))
            return false;
    }
    return db_exec(db, query(Q_LINK), DB_ARGS(db_text(id), db_text(e->id), db_int(e->job_no)), NULL,
                   err);
}

static bool add_event(struct db *db, const struct notify_event *e, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str mails = e->to.mails;
    struct str mail;
    int64_t added;

    if (!db_exec(db, query(Q_EVENT),
                 DB_ARGS(db_int(e->job_no), db_text(e->id),
                         db_text(str_from_z(kind_names[e->kind])), db_int(e->at_us),
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
            db, query(Q_OPEN),
            DB_ARGS(db_int(job_no), db_int(now_us), db_text(str_from_z(kind_names[kind]))), &st,
            err))
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
        !db_exec(db, query(Q_OPEN_HOLD), DB_ARGS(db_int(job_no), db_text(id)), &held, err))
        return false;
    *out = id.len > 0 && held == messages ? id : (struct str){0};
    return true;
}

bool notify_event_update(struct db *db, const struct notify_event *e, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    return db_exec(
        db, query(Q_UPDATE),
        DB_ARGS(db_int(e->job_no), db_text(e->id), db_text(json_text(a, notify_content(a, e)))),
        NULL, err);
}

bool notify_forget(struct db *db, int64_t job_no, struct err *err)
{
    static const enum query steps[] = {Q_FORGET_LINKS, Q_FORGET_MESSAGES, Q_FORGET_EVENTS};

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (!db_exec(db, query(steps[i]), DB_ARGS(db_int(job_no)), NULL, err))
            return false;
    }
    return true;
}

bool notify_event_known(struct db *db, int64_t job_no, struct str id, bool *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_EVENT_KNOWN), DB_ARGS(db_int(job_no), db_text(id)), &st, err))
        return false;
    *out = st != NULL;
    return true;
}

bool notify_mark_load(struct db *db, struct arena *a, int64_t job_no, struct str name,
                      struct str *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_MARK_LOAD), DB_ARGS(db_int(job_no), db_text(name)), &st, err))
        return false;
    *out = st ? arena_str(a, db_col_text(st, 0)) : (struct str){0};
    return true;
}

bool notify_mark_save(struct db *db, int64_t job_no, struct str name, struct str value,
                      struct err *err)
{
    if (str_empty(value)) {
        return db_exec(db, query(Q_MARK_REMOVE), DB_ARGS(db_int(job_no), db_text(name)), NULL, err);
    }
    return db_exec(db, query(Q_MARK_SAVE), DB_ARGS(db_int(job_no), db_text(name), db_text(value)),
                   NULL, err);
}

/* --- Taking out --- */

static bool load_parts(struct db *db, struct arena *a, struct notify_message *m, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct notify_part *parts = ARENA_ARRAY(a, struct notify_part, BATCH_MAX);
    bool row;

    m->parts = parts;
    m->part_count = 0;
    if (!db_select(db, query(Q_PARTS), DB_ARGS(db_text(m->id), db_int(BATCH_MAX)), &st, err))
        return false;
    while (m->part_count < BATCH_MAX) {
        struct notify_part *p = &parts[m->part_count];

        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        /* A kind that a newer usher knows, and content that it alone can read, is left out. */
        if (!notify_kind_from_name(db_col_text(st, 1), &p->kind) ||
            !json_parse(a, db_col_text(st, 3), NULL, &p->content, NULL, err))
            continue;
        p->id = arena_str(a, db_col_text(st, 0));
        p->at_us = db_col_int(st, 2);
        m->part_count++;
    }
    return true;
}

static bool claim_row(struct db *db, struct arena *a, enum notify_channel channel, int64_t job_no,
                      struct str claim, int64_t now_us, struct notify_message *out, bool *out_found,
                      struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool more = false;

    if (!db_select(db, query(Q_CLAIM),
                   DB_ARGS(db_text(claim), db_int(now_us + NOTIFY_CLAIM_US), db_int(channel),
                           db_int(now_us), db_int(job_no)),
                   &st, err) ||
        !db_step(st, out_found, err))
        return false;
    if (!*out_found)
        return true;
    *out = (struct notify_message){
        .id = arena_str(a, db_col_text(st, 0)),
        .job_no = db_col_int(st, 1),
        .channel = channel,
        .recipient = arena_str(a, db_col_text(st, 2)),
        .created_us = db_col_int(st, 3),
        .attempts = db_col_int(st, 4),
        .claim = arena_str(a, claim),
    };
    /* A writing statement is committed when it has come to its end. */
    return db_step(st, &more, err);
}

static bool is_due(struct db *db, enum notify_channel channel, int64_t job_no, int64_t now_us,
                   bool *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_DUE), DB_ARGS(db_int(channel), db_int(now_us), db_int(job_no)),
                       &st, err))
        return false;
    *out = st != NULL;
    return true;
}

bool notify_claim(struct db *db, struct arena *a, enum notify_channel channel, int64_t job_no,
                  struct str claim, int64_t now_us, struct notify_message *out, bool *out_found,
                  struct err *err)
{
    if (!is_due(db, channel, job_no, now_us, out_found, err))
        return false;
    return !*out_found || (claim_row(db, a, channel, job_no, claim, now_us, out, out_found, err) &&
                           (!*out_found || load_parts(db, a, out, err)));
}

int64_t notify_pause_us(enum notify_outcome outcome, int64_t attempts)
{
    if (outcome == NOTIFY_OUTCOME_REFUSED || attempts > 6)
        return US_PER_HOUR;
    return US_PER_MINUTE << (attempts > 1 ? attempts - 1 : 0);
}

bool notify_finish(struct db *db, const struct notify_message *m, enum notify_outcome outcome,
                   struct str error, int64_t now_us, struct err *err)
{
    int64_t tries_us = outcome == NOTIFY_OUTCOME_REFUSED ? NOTIFY_REFUSED_US : NOTIFY_TRY_US;
    enum notify_state state = NOTIFY_WAITS;

    if (outcome == NOTIFY_OUTCOME_SENT) {
        state = NOTIFY_SENT;
    } else if (now_us - m->created_us > tries_us) {
        state = NOTIFY_GIVEN_UP;
    }
    return db_exec(db, query(Q_FINISH),
                   DB_ARGS(db_text(m->id), db_text(m->claim), db_int(state),
                           db_int(now_us + notify_pause_us(outcome, m->attempts)),
                           db_int(state == NOTIFY_WAITS ? 0 : now_us), db_text(error)),
                   NULL, err);
}

bool notify_retry_all(struct db *db, int64_t job_no, int64_t now_us, int64_t *out_count,
                      struct err *err)
{
    return db_exec(db, query(Q_RETRY_ALL), DB_ARGS(db_int(job_no), db_int(now_us)), out_count, err);
}

bool notify_tidy(struct db *db, int64_t now_us, struct err *err)
{
    struct db_value old = db_int(now_us - NOTIFY_RETENTION_US);
    bool ok = db_begin(db, DB_WRITE, err) &&
              db_exec(db, query(Q_TIDY_UNSENT),
                      DB_ARGS(db_int(now_us - NOTIFY_TRY_US), db_int(now_us),
                              db_text(STR("nobody could send it: is a mail server configured?"))),
                      NULL, err) &&
              db_exec(db, query(Q_TIDY_LINKS), DB_ARGS(old), NULL, err) &&
              db_exec(db, query(Q_TIDY_MESSAGES), DB_ARGS(old), NULL, err) &&
              db_exec(db, query(Q_TIDY_EVENTS), DB_ARGS(old), NULL, err) && db_commit(db, err);

    if (!ok)
        db_rollback(db);
    return ok;
}

/* --- Looking --- */

bool notify_list(struct db *db, struct arena *a, int64_t job_no, size_t limit,
                 struct notify_delivery **out, size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct notify_delivery *list = ARENA_ARRAY(a, struct notify_delivery, limit);
    size_t count = 0;
    bool row;

    if (!db_select(db, query(Q_LIST), DB_ARGS(db_int(job_no), db_int((int64_t)limit)), &st, err))
        return false;
    while (count < limit) {
        struct notify_delivery d;

        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        d = (struct notify_delivery){
            .event_id = arena_str(a, db_col_text(st, 0)),
            .message_id = arena_str(a, db_col_text(st, 1)),
            .at_us = db_col_int(st, 3),
            .channel = (enum notify_channel)db_col_int(st, 4),
            .recipient = arena_str(a, db_col_text(st, 5)),
            .state = (enum notify_state)db_col_int(st, 6),
            .attempts = db_col_int(st, 7),
            .next_us = db_col_int(st, 8),
            .ended_us = db_col_int(st, 9),
            .error = arena_str(a, db_col_text(st, 10)),
        };
        if (notify_kind_from_name(db_col_text(st, 2), &d.kind))
            list[count++] = d;
    }
    *out = list;
    *out_count = count;
    return true;
}

static bool backlog_counts(struct db *db, int64_t job_no, int64_t since_us,
                           struct notify_backlog *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_BACKLOG), DB_ARGS(db_int(job_no), db_int(since_us)), &st, err))
        return false;
    out->waiting = db_col_int(st, 0);
    out->given_up = db_col_int(st, 1);
    return true;
}

bool notify_backlog_load(struct db *db, struct arena *a, int64_t job_no, int64_t now_us,
                         struct notify_backlog *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct notify_backlog b = {0};
    int64_t since_us = now_us - 7 * US_PER_DAY;

    if (!backlog_counts(db, job_no, since_us, &b, err) ||
        !db_select_one(db, query(Q_BACKLOG_ERROR), DB_ARGS(db_int(job_no), db_int(since_us)), &st,
                       err))
        return false;
    if (st)
        b.error = arena_str(a, db_col_text(st, 0));
    *out = b;
    return true;
}
