/* Changes of an account: PATCH in as many requests as it takes, or where the target has no PATCH,
 * PUT of the account as it was read with the changes (scim.md 10.4). */
#include "connector/scim/call.h"

#define INCOMPATIBLE "SystemForCrossDomainIdentityManagementServiceIncompatible"

enum { PUT_MEMBERS_MAX = 10000 };

static bool is_status(const struct http_answer *answer, int status)
{
    return answer->failure == HTTP_OK && answer->status == status;
}

static bool is_success(const struct http_answer *answer)
{
    return answer->failure == HTTP_OK && answer->status / 100 == 2;
}

static bool is_no_target(struct scim_call *c, const struct http_answer *answer)
{
    return is_status(answer, 400) &&
           str_eq_ascii_nocase(scim_error_type(c->target->answer, answer->body), STR("noTarget"));
}

static bool has_element(const struct scim_call *c)
{
    const struct mapping_changes *changes = &c->update.changes;

    for (size_t i = 0; i < changes->count; i++) {
        size_t place = (size_t)(changes->items[i].attribute - c->object->mapping->attributes);

        if (c->object->attributes[place].element)
            return true;
    }
    return false;
}

static struct mapping_changes copy_changes(struct arena *a, const struct mapping_changes *changes)
{
    struct mapping_changes copy = {
        .items = ARENA_ARRAY(a, struct mapping_change, changes->count),
        .count = changes->count,
    };

    for (size_t i = 0; i < changes->count; i++) {
        copy.items[i] = changes->items[i];
        copy.items[i].before =
            changes->items[i].before ? json_clone(a, changes->items[i].before) : NULL;
        copy.items[i].after =
            changes->items[i].after ? json_clone(a, changes->items[i].after) : NULL;
    }
    return copy;
}

static void read_account(struct scim_call *c, enum scim_update_stage stage)
{
    c->update.stage = stage;
    (void)scim_body(c->target);
    scim_call_url(c, HTTP_GET, c->update.id);
    scim_call_send(c, STR(""));
}

/* With everything that is to be sent back: of a group the members, too. */
void scim_call_put(struct scim_call *c)
{
    c->update.stage = SCIM_UPDATE_PUT_READING;
    (void)scim_body(c->target);
    scim_call_url(c, HTTP_PUT, c->update.id);
    c->asked.method = HTTP_GET;
    scim_call_send(c, STR(""));
}

/* The next request of a PATCH; false when nothing is left to send. */
static bool send_patch(struct scim_call *c, const struct json *resource,
                       enum scim_update_stage stage)
{
    struct scim_update *u = &c->update;
    struct buf *body = scim_body(c->target);

    u->stage = stage;
    u->next = u->from;
    scim_call_url(c, HTTP_PATCH, u->id);
    if (!scim_write_patch(body, c->object, &u->changes, resource, SCIM_SECRETS_SENT, &u->next))
        return false;
    scim_call_send(c, buf_str(body));
    return true;
}

void scim_update(struct target *target, const struct mapping_object *m, struct str id,
                 const struct mapping_changes *changes, target_done *done, void *ctx)
{
    struct scim_target *t = scim_of(target);
    struct scim_call *c = scim_call_new(t, SCIM_UPDATE, HTTP_PATCH, m, done, ctx);

    if (changes->count == 0) {
        scim_call_ready(c, &(struct target_result){.status = TARGET_OK, .retry_after_ms = -1});
        return;
    }
    scim_call_remember_secrets(c, changes);
    c->update.id = arena_str(c->arena, id);
    c->update.changes = copy_changes(c->arena, changes);
    if (scim_puts(t, c->object)) {
        scim_call_put(c);
    } else {
        (void)send_patch(c, NULL, SCIM_UPDATE_SENT);
    }
}

bool scim_puts(const struct scim_target *t, const struct scim_object *o)
{
    switch (t->update_method) {
    case UPDATE_METHOD_PUT:
        return true;
    case UPDATE_METHOD_PATCH:
        return false;
    case UPDATE_METHOD_AUTO:
        break;
    }
    return o->no_patch || (t->service.known && !t->service.patch);
}

/* PATCH is not there at all. A 404 may mean the account as well, unless PATCH has worked before:
 * reading it tells. */
static bool lacks_patch(struct scim_call *c, const struct http_answer *answer)
{
    if (c->target->update_method != UPDATE_METHOD_AUTO || c->object->patched)
        return false;
    if (is_status(answer, 405) || is_status(answer, 501)) {
        c->object->no_patch = true;
        return true;
    }
    return is_status(answer, 404);
}

/* The members of the object, when they are mapped; else NULL. */
static const struct scim_attribute *members_of(const struct scim_call *c)
{
    const struct mapping_object *m = c->object->mapping;

    if (c->asked.action == SCIM_MEMBERS)
        return c->members.attribute;
    for (size_t i = 0; m->kind == SOURCE_GROUP && i < m->attribute_count; i++) {
        if (m->attributes[i].is_reference && str_eq_z(m->attributes[i].reference, "members"))
            return &c->object->attributes[i];
    }
    return NULL;
}

enum put_refusal { PUT_FINE, PUT_TOO_MANY, PUT_BLIND, PUT_BROKEN };

/* A group that was read without members may be empty, or its members are not shown: then sending it
 * back would empty it. What is known to be there is put into it (*out_rebuilt); when that may not
 * be all, nothing is sent. An application that has shown the members of another group shows them.
 */
static enum put_refusal keep_members(struct scim_call *c, struct json *resource, bool *out_rebuilt)
{
    struct scim_target *t = c->target;
    const struct scim_attribute *members = members_of(c);
    struct target_membership there;
    struct err ignored;

    *out_rebuilt = false;
    if (!members)
        return PUT_FINE;
    if (scim_shows_members(members, resource)) {
        t->shows_members = true;
        return PUT_FINE;
    }
    if (!t->base.known)
        return PUT_FINE;
    if (!t->base.known->members(t->base.known, c->update.id, PUT_MEMBERS_MAX, t->answer, &there,
                                &ignored))
        return PUT_BROKEN;
    if (there.more)
        return PUT_TOO_MANY;
    if (!there.ours && !t->shows_members && (c->asked.action == SCIM_MEMBERS || there.count > 0))
        return PUT_BLIND;
    *out_rebuilt = there.count > 0;
    if (*out_rebuilt)
        scim_set_members(t->answer, members, resource, there.ids, there.count);
    return PUT_FINE;
}

/* The account as it was read, with the changes; *out_changed: there is something to be sent. */
static enum put_refusal merge(struct scim_call *c, struct json *resource, bool *out_changed)
{
    struct arena *a = c->target->answer;
    const struct scim_members *m = &c->members;
    bool rebuilt;
    enum put_refusal refusal = keep_members(c, resource, &rebuilt);

    if (refusal != PUT_FINE)
        return refusal;
    if (c->asked.action == SCIM_UPDATE) {
        *out_changed = scim_merge(a, c->object, &c->update.changes, resource);
        return PUT_FINE;
    }
    if (!scim_merge_members(a, m->attribute, resource, m->add, m->add_count, m->remove,
                            m->remove_count, PUT_MEMBERS_MAX, out_changed))
        return PUT_TOO_MANY;
    *out_changed |= rebuilt; /* whether it is so there cannot be seen */
    return PUT_FINE;
}

static void fail_put(struct scim_call *c, const struct http_answer *answer,
                     enum put_refusal refusal, struct target_result *out)
{
    static const char *const why[] = {
        [PUT_TOO_MANY] = "the application has no PATCH, and a group of more than 10,000 members "
                         "cannot be sent as a whole",
        [PUT_BLIND] = "the application has no PATCH, and does not say who is in the group, which "
                      "was there before: sent as a whole it would lose them. If it is empty, put "
                      "one member into it there",
        [PUT_BROKEN] = "who is in the group could not be read from the database",
    };

    scim_fail(c->target->answer, &c->asked, answer,
              refusal == PUT_BROKEN ? TARGET_TRANSIENT : TARGET_PERMANENT,
              refusal == PUT_BROKEN ? "InternalError" : INCOMPATIBLE, why[refusal], out);
}

/* The account was read for a PUT. */
static bool send_put(struct scim_call *c, const struct http_answer *answer,
                     struct target_result *out_end)
{
    struct scim_target *t = c->target;
    struct buf *body;
    struct json *resource;
    struct err ignored;
    enum put_refusal refusal;
    bool changed = false;

    if (!json_parse(t->answer, answer->body, NULL, &resource, NULL, &ignored) ||
        resource->type != JSON_OBJECT) {
        scim_fail(t->answer, &c->asked, answer, TARGET_PERMANENT, INCOMPATIBLE,
                  "the answer is not a resource", out_end);
        return false;
    }
    if (t->update_method == UPDATE_METHOD_AUTO)
        c->object->no_patch = true; /* the account is there, so what was missing is PATCH */
    refusal = merge(c, resource, &changed);
    if (refusal != PUT_FINE) {
        fail_put(c, answer, refusal, out_end);
        return false;
    }
    if (!changed) {
        scim_ok(answer, out_end);
        return false;
    }
    body = scim_body(t);
    c->update.stage = SCIM_UPDATE_PUT_SENT;
    c->if_match = t->service.etag ? arena_str(c->arena, answer->etag) : STR("");
    scim_call_url(c, HTTP_PUT, c->update.id);
    json_write(body, resource);
    scim_call_send(c, buf_str(body));
    return true;
}

/* The account was read because the target did not find an element: what is missing is added as a
 * whole. */
static bool send_again(struct scim_call *c, const struct http_answer *answer,
                       struct target_result *out_end)
{
    struct json *document;
    struct err ignored;

    if (!json_parse(c->target->answer, answer->body, NULL, &document, NULL, &ignored) ||
        document->type != JSON_OBJECT) {
        scim_fail(c->target->answer, &c->asked, answer, TARGET_PERMANENT, INCOMPATIBLE,
                  "the answer is not a resource", out_end);
        return false;
    }
    if (send_patch(c, document, SCIM_UPDATE_SENT_AGAIN))
        return true;
    scim_ok(answer, out_end); /* what was to be removed is not there */
    return false;
}

/* A PATCH was answered. True when there is more to do. */
static bool next_patch(struct scim_call *c, const struct http_answer *answer)
{
    struct scim_update *u = &c->update;

    if (is_success(answer)) {
        c->object->patched = true;
        u->from = u->next;
        return !scim_patch_is_complete(c->object, &u->changes, u->from) &&
               send_patch(c, NULL, SCIM_UPDATE_SENT);
    }
    if (u->stage == SCIM_UPDATE_SENT && is_no_target(c, answer) && has_element(c)) {
        read_account(c, SCIM_UPDATE_READING);
        return true;
    }
    if (!lacks_patch(c, answer))
        return false;
    scim_call_put(c);
    return true;
}

bool scim_call_next_update(struct scim_call *c, const struct http_answer *answer,
                           struct target_result *out_end, bool *out_ended)
{
    *out_ended = false;
    switch (c->update.stage) {
    case SCIM_UPDATE_NONE:
        break;
    case SCIM_UPDATE_SENT:
    case SCIM_UPDATE_SENT_AGAIN:
        return next_patch(c, answer);
    case SCIM_UPDATE_READING:
        if (!is_success(answer))
            return false;
        *out_ended = true;
        return send_again(c, answer, out_end);
    case SCIM_UPDATE_PUT_READING:
        if (!is_success(answer))
            return false;
        *out_ended = true;
        return send_put(c, answer, out_end);
    case SCIM_UPDATE_PUT_SENT:
        if (!is_status(answer, 412) || c->update.repeated)
            return false;
        c->update.repeated = true; /* changed between reading and writing */
        scim_call_put(c);
        return true;
    }
    return false;
}

bool scim_call_members_put(struct scim_call *c, const struct http_answer *answer)
{
    if (is_success(answer))
        c->object->patched = true;
    if (!lacks_patch(c, answer))
        return false;
    scim_call_put(c);
    return true;
}
