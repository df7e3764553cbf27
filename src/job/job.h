/* Jobs: one configured provisioning of one application (engine.md 2). This header is the record
 * itself with its settings, secrets and schema versions; connection.h has who is linked to which
 * account, retry.h the parked failures, cycle.h the runs with their watermark and lease. */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rng.h"
#include "base/secret.h"
#include "db/db.h"

enum job_state { JOB_DISABLED, JOB_ACTIVE, JOB_PAUSED, JOB_STATE_COUNT }; /* schedule.state */
const char *job_state_name(enum job_state s); /* "Disabled", "Active", "Paused" */

enum job_scope { JOB_SCOPE_ASSIGNED, JOB_SCOPE_ALL, JOB_SCOPE_COUNT };
const char *job_scope_name(enum job_scope s); /* "assigned", "all" */
bool job_scope_from_name(struct str name, enum job_scope *out);

#define JOB_INTERVAL_DEFAULT_US (40 * US_PER_MINUTE)
#define JOB_INTERVAL_MIN_US     US_PER_MINUTE
#define JOB_NAME_MAX            120 /* characters */

struct job {
    int64_t no;      /* small number, the key of every table of the job; never reused */
    struct str id;   /* UUID: also the id of the application in assignments */
    struct str name; /* as given with --name; unique without regard to case */
    struct str template_id;
    struct str base_url; /* tenant URL */
    enum job_state state;
    enum job_scope scope;
    int64_t interval_us;
    struct str notification_mail; /* or empty */
    int64_t schema_version;       /* the newest version of its schema */
    int64_t created_us;
    bool quarantined;
    struct str quarantine_reason; /* "EncounteredQuarantineException", ... or empty */
    struct str quarantine_code;
    struct str quarantine_message;
    int64_t quarantine_since_us;   /* when the series began */
    int64_t quarantine_current_us; /* last imposed */
    int64_t quarantine_count;      /* re-evaluations that left it in force */
    bool escrows_pruned;           /* engine.md 9.6 */
    int64_t next_cycle_us;         /* when the next cycle, or attempt, is due; 0: at once */
};

/* Texts of results belong to a. */
MUST_USE bool job_insert(struct db *db, struct job *job, struct str schema_json,
                         struct err *err); /* gives no; ERR_CONFLICT "nameTaken" */
MUST_USE bool job_load(struct db *db, struct arena *a, struct str name_or_id, struct job *out,
                       struct err *err); /* ERR_NOT_FOUND "jobNotFound" lists the nearest names */
MUST_USE bool job_load_no(struct db *db, struct arena *a, int64_t no, struct job *out,
                          struct err *err);
MUST_USE bool job_list(struct db *db, struct arena *a, struct job **out, size_t *out_count,
                       struct err *err); /* by name */
MUST_USE bool job_update(struct db *db, const struct job *job,
                         struct err *err); /* name, base_url, scope, interval, notification */
MUST_USE bool job_set_state(struct db *db, int64_t no, enum job_state state, struct err *err);
MUST_USE bool job_set_next_cycle(struct db *db, int64_t no, int64_t at_us, struct err *err);
/* The same at the end of a cycle that ran with a version of the schema: when there is a newer one
 * the next cycle is due at once. */
MUST_USE bool job_set_next_cycle_after(struct db *db, int64_t no, int64_t schema_version,
                                       int64_t at_us, struct err *err);
/* Inside a write transaction: nobody else changes the job's row before its end, so that what is
 * read of it from now on may be written back. */
MUST_USE bool job_lock(struct db *db, int64_t no, struct err *err);
/* The row alone; engine/failures/quarantine.h has what else belongs to a change of it. */
struct job_quarantine {
    struct str reason, code, message;
    int64_t since_us, current_us, count;
};
MUST_USE bool job_set_quarantine(struct db *db, int64_t no, const struct job_quarantine *q,
                                 struct err *err); /* NULL: lifts it */
MUST_USE bool job_set_pruned(struct db *db, int64_t no, bool pruned, struct err *err);
MUST_USE bool job_remove(struct db *db, int64_t no,
                         struct err *err); /* with all state of the job */

/* The synchronization schema, in numbered versions (document text as JSON). */
MUST_USE bool job_schema_load(struct db *db, struct arena *a, int64_t no, int64_t version,
                              struct str *out, struct err *err); /* version 0: newest */
MUST_USE bool job_schema_save(struct db *db, int64_t no, struct str json, struct str author,
                              struct str comment, int64_t now_us, int64_t *out_version,
                              struct err *err);
/* What is kept beside each version. Newest first, those before version `before` (0: all). */
struct job_schema_version {
    int64_t version;
    struct str author;
    struct str comment;
    int64_t created_us;
};
MUST_USE bool job_schema_list(struct db *db, struct arena *a, int64_t no, int64_t before,
                              size_t limit, struct job_schema_version **out, size_t *out_count,
                              struct err *err);

/* Secrets by name ("SecretToken"), encrypted at rest. */
MUST_USE bool job_secret_save(struct db *db, const struct secret_key *key, int64_t no,
                              struct str name, const struct secret *value, struct err *err);
MUST_USE bool job_secret_load(struct db *db, const struct secret_key *key, int64_t no,
                              struct str name, struct secret *out,
                              struct err *err); /* ERR_NOT_FOUND "secretNotSet" */
/* Whether there is any that opens the application: the secret of a webhook does not. */
MUST_USE bool job_has_secrets(struct db *db, int64_t no, bool *out, struct err *err);
