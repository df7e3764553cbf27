/* A call of a SCIM target: made, written to, sent. */
#include "connector/scim/auth.h"

struct scim_object *scim_object_of(struct scim_target *t, const struct mapping_object *m)
{
    size_t i = (size_t)(m - t->base.program->objects);

    assert(i < t->object_count && t->objects[i].mapping == m);
    return &t->objects[i];
}

struct scim_call *scim_call_new(struct scim_target *t, enum scim_action action,
                                enum http_method method, const struct mapping_object *m,
                                target_done *done, void *ctx)
{
    struct scim_call *c = t->free;

    if (c) {
        t->free = c->next;
        arena_reset(c->arena);
        buf_reset(&c->url);
        c->url.overflowed = false;
    } else {
        c = mem_alloc(sizeof(*c));
        c->target = t;
        c->arena = arena_new();
        buf_init(&c->url, SCIM_URL_MAX);
        c->all = t->all;
        t->all = c;
    }
    c->next = NULL;
    c->object = scim_object_of(t, m);
    c->asked = (struct scim_asked){.action = action, .method = method, .secrets = c->secrets};
    c->asked.secret_count = scim_target_secrets(t, c->secrets);
    c->update = (struct scim_update){0};
    c->if_match = (struct str){0};
    c->found = NULL;
    c->done = done;
    c->ctx = ctx;
    return c;
}

void scim_call_remember_secrets(struct scim_call *c, const struct mapping_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct mapping_change *change = &changes->items[i];

        if (change->attribute->secret && json_is(change->after, JSON_STRING) &&
            c->asked.secret_count < SCIM_CALL_SECRETS_MAX)
            c->secrets[c->asked.secret_count++] = arena_str(c->arena, change->after->text);
    }
}

struct buf *scim_body(struct scim_target *t)
{
    buf_reset(&t->body);
    t->body.overflowed = false;
    return &t->body;
}

void scim_call_ready(struct scim_call *c, const struct target_result *result)
{
    c->result = *result;
    c->next = c->target->ready;
    c->target->ready = c;
}

void scim_next_request_id(struct scim_target *t, char *out)
{
    uint64_t n = ++t->requests;
    uint64_t p = t->request_prefix;
    const uint64_t parts[] = {p & 0xffffffff, p >> 32 & 0xffff, 0x4000 | (p >> 48 & 0xfff),
                              0x8000 | (n >> 48 & 0xfff), n & 0xffffffffffff};
    static const unsigned digits[ARRAY_LEN(parts)] = {8, 4, 4, 4, 12};

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        for (unsigned d = digits[i]; d-- > 0;)
            *out++ = "0123456789abcdef"[parts[i] >> 4 * d & 15];
        *out++ = '-';
    }
    out[-1] = '\0';
}

void scim_call_send(struct scim_call *c, struct str body)
{
    struct scim_target *t = c->target;

    if (c->url.overflowed || t->body.overflowed) {
        scim_call_ready(c, &(struct target_result){
                               .status = TARGET_FAILED,
                               .class_ = TARGET_PERMANENT,
                               .code = "UnprocessableEntity",
                               .message = STR("a value is too long to be sent"),
                               .retry_after_ms = -1,
                           });
        return;
    }
    scim_next_request_id(t, c->request_id);
    c->asked.request_id = str_from_z(c->request_id);
    struct scim_request r = {c->asked.method, buf_str(&c->url), body, c->asked.request_id,
                             c->if_match};
    scim_send(t, &r, scim_call_answered, c);
}

void scim_call_url(struct scim_call *c, enum http_method method, struct str id)
{
    buf_reset(&c->url);
    c->asked.method = method;
    scim_write_url(&c->url, &c->target->url, c->object, id, method, &c->asked.shown);
}
