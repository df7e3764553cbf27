/* Notices: events of a job and the queue of messages that tell them (engine.md 9.8). An event is
 * put into the queue inside the transaction of what caused it: it is there exactly when the change
 * is, and once, since its id names the cause. Sending is sender.h. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "db/db.h"

enum notify_kind {
    NOTIFY_QUARANTINE_ENTERED,
    NOTIFY_QUARANTINE_CHANGED, /* its reason */
    NOTIFY_QUARANTINE_LEFT,
    NOTIFY_DISABLE_WARNING, /* the job is switched off at until_us */
    NOTIFY_JOB_DISABLED,
    NOTIFY_REMOVALS_HELD,       /* count of them */
    NOTIFY_CREDENTIAL_EXPIRING, /* at until_us */
    NOTIFY_CYCLE_FAILED,
    NOTIFY_ESCROWS_GROWN,       /* count of them, over limit */
    NOTIFY_PROVISIONING_FAILED, /* a tenant of ours refused count writes; the first in objects */
    NOTIFY_CHANGES_SET_ASIDE,   /* by the webhook of a tenant; of whom and why in objects */
    NOTIFY_DIGEST,              /* count objects fail; the first of them in objects */
    NOTIFY_TEST,
    NOTIFY_KIND_COUNT
};
const char *notify_kind_name(enum notify_kind k);                   /* "quarantineEntered", ... */
bool notify_kind_from_name(struct str name, enum notify_kind *out); /* ASCII case ignored */

/* Who is told, as the job's settings say. */
struct notify_to {
    struct str mails;   /* addresses, comma-separated (address.h); or empty */
    struct str webhook; /* a URL; or empty */
    struct str events;  /* names of kinds, comma-separated; empty: all */
    int64_t batch_us;   /* mails of this long go in one; 0: each at once. Webhooks do not wait */
};

/* An object that fails, of a digest. */
struct notify_object {
    struct str name, code, message;
    int64_t since_us, next_us; /* 0: not told */
};

struct notify_event {
    struct str id; /* names the cause, within the job: told again, nothing happens */
    enum notify_kind kind;
    int64_t at_us;
    int64_t job_no; /* the scope: a job, or notify_tenant() */
    struct str job_id, job_name;
    struct notify_to to;
    /* What there is to say; empty and 0 are left out. */
    struct str code, message; /* of the reason */
    int64_t since_us, until_us;
    int64_t count, limit;
    const struct notify_object *objects;
    size_t object_count;
};

/* Puts the event and a message to each recipient into the queue. Joins the caller's transaction, or
 * has one of its own. Nothing happens when the id is known, when the kind is not among those to be
 * told, or when there is no recipient. */
MUST_USE bool notify_event(struct db *db, const struct notify_event *e, struct err *err);
/* Scopes are the numbers of jobs, from 1; below 0 stand the tenants of the service provider. */
static inline int64_t notify_tenant(int64_t tenant_no)
{
    return -tenant_no;
}

/* The newest event of a kind that is in an open batch for each of its recipients; empty: there is
 * none. It stays open until the caller's transaction ends. */
MUST_USE bool notify_open_event(struct db *db, struct arena *a, int64_t job_no,
                                enum notify_kind kind, int64_t now_us, struct str *out,
                                struct err *err);
/* What an event in an open batch says from now on. */
MUST_USE bool notify_event_update(struct db *db, const struct notify_event *e, struct err *err);
/* Takes everything of a scope out of the queue; in the caller's transaction. */
MUST_USE bool notify_forget(struct db *db, int64_t job_no, struct err *err);

/* Whether the event is in the queue or was: spares a look at what an event would say. */
MUST_USE bool notify_event_known(struct db *db, int64_t job_no, struct str id, bool *out,
                                 struct err *err);
/* Whether anybody is told of events of that kind. */
bool notify_wanted(const struct notify_to *to, enum notify_kind kind);

/* What an event says, as it is kept and posted: {"job": {"id", "name"}, "code", "message", "since",
 * ...}; what is empty is left out. */
struct json *notify_content(struct arena *a, const struct notify_event *e);

/* Marks: what has been told of a state that lasts. A missing one is empty; an empty value removes.
 */
MUST_USE bool notify_mark_load(struct db *db, struct arena *a, int64_t job_no, struct str name,
                               struct str *out, struct err *err);
MUST_USE bool notify_mark_save(struct db *db, int64_t job_no, struct str name, struct str value,
                               struct err *err);

/* --- Looking at the queue --- */

enum notify_channel { NOTIFY_MAIL, NOTIFY_WEBHOOK, NOTIFY_CHANNEL_COUNT };
const char *notify_channel_name(enum notify_channel c); /* "mail", "webhook" */
enum notify_state { NOTIFY_WAITS, NOTIFY_SENT, NOTIFY_GIVEN_UP, NOTIFY_STATE_COUNT };
const char *notify_state_name(enum notify_state s); /* "waits", "sent", "givenUp" */

/* An event on its way to a recipient. */
struct notify_delivery {
    struct str event_id, message_id;
    enum notify_kind kind;
    int64_t at_us;
    enum notify_channel channel;
    struct str recipient;
    enum notify_state state;
    int64_t attempts, next_us, ended_us;
    struct str error;
};
/* Newest first, at most limit; texts in a. */
MUST_USE bool notify_list(struct db *db, struct arena *a, int64_t job_no, size_t limit,
                          struct notify_delivery **out, size_t *out_count, struct err *err);

struct notify_backlog {
    int64_t waiting;  /* messages not yet sent */
    int64_t given_up; /* within the last seven days */
    struct str error; /* of the newest attempt that failed among them; or empty */
};
MUST_USE bool notify_backlog_load(struct db *db, struct arena *a, int64_t job_no, int64_t now_us,
                                  struct notify_backlog *out, struct err *err);
