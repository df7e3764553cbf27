/* Creations in bulk requests (RFC 7644 3.7, scim.md 10.5): every operation has its own status and
 * its own call, which is ended as if it had been sent alone. */
#include "connector/scim/call.h"

#define BULK_HEAD \
    "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:BulkRequest\"],\"Operations\":["
#define INCOMPATIBLE "SystemForCrossDomainIdentityManagementServiceIncompatible"

enum { OPERATION_OVERHEAD = 128 }; /* bytes around the data of an operation, at most */

struct operation {
    struct scim_call *call;
    struct str data; /* in the call's arena */
};

struct scim_bulk {
    struct scim_bulk *next; /* of those under way */
    struct scim_target *target;
    struct arena *arena;
    struct operation *operations;
    size_t count;
};

static void on_answer(void *ctx, const struct http_answer *answer);

static void bulk_free(struct scim_bulk *b)
{
    struct scim_bulk **at = &b->target->bulks;

    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
    arena_free(b->arena);
    free(b);
}

void scim_bulk_drop(struct scim_target *t)
{
    while (t->bulks)
        bulk_free(t->bulks);
}

static void send_bulk(struct scim_target *t, const struct operation *operations, size_t count)
{
    struct buf *body = scim_body(t);
    struct scim_bulk *b;

    if (count == 1) {
        scim_call_send(operations[0].call, operations[0].data);
        return;
    }
    b = mem_alloc(sizeof(*b));
    b->target = t;
    b->arena = arena_new();
    b->next = t->bulks;
    t->bulks = b;
    b->count = count;
    b->operations = ARENA_ARRAY(b->arena, struct operation, count);
    memcpy(b->operations, operations, count * sizeof(*operations));
    buf_add_z(body, BULK_HEAD);
    for (size_t i = 0; i < count; i++) {
        buf_addf(body, "%s{\"method\":\"POST\",\"path\":\"%.*s\",\"bulkId\":\"%zu\",\"data\":",
                 i ? "," : "", STR_ARG(operations[i].call->object->endpoint), i + 1);
        buf_add(body, operations[i].data);
        buf_add_char(body, '}');
    }
    buf_add_z(body, "]}");
    scim_target_post(t, "/Bulk", buf_str(body), on_answer, b);
}

/* In requests that keep to the server's limits. */
static void send_parts(struct scim_target *t, const struct operation *operations, size_t count)
{
    size_t at = 0;

    while (at < count) {
        size_t bytes = 0;
        size_t n = 0;

        while (at + n < count && n < t->service.bulk_operations) {
            bytes += operations[at + n].data.len + OPERATION_OVERHEAD;
            if (n > 0 && bytes > t->service.bulk_bytes)
                break;
            n++;
        }
        n = n ? n : 1; /* bulk has turned out not to be there */
        send_bulk(t, &operations[at], n);
        at += n;
    }
}

/* The answer to one operation, as a server would give it to the request alone. */
static bool find_operation(struct scim_bulk *b, const struct json *list, size_t number,
                           const struct http_answer *whole, struct http_answer *out)
{
    char text[24];
    int64_t status;

    (void)snprintf(text, sizeof(text), "%zu", number);
    JSON_EACH(one, list)
    {
        const struct json *code = json_get_nocase(one, STR("status"));
        const struct json *response = json_get_nocase(one, STR("response"));

        if (!str_eq_z(json_get_text(one, "bulkId"), text))
            continue;
        if (json_is(code, JSON_OBJECT)) /* as drafts had it */
            code = json_get_nocase(code, STR("code"));
        if (!code || !str_to_int(code->text, 100, 599, &status))
            return false;
        *out = *whole;
        out->status = (int)status;
        out->body = response ? json_text(b->arena, response) : STR("");
        out->etag = json_get_text(one, "version");
        out->location = json_get_text(one, "location");
        return true;
    }
    return false;
}

static void end_operations(struct scim_bulk *b, const struct json *list,
                           const struct http_answer *answer)
{
    for (size_t i = 0; i < b->count; i++) {
        struct scim_call *c = b->operations[i].call;
        struct target_result result;
        struct http_answer one;

        arena_reset(b->target->answer);
        (void)scim_target_secrets(b->target, c->secrets);
        if (!list) {
            scim_judge(b->target->answer, &c->asked, answer, &result);
        } else if (find_operation(b, list, i + 1, answer, &one)) {
            scim_created(c, &one, &result);
        } else { /* it may be there by now */
            scim_fail(b->target->answer, &c->asked, answer, TARGET_TRANSIENT, INCOMPATIBLE,
                      "the answer to a bulk request says nothing of this operation", &result);
        }
        result.shared = i > 0;
        scim_call_settle(c, &result);
    }
}

/* The request as a whole was refused, so that nothing of it was done. */
static bool is_no_bulk(const struct http_answer *answer)
{
    static const int statuses[] = {400, 403, 404, 405, 415, 501};

    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        if (answer->failure == HTTP_OK && answer->status == statuses[i])
            return true;
    }
    return false;
}

static void on_answer(void *ctx, const struct http_answer *answer)
{
    struct scim_bulk *b = ctx;
    struct scim_target *t = b->target;
    const struct json *list = NULL;
    struct json *document;
    struct err ignored;

    if (answer->failure == HTTP_OK && answer->status == 413) {
        t->service.bulk_operations = b->count / 2;
        send_parts(t, b->operations, b->count);
    } else if (is_no_bulk(answer)) {
        t->service.bulk_operations = 0;
        send_parts(t, b->operations, b->count);
    } else {
        if (answer->failure == HTTP_OK && answer->status / 100 == 2) {
            if (json_parse(b->arena, answer->body, NULL, &document, NULL, &ignored))
                list = json_get_nocase(document, STR("Operations"));
            if (!json_is(list, JSON_ARRAY))
                list = json_new(b->arena, JSON_ARRAY);
        }
        end_operations(b, list, answer);
    }
    bulk_free(b);
}

void scim_create_many(struct target *target, const struct target_creation *creations, size_t count)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct scim_target *t = scim_of(target);
    struct operation *operations = ARENA_ARRAY(a, struct operation, count);

    for (size_t i = 0; i < count; i++) {
        const struct target_creation *x = &creations[i];
        struct scim_call *c = scim_call_create(t, x->m, x->want, x->done, x->ctx);

        operations[i] = (struct operation){c, arena_str(c->arena, buf_str(&t->body))};
    }
    send_parts(t, operations, count);
}
