/* A SCIM server that follows a script and insists on it: what is asked, in which order, with which
 * body; and says what is written there. One connection at a time sees it in order. */
#pragma once

#include "base/rng.h"
#include "base/secret.h"
#include "connector/target.h"
#include "frame/frame.h"
#include "http/server.h"

#define PEER_TOKEN "t0ken/secret+value"

struct exchange {
    const char *method;
    const char *target; /* path and query, as sent */
    const char *body;   /* as sent; NULL: none */
    int status;
    const char *headers; /* "Name: value", one a line; NULL: none */
    const char *reply;   /* NULL: none */
};

struct peer;
struct peer *peer_new(const struct exchange *script, size_t count);
const char *peer_url(const struct peer *p); /* "http://127.0.0.1:PORT" */
/* Stops, and fails the test when something else was asked than what the script says. */
void peer_free(struct peer *p, const char *label);

/* --- A target on it --- */
enum user_place {
    U_USER_NAME,
    U_EXTERNAL_ID,
    U_ACTIVE,
    U_GIVEN_NAME,
    U_FAMILY_NAME,
    U_WORK_MAIL,
    U_STREET,
    U_CITY,
    U_MOBILE,
    U_ROLE,
    U_TAGS,
    U_LEVEL,
    U_PASSWORD,
    U_DEPARTMENT,
    U_MANAGER,
    U_XID,
    U_COUNT
};
enum group_place { G_DISPLAY_NAME, G_EXTERNAL_ID, G_MEMBERS, G_COUNT };

/* Users and groups with mappings of every shape; static. */
extern const struct mapping_program peer_program;
const struct mapping_object *peer_users(void);
const struct mapping_object *peer_groups(void);

struct call { /* what done was told, with its texts kept */
    struct arena *a;
    bool done;
    struct target_result result;
};
void call_init(struct call *c);
void call_done(struct call *c);
void call_ended(void *ctx, const struct target_result *result); /* a target_done; ctx: the call */
/* Runs the target until the call has ended. */
void call_wait(struct target *t, struct call *c);

struct target *peer_target(struct str url); /* with PEER_TOKEN and one connection */
/* The same with settings: "NAME=VALUE", separated by "; "; NULL: the defaults. */
struct target *peer_target_with(struct str url, const char *settings);
/* {"target": value, ...} as the values of a create or the changes of an update; a null clears. What
 * was before comes from `before`, or is not known when that is NULL. */
struct mapping_changes peer_changes(struct arena *a, const struct mapping_object *m,
                                    const char *before, const char *after);
struct mapping_criterion peer_criterion(struct arena *a, const struct mapping_object *m,
                                        size_t place, const char *value);
