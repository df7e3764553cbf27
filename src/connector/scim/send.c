/* The way out of a SCIM target: every request passes the gate (engine.md 9.7) and carries what
 * opens the application. Those that may not go yet wait here, in order, as copies. */
#include "base/clock.h"
#include "connector/scim/auth.h"

enum { REDIRECTS_MAX = 3, REPEATS_MAX = 3 };
#define TOKEN_WAIT_US US_PER_MINUTE /* its arrival ends the wait */

struct scim_sent {
    struct scim_target *target;
    http_client_done *done;
    void *ctx;
    struct scim_request request; /* of one that waits, or may have to be sent again */
    struct arena *arena;         /* ... with its texts; NULL when it is not kept */
    uint64_t token_no;           /* it was sent with */
    unsigned repeats;            /* with another token */
    struct scim_sent *next;
    struct scim_sent *all;
    int64_t admitted_us; /* monotonic: since when it is under way, as the gate sees it; 0: not */
};

static struct scim_sent *sent_new(struct scim_target *t, http_client_done *done, void *ctx)
{
    struct scim_sent *s = t->sent_free;

    if (s) {
        t->sent_free = s->next;
    } else {
        s = mem_alloc(sizeof(*s));
        s->all = t->sent_all;
        t->sent_all = s;
    }
    *s = (struct scim_sent){.target = t, .done = done, .ctx = ctx, .all = s->all};
    return s;
}

static void sent_end(struct scim_sent *s, const struct http_answer *answer)
{
    struct scim_target *t = s->target;
    http_client_done *done = s->done;
    void *ctx = s->ctx;

    arena_free(s->arena);
    s->arena = NULL;
    s->admitted_us = 0;
    s->next = t->sent_free;
    t->sent_free = s;
    done(ctx, answer);
}

static void send_now(struct scim_target *t, const struct scim_request *r, uint64_t *out_token_no,
                     http_client_done *done, void *ctx)
{
    const struct http_header headers[] = {
        {scim_auth_name(t->auth), scim_auth_header(t->auth, out_token_no)},
        {"Accept", STR("application/scim+json, application/json;q=0.9")},
        {"X-Request-Id", r->id},
        {"If-Match", r->if_match},
    };

    http_client_send(t->client,
                     &(struct http_call_options){
                         .method = r->method,
                         .url = r->url,
                         .headers = headers,
                         .header_count = ARRAY_LEN(headers) - (r->if_match.len == 0),
                         .body = r->body,
                         .content_type = r->body.len ? "application/scim+json" : NULL,
                         .max_redirects = REDIRECTS_MAX,
                     },
                     done, ctx);
}

static void wait_in_line(struct scim_target *t, struct scim_sent *s)
{
    s->next = NULL;
    if (t->waiting) {
        t->last_waiting->next = s;
    } else {
        t->waiting = s;
    }
    t->last_waiting = s;
}

/* A refused access token may just have ended: once more with another, and not for ever when none is
 * accepted. */
static bool may_be_repeated(struct scim_sent *s, const struct http_answer *answer)
{
    struct scim_auth *auth = s->target->auth;

    if (!scim_auth_renews(auth) || answer->failure != HTTP_OK)
        return false;
    if (answer->status != 401) {
        scim_auth_accepted(auth, s->token_no);
        return false;
    }
    bool had_ended = scim_auth_refused(auth, s->token_no);
    return s->repeats == 0 || (had_ended && s->repeats < REPEATS_MAX);
}

static void on_answered(void *ctx, const struct http_answer *answer)
{
    struct scim_sent *s = ctx;
    struct scim_target *t = s->target;
    struct target_gate *gate = t->base.gate;

    if (gate) {
        gate->answered(gate, answer->failure == HTTP_OK ? answer->status : 0,
                       answer->retry_after_ms, clock_monotonic_us() - s->admitted_us);
    }
    s->admitted_us = 0;
    if (may_be_repeated(s, answer)) {
        s->repeats++;
        wait_in_line(t, s);
        (void)scim_send_waiting(t);
        return;
    }
    sent_end(s, answer);
}

/* 0: it may go now; otherwise as the gate says. */
static int64_t may_go(struct scim_target *t)
{
    struct target_gate *gate = t->base.gate;

    if (!scim_auth_ready(t->auth))
        return TOKEN_WAIT_US;
    return gate ? gate->admit(gate) : 0;
}

static void send_sent(struct scim_sent *s, const struct scim_request *r)
{
    s->admitted_us = clock_monotonic_us();
    send_now(s->target, r, &s->token_no, on_answered, s);
}

static void keep(struct scim_sent *s, const struct scim_request *r)
{
    s->arena = arena_new();
    s->request = (struct scim_request){
        .method = r->method,
        .url = arena_str(s->arena, r->url),
        .body = arena_str(s->arena, r->body),
        .id = arena_str(s->arena, r->id),
        .if_match = arena_str(s->arena, r->if_match),
    };
}

void scim_send(struct scim_target *t, const struct scim_request *r, http_client_done *done,
               void *ctx)
{
    bool renews = scim_auth_renews(t->auth);
    struct scim_sent *s;
    uint64_t token_no;

    if (!t->base.gate && !renews) {
        send_now(t, r, &token_no, done, ctx);
        return;
    }
    s = sent_new(t, done, ctx);
    if (renews)
        keep(s, r);
    if (!t->waiting && may_go(t) == 0) {
        send_sent(s, r);
        return;
    }
    if (!renews)
        keep(s, r);
    wait_in_line(t, s);
}

void scim_send_fail(struct scim_target *t, const struct http_answer *answer)
{
    struct scim_sent *list = t->waiting;

    t->waiting = NULL;
    while (list) {
        struct scim_sent *s = list;

        list = s->next;
        sent_end(s, answer);
    }
}

/* The run stops: what was not sent is answered as if the target had throttled it, which is no
 * verdict on anything. */
static void turn_away(struct scim_target *t)
{
    const struct http_answer answer = {.failure = HTTP_OK, .status = 429, .retry_after_ms = -1};

    scim_send_fail(t, &answer);
}

int64_t scim_send_waiting(struct scim_target *t)
{
    while (t->waiting) {
        struct scim_sent *s = t->waiting;
        int64_t wait = may_go(t);

        if (wait > 0)
            return wait / US_PER_MS + 1;
        if (wait < 0) {
            turn_away(t);
            return 0;
        }
        t->waiting = s->next;
        send_sent(s, &s->request);
    }
    return INT64_MAX;
}

void scim_send_drop(struct scim_target *t)
{
    struct target_gate *gate = t->base.gate;

    while (t->sent_all) {
        struct scim_sent *s = t->sent_all;

        t->sent_all = s->all;
        if (s->admitted_us && gate)
            gate->answered(gate, 0, -1, 0);
        arena_free(s->arena);
        free(s);
    }
}
