/* Requests of a SCIM target that are no calls: for the connection test, discovery, the probe, bulk.
 */
#include "base/rng.h"
#include "base/unicode.h"
#include "connector/scim/call.h"

static struct mapping_criterion random_criterion(struct arena *a, const struct scim_object *o)
{
    const struct mapping_attribute *best = NULL;
    char id[UUID_TEXT_MAX];

    for (size_t i = 0; i < o->mapping->attribute_count; i++) {
        const struct mapping_attribute *m = &o->mapping->attributes[i];

        if (m->matching_priority && (!best || m->matching_priority < best->matching_priority))
            best = m;
    }
    return (struct mapping_criterion){
        .attributes = {best},
        .values = {json_string(a, uuid_new(rng_system(), id))},
        .count = best ? 1 : 0,
    };
}

void scim_target_probe(struct scim_target *t, http_client_done *on_probe)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    CLEANUP(buf_done) struct buf url;
    const struct scim_object *o = scim_target_object(t, SOURCE_USER);
    char request_id[SCIM_REQUEST_ID_MAX];
    struct str shown;

    o = o ? o : &t->objects[0];
    struct mapping_criterion by = random_criterion(tmp, o);
    buf_init(&url, SCIM_URL_MAX);
    scim_write_find_url(&url, &t->url, o, &by, &shown);
    scim_next_request_id(t, request_id);
    struct scim_request r = {
        .method = HTTP_GET, .url = buf_str(&url), .id = str_from_z(request_id)};
    scim_send(t, &r, on_probe, t);
}

struct get {
    struct arena *a;
    struct http_answer *out;
    bool ended;
};

static void on_got(void *ctx, const struct http_answer *answer)
{
    struct get *get = ctx;

    *get->out = *answer;
    get->out->body = arena_str(get->a, answer->body);
    get->out->content_type = arena_str(get->a, answer->content_type);
    get->out->etag = arena_str(get->a, answer->etag);
    get->out->location = utf8_clean(get->a, arena_str(get->a, answer->location));
    get->out->request_id = utf8_clean(get->a, arena_str(get->a, answer->request_id));
    get->ended = true;
}

void scim_target_post(struct scim_target *t, const char *path, struct str body,
                      http_client_done *done, void *ctx)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char request_id[SCIM_REQUEST_ID_MAX];

    scim_next_request_id(t, request_id);
    struct scim_request r = {
        .method = HTTP_POST,
        .url = arena_printf(a, "%.*s%s%s%.*s", STR_ARG(t->url.url), path,
                            t->url.query.len ? "?" : "", STR_ARG(t->url.query)),
        .body = body,
        .id = str_from_z(request_id),
    };
    scim_send(t, &r, done, ctx);
}

/* Waits for the answer. */
static void ask(struct scim_target *t, struct arena *a, struct scim_request r,
                struct http_answer *out)
{
    struct get get = {.a = a, .out = out};
    char request_id[SCIM_REQUEST_ID_MAX];

    scim_next_request_id(t, request_id);
    r.id = str_from_z(request_id);
    scim_send(t, &r, on_got, &get);
    while (!get.ended) {
        int64_t wait = scim_send_waiting(t);

        http_client_run(t->client, wait < 1000 ? wait : 1000);
    }
}

void scim_target_get(struct scim_target *t, struct arena *a, const struct scim_object *o,
                     struct str *out_shown, struct http_answer *out)
{
    struct mapping_criterion by = random_criterion(a, o);
    CLEANUP(buf_done) struct buf url;
    struct str shown;

    buf_init(&url, SCIM_URL_MAX);
    scim_write_find_url(&url, &t->url, o, &by, &shown);
    *out_shown = arena_str(a, shown);
    ask(t, a, (struct scim_request){.method = HTTP_GET, .url = buf_str(&url)}, out);
}

void scim_target_ask(struct scim_target *t, struct arena *a, enum http_method method,
                     struct str path, struct str body, struct http_answer *out)
{
    size_t at;

    ask(t, a,
        (struct scim_request){
            .method = method,
            .url = arena_printf(a, "%.*s%.*s%s%.*s", STR_ARG(t->url.url), STR_ARG(path),
                                t->url.query.len == 0           ? ""
                                : str_find_char(path, '?', &at) ? "&"
                                                                : "?",
                                STR_ARG(t->url.query)),
            .body = body,
        },
        out);
}

void scim_target_get_path(struct scim_target *t, struct arena *a, const char *path,
                          struct http_answer *out)
{
    scim_target_ask(t, a, HTTP_GET, str_from_z(path), STR(""), out);
}
