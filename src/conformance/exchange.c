/* Requests of checks, and the removal of what they have made. */
#include "conformance/run.h"

enum { WAIT_MS = 200 };

struct waiting {
    struct check_run *run;
    bool done;
};

static void on_answer(void *ctx, const struct http_answer *answer)
{
    struct waiting *w = ctx;
    struct arena *a = w->run->tmp;
    struct check_answer *out = &w->run->answer;
    struct err err = {.kind = ERR_NONE};

    w->done = true;
    *out = (struct check_answer){0};
    if (answer->failure != HTTP_OK) {
        snprintf(out->reason, sizeof(out->reason), "%s", answer->reason);
        return;
    }
    out->status = answer->status;
    out->body = arena_str(a, answer->body);
    out->content_type = arena_str(a, answer->content_type);
    out->etag = arena_str(a, answer->etag);
    out->location = arena_str(a, answer->location);
    if (!out->body.len || !json_parse(a, out->body, NULL, &out->json, NULL, &err))
        out->json = NULL;
}

static void remember(struct check_run *run, struct str path)
{
    struct check_made *made = ARENA_NEW(run->arena, struct check_made);

    *made = (struct check_made){.path = arena_str(run->arena, path), .next = run->made};
    run->made = made;
}

static void forget(struct check_run *run, struct str path)
{
    for (struct check_made *m = run->made; m; m = m->next) {
        if (str_eq(m->path, path))
            m->gone = true;
    }
}

static struct str path_of(struct check_run *run, struct str collection, struct str id)
{
    CLEANUP(buf_done) struct buf out;

    buf_init(&out, 4096);
    buf_add(&out, collection);
    buf_add_char(&out, '/');
    http_url_encode(&out, id);
    return arena_str(run->tmp, buf_str(&out));
}

/* The last two segments of a resource's address: "/Users/7". */
static struct str path_in(struct str location)
{
    struct str path = location;
    size_t at;

    if (!str_find_last_char(path, '/', &at) || at == 0)
        return (struct str){NULL, 0};
    path = str_sub(path, 0, at);
    if (!str_find_last_char(path, '/', &at))
        return (struct str){NULL, 0};
    return str_from(location, at);
}

static void note_made(struct check_run *run, struct str path)
{
    struct str id = json_get_text(run->answer.json, "id");

    if (str_eq_ascii_nocase(path, STR("/Bulk"))) {
        JSON_EACH(operation, json_get_nocase(run->answer.json, STR("Operations")))
        {
            struct str status = json_get_text(operation, "status");
            struct str made = path_in(json_get_text(operation, "location"));

            if (str_starts(status, STR("2")) && made.len &&
                str_eq_ascii_nocase(json_get_text(operation, "method"), STR("POST")))
                remember(run, made);
        }
    } else if (id.len) {
        remember(run, path_of(run, path, id));
    } else if (path_in(run->answer.location).len) {
        remember(run, path_in(run->answer.location));
    }
}

static void note(struct check_run *run, const struct check_request *request)
{
    struct str path = request->target, ignored = path;
    bool well = run->answer.status >= 200 && run->answer.status < 300;

    (void)str_cut(&ignored, '?', &path);
    if (well && request->method == HTTP_POST && !str_ends(path, STR(".search")))
        note_made(run, path);
    if (well && request->method == HTTP_DELETE)
        forget(run, path);
}

void check_send(struct check_run *run, const struct check_request *request)
{
    struct waiting w = {run, false};
    struct http_header headers[8] = {
        {"Accept", STR("application/scim+json, application/json;q=0.9")}};
    size_t count = 1;

    if (run->authorization.len && !request->anonymous)
        headers[count++] = (struct http_header){"Authorization", run->authorization};
    for (size_t i = 0; i < request->header_count; i++) {
        if (str_eq_ascii_nocase(str_from_z(request->headers[i].name), STR("Accept"))) {
            headers[0] = request->headers[i];
        } else {
            headers[count++] = request->headers[i];
        }
    }
    http_client_send(
        run->client,
        &(struct http_call_options){
            .method = request->method,
            .url = arena_printf(run->tmp, "%.*s%.*s", STR_ARG(run->base), STR_ARG(request->target)),
            .headers = headers,
            .header_count = count,
            .body = request->body,
            .content_type = request->content_type ? request->content_type
                            : request->body.len   ? "application/scim+json"
                                                  : NULL,
        },
        on_answer, &w);
    while (!w.done)
        http_client_run(run->client, WAIT_MS);
    note(run, request);
}

/* --- Removal --- */

static bool remove_one(struct check_run *run, struct check_made *made)
{
    for (int i = 0; i < 2 && !made->gone; i++) {
        check_send(run, &(struct check_request){.method = HTTP_DELETE, .target = made->path});
        made->gone = made->gone || run->answer.status == 404;
    }
    return made->gone;
}

bool check_remove_made(struct check_run *run)
{
    bool all = true;

    for (struct check_made *m = run->made; m; m = m->next)
        all = remove_one(run, m) && all;
    return all;
}

static void sweep_list(struct check_run *run, const char *collection, const char *name)
{
    struct str filter;
    struct json *found;

    filter = check_expand(
        &run->set, run->tmp,
        arena_printf(run->tmp, "%s?filter=%s sw \"" CHECK_PREFIX "<run>\"", collection, name),
        CHECK_IN_URL);
    check_send(run, &(struct check_request){.method = HTTP_GET,
                                            .target = check_encode_target(run->tmp, filter)});
    if (run->answer.status != 200)
        return;
    found = check_at(run->tmp, &run->answer, STR("/Resources"));
    JSON_EACH(resource, found)
    {
        /* A server may have ignored the filter. */
        struct str mine = check_expand(&run->set, run->tmp, STR(CHECK_PREFIX "<run>"), CHECK_PLAIN);
        const struct json *value = json_get_nocase(resource, str_from_z(name));
        struct str path = check_expand(&run->set, run->tmp, str_from_z(collection), CHECK_PLAIN);

        if (json_is(value, JSON_STRING) && str_starts(value->text, mine))
            remember(run, path_of(run, path, json_get_text(resource, "id")));
    }
}

void check_sweep(struct check_run *run)
{
    sweep_list(run, "<users>", "userName");
    if (run->traits & NEEDS_GROUPS)
        sweep_list(run, "<groups>", "displayName");
    (void)check_remove_made(run);
}
