/* Changes of a group's members by PATCH, in as many requests as it takes (scim.md 11.5). */
#include "connector/scim/call.h"

void scim_members_write(struct buf *body, const struct scim_style *style, struct scim_members *m)
{
    size_t left;

    /* Leaving first: a group may have a limit. */
    m->op = m->remove_count ? SCIM_MEMBERS_REMOVE : SCIM_MEMBERS_ADD;
    left = m->remove_count ? m->remove_count : m->add_count;
    /* Each one removed by a filter is an operation. */
    if (m->remove_count && !style->member_array && left > style->max_ops)
        left = style->max_ops;
    if (m->at_once > left || m->at_once == 0)
        m->at_once = left;
    scim_write_members(body, style, m->attribute, m->op, m->remove_count ? m->remove : m->add,
                       m->at_once);
}

bool scim_call_send_members(struct scim_call *c)
{
    struct buf *body = scim_body(c->target);

    if (c->members.add_count + c->members.remove_count == 0)
        return false;
    scim_members_write(body, &c->target->style, &c->members);
    scim_call_send(c, buf_str(body));
    return true;
}

bool scim_call_members_left(struct scim_call *c, const struct http_answer *answer)
{
    struct scim_members *m = &c->members;
    size_t *left = m->op == SCIM_MEMBERS_ADD ? &m->add_count : &m->remove_count;
    const struct str **list = m->op == SCIM_MEMBERS_ADD ? &m->add : &m->remove;
    bool not_there =
        answer->failure == HTTP_OK && answer->status == 400 && m->op == SCIM_MEMBERS_REMOVE &&
        str_eq_ascii_nocase(scim_error_type(c->target->answer, answer->body), STR("noTarget"));
    bool too_large = answer->failure == HTTP_OK && answer->status == 413;

    if (!(answer->failure == HTTP_OK && answer->status / 100 == 2) &&
        !(not_there && m->at_once == 1)) {
        /* One that is no member any more spoils the request for the others, too. */
        if (m->at_once < 2 || !(not_there || too_large))
            return false;
        c->target->members_at_once = too_large ? m->at_once / 2 : c->target->members_at_once;
        m->at_once /= 2;
        return true;
    }
    *list += m->at_once;
    *left -= m->at_once;
    if (!not_there)
        m->at_once = c->target->members_at_once;
    return true;
}

static const struct str *copy_ids(struct arena *a, const struct str *ids, size_t count)
{
    struct str *copy = ARENA_ARRAY(a, struct str, count + 1);

    for (size_t i = 0; i < count; i++)
        copy[i] = arena_str(a, ids[i]);
    return copy;
}

void scim_change_members(struct target *target, const struct mapping_object *m, struct str id,
                         const struct target_members *change, target_done *done, void *ctx)
{
    struct scim_target *t = scim_of(target);
    struct scim_call *c = scim_call_new(t, SCIM_MEMBERS, HTTP_PATCH, m, done, ctx);

    c->members = (struct scim_members){
        .attribute = &c->object->attributes[change->attribute - m->attributes],
        .add = copy_ids(c->arena, change->add, change->add_count),
        .add_count = change->add_count,
        .remove = copy_ids(c->arena, change->remove, change->remove_count),
        .remove_count = change->remove_count,
        .at_once = t->members_at_once,
    };
    c->update.id = arena_str(c->arena, id);
    scim_call_url(c, HTTP_PATCH, id);
    if (scim_puts(t, c->object) && change->add_count + change->remove_count > 0) {
        scim_call_put(c);
    } else if (!scim_call_send_members(c))
        scim_call_ready(c, &(struct target_result){.status = TARGET_OK, .retry_after_ms = -1});
}
