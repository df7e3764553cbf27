/* The way out of a SCIM target: every request passes the gate (engine.md 9.7). Those that may not
 * go yet wait here, in order, as copies. */
#include "base/clock.h"
#include "connector/scim_call.h"

struct scim_sent {
    struct scim_target *target;
    http_client_done *done;
    void *ctx;
    struct scim_request request; /* of one that waits */
    struct arena *arena;         /* ... with its texts; NULL when it was sent at once */
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

static void on_answered(void *ctx, const struct http_answer *answer)
{
    struct scim_sent *s = ctx;
    struct target_gate *gate = s->target->base.gate;

    gate->answered(gate, answer->failure == HTTP_OK ? answer->status : 0, answer->retry_after_ms,
                   clock_monotonic_us() - s->admitted_us);
    sent_end(s, answer);
}

static void send_now(struct scim_target *t, const struct scim_request *r, http_client_done *done,
                     void *ctx)
{
    const struct http_header headers[] = {
        {"Authorization", t->authorization},
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
                     },
                     done, ctx);
}

void scim_send(struct scim_target *t, const struct scim_request *r, http_client_done *done,
               void *ctx)
{
    struct target_gate *gate = t->base.gate;
    struct scim_sent *s;

    if (!gate) {
        send_now(t, r, done, ctx);
        return;
    }
    s = sent_new(t, done, ctx);
    if (!t->waiting && gate->admit(gate) == 0) {
        s->admitted_us = clock_monotonic_us();
        send_now(t, r, on_answered, s);
        return;
    }
    s->arena = arena_new();
    s->request = (struct scim_request){
        .method = r->method,
        .url = arena_str(s->arena, r->url),
        .body = arena_str(s->arena, r->body),
        .id = arena_str(s->arena, r->id),
        .if_match = arena_str(s->arena, r->if_match),
    };
    if (t->waiting) {
        t->last_waiting->next = s;
    } else {
        t->waiting = s;
    }
    t->last_waiting = s;
}

/* The run stops: what was not sent is answered as if the target had throttled it, which is no
 * verdict on anything. */
static void turn_away(struct scim_target *t)
{
    struct scim_sent *list = t->waiting;
    const struct http_answer answer = {.failure = HTTP_OK, .status = 429, .retry_after_ms = -1};

    t->waiting = NULL;
    while (list) {
        struct scim_sent *s = list;

        list = s->next;
        sent_end(s, &answer);
    }
}

int64_t scim_send_waiting(struct scim_target *t)
{
    struct target_gate *gate = t->base.gate;

    while (t->waiting) {
        struct scim_sent *s = t->waiting;
        int64_t wait = gate->admit(gate);

        if (wait > 0)
            return wait / US_PER_MS + 1;
        if (wait < 0) {
            turn_away(t);
            return 0;
        }
        t->waiting = s->next;
        s->admitted_us = clock_monotonic_us();
        send_now(t, &s->request, on_answered, s);
    }
    return INT64_MAX;
}

void scim_send_drop(struct scim_target *t)
{
    struct target_gate *gate = t->base.gate;

    while (t->sent_all) {
        struct scim_sent *s = t->sent_all;

        t->sent_all = s->all;
        if (s->admitted_us)
            gate->answered(gate, 0, -1, 0);
        arena_free(s->arena);
        free(s);
    }
}
