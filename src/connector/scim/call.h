/* One call of a SCIM target on its way, and the target itself. Between the files that start calls
 * (target.c, update.c, members.c, list.c, bulk.c) and answer.c, which ends them. Inside
 * src/connector/scim. */
#pragma once

#include "base/buf.h"
#include "connector/scim/scim.h"

enum { SCIM_REQUEST_ID_MAX = 40, SCIM_CALL_SECRETS_MAX = 12 };

struct scim_bulk;
struct scim_auth;
struct scim_record;

struct scim_members { /* what is left to do */
    const struct scim_attribute *attribute;
    const struct str *add;
    size_t add_count;
    const struct str *remove;
    size_t remove_count;
    size_t at_once; /* in the request under way */
    enum scim_member_op op;
};

/* PATCH: an element that a filter means may not be there yet, and then a target that keeps to RFC
 * 7644 answers noTarget: the account is read, and what is missing is added as a whole. PUT: the
 * account is read and sent back with the changes. */
enum scim_update_stage {
    SCIM_UPDATE_NONE, /* a change of members by PATCH */
    SCIM_UPDATE_SENT,
    SCIM_UPDATE_READING,
    SCIM_UPDATE_SENT_AGAIN,
    SCIM_UPDATE_PUT_READING,
    SCIM_UPDATE_PUT_SENT
};
struct scim_update {
    struct str id;
    struct mapping_changes changes;
    enum scim_update_stage stage;
    size_t from, next; /* the changes of the present request */
    bool repeated;     /* a PUT, since the account had changed meanwhile */
};

/* Reused; known to the target by `all` from its first use to the end. */
struct scim_call {
    struct scim_target *target;
    struct scim_call *all;
    struct scim_call *next; /* in the list of free, ready or held calls */
    struct arena *arena;    /* what has to outlive the request */
    struct buf url;
    struct scim_object *object;
    struct scim_asked asked;
    char request_id[SCIM_REQUEST_ID_MAX];
    struct str secrets[SCIM_CALL_SECRETS_MAX];
    struct str if_match;         /* of the next request; empty: none */
    struct mapping_criterion by; /* SCIM_FIND */
    struct target_page page;     /* SCIM_LIST, and SCIM_FIND when it reads everything */
    struct scim_found *found;    /* then: what it has found */
    struct scim_update update;   /* SCIM_UPDATE, and SCIM_MEMBERS by PUT */
    struct scim_members members; /* SCIM_MEMBERS */
    target_done *done;
    void *ctx;
    struct target_result result; /* of a ready or held call; its texts are in the call's arena */
};

/* What ServiceProviderConfig says. */
struct scim_service_traits {
    bool asked, known;
    bool patch, etag;
    bool cursor;            /* lists can be read by cursor */
    size_t bulk_operations; /* 0: no bulk */
    size_t bulk_bytes;
};

struct scim_target {
    struct target base; /* first */
    struct arena *arena;
    struct http_client *client;
    struct scim_base url;
    struct scim_auth *auth;
    struct scim_record *record;  /* NULL: nothing is kept */
    struct scim_object *objects; /* as in the program */
    size_t object_count;
    struct arena *answer; /* of the answer being handled */
    struct buf body;      /* of the request being written */
    struct scim_call *all;
    struct scim_call *free;
    struct scim_bulk *bulks; /* under way */
    struct scim_call *ready; /* to be ended by the next run without a request */
    struct scim_call *held;  /* answered 401 or 403, waiting for what the probe says */
    bool probing;
    int64_t probed_well_us; /* monotonic time of the last probe that was accepted; 0: never */
    struct scim_sent *waiting, *last_waiting; /* for the gate, in order (send.c) */
    struct scim_sent *sent_free, *sent_all;
    size_t members_at_once;
    size_t list_at_once; /* an answer of more was refused; 0: none was */
    struct scim_service_traits service;
    struct scim_style style;
    enum client_update update_method;
    bool shows_members; /* a group that was read has named some */
    bool empty_is_404, scans;
    unsigned ended; /* calls of done, counted up */
    uint64_t requests;
    uint64_t request_prefix;
};

/* --- What the files that start calls share --- */
struct scim_target *scim_of(struct target *t);
struct scim_object *scim_object_of(struct scim_target *t, const struct mapping_object *m);
void scim_next_request_id(struct scim_target *t, char *out); /* SCIM_REQUEST_ID_MAX bytes */
struct scim_call *scim_call_new(struct scim_target *t, enum scim_action action,
                                enum http_method method, const struct mapping_object *m,
                                target_done *done, void *ctx);
/* Empties the buffer for the body of the next request. */
struct buf *scim_body(struct scim_target *t);
/* Sends what has been written: the URL of the call and the body. */
void scim_call_send(struct scim_call *c, struct str body);
/* GET of a path under the base URL; waits for the answer, whose texts are copied to a. */
void scim_target_get_path(struct scim_target *t, struct arena *a, const char *path,
                          struct http_answer *out);

/* Any request to a path under the base URL, with its query; the same. */
void scim_target_ask(struct scim_target *t, struct arena *a, enum http_method method,
                     struct str path, struct str body, struct http_answer *out);

/* A POST to a path under the base URL. */
void scim_target_post(struct scim_target *t, const char *path, struct str body,
                      http_client_done *done, void *ctx);
/* A creation, ready to be sent: its body is in t->body. */
struct scim_call *scim_call_create(struct scim_target *t, const struct mapping_object *m,
                                   const struct mapping_changes *want, target_done *done,
                                   void *ctx);

/* The URL of the account, or of its collection, as the method needs it. */
void scim_call_url(struct scim_call *c, enum http_method method, struct str id);
/* Ends without a request, at the next run. */
void scim_call_ready(struct scim_call *c, const struct target_result *result);
/* Values that must not show in a message even if the target repeats them. */
void scim_call_remember_secrets(struct scim_call *c, const struct mapping_changes *changes);

/* update.c */
void scim_update(struct target *target, const struct mapping_object *m, struct str id,
                 const struct mapping_changes *changes, target_done *done, void *ctx);
/* Whether accounts of that kind are changed by PUT. */
bool scim_puts(const struct scim_target *t, const struct scim_object *o);
/* Begins a change by PUT: of the call's update, or of its members. */
void scim_call_put(struct scim_call *c);
/* Goes on with an update. False when it has come to its end; then *out_end tells how if *out_ended,
 * else the answer does. */
bool scim_call_next_update(struct scim_call *c, const struct http_answer *answer,
                           struct target_result *out_end, bool *out_ended);
/* Goes over to PUT when it was PATCH that is missing. */
bool scim_call_members_put(struct scim_call *c, const struct http_answer *answer);
void scim_ok(const struct http_answer *answer, struct target_result *out);

/* bulk.c */
void scim_bulk_drop(struct scim_target *t); /* forgets those under way */
void scim_create_many(struct target *target, const struct target_creation *creations, size_t count);

/* list.c */
void scim_list(struct target *target, const struct mapping_object *m,
               const struct target_page *page, target_done *done, void *ctx);
void scim_found_free(struct scim_call *c); /* what a search through everything has found */
/* The cursor of the page after this one; empty if this was the last. */
struct str scim_next_page(struct scim_call *c, const struct scim_list *list);
/* The target may have ignored the filter: then everything is read and searched
 * (client.scanWhenFilterIgnored). True when the next page is under way; else *out_ended tells
 * whether *out_end is the result. */
bool scim_call_scan(struct scim_call *c, const struct http_answer *answer,
                    struct target_result *out_end, bool *out_ended);
/* Sends a request as soon as the gate lets it; done as http_client_send calls it. */
struct scim_request {
    enum http_method method;
    struct str url, body, id;
    struct str if_match; /* or empty */
};
void scim_send(struct scim_target *t, const struct scim_request *r, http_client_done *done,
               void *ctx);
/* Sends those that wait, as far as the gate lets them; when to call it again, in milliseconds. */
int64_t scim_send_waiting(struct scim_target *t);
/* Ends those that wait, with that answer. */
void scim_send_fail(struct scim_target *t, const struct http_answer *answer);
void scim_send_drop(struct scim_target *t); /* frees those that wait; after the client */

/* discover.c */
void scim_describe(struct target *target, struct target_traits *out);
struct str scim_said(struct target *target, struct arena *a);
void scim_recall(struct target *target, struct str said);
/* Whether ResourceTypes has another endpoint for such objects; it is used from now on. */
bool scim_find_endpoint(struct scim_target *t, const struct scim_object *of);

/* members.c */
void scim_change_members(struct target *target, const struct mapping_object *m, struct str id,
                         const struct target_members *change, target_done *done, void *ctx);
/* Writes the next request of a change of members; how many of them it has is kept in at_once. */
void scim_members_write(struct buf *body, const struct scim_style *style, struct scim_members *m);
/* The next request of a change of members; false when there is nothing left to do. */
bool scim_call_send_members(struct scim_call *c);
/* What was sent is done, or is to be sent in smaller parts. False when that is not possible. */
bool scim_call_members_left(struct scim_call *c, const struct http_answer *answer);

/* preview.c */
struct str scim_preview(struct target *target, const struct mapping_object *m, struct str id,
                        const struct mapping_changes *changes, struct arena *a);
struct str scim_preview_members(struct target *target, const struct mapping_object *m,
                                struct str id, const struct target_members *change,
                                struct arena *a);
/* Asks for the page once more with fewer resources; false when there is nothing fewer than one. */
bool scim_call_list_smaller(struct scim_call *c);
/* Asks whether the token is accepted at all, and lets on_probe know. */
void scim_target_probe(struct scim_target *t, http_client_done *on_probe);
/* What http_client_send calls; ctx is the call. */
void scim_call_answered(void *ctx, const struct http_answer *answer);
/* What the answer to a creation means. */
void scim_created(struct scim_call *c, const struct http_answer *answer, struct target_result *out);
/* Ends the call, unless it first has to be known whether the token is refused altogether. */
void scim_call_settle(struct scim_call *c, const struct target_result *result);
/* Tells the caller and frees the call. */
void scim_call_end(struct scim_call *c, const struct target_result *result);
