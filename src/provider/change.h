/* The change feed (scim.md 14): each write appends a record in its own transaction, numbered
 * without gaps in the order of commits; readers go on from the number they have. Internal to
 * provider/. */
#pragma once

#include "provider/internal.h"

/* `before` NULL: created; `doc` NULL: deleted; both the same: only the members have changed. */
MUST_USE bool change_append(struct db *db, const struct call *c, const struct stored *s,
                            const struct json *before, const struct json *doc, struct err *err);
/* The groups that a user leaves by being deleted have changed. */
MUST_USE bool change_groups_left(struct db *db, const struct call *c, struct str user,
                                 int64_t now_us, struct err *err);

/* GET /scim/NAME/changes?since=N&count=M&wait=SECONDS */
void feed_handle(struct call *c);

/* Who waits for changes; on a thread that is started with the first. */
struct feed {
    struct provider *provider;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wake;
    pthread_t thread;
    bool started, stopping, changed;
    struct feed_waiter *waiters;
    size_t count;
};
void feed_init(struct feed *f, struct provider *p);
void feed_done(struct feed *f);
/* A write of this process was committed. */
void feed_wake(struct feed *f);
