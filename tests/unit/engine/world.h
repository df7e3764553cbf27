/* A small world for the engine's tests: a migrated database with people, a job of the generic SCIM
 * template, and a target in memory that can be told to fail. The stations, stores and the directory
 * are the real ones. */
#pragma once

#include "directory/assignment.h"
#include "directory/member.h"
#include "directory/write.h"
#include "engine/engine.h"
#include "frame/frame.h"
#include "frame/postgres.h"

enum { ACCOUNTS_MAX = 4096 };

enum call {
    CALL_TEST,
    CALL_FIND,
    CALL_READ,
    CALL_CREATE,
    CALL_UPDATE,
    CALL_MEMBERS,
    CALL_REMOVE,
    CALL_LIST,
    CALL_BULK, /* who: "" */
    CALL_COUNT
};

struct account {
    bool used;
    char id[40];
    enum source_kind kind;
    struct json *values; /* flat, in the world's arena */
    char (*members)[40];
    size_t member_count, member_cap;
    int64_t created_us;
};

/* What a call is answered with instead of being carried out. */
struct fault {
    enum call call;
    const char *who; /* part of the matching value or account id; NULL: any */
    enum target_status status;
    enum target_class class_;
    const char *code;
    int64_t retry_after_ms;
    bool after; /* the call is carried out, then its answer is lost */
    int times;  /* how often; 0: not at all */
};

struct world {
    const struct db_config *config;
    struct db *db;
    struct arena *arena;        /* the test's */
    struct arena *target_arena; /* the target's, whose thread may be another */
    struct clock_fixed clock;
    struct rng_seeded rng;
    struct secret_key key;
    struct engine engine;
    struct job job;
    struct account accounts[ACCOUNTS_MAX]; /* the target's */
    size_t account_count;
    int next_account;
    int calls[CALL_COUNT];
    struct fault fault;
    atomic_bool stop;
    /* Lists: accounts in a page (0: as asked), and how they lie. */
    size_t page_max;
    int total_off;       /* added to the total from the second page on */
    int total_false;     /* added to every total */
    bool members_hidden; /* lists do not show members */
    bool created_hidden; /* accounts do not say when they were created */
    size_t bulk_max;     /* operations in a bulk request; 0: there are none */
    int stop_after;      /* creates until stop is set; 0: never */
    char protect[80]; /* protected.filter as the target was opened with: part of a matching value */
    void (*before_call)(struct world *w, enum call call); /* on the run's thread; may be NULL */
    /* Members. */
    const char *refuses;    /* account id that no list of members takes; "*": any */
    struct fault refusal;   /* with which answer (code, status, class) */
    int stop_after_members; /* changes of members until stop is set; 0: never */
    size_t members_most;    /* more in one change are refused so, too; 0: any number is taken */
    size_t members_sent;    /* members in all changes */
    bool puts_unseen;       /* groups are sent as a whole, and reading them shows no members */
    char order[64];         /* of the calls: 'u'pdate, members 'l'eave, members 'j'oin */
};

/* template_id: "scim" or "joynfsm". */
void world_init(struct world *w, const struct db_config *config, const char *template_id);
void world_done(struct world *w);

/* Adds a person (mail and names follow from the local part) and gives the id, in the world's arena.
 */
struct str world_person(struct world *w, const char *name);
struct str world_group(struct world *w, const char *name);
void world_set(struct world *w, struct str id, const char *attribute,
               const char *json); /* JSON text; "null" clears */
void world_assign(struct world *w, struct str id, bool assigned);
void world_member(struct world *w, struct str group, struct str member, bool present);
enum world_deletion { WORLD_SOFT, WORLD_RESTORE, WORLD_HARD };
void world_delete(struct world *w, struct str id, enum world_deletion how);

/* Sets a setting of the job, as an administrator does. */
void world_setting(struct world *w, const char *name, const char *value);
/* Saves the job's schema with every `from` in its text, of which there is one at least, replaced.
 */
void world_schema(struct world *w, const char *from, const char *to);

/* Runs a cycle that must succeed; time moves on a minute before it. */
struct cycle world_cycle(struct world *w);
bool world_try_cycle(struct world *w, struct cycle *out, struct err *err);

/* The account with that userName or displayName; NULL if there is none or more than one (then the
 * test fails). */
struct account *world_account(struct world *w, const char *name);
struct str world_value(const struct account *a,
                       const char *target_attribute); /* its text; "true"/"false" for a Boolean */
size_t world_accounts(const struct world *w, enum source_kind kind);
/* Journal records of the job, newest first. */
size_t world_journal(struct world *w, const struct journal_query *q, struct journal_record **out);
