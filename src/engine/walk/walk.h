/* The walk of one object through the stations (design.md 1): import, scope, match, map, plan,
 * export, record. A struct walk is everything one object carries with it; scope.c and plan.c are
 * pure and fill it from values, export.c sends what was planned, record.c keeps the outcome. Each
 * station leaves a step. */
#pragma once

#include "base/arena.h"
#include "connector/source.h"
#include "connector/target.h"
#include "engine/engine.h"
#include "job/connection.h"
#include "job/due.h"
#include "job/held.h"
#include "job/job.h"
#include "journal/journal.h"

enum { WALK_STEPS_MAX = 10, WALK_CRITERIA_MAX = 4, WALK_UNIQUE_MAX = 16 };

struct map;
struct run;
struct feed_page;

/* What a scoping filter may ask about others; functions that are NULL know nothing (others.c). */
struct walk_others {
    bool (*manager_of)(void *ctx, const struct source_entry *entry, struct arena *a,
                       const struct json **out, struct err *err);
    struct str (*group_id)(void *ctx, struct str display_name);
    /* What is kept of the object's removals and turns (job/due.h). NULL: nothing is kept of
     * anybody.
     */
    bool (*due_of)(void *ctx, const struct source_entry *entry, struct arena *a,
                   struct due out[DUE_REASON_COUNT], bool found[DUE_REASON_COUNT], struct err *err);
    void *ctx;
};

/* What the stations need to know of the job besides the object; the same for all walks of a run. */
struct walk_job {
    const struct job *job;
    const struct job_settings *settings;
    const struct mapping_program *program;
    enum source_scope scope;
    int64_t now_us;            /* one instant for the run's evaluations */
    struct str default_domain; /* of the directory; empty: unknown, or nobody asks */
    bool tells_all;            /* on demand: each scoping clause is told */
    struct rng *rng;
    struct walk_others others;
    const struct map *protected_accounts; /* folded ids and matching values; NULL: none */
};

/* The second pass goes over its objects three times: references of their own, then members that
 * leave, then members that join (engine.md 3.1). */
enum reference_leg { LEG_SINGLES, LEG_LEAVES, LEG_JOINS };

/* What became of a membership. */
enum member_outcome {
    MEMBER_WAITS,   /* not sent (yet) */
    MEMBER_SENT,    /* the target has it so */
    MEMBER_REFUSED, /* the target does not take this one */
    MEMBER_LEFT     /* nothing was to be sent: who is no member waits for nothing */
};

/* One member of a group that the second pass looks at. */
struct walk_member {
    struct str source_id;
    struct str target_id; /* empty: not connected */
    bool present;         /* wanted in the target */
    bool departed;        /* target_id is an account that is gone */
    bool forced;          /* sent even if it was exported already */
    enum member_outcome outcome;
};

/* Whom an attribute names, when that is to be recorded. */
struct walk_named {
    const struct mapping_attribute *attribute;
    struct str *ids; /* source ids */
    size_t count;
    bool changed; /* the account says so now */
    bool found;   /* the account has said so before it was connected */
    bool settled; /* it waits for nobody but those in `missing` */
};

/* What the second pass of an object carries and leaves to be recorded. */
struct walk_references {
    enum reference_leg leg;
    struct walk_member *members;
    size_t member_count, member_cap;
    bool whole;   /* of a group all members are compared, whatever members are given */
    bool forced;  /* ... and all that are there are sent */
    bool goes_on; /* ... from `cursor`, where another walk ended */
    struct walk *before, *rest; /* ... that one, as long as it is not recorded; and the other way */
    struct str cursor;          /* ... behind the last member looked at */
    bool more;                  /* ... and there are more */
    struct pending_reference *missing; /* references that could not be resolved yet */
    size_t missing_count, missing_cap;
    struct walk_named *named;
    size_t named_count;
    struct owed_reference *owed; /* what made this object come here */
    size_t owed_count;

    size_t from, to;   /* the members in the request under way */
    size_t at_once;    /* how many the next one may have */
    size_t refused;    /* members, so far */
    bool accepted;     /* some were taken */
    size_t suspect;    /* so many were refused together */
    size_t suspect_to; /* ... up to this one; 0: none were */
    bool found_one;    /* ... because of a single one */
    bool cut;          /* given up before the end */
    bool group_there;  /* the account of the group has been asked for */
};

/* How an account is removed. */
enum walk_removal {
    REMOVAL_BY_UPDATE, /* the attributes that depend on IsSoftDeleted */
    REMOVAL_BY_VALUE,  /* one attribute, as the policy says */
    REMOVAL_BY_DELETE, /* the application disables an account when it is asked to delete it */
};

/* What is kept, and to be kept, of one reason to look at the object again. */
struct walk_due {
    bool known; /* there is a row */
    enum {
        DUE_UNCHANGED,
        DUE_SAVE,
        DUE_FORGET,
        DUE_DONE /* forgotten, or noted, once the removal was sent; over when it was not */
    } write;
    struct due row; /* as it is, or as it is to be saved */
};

/* What is recorded of the object's place in the target. */
enum walk_keep {
    KEEP_NOTHING,    /* the connection stays as it was, or there is none */
    KEEP_CONNECTION, /* save it: target id, exported values */
    KEEP_DROPPED,    /* remove it */
};

/* How the guard lets it through (guard.h). */
enum guard_mark {
    GUARD_FREE,     /* it does not count */
    GUARD_ADMITTED, /* counts for the rolling window when it is sent */
    GUARD_APPROVED, /* by an administrator */
    GUARD_DROP,     /* its row is another matter now */
    GUARD_HOLD,     /* a row of the held set is to be written */
};
struct walk_guard {
    enum guard_mark mark;
    enum held_class class_;
    bool has_row;              /* in the held set, as planned, allowed, ... */
    const struct held *row;    /* of GUARD_HOLD */
    struct held_series series; /* ... and by what it was judged */
};

struct walk {
    struct arena *arena;
    struct source_entry entry; /* texts in the page or in the arena, both outlive the walk */
    bool connected;
    struct connection connection;         /* when connected */
    const struct mapping_object *mapping; /* NULL: no object mapping for this kind */

    /* scope */
    bool in_scope;
    const char *out_of_scope_code; /* skip reason of engine.md 13.1 */
    struct str out_of_scope_reason;
    unsigned events;  /* bits 1u << enum removal_event: all that keep it out of scope */
    bool not_handled; /* by input or category filters: nothing is done about it at all */
    int64_t turns_us; /* when its verdict turns by itself; 0: never */
    struct walk_due due[DUE_REASON_COUNT];

    /* map and plan */
    struct mapping_value *values;
    enum plan_intent intent;
    enum removal_event event;            /* of a removal: what decided */
    const struct removal_policy *policy; /* ... and what is wanted then */
    enum walk_removal removal;           /* ... and how */
    struct mapping_changes changes; /* of an update or disable, against what was last exported */
    struct json *exported_before;   /* parsed connection.exported, or NULL */
    struct mapping_criterion criteria[WALK_CRITERIA_MAX];
    size_t criterion_count;
    struct str matching_key; /* while a match is under way: kind and folded first value */

    const struct plan_row *planned; /* of a plan that is applied: the row that this walk is */

    /* export */
    size_t criterion; /* the one being asked */
    bool singly;      /* the target is asked, whatever was read of it before (listing.h) */
    bool asked_after_conflict;
    bool rematched; /* the stored account was gone */
    enum {
        DOUBT_UNTOLD, /* nothing was found out: what the retry queue says of it holds */
        DOUBT_LEFT,   /* a creation was sent, and its answer lost */
        DOUBT_SETTLED /* no account can be there */
    } doubt;
    bool found_again; /* an account that was in doubt is connected (doubt.h) */
    unsigned tries;
    int64_t not_before_us; /* monotonic; a throttled or transient call is repeated then */
    void (*again)(struct walk *w);
    void (*after_look)(struct walk *w); /* protect.h */
    struct walk_unique *unique; /* what SelectUniqueValue has asked for and reserved (unique.c) */

    /* outcome */
    enum journal_action action;
    enum journal_status status;
    struct str code;
    struct str message;
    enum target_class failure; /* when status is failure */
    struct str blocked_by;     /* ... and the source object that has the value, when it is known */
    bool again_in_cycle;       /* this cycle has done it before: neither counted nor recorded */
    struct walk_guard guard;
    bool undone;                    /* held, because an undo has put it back */
    bool silent;                    /* nothing to write to the journal */
    bool unchanged;                 /* in scope, connected and equal: no request */
    bool references;                /* the second pass of this object */
    bool reopened;                  /* ... has found the account gone: it is matched again */
    bool owes_references;           /* its second pass is to be done in this cycle, too */
    struct walk_references *second; /* then: what it carries (references.c) */
    enum walk_keep keep;
    struct str target_id;
    const struct json *kept_before; /* with KEEP_CONNECTION: what the account said before `changes`,
                                     * NULL when it was created with them */
    enum connection_origin origin;
    struct journal_step steps[WALK_STEPS_MAX];
    size_t step_count;
    struct journal_property *properties;
    size_t property_count;
    int64_t began_us; /* monotonic */
    int64_t at_us;    /* of the outcome */
    unsigned requests;

    struct run *run;
    struct feed_page *page;
    size_t place;      /* in the page */
    struct walk *next; /* in one list at a time */
};

/* Leaves a step; the description is formatted into the walk's arena. */
void walk_step(struct walk *w, enum step_type type, const char *name, enum journal_status status,
               const char *format, ...) PRINTF_LIKE(5, 6);
/* Details of the newest step: an object in the arena that the caller fills. */
struct json *walk_details(struct walk *w);

/* Sets the outcome; what the walk has reached. */
void walk_skip(struct walk *w, const char *code, const char *format, ...) PRINTF_LIKE(3, 4);
void walk_fail(struct walk *w, enum target_class failure, const char *code, const char *format, ...)
    PRINTF_LIKE(4, 5);
void walk_succeed(struct walk *w, enum journal_action action);

/* Modified properties of the record from changes; secrets masked. */
void walk_properties(struct walk *w, const struct mapping_changes *changes);

/* --- The pure stations. --- */
void station_import(struct walk *w, const struct walk_job *j);
void station_scope(struct walk *w, const struct walk_job *j);
/* Of a connected object out of scope: the same, by what the job's settings say about the events
 * that keep it out (removal.c; engine.md 6). */
void station_removal(struct walk *w, const struct walk_job *j);
/* The difference between what is planned and what the account says now, in w->changes: once more
 * when it was read. False when it cannot be told. */
MUST_USE bool walk_changes(struct walk *w, const struct json *current, struct err *err);
/* What is kept of removals and turns is brought in line with what the walk has found (removal.c).
 */
MUST_USE bool walk_due_load(struct walk *w, const struct walk_job *j);
void walk_due_turn(struct walk *w);
/* Nothing was done about the object: what is kept stays as it is. */
void walk_due_keep(struct walk *w);
/* Maps and plans: sets intent, changes, criteria; or skips or fails the walk. */
void station_plan(struct walk *w, const struct walk_job *j);
/* All three. Afterwards intent is INTENT_NOTHING and the outcome set, or something is to be
 * exported. */
void walk_plan(struct walk *w, const struct walk_job *j);

/* Of an object that is in scope no more and has no account: what it would have been created with,
 * and found by, while it was: w->values and w->criteria. False when it would not have been. */
bool walk_as_created(struct walk *w, const struct walk_job *j);

/* The walk as a row of a plan, texts in its arena. */
struct plan_row walk_plan_row(struct walk *w);
/* The walk as a journal record; borrowed from the walk. */
struct journal_record walk_record(const struct walk *w);
