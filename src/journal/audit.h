/* The audit log: every change of configuration with who, when, before and after (engine.md 13.5).
 * Records are chained: each carries the SHA-256 of the one before, and number and SHA-256 of the
 * last are sealed with the key of secrets, so that what is changed, removed, inserted or cut off at
 * the end is noticed. A secret's value never gets here: the caller gives "*****" in its place. */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/secret.h"
#include "db/db.h"

enum audit_activity {
    AUDIT_ADD,
    AUDIT_DELETE,
    AUDIT_START,
    AUDIT_PAUSE,
    AUDIT_RESTART,
    AUDIT_MAPPING,
    AUDIT_SETTING,
    AUDIT_IMPORT,
    AUDIT_EXPORT,
    AUDIT_RULE,
    AUDIT_ESCROW,
    AUDIT_QUARANTINE,
    AUDIT_USER,
    AUDIT_OTHER,
    AUDIT_ACTIVITY_COUNT
};

#define AUDIT_MASK "*****"

/* Who acts, and what a record takes from the surroundings. */
struct audit {
    const struct secret_key *key;
    const struct clock *clock;
    struct str author; /* empty: "system" */
};

struct audit_change {
    enum audit_activity activity;
    struct str app_id, app_name; /* of the application; or empty */
    struct str subject;          /* "settings", "secret SecretToken", "tenant plant" */
    const struct json *before;   /* NULL: there was nothing */
    const struct json *after;    /* NULL: there is nothing any more */
};

/* Appends a record in the caller's transaction, which therefore holds the log's head until it ends;
 * without one it has its own. ERR_INTERNAL "auditDamaged" when the head cannot be read: sealed with
 * another key, or altered (audit_reseal). */
MUST_USE bool audit_append(struct db *db, const struct audit *who, const struct audit_change *c,
                           struct err *err);

/* Takes out of both objects the members that are equal in both. */
void audit_difference(struct json *before, struct json *after);
/* A URL that may carry a secret: scheme and host as they are, the rest masked. In a. */
struct str audit_masked_url(struct arena *a, struct str url);

struct audit_record {
    int64_t no;
    int64_t at_us;
    struct str author, activity, app_id, app_name, subject;
    struct str before, after; /* JSON texts, or empty */
    struct str previous;
};

struct audit_query { /* zero: no restriction */
    struct str app_id;
    int64_t from_us;   /* not older than this */
    int64_t before_no; /* only numbers below */
    size_t limit;      /* 0: 100 */
};
/* Newest first, texts in a. */
MUST_USE bool audit_list(struct db *db, struct arena *a, const struct audit_query *q,
                         struct audit_record **out, size_t *out_count, struct err *err);
/* Oldest first, those after number `after`. */
MUST_USE bool audit_page(struct db *db, struct arena *a, int64_t after, size_t limit,
                         struct audit_record **out, size_t *out_count, struct err *err);
/* Before and after as JSON values, not as texts. */
struct json *audit_to_json(struct arena *a, const struct audit_record *r);

enum audit_verdict {
    AUDIT_INTACT,
    AUDIT_CHANGED,  /* record no says something else than it did, or another one is in its place */
    AUDIT_MISSING,  /* record no is not there */
    AUDIT_CUT,      /* records from no on, at the end, are not there */
    AUDIT_ADDED,    /* record no and what follows were not written by this program */
    AUDIT_UNSEALED, /* the records fit each other; but who says that none was cut off? */
};
struct audit_finding {
    enum audit_verdict verdict;
    int64_t no;                /* the first record that does not fit */
    int64_t count;             /* records looked at */
    char hash[SHA256_HEX_MAX]; /* of the last one; to be kept elsewhere, who wants to */
};
/* Reads the whole log in order. True also when something does not fit: *out says it. */
MUST_USE bool audit_verify(struct db *db, const struct secret_key *key, struct audit_finding *out,
                           struct err *err);
/* Seals the log as it is and says so in a record of its own: after the key was lost, or damage was
 * looked into. */
MUST_USE bool audit_reseal(struct db *db, const struct audit *who, struct err *err);
