/* Tells webhooks of changes, and forgets changes that are old enough: a thread of the provider. A
 * webhook that has something to be told is claimed in the database, so that of several processes
 * one delivers; how far it came is stored when the receiver has taken it. All that one round has to
 * store goes through the writer at once. Internal to provider/. */
#pragma once

#include "base/holder.h"
#include "http/client.h"
#include "provider/changes/aside.h"
#include "provider/changes/change.h"

#include <stdatomic.h>

#define HOOKS_MAX  64 /* webhooks that are told at once */
#define HOOK_TURNS 16 /* deliveries to one of them before others have their turn */

enum hook_state {
    HOOK_FREE,
    HOOK_DUE,     /* to be claimed */
    HOOK_CLAIMED, /* ours; to be sent or released */
    HOOK_SENDING,
    HOOK_TAKEN,
    HOOK_FAILED,
    HOOK_PASS, /* what was read waits behind what is set aside */
    HOOK_RELEASE,
};

struct hook {
    enum hook_state state;
    struct hooks *hooks;
    int64_t tenant_no;
    struct arena *arena; /* of the claim; its texts */
    struct str tenant, url, sealed;
    char claim[HOLDER_MAX]; /* names this process, so that others see when it is dead */
    int64_t position, batch, attempts;
    int64_t alone;     /* attempts with one change alone that were refused */
    int64_t aside_row; /* set aside since something was taken */
    bool has_aside;    /* something is set aside */
    /* What is being sent. */
    struct arena *sent; /* its texts; emptied for each */
    int64_t to, lost, count;
    bool more; /* there may be something behind it */
    struct aside_change last;
    struct aside_change *behind; /* read with it, of those that are set aside: not sent */
    size_t behind_count, behind_cap;
    struct aside_page aside; /* id not empty: this is sent */
    int turns;               /* since the claim */
    bool refused;            /* the answer says that it is about what was sent */
    int64_t wait_us;
    struct err err;
};

struct hooks {
    struct provider *provider;
    struct provider_delivery how;
    pthread_t thread;
    bool started;
    struct http_client *client;
    int64_t dead_us; /* when to look for the dead again, monotonic */
    int64_t look_us; /* when to look for anything again, monotonic */
    bool any;        /* there are webhooks that writes of this process can make due */
    atomic_bool stop;
    atomic_bool idle; /* to be waked when something is written */
    struct hook all[HOOKS_MAX];
};

/* Starts nothing when there is no key to read secrets with. */
MUST_USE bool hooks_start(struct hooks *h, struct provider *p, struct err *err);
/* Before the writer's end; also after a failed start. */
void hooks_stop(struct hooks *h);
/* A write of this process was committed. */
void hooks_wake(struct hooks *h);

/* --- hooks_fill.c: what is sent next. --- */
enum hook_body { HOOK_NOTHING, HOOK_PASSED /* all that was read is set aside */, HOOK_BODY };
MUST_USE bool hook_fill(struct hook *hook, struct db *db, struct buf *out, enum hook_body *what,
                        struct err *err);

/* --- hooks_store.c: a round in the database. --- */
/* Fills free places with webhooks that are due, knows whether there are any, and, now and then,
 * with those that a process of this machine had when it died: what it claimed is released. */
MUST_USE bool hooks_look(struct hooks *h, struct db *db, struct err *err);
/* Claims what is due and stores what was delivered, as one write that is waited for; nothing when
 * there is nothing. What could not be claimed becomes free. */
MUST_USE bool hooks_store(struct hooks *h, struct err *err);
