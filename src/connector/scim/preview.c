/* What a dry run shows of a request: method, path and body, secrets masked. */
#include "connector/scim/call.h"

struct str scim_preview(struct target *target, const struct mapping_object *m, struct str id,
                        const struct mapping_changes *changes, struct arena *a)
{
    struct scim_target *t = scim_of(target);
    const struct scim_object *o = scim_object_of(t, m);
    enum http_method change = scim_puts(t, o) ? HTTP_PUT : HTTP_PATCH;
    enum http_method method = !changes ? HTTP_DELETE : id.len ? change : HTTP_POST;
    struct buf *body = scim_body(t);
    size_t at = 0;
    CLEANUP(buf_done) struct buf url;
    struct str shown;

    buf_init(&url, SCIM_URL_MAX);
    scim_write_url(&url, &t->url, o, id, method, &shown);
    if (method == HTTP_PATCH) {
        (void)scim_write_patch(body, o, changes, NULL, SCIM_SECRETS_MASKED, &at);
    } else if (method == HTTP_POST || method == HTTP_PUT) { /* PUT: with what is there already */
        scim_write_create(body, o, changes, SCIM_SECRETS_MASKED);
    }
    return arena_printf(a, "%s %.*s%s%.*s", http_method_name(method), STR_ARG(shown),
                        body->len ? "\n" : "", STR_ARG(buf_str(body)));
}

struct str scim_preview_members(struct target *target, const struct mapping_object *m,
                                struct str id, const struct target_members *change, struct arena *a)
{
    struct scim_target *t = scim_of(target);
    const struct scim_object *o = scim_object_of(t, m);
    enum http_method method = scim_puts(t, o) ? HTTP_PUT : HTTP_PATCH;
    struct scim_members members = {
        .attribute = &o->attributes[change->attribute - m->attributes],
        .add = change->add,
        .add_count = change->add_count,
        .remove = change->remove,
        .remove_count = change->remove_count,
        .at_once = t->members_at_once,
    };
    struct buf *body = scim_body(t);
    CLEANUP(buf_done) struct buf url;
    struct str shown;

    buf_init(&url, SCIM_URL_MAX);
    scim_write_url(&url, &t->url, o, id, method, &shown);
    if (method == HTTP_PUT) { /* the group as it will be read then */
        return arena_printf(a,
                            "PUT %.*s\n(the group as it is there, with %zu members added and %zu "
                            "removed)",
                            STR_ARG(shown), change->add_count, change->remove_count);
    }
    scim_members_write(body, &t->style, &members);
    return arena_printf(a, "PATCH %.*s\n%.*s", STR_ARG(shown), STR_ARG(buf_str(body)));
}
