/* What the files of the provider share. Internal to provider/. */
#pragma once

#include "base/map.h"
#include "provider/access/guess.h"
#include "provider/access/key.h"
#include "provider/imitation/rate_class.h"
#include "provider/profile.h"
#include "provider/provider.h"
#include "provider/statements.h"
#include "scim/filter.h"
#include "scim/patch.h"
#include "scim/projection.h"
#include "scim/sort.h"

#include <pthread.h>
#include <stdatomic.h>

#define PROVIDER_BODY_MAX     (1024 * 1024) /* limits.maxBody (scim.md 15) */
#define PROVIDER_BULK_MAX     1000          /* operations (scim.md 6) */
#define PROVIDER_PAGE_DEFAULT 100
#define PROVIDER_PAGE_MAX     200
#define PROVIDER_ANSWER_MAX   ((size_t)256 * 1024 * 1024) /* bytes of one answer */
#define PROVIDER_SCAN_MAX     1000000 /* resources one filter may look at; beyond: tooMany */
#define PROVIDER_QUICK_MAX    32768   /* bytes of a body that is read without a worker */

enum resource_kind { RESOURCE_ANY /* of lists: both */, RESOURCE_USER = 1, RESOURCE_GROUP = 2 };

/* Who a key belongs to; lives as long as the provider, shared by threads, never changed. */
struct tenant {
    int64_t no;
    struct str name;
    const struct provider_profile *profile;
    struct tenant_state *state;
};

/* Of a tenant, in this process; what changes all the time. */
struct tenant_state {
    _Atomic int64_t notice_minute, notice_count, notice_more;
    _Atomic int64_t faults[8]; /* requests that fitted each */
    _Atomic int64_t writes;    /* that succeeded; of dropAfterWrite */
    struct rate_classes rates;
};

/* What a key opens. */
struct grant {
    const struct tenant *tenant;
    struct str user_id; /* of the automation user; empty: the key belongs to the tenant */
    enum provider_key_state state;
};

/* --- pool.c: database handles for reading, one for each thread that reads at the moment. --- */
struct pool {
    const struct db_config *config;
    pthread_mutex_t lock; /* guards free, count, cap */
    struct db **free;
    size_t count, cap;
};
void pool_init(struct pool *pool, const struct db_config *config);
void pool_done(struct pool *pool);
MUST_USE bool pool_take(struct pool *pool, struct db **out, struct err *err);
void pool_give(struct pool *pool, struct db *db);

/* --- ids.c: the ids of new resources. Those that a tenant makes within one second share their
 * first eight digits, so that they fall on one page of an index (decision record 22). Other tenants
 * have others: nobody can tell from his ids what they do. */
struct ids {
    struct secret_marker key; /* never changed */
};
void ids_init(struct ids *ids, struct rng *rng);
/* In the call's arena; any thread. */
struct str ids_next(const struct call *c);

/* --- auth.c: keys in memory for a second, so that most requests need no look-up. --- */
struct auth {
    struct secret_marker marker; /* never changed */
    pthread_mutex_t lock;        /* guards all below */
    struct arena *arena;         /* keys, tenants, profiles; all stay until the end */
    struct map keys;             /* id -> struct cached_key */
    struct map tenants;          /* "no" -> struct tenant */
    struct map profiles;         /* kind -> struct provider_profile */
};
enum auth_verdict {
    AUTH_OK,
    AUTH_REFUSED,
    AUTH_STALE,   /* was right a while ago: ask with a database */
    AUTH_UNKNOWN, /* not in memory: likewise, unless its address guesses */
};
void auth_init(struct auth *auth);
void auth_done(struct auth *auth);
/* Decides from memory alone; never blocks for longer than the lock. */
enum auth_verdict auth_check_cached(struct auth *auth, struct str tenant, struct str token,
                                    struct grant *out);
/* Counts a request against the rate of its key; microseconds to wait, 0: it may go on. */
int64_t auth_take_request(struct auth *auth, struct str token, int64_t rate);

/* --- scan.c: threads and a bounded line for lists that look at many resources. --- */
#define SCAN_THREADS     2
#define SCAN_WAITING_MAX 64

struct list;
struct scans {
    pthread_t threads[SCAN_THREADS];
    size_t count;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t more;
    struct list *first, *last;
    size_t waiting;
    bool closing;
};
/* To be stopped whether or not it succeeds. */
MUST_USE bool scans_start(struct scans *s, struct err *err);
/* Finishes what is in the line. */
void scans_stop(struct scans *s);
/* The list is run, and answered, later. ERR_UNAVAILABLE "tooManyLists". */
MUST_USE bool scans_submit(struct scans *s, struct list *l, struct err *err);

struct changes;
struct feed;
struct hooks;
struct provider {
    struct provider_config config;
    struct db_writer *writer;
    bool own_writer;
    struct pool pool;
    struct scans scans;
    struct auth auth;
    struct guesses *guesses;
    struct changes *changes; /* the writer's thread */
    struct feed *feed;
    struct delay *delay;
    struct hooks *hooks;
    struct http_route route;
    unsigned char cursor_key[32]; /* never changed */
    int64_t last_created_us;      /* the writer's thread: creation times differ */
    struct ids ids;
};

/* The whole check, on a thread that may block. ERR_DENIED "unauthorized". */
MUST_USE bool auth_check(struct provider *p, struct str tenant, struct str token, struct grant *out,
                         struct err *err);

/* --- request.c: one request, understood. --- */
enum endpoint {
    ENDPOINT_UNKNOWN,
    ENDPOINT_ROOT,
    ENDPOINT_USERS,
    ENDPOINT_USER,
    ENDPOINT_GROUPS,
    ENDPOINT_GROUP,
    ENDPOINT_CONFIG,
    ENDPOINT_RESOURCE_TYPES,
    ENDPOINT_RESOURCE_TYPE,
    ENDPOINT_SCHEMAS,
    ENDPOINT_SCHEMA,
    ENDPOINT_SEARCH, /* over all types */
    ENDPOINT_USERS_SEARCH,
    ENDPOINT_GROUPS_SEARCH,
    ENDPOINT_BULK,
    ENDPOINT_ME,
    ENDPOINT_CHANGES,
    ENDPOINT_COUNT
};

struct call {
    struct provider *provider;
    struct changes *changes; /* where what it writes is recorded */
    struct http_exchange *x;
    struct arena *arena;
    enum http_method method;
    struct str tenant_name;
    enum endpoint endpoint;
    struct str id;               /* decoded: of the resource, the type or the schema */
    struct str base;             /* "https://host/scim/NAME/v2" */
    bool plain_json;             /* the client takes application/json only */
    bool bad_url;                /* the path is not well encoded */
    bool bad_version;            /* the URL asks for another version of SCIM */
    const struct tenant *tenant; /* once authenticated */
    bool admitted;               /* its answer may come later */
    struct str user_id;          /* of the key's automation user; empty: none */
    struct str subject;          /* of a write, for people: userName or displayName, if known */
    bool me;                     /* asked for as /Me */
    enum resource_kind kind;
    const struct scim_resource_type *type;
    /* the query */
    struct str filter, attributes, excluded;
    bool has_filter;
    struct str start_index, count;
    struct str sort_by, sort_order;
    bool has_cursor; /* even an empty one asks for cursors */
    struct str cursor;
    struct str since, wait; /* of the change feed */
    const struct scim_projection *projection;
};

/* Path and headers; the query is parsed by call_query. */
void call_init(struct call *c, struct provider *p, struct http_exchange *x);
unsigned endpoint_methods(enum endpoint endpoint); /* bits as in struct http_route */
MUST_USE bool call_query(struct call *c, struct err *err);
/* The token of "Authorization: Bearer ..."; empty if there is none. */
struct str call_token(const struct call *c);
/* Percent-decodes; plus_is_space for query strings. ERR_INVALID "invalidSyntax". */
/* The body as a JSON object. ERR_INVALID "invalidSyntax". */
MUST_USE bool call_body(struct call *c, struct json **out, struct err *err);
MUST_USE bool percent_decode(struct arena *a, struct str text, bool plus_is_space, struct str *out,
                             struct err *err);

/* --- switches.c, switches_write.c: what a tenant imitates (apps.md 5). --- */
bool switches_listed(const struct json *list, struct str text); /* ASCII case ignored */
/* What is refused before the body is read; false when it has answered. */
bool switches_gate(struct call *c);
/* switches_held.c: those that look at what is stored. Whether another resource may be made; asks
 * the database only if there is a limit. ERR_DENIED "seatsTaken". */
MUST_USE bool switches_room(const struct call *c, struct db *db, struct err *err);
/* What may be done to the members of a group. ERR_INVALID "invalidValue". */
MUST_USE bool switches_members(const struct call *c, const struct scim_patch *patch,
                               struct err *err);
/* Takes out of a new document what the tenant does not take. */
void switches_document(const struct call *c, const struct json *before, struct json *doc);
/* Whether the change deletes the user. */
MUST_USE bool switches_gone(const struct call *c, struct db *db, struct str id,
                            const struct json *before, const struct json *doc, bool *out,
                            struct err *err);
/* Whether a user may be stored, as far as seats, lookup tables and other tenants are concerned;
 * remembers what has to be. `before` is NULL for a new one. ERR_DENIED "seatsTaken"; ERR_INVALID
 * "invalidValue"; ERR_CONFLICT "uniqueness". */
MUST_USE bool switches_held(const struct call *c, struct db *db, struct str id,
                            const struct json *before, const struct json *user, struct err *err);
/* What was remembered of a user that goes. */
MUST_USE bool switches_forget(const struct call *c, struct db *db, struct str id, struct err *err);
/* ERR_CONFLICT "busy". */
MUST_USE bool switches_delete(const struct call *c, struct db *db, struct str id, struct err *err);
/* Whether the user has not accepted yet. */
MUST_USE bool switches_pending(const struct call *c, struct db *db, struct str id, bool *out,
                               struct err *err);
/* Whether somebody may be a member of a group. ERR_INVALID "invalidValue". */
MUST_USE bool switches_member(const struct call *c, struct db *db, struct str member,
                              struct err *err);
/* Makes the values of all users those of a tenant with `names` as globalUnique; NULL: of none. The
 * transaction is the caller's. ERR_CONFLICT "uniqueness". */
MUST_USE bool switches_claim_tenant(struct db *db, int64_t tenant_no, const struct json *names,
                                    struct err *err);
/* switches_link.c: writes linked attributes; *doc may become another document. */
MUST_USE bool switches_link(const struct call *c, const struct json *before, struct json **doc,
                            struct err *err);
/* switches_shape.c: whether representations differ from what is stored, and how. */
bool switches_shape_wanted(const struct call *c);
void switches_shape(const struct call *c, struct json *doc);
/* A body with its names as they are usual; the body itself if they are. */
const struct json *switches_body(const struct call *c, const struct json *body);
/* The id that the client gives; *out stays when ids are ours. ERR_INVALID "invalidValue". */
MUST_USE bool switches_id(const struct call *c, const struct json *doc, struct str *out,
                          struct err *err);
/* ERR_INVALID "invalidFilter" for what may not be asked. */
MUST_USE bool switches_filter(const struct call *c, const struct scim_filter *filter,
                              struct err *err);
/* Whether a user may be stored as it is. `before` is NULL for a new one. */
MUST_USE bool switches_user(struct arena *a, const struct provider_profile *profile,
                            const struct json *before, const struct json *user, struct err *err);

/* --- notice.c --- */
/* Records that a write was answered with an error, if the tenant wants to know. */
void notice_failure(const struct call *c, int status, const struct err *err);

/* --- reply.c --- */
void reply_json(struct call *c, int status, struct str body);
void reply_empty(struct call *c, int status);
/* The status and, appended, the body that tell of an error; those of the server are logged. */
int reply_error_write(struct arena *a, const struct err *err, struct buf *out);
void reply_error(struct call *c, const struct err *err);
void reply_status(struct call *c, int status, const char *scim_type, const char *detail);
void reply_not_allowed(struct call *c, unsigned methods);
/* 401; 429 when too many keys that came from its address were wrong. */
void reply_unauthorized(struct call *c);
void reply_slow_down(struct call *c, int64_t wait_us, const char *detail);
void reply_location(struct call *c, struct str id); /* of a resource of the call's type */
/* Closes the connection in place of the answer to a write that was done, now and then. */
bool reply_drop(const struct call *c);
void reply_version(struct call *c, int64_t version); /* the ETag header */

/* --- store.c: stored resources. --- */
/* What the databases' texts cannot hold. */
static inline bool text_has_nul(struct str s)
{
    return s.len > 0 && memchr(s.ptr, 0, s.len) != NULL;
}

/* In provider_count, besides the kinds of resources: users that are not active. */
#define PROVIDER_COUNT_INACTIVE 3
#define PROVIDER_COUNT_NEITHER  4 /* users that do not say whether they are active */

/* What stands in an index for a text: the text, or, of one that is longer than an index takes, its
 * beginning with a hash of it. In a, or the text itself. */
struct str store_key(struct arena *a, struct str text);

struct stored {
    struct str id;
    enum resource_kind kind;
    struct str doc;
    int64_t version, created_us, modified_us;
    struct str manager; /* empty: none */
    bool in_groups;
    int64_t member_count;
};
void store_read_row(struct arena *a, struct db_stmt *st, struct stored *out);
/* ERR_NOT_FOUND "notFound". */
MUST_USE bool store_load(struct db *db, struct arena *a, int64_t tenant_no, enum resource_kind kind,
                         struct str id, struct stored *out, struct err *err);
/* The id of the user of that userName. ERR_NOT_FOUND "userNotFound". */
MUST_USE bool store_find_user(struct db *db, struct arena *a, int64_t tenant_no, struct str name,
                              struct str *out_id, struct err *err);
/* Gives all groups of a tenant the keys that its profile wants (groups.uniqueDisplayName). The
 * transaction is the caller's. ERR_CONFLICT "uniqueness". */
MUST_USE bool store_rekey_groups(struct db *db, int64_t tenant_no,
                                 const struct provider_profile *profile, struct err *err);
/* ERR_CONFLICT "uniqueness". */
MUST_USE bool store_insert(struct db *db, struct arena *a, const struct call *c, struct stored *s,
                           const struct json *doc, struct err *err);
/* `before` is the document as stored. ERR_CONFLICT "uniqueness", "concurrentChange" when another
 * process wrote in between. */
MUST_USE bool store_update(struct db *db, struct arena *a, const struct call *c, struct stored *s,
                           const struct json *before, const struct json *doc, struct err *err);
/* `doc` is the document as stored. */
MUST_USE bool store_delete(struct db *db, struct arena *a, const struct call *c,
                           const struct stored *s, const struct json *doc, int64_t now_us,
                           struct err *err);

/* --- unique.c: what a schema says is unique, besides userName and the displayName of groups. ---
 */
/* key: the name of the attribute that is kept unique in another way. All in a. */
struct provider_uniques unique_collect(struct arena *a, const struct scim_resource_type *type,
                                       struct str key, bool external_id);
/* Keeps the values of a document apart from all others; before: as it was, NULL: it is new.
 * ERR_CONFLICT "uniqueness" naming the attribute. */
MUST_USE bool unique_store(struct db *db, struct arena *a, const struct call *c,
                           const struct stored *s, const struct json *before,
                           const struct json *doc, struct err *err);
MUST_USE bool unique_forget(struct db *db, const struct call *c, const struct stored *s,
                            struct err *err);

/* --- member.c: group membership, one row a member. --- */
/* Counts in *delta what really changed. ERR_INVALID "invalidValue" for a member that does not
 * exist. */
MUST_USE bool member_add(struct db *db, const struct call *c, struct str group, struct str member,
                         int64_t *delta, struct err *err);
/* Makes the members exactly those of the list (NULL: none); *changed when anything was. */
MUST_USE bool member_set(struct db *db, const struct call *c, struct str group,
                         const struct json *members, int64_t *delta, bool *changed,
                         struct err *err);
/* The members as SCIM elements, or only the one with the id `only` unless that is empty; NULL when
 * there are none. */
MUST_USE bool member_list(struct db *db, const struct call *c, struct str group, struct str only,
                          struct json **out, struct err *err);
/* Appends all members, which there are, as a JSON array: page by page, without a tree. */
MUST_USE bool member_write(struct db *db, const struct call *c, struct str group, struct buf *out,
                           struct err *err);
/* Whether every operation on members is of a kind that works row by row. */
bool member_patch_is_simple(const struct scim_patch_op *op);
/* Whether the operation is about all members there are, known or not. */
bool member_patch_is_whole(const struct scim_patch_op *op);
/* Adds to *delta what the number of members changes by. Single members that have come or gone are
 * in `net` (keys live as long as op), where several operations cancel each other out; *changed is
 * set by the others. ERR_INVALID "invalidValue". */
MUST_USE bool member_patch(struct db *db, const struct call *c, struct str group,
                           const struct scim_patch_op *op, int64_t *delta, bool *changed,
                           struct map *net, struct err *err);

/* --- represent.c --- */
/* Which computed parts a document needs. */
struct parts {
    bool groups, members, meta, manager;
    struct str member; /* of members: this one only; empty: all */
};
struct parts parts_used(const struct scim_matcher *m /* or NULL */, const struct scim_sort *sort);
/* The stored document with computed attributes as far as wanted. */
MUST_USE bool represent_load(const struct call *c, struct db *db, const struct stored *s,
                             struct parts parts, struct json **out, struct err *err);
/* The text that is sent, projected. */
MUST_USE bool represent_write(const struct call *c, struct db *db, const struct stored *s,
                              struct buf *out, struct err *err);
struct str represent_version(int64_t version, char *out /* 32 bytes */);

/* Whether a list of entity tags (If-Match, If-None-Match) names the version; W/ is ignored. */
bool version_listed(struct str header, int64_t version);

/* --- handlers --- */
void list_handle(struct call *c); /* answers from another thread when it takes long */
/* search.c: the query out of a SearchRequest, in place of that of the URL (scim.md 5.6). */
MUST_USE bool search_read(struct call *c, struct err *err);
/* Answers a list for which one row at most has to be looked at; false, having done nothing, for any
 * other and for what is wrong. */
bool list_quick(struct call *c);
void read_handle(struct call *c, struct db *db);
void write_handle(struct call *c); /* answers from the writer's thread */
void bulk_handle(struct call *c);  /* likewise */
void discovery_handle(struct call *c, const struct provider_profile *profile);
