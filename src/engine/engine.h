/* The engine: what can be done with a job (design.md 1, engine.md). A cycle, one person on demand,
 * a dry run and a plan all take the same walk; they differ in what feeds it and in whether export
 * is sent. Every call works on the database itself, in whichever process; a cycle and an on-demand
 * run hold the job's lease. */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rng.h"
#include "base/secret.h"
#include "connector/source.h"
#include "connector/target.h"
#include "db/db.h"
#include "job/cycle.h"
#include "job/held.h"
#include "job/history.h"
#include "job/job.h"
#include "job/pulse.h"
#include "job/retry.h"
#include "job/settings.h"
#include "job/stream.h"
#include "journal/journal.h"
#include "notify/notify.h"

#include <stdatomic.h>

/* What the engine is given by whoever wires the program: where its data is and how a job's two ends
 * are opened. */
struct engine {
    const struct db_config *db;
    const struct secret_key *key;
    const struct clock *clock;
    struct rng *rng;
    /* Opens the source of a job on a database handle that outlives it. */
    bool (*open_source)(struct db *db, const struct job *job, struct source **out, struct err *err);
    /* Opens the target of a job; settings and token (the secret SecretToken) are borrowed until the
     * target is closed. Called from several threads. */
    bool (*open_target)(void *ctx, const struct job *job, const struct job_settings *settings,
                        const struct secret *token, const struct mapping_program *program,
                        struct target **out, struct err *err);
    void *target_ctx;  /* for open_target */
    unsigned window;   /* objects on the walk at once; 0: 64 */
    int64_t pulse_us;  /* how often a running cycle tells of itself; 0: every 2 seconds */
    struct str author; /* who acts, for the audit log; empty: "system" */
};

/* How a cycle tells that it goes on; called now and then on the cycle's thread. */
struct engine_observer {
    void (*progress)(void *ctx, const struct job *job, const struct cycle *cycle);
    void *ctx;
};

/* Runs the job's next cycle to its end: initial when there is no watermark, else incremental; a
 * cycle that a crash or a pause left behind goes on where it was. Stops early, keeping its place,
 * when the job is paused or *stop becomes true. The result is in *out (texts in a). False when the
 * cycle could not run: ERR_CONFLICT "leaseHeld", ERR_DENIED "jobPaused", connection test failures
 * (then the job is quarantined). */
MUST_USE bool engine_cycle(const struct engine *e, int64_t job_no,
                           const struct engine_observer *observer, const atomic_bool *stop,
                           struct arena *a, struct cycle *out, struct err *err);

enum engine_send {
    ENGINE_SEND,
    ENGINE_SHOW
}; /* SHOW: reads from the target, writes nothing anywhere */

/* One person or group on demand: the documented steps in *out (in a), written to the journal when
 * sent (engine.md 12). True also when the person could not be provisioned: out->status says it. */
MUST_USE bool engine_provision(const struct engine *e, int64_t job_no, struct str who,
                               enum engine_send send, struct str initiated_by, struct arena *a,
                               struct journal_record *out, struct err *err);

/* One intended action of a plan. */
enum plan_intent {
    INTENT_NOTHING,
    INTENT_MATCH_OR_CREATE,
    INTENT_UPDATE,
    INTENT_DISABLE,
    INTENT_DELETE,
    INTENT_COUNT
};
const char *plan_intent_name(
    enum plan_intent i); /* "nothing", "createOrMatch", "update", "disable", "delete" */

struct plan_row {
    enum plan_intent intent;
    enum source_kind kind;
    struct str source_id, source_name;
    struct str target_id; /* empty when not connected */
    struct str reason; /* of nothing: skip reason code or error code; of disable and delete: why */
    struct str code;   /* of one that fails or is held: the error code or skip reason */
    const struct journal_property *changes;
    size_t change_count;
    /* Of saved plans only (plan_file.h). */
    struct str source_version, target_version;
};
enum { PLAN_HELD_MAX = 300 };
struct plan_counts {
    int64_t read, by_intent[INTENT_COUNT], failed;
    /* Whoever is to be matched is looked for in a list of all accounts, read once, if the target
     * has no more than these (engine.md 4); 0: it is asked for each. */
    int64_t listed_up_to;
    /* Why the guard would hold removals, and changes of matching or sign-in attributes, in words;
     * empty: it would not (guard.h). */
    char removals_held[PLAN_HELD_MAX], updates_held[PLAN_HELD_MAX];
};
/* What the next cycle would do, from local state alone, nothing sent and nothing written. row (may
 * be NULL) is called for each object that something would happen to; its texts are valid during the
 * call. all: plan every object, as an initial cycle would, whatever the watermark. */
enum plan_of { PLAN_NEXT_CYCLE, PLAN_ALL };
MUST_USE bool engine_plan(const struct engine *e, int64_t job_no, enum plan_of of,
                          void (*row)(void *ctx, const struct plan_row *row), void *ctx,
                          struct plan_counts *out, struct err *err);

struct engine_setting {
    struct str name, value;
};
/* Tests the connection of a job, or of what would be one before it is saved: base_url, token and
 * changed settings given (engine.md 10). */
MUST_USE bool engine_test(const struct engine *e, int64_t job_no, struct err *err);
MUST_USE bool engine_test_new(const struct engine *e, const struct job *job,
                              const struct secret *token, const struct engine_setting *changed,
                              size_t changed_count, struct str schema_json, struct err *err);

/* Saves changed settings of a job. A change of who is in scope makes the next cycle an initial one,
 * as a new schema does (engine.md 3.5); connections stay. author: who changed it. */
MUST_USE bool engine_update(const struct engine *e, const struct job *changed, struct str author,
                            struct err *err);
/* The same of what differs between the two alone: what somebody else has changed since `loaded` was
 * read stays. */
MUST_USE bool engine_update_since(const struct engine *e, const struct job *loaded,
                                  const struct job *changed, struct str author, struct err *err);

/* Saves settings (job/settings.h), all or none; an empty value: back to the default. Those that
 * decide who is in scope or what becomes of accounts make the next cycle an initial one. Errors as
 * job_setting_save. */
MUST_USE bool engine_set(const struct engine *e, int64_t job_no,
                         const struct engine_setting *settings, size_t count, struct str author,
                         struct err *err);

/* Start, pause, restart (engine.md 11). Start also lifts quarantine. A running cycle, in whichever
 * process, stops at the next object boundary when its job is paused. */
MUST_USE bool engine_start(const struct engine *e, int64_t job_no, struct err *err);
MUST_USE bool engine_pause(const struct engine *e, int64_t job_no, struct err *err);
enum { /* resetScope */
       RESET_WATERMARK = 1,
       RESET_RETRIES = 2,
       RESET_QUARANTINE = 4,
       RESET_CONNECTIONS = 8,
       RESET_FORCE_DELETES = 16, /* allows what is held now (held.h) */
       RESET_NOW = 32,           /* a running cycle stops at the next object first */
       RESET_DEFAULT = RESET_WATERMARK | RESET_RETRIES | RESET_QUARANTINE,
       RESET_FULL = RESET_DEFAULT | RESET_CONNECTIONS,
};
/* While a cycle runs the restart applies when it has ended (engine.md 11, 22 D7). The connections
 * that are cleared are kept for engine_undo_reset. */
MUST_USE bool engine_restart(const struct engine *e, int64_t job_no, unsigned reset,
                             struct err *err);
/* Puts the connections back that a restart has cleared last, in the place of those there are now;
 * the next cycle looks at everybody. ERR_NOT_FOUND "noBackup", ERR_CONFLICT "leaseHeld". */
MUST_USE bool engine_undo_reset(const struct engine *e, int64_t job_no, int64_t *out_count,
                                struct err *err);

/* The members of a group (by what source_ops.find takes), or with an empty name of all groups that
 * are connected, are sent again with the next cycle; nobody is taken out by that. *out_groups: how
 * many. ERR_NOT_FOUND, also "notConnected"; ERR_INVALID "notAGroup"; ERR_CONFLICT "leaseHeld" while
 * a cycle runs. */
MUST_USE bool engine_reassert(const struct engine *e, int64_t job_no, struct str who,
                              int64_t *out_groups, struct err *err);

/* Status of a job as an administrator reads it (engine.md 14.1). */
struct engine_status {
    struct job job;
    const char *code; /* status.code of graph-api.md 3.3: "NotConfigured", "NotRun", "Active",
                         "Paused", "Quarantine" */
    bool has_secrets;
    bool running;
    struct str runner; /* who holds the lease while running */
    bool has_cycle, has_last;
    struct cycle cycle;               /* the running or interrupted one */
    struct cycle last;                /* the newest ended one */
    int64_t users, groups;            /* connected */
    struct job_history history;       /* to date */
    int64_t retries;                  /* parked failures */
    int64_t pending;                  /* references that wait for the account of whom they name */
    int64_t undone;                   /* objects that an undo holds */
    const struct retry_code *escrows; /* parked failures by code, the most frequent first */
    size_t escrow_count;
    struct held_counts held;       /* by the guard */
    int64_t in_grace;              /* removals that wait for the end of their grace period */
    int64_t grace_ends_us;         /* ... the first of them; 0: none waits */
    bool has_pulse;                /* the running cycle has told of itself lately */
    struct job_pulse pulse;        /* ... how fast it goes and what holds it back */
    int64_t next_cycle_us;         /* 0: at once; -1: none (paused or disabled) */
    struct notify_backlog notices; /* not yet told */
    bool streams;                  /* the log is sent on (stream.h) */
    struct job_stream stream;
};
MUST_USE bool engine_status_load(const struct engine *e, int64_t job_no, struct arena *a,
                                 struct engine_status *out, struct err *err);

/* The scheduler: one thread that starts each active job's cycles when they are due (interval, or a
 * change of the source) and one thread for each running cycle. */
struct engine_scheduler;
MUST_USE bool engine_scheduler_start(const struct engine *e, const struct engine_observer *observer,
                                     struct engine_scheduler **out, struct err *err);
void engine_scheduler_stop(
    struct engine_scheduler *s); /* cycles stop at an object boundary; NULL is fine */
