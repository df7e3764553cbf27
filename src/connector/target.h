/* Where accounts go to. The engine knows a target by these operations only, and attributes by the
 * target names of the mapping; how a target speaks is the connector's matter (connector/scim/ is
 * the first kind). Calls return at once; `done` is called exactly once for each, from target_run on
 * the owner's thread, never from inside the call (a local target completes at the next target_run).
 * One thread owns a target; hundreds of calls may be in flight. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/secret.h"
#include "job/settings.h"
#include "mapping/program.h"

#include <stdatomic.h>

struct target;

enum target_status {
    TARGET_OK,
    TARGET_NOT_FOUND, /* of read, update, remove: the stored id is gone (404) */
    TARGET_CONFLICT,  /* of create, update: a unique value is taken (409) */
    TARGET_FAILED,    /* code and message say why */
};

/* How a failure is to be treated (engine.md 9.2, 9.3). */
enum target_class {
    TARGET_PERMANENT,
    TARGET_TRANSIENT,
    TARGET_THROTTLED,
    TARGET_PERMISSION,
    TARGET_JOB
};

struct target_record { /* an account as read */
    bool is_protected; /* protected.filter holds of it: it is never written (engine.md 8) */
    struct str id;
    struct str version; /* ETag or empty */
    int64_t created_us; /* as the target says; 0: it does not */
    const struct json
        *values; /* flat {target attribute: value} of the mapped attributes that have a value */
};

struct target_result { /* valid during done only */
    enum target_status status;
    enum target_class class_; /* unless TARGET_OK */
    const char *code;   /* of engine.md 9.3/13.4, static: "EntryConflict", "TooManyRequests", ...;
                           NULL when OK */
    struct str message; /* for people: what was asked, what was answered (first 2 KiB), request id;
                           no secrets */
    int http_status;    /* 0 if there was no answer */
    int64_t retry_after_ms; /* -1 when not said */
    int64_t duration_us;
    const struct target_record
        *records; /* find, list: 0..n; read, create, update: the account if it was returned */
    size_t record_count;
    int64_t total;   /* list: how many accounts the target says there are; -1 when not said */
    struct str next; /* list: the cursor of the next page; empty: this was the last */
    bool shared;     /* another creation of the same request counts it */
};
typedef void target_done(void *ctx, const struct target_result *result);

/* What a target says that it can; a hint (scim.md 10.1). */
struct target_traits {
    bool known; /* it has said something */
    bool patch;
    size_t bulk_operations; /* at most so many in a bulk request; 0: there are none */
};

/* Which page of the accounts is wanted. */
struct target_page {
    struct str cursor; /* empty: the first */
    size_t count;      /* so many are asked for; the target may give fewer */
    bool references;   /* members, too */
};

struct target_creation { /* as the parameters of create */
    const struct mapping_object *m;
    const struct mapping_changes *want; /* borrowed during the call */
    target_done *done;
    void *ctx;
};

/* A change of the members of a group, by target id. */
struct target_members {
    const struct mapping_attribute *attribute;
    const struct str *add;
    size_t add_count;
    const struct str *remove;
    size_t remove_count;
};

struct target_ops {
    const char *kind; /* "scim" */
    /* Connection test (engine.md 10): users always, groups when the mapping has them enabled.
     * Blocks. err says the exact verdict and what to do; its code is stable: "credentialsRefused",
     * "notScim", "filterIgnored", "wrongUrl", "unreachable", "certificateRefused", "unresolvable",
     * "timeout", "busy", "filterRefused", "serverError", "noGroups". No call may be in flight. */
    bool (*test)(struct target *t, struct err *err);
    /* What the target can. Blocks for the first time, then remembers. No call may be in flight.
     * Does not fail: what the target does not say is assumed. */
    void (*describe)(struct target *t, struct target_traits *out);
    /* What the target says of itself, as text that its next opening can be given: then it is not
     * asked again. Blocks, as describe. NULL: there is nothing to be kept. */
    struct str (*said)(struct target *t, struct arena *a);
    void (*recall)(struct target *t, struct str said); /* before anything else */
    /* One page of all accounts of the kind of m, in the target's order. A record without id says
     * that the target gave none. Accounts that come and go while pages are read may be missed or
     * given twice. */
    void (*list)(struct target *t, const struct mapping_object *m, const struct target_page *page,
                 target_done *done, void *ctx);
    void (*find)(struct target *t, const struct mapping_object *m,
                 const struct mapping_criterion *by, target_done *done, void *ctx);
    void (*read)(struct target *t, const struct mapping_object *m, struct str id, target_done *done,
                 void *ctx);
    /* want: the values of a create; references are already target ids. */
    void (*create)(struct target *t, const struct mapping_object *m,
                   const struct mapping_changes *want, target_done *done, void *ctx);
    /* Several creations in one request where the target has that (describe), else one by one. Each
     * has its own result. */
    void (*create_many)(struct target *t, const struct target_creation *creations, size_t count);
    /* Sends only the changes given. */
    void (*update)(struct target *t, const struct mapping_object *m, struct str id,
                   const struct mapping_changes *changes, target_done *done, void *ctx);
    /* In one or more requests. change and what it points to are borrowed during the call. */
    void (*change_members)(struct target *t, const struct mapping_object *m, struct str id,
                           const struct target_members *change, target_done *done, void *ctx);
    void (*remove)(struct target *t, const struct mapping_object *m, struct str id,
                   target_done *done, void *ctx);
    /* The exact request that an action would send, for dry runs: method, path and body as text in
     * a. Empty id: a create; changes NULL: a delete. Secret values are masked. */
    struct str (*preview)(struct target *t, const struct mapping_object *m, struct str id,
                          const struct mapping_changes *changes, struct arena *a);
    /* The same of a change of members; where it takes several requests, the first. */
    struct str (*preview_members)(struct target *t, const struct mapping_object *m, struct str id,
                                  const struct target_members *change, struct arena *a);
    unsigned (*run)(struct target *t,
                    int64_t max_wait_ms); /* calls done of what completed; how many */
    void (*wake)(struct target *t);       /* any thread */
    void (*close)(struct target *t);
};

/* What a target asks before each of its requests, and tells after it: how hard it may be asked
 * (engine.md 9.7). On the target's thread. */
struct target_gate {
    /* 0: a request may go now, and counts as under way; > 0: ask again after so many microseconds;
     * TARGET_GATE_CLOSED: none may go any more, those that wait end as throttled. */
    int64_t (*admit)(struct target_gate *g);
    /* One that was admitted has come to its end. http_status 0: no answer; retry_after_ms -1: not
     * said. */
    void (*answered)(struct target_gate *g, int http_status, int64_t retry_after_ms,
                     int64_t duration_us);
};
#define TARGET_GATE_CLOSED (-1)

/* What its owner knows of an account, for a target that is sent a group as a whole and does not say
 * who is in it. On the target's thread. */
struct target_membership {
    struct str *ids; /* members that the owner has put there, by target id */
    size_t count;
    bool more; /* ... and there are others */
    bool ours; /* the owner has created the group: nobody was in it before */
};
struct target_known {
    /* At most max members of the account, texts in a. The change of members that is being sent is
     * not among them. */
    bool (*members)(struct target_known *k, struct str id, size_t max, struct arena *a,
                    struct target_membership *out, struct err *err);
};

struct target { /* first member of every kind */
    const struct target_ops *ops;
    const struct mapping_program *program;
    struct target_known *known; /* borrowed; NULL: nothing is known. Set before the first call */
    struct target_gate *gate; /* borrowed; NULL: nothing is held back. Set before the first call */
};

void target_close(
    struct target *t); /* drops what is in flight without calling done; NULL is fine */
void target_closep(struct target **t);

struct target_scim_config {
    struct str
        base_url; /* tenant URL as entered; a query such as ?aadOptscim062020 is kept apart */
    const struct secret *token; /* what client.auth says it is; borrowed until close */
    unsigned concurrency;       /* 0: 32 */
    int64_t timeout_ms;         /* 0: as the settings say */
    const char *ca_file;        /* unless client.tls.caFile says another; NULL: the system's */
    const char *record_dir;     /* exchanges are kept there (scim/record.h); NULL: nowhere */
    const struct job_settings *settings; /* client.*, protected.filter; read during the call. NULL:
                                            the defaults */
};
/* ERR_INVALID "badUrl" when base_url is not an http(s) URL; plain http only to a loopback address
 * unless client.allowHttp (scim.md 11.4, 12). ERR_INVALID "invalidFilter", "badToken",
 * "badCredentials", "badCertificate". */
MUST_USE bool target_open_scim(const struct mapping_program *program,
                               const struct target_scim_config *config, struct target **out,
                               struct err *err);

/* Learns how a SCIM application behaves (scim.md 10.6). Blocks; no call may be in flight. A
 * profile:
 * {"protocol", "supportsGroups", "matching": {"user": [...]}, "userAttributes": [{"target", "type",
 * "required"}], "groupAttributes", "settings": {"client.…": value}, "findings": [{"what", "result",
 * "exchanges": [{"request", "status", "answer"}]}]}, in a. Only with PROBE_WRITE something is
 * written there: accounts and a group whose names begin "usher-probe-", removed at the end, and
 * those of an earlier probe at the start. What does not answer or refuses the credentials is an
 * error, as of `test`. Once *stop (NULL: never) is true nothing more is asked, what was made is
 * removed, and it fails: "stopped".
 */
enum probe_with { PROBE_READ, PROBE_WRITE };
MUST_USE bool target_probe_scim(struct target *t, struct arena *a, enum probe_with with,
                                const atomic_bool *stop, struct json **out, struct err *err);
