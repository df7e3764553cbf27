/* Ends the calls of a SCIM target: reads the answer, decides what it means, tells the caller. */
#include "base/clock.h"
#include "connector/scim/call.h"

#define INCOMPATIBLE "SystemForCrossDomainIdentityManagementServiceIncompatible"

/* So long a probe that was accepted speaks for the token. */
static const int64_t probe_holds_us = 30 * US_PER_SECOND;

static bool is_success(const struct http_answer *answer)
{
    return answer->failure == HTTP_OK && answer->status >= 200 && answer->status < 300;
}

static void fail(struct scim_call *c, const struct http_answer *answer, enum target_class class_,
                 const char *code, const char *why, struct target_result *out)
{
    scim_fail(c->target->answer, &c->asked, answer, class_, code, why, out);
}

void scim_ok(const struct http_answer *answer, struct target_result *out)
{
    *out = (struct target_result){
        .status = TARGET_OK,
        .http_status = answer->status,
        .retry_after_ms = -1,
        .duration_us = answer->duration_us,
        .total = -1,
    };
}

static struct json *parse(struct scim_call *c, const struct http_answer *answer)
{
    struct json *document;
    struct err ignored;

    return json_parse(c->target->answer, answer->body, NULL, &document, NULL, &ignored) &&
                   document->type == JSON_OBJECT
               ? document
               : NULL;
}

/* Strangers only, and there may be more of them: whoever is looked for may be among the others. */
static bool may_go_on(const struct scim_list *list)
{
    return list->count > 0 && (list->next.len > 0 || list->total > (int64_t)list->count ||
                               (list->count > 1 && !list->total_said));
}

static void end_find(struct scim_call *c, const struct http_answer *answer,
                     struct target_result *out)
{
    struct arena *a = c->target->answer;
    struct json *document = parse(c, answer);
    struct scim_list list;
    size_t count = 0;

    if (!document || !scim_read_list(document, &list)) {
        fail(c, answer, TARGET_PERMANENT, INCOMPATIBLE,
             "the answer to a query is not a list of resources", out);
        return;
    }
    struct target_record *records = ARENA_ARRAY(a, struct target_record, list.count + 1);
    JSON_EACH(resource, list.resources)
    {
        scim_read_record(a, c->object, resource, &records[count]);
        if (records[count].id.len && scim_matches(&records[count], &c->by))
            count++;
    }
    if (count == 0 && may_go_on(&list)) {
        fail(c, answer, TARGET_PERMANENT, INCOMPATIBLE "Filtering",
             "the filter was ignored: the answer has resources that were not asked for", out);
        return;
    }
    scim_ok(answer, out);
    out->records = records;
    out->record_count = count;
}

/* A full page is never taken for the last: totalResults may be wrong (scim.md 10.2). Where it is
 * not said, neither is a short one: the server may give fewer than it is asked for. */
struct str scim_next_page(struct scim_call *c, const struct scim_list *list)
{
    struct arena *a = c->target->answer;
    int64_t from = 1;

    if (list->next.len)
        return arena_printf(a, "c%.*s", STR_ARG(list->next));
    if (str_starts(c->page.cursor, STR("c")) || list->count == 0)
        return STR("");
    (void)str_to_int(c->page.cursor, 1, INT64_MAX / 2, &from);
    from += (int64_t)list->count;
    if (list->count < c->page.count && list->total_said && from > list->total)
        return STR("");
    return arena_printf(a, "%lld", (long long)from);
}

static void end_list(struct scim_call *c, const struct http_answer *answer,
                     struct target_result *out)
{
    struct arena *a = c->target->answer;
    struct json *document = parse(c, answer);
    struct target_record *records;
    struct scim_list list;
    size_t count = 0;

    if (!document || !scim_read_list(document, &list)) {
        fail(c, answer, TARGET_PERMANENT, INCOMPATIBLE, "the answer is not a list of resources",
             out);
        return;
    }
    records = ARENA_ARRAY(a, struct target_record, list.count + 1);
    JSON_EACH(resource, list.resources)
    {
        scim_read_record(a, c->object, resource, &records[count++]);
    }
    scim_ok(answer, out);
    out->records = records;
    out->record_count = count;
    out->total = list.total_said ? list.total : -1;
    out->next = scim_next_page(c, &list);
}

static bool is_too_large(struct scim_call *c, const struct http_answer *answer)
{
    return answer->failure == HTTP_TOO_LARGE ||
           (answer->failure == HTTP_OK &&
            (answer->status == 413 ||
             (answer->status == 400 &&
              str_eq_ascii_nocase(scim_error_type(c->target->answer, answer->body),
                                  STR("tooMany")))));
}

static void end_read(struct scim_call *c, const struct http_answer *answer,
                     struct target_result *out)
{
    struct arena *a = c->target->answer;
    struct json *document = parse(c, answer);
    struct target_record *record = ARENA_NEW(a, struct target_record);

    if (document && json_get_nocase(document, STR("Resources"))) {
        fail(c, answer, TARGET_PERMANENT,
             "SystemForCrossDomainIdentityManagementMultipleEntriesInResponse",
             "the answer is a list where one resource was asked for", out);
        return;
    }
    if (document)
        scim_read_record(a, c->object, document, record);
    if (!document || record->id.len == 0) {
        fail(c, answer, TARGET_PERMANENT, INCOMPATIBLE, "the answer is not a resource with an id",
             out);
        return;
    }
    if (answer->etag.len)
        record->version = answer->etag;
    scim_ok(answer, out);
    out->records = record;
    out->record_count = 1;
}

/* A page for people is no answer to a change, even with status 200 (scim.md 10.2). */
static bool is_page(const struct http_answer *answer)
{
    struct str body = str_trim(answer->body);

    return body.len > 0 && body.ptr[0] == '<';
}

static void end_create(struct scim_call *c, const struct http_answer *answer,
                       struct target_result *out)
{
    struct arena *a = c->target->answer;
    struct json *document = parse(c, answer);
    struct target_record *record = ARENA_NEW(a, struct target_record);

    record->values = NULL;
    if (is_page(answer)) {
        fail(c, answer, TARGET_PERMANENT, INCOMPATIBLE, "the answer is a page, not SCIM", out);
        return;
    }
    if (document)
        scim_read_record(a, c->object, document, record);
    if (record->id.len == 0)
        record->id = scim_read_location(a, answer->location);
    if (!record->values)
        record->values = json_new(a, JSON_OBJECT);
    if (record->id.len == 0) {
        /* It may be there by now: whoever tries again asks first. */
        fail(c, answer, TARGET_TRANSIENT, INCOMPATIBLE,
             "the account was accepted but the answer gives no id", out);
        return;
    }
    if (answer->etag.len)
        record->version = answer->etag;
    scim_ok(answer, out);
    out->records = record;
    out->record_count = 1;
}

static void end_change(struct scim_call *c, const struct http_answer *answer,
                       struct target_result *out)
{
    if (is_page(answer)) {
        fail(c, answer, TARGET_PERMANENT, INCOMPATIBLE, "the answer is a page, not SCIM", out);
        return;
    }
    scim_ok(answer, out);
}

static void release_held(struct scim_target *t, enum target_class class_)
{
    while (t->held) {
        struct scim_call *c = t->held;

        t->held = c->next;
        c->result.class_ = class_;
        scim_call_end(c, &c->result);
    }
}

static void on_probe(void *ctx, const struct http_answer *answer)
{
    struct scim_target *t = ctx;
    bool refused = answer->failure == HTTP_OK && (answer->status == 401 || answer->status == 403);
    bool let_in = is_success(answer) || (answer->failure == HTTP_OK && answer->status == 404);

    t->probing = false;
    /* No answer, a busy server or a broken one say nothing about the token. */
    t->probed_well_us = let_in ? clock_monotonic_us() : 0;
    release_held(t, refused ? TARGET_JOB : TARGET_PERMISSION);
}

/* Not let in: for this object alone, or at all? The connection test says it (engine.md 9.3). */
static void hold(struct scim_call *c, const struct target_result *result)
{
    struct scim_target *t = c->target;

    c->result = *result;
    c->result.message = arena_str(c->arena, result->message);
    c->next = t->held;
    t->held = c;
    if (t->probing)
        return;
    if (t->probed_well_us && clock_monotonic_us() - t->probed_well_us < probe_holds_us) {
        release_held(t, TARGET_PERMISSION);
        return;
    }
    t->probing = true;
    scim_target_probe(t, on_probe);
}

static void end_success(struct scim_call *c, const struct http_answer *answer,
                        struct target_result *out)
{
    switch (c->asked.action) {
    case SCIM_FIND:
        end_find(c, answer, out);
        break;
    case SCIM_LIST:
        end_list(c, answer, out);
        break;
    case SCIM_READ:
        end_read(c, answer, out);
        break;
    case SCIM_CREATE:
        end_create(c, answer, out);
        break;
    case SCIM_UPDATE:
    case SCIM_MEMBERS:
    case SCIM_REMOVE:
        end_change(c, answer, out);
        break;
    }
}

void scim_call_end(struct scim_call *c, const struct target_result *result)
{
    struct scim_target *t = c->target;
    target_done *done = c->done;
    void *ctx = c->ctx;

    t->ended++;
    done(ctx, result);
    scim_found_free(c);
    c->next = t->free;
    t->free = c;
}

void scim_call_answered(void *ctx, const struct http_answer *answer)
{
    struct scim_call *c = ctx;
    struct scim_target *t = c->target;
    struct target_result result;
    bool ended = false;

    arena_reset(t->answer);
    (void)scim_target_secrets(t, c->secrets); /* the token may be another by now */
    if (c->update.stage != SCIM_UPDATE_NONE && scim_call_next_update(c, answer, &result, &ended))
        return;
    if (c->asked.action == SCIM_FIND && t->scans && is_success(answer) &&
        scim_call_scan(c, answer, &result, &ended))
        return;
    if (c->asked.action == SCIM_LIST && is_too_large(c, answer) && scim_call_list_smaller(c))
        return;
    if (ended) {
        /* result is filled */
    } else if (c->asked.action == SCIM_MEMBERS && c->update.stage == SCIM_UPDATE_NONE &&
               scim_call_members_put(c, answer)) {
        return;
    } else if (c->asked.action == SCIM_MEMBERS && c->update.stage == SCIM_UPDATE_NONE &&
               scim_call_members_left(c, answer)) {
        if (scim_call_send_members(c))
            return;
        scim_ok(answer, &result);
    } else if (is_success(answer)) {
        end_success(c, answer, &result);
    } else if (c->asked.action == SCIM_FIND && answer->failure == HTTP_OK &&
               answer->status == 404 && t->empty_is_404) {
        scim_ok(answer, &result);
    } else {
        scim_judge(t->answer, &c->asked, answer, &result);
    }
    scim_call_settle(c, &result);
}

void scim_created(struct scim_call *c, const struct http_answer *answer, struct target_result *out)
{
    if (is_success(answer)) {
        end_create(c, answer, out);
    } else {
        scim_judge(c->target->answer, &c->asked, answer, out);
    }
}

void scim_call_settle(struct scim_call *c, const struct target_result *result)
{
    if (result->class_ == TARGET_PERMISSION &&
        (result->http_status == 401 || result->http_status == 403)) {
        hold(c, result);
    } else {
        scim_call_end(c, result);
    }
}
