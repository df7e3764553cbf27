/* Whole requests against the SCIM provider, from its socket to its database. An input is a sequence
 * of requests:
 *
 *     PATCH /Users/$user?attributes=userName
 *     If-Match: $etag
 *
 *     {"schemas":...
 *     ---
 *     GET /Users?filter=...
 *
 * where a blank line ends the headers, if there are any, and words with '$' stand for what is there
 * (`words` below). What must hold: every request is answered, none with 500; a refusal is a SCIM
 * error that repeats its status, and it changes nothing, as reading does not; a success is what its
 * status promises; what was created can be read; versions move exactly with what is stored, the
 * feed tells of it without a gap, lists are as long as they say, members and groups agree
 * (provider_state.h); and an account of another tenant stays as it is. Each input finds the tenant
 * new, so that a crash is found again with its input alone. */
#include "provider_requests.h"
#include "provider_state.h"

#include <stdio.h>
#include <stdlib.h>

#define REQUESTS_MAX 12

/* --- What a single answer promises --- */

static bool has_schema(const struct json *v, struct str urn)
{
    JSON_EACH(schema, json_get(v, STR("schemas")))
    {
        if (schema->type == JSON_STRING && str_eq(schema->text, urn))
            return true;
    }
    return false;
}

static void check_refusal(const struct reply *r)
{
    char status[16];

    snprintf(status, sizeof(status), "%d", r->status);
    assert(r->status != 500);
    assert(has_schema(r->json, STR("urn:ietf:params:scim:api:messages:2.0:Error")));
    assert(str_eq_z(json_get_text(r->json, "status"), status));
}

static void check_list(const struct json *list)
{
    const struct json *resources = json_get(list, STR("Resources"));
    int64_t total = json_get_int(list, "totalResults", -1);

    assert(total >= 0);
    assert(!resources || (int64_t)resources->count <= total);
    JSON_EACH(resource, resources)
    assert(json_get_text(resource, "id").len > 0);
}

static void check_created(struct world *w, struct arena *a, const struct reply *r)
{
    struct str location = reply_header(r, "Location");
    struct str id = json_get_text(r->json, "id");
    struct reply read;
    size_t at = 0;

    assert(id.len > 0 && str_ends(location, id) && str_find(location, STR("/v2"), &at));
    world_ask(w, a, "fuzz", STR("GET"), str_from(location, at + 3), STR(""), STR(""), &read);
    assert(read.status == 200 && str_eq(json_get_text(read.json, "id"), id));
    assert(str_eq(reply_header(r, "ETag"), reply_header(&read, "ETag")));
}

static void check_reply(struct world *w, struct arena *a, struct str method, const struct reply *r)
{
    if (r->status >= 400 && !str_eq(method, STR("HEAD")))
        check_refusal(r);
    if (r->status == 201)
        check_created(w, a, r);
    if (r->status == 200 &&
        has_schema(r->json, STR("urn:ietf:params:scim:api:messages:2.0:ListResponse")))
        check_list(r->json);
}

/* The ETag of an answer is that of what is there. */
static void check_etag(const struct state *after, const struct reply *r, struct str method)
{
    struct str etag = reply_header(r, "ETag"), id = json_get_text(r->json, "id");
    const struct json *resource = state_find(after, id);
    char text[32];

    if (etag.len == 0 || !resource || after->is_long || str_eq(method, STR("HEAD")))
        return;
    snprintf(text, sizeof(text), "W/\"%lld\"", (long long)state_version(resource));
    assert(str_eq_z(etag, text));
}

/* Another tenant's account, to the letter. */
static void check_other(struct world *w, struct arena *a)
{
    struct str target = arena_printf(a, "/Users/%.*s", STR_ARG(w->other));
    struct reply r;

    world_ask(w, a, "other", STR("GET"), target, STR(""), STR(""), &r);
    assert(r.status == 200);
    if (!w->other_body.len)
        w->other_body = arena_str(w->texts, r.body);
    assert(str_eq(r.body, w->other_body));
    world_ask(w, a, "fuzz", STR("GET"), target, STR(""), STR(""), &r);
    assert(r.status == 404);
}

/* --- Requests --- */

struct words { /* what stands for what */
    struct {
        struct str name, value;
    } of[9];
    size_t count;
};

static void put_word(struct words *words, struct str name, struct str value)
{
    for (size_t i = 0; i < words->count; i++) {
        if (str_eq(words->of[i].name, name)) {
            words->of[i].value = value;
            return;
        }
    }
    assert(words->count < ARRAY_LEN(words->of));
    words->of[words->count].name = name;
    words->of[words->count++].value = value;
}

static void begin_words(const struct world *w, struct words *words)
{
    words->count = 0;
    put_word(words, STR("$user2"), w->user2); /* longer names first */
    put_word(words, STR("$user"), w->user);
    put_word(words, STR("$group2"), w->group2);
    put_word(words, STR("$group"), w->group);
    put_word(words, STR("$other"), w->other);
    put_word(words, STR("$id"), w->user);
    put_word(words, STR("$etag"), STR("W/\"1\""));
    put_word(words, STR("$new"), w->user2);
    put_word(words, STR("$cursor"), STR("none"));
}

/* What the answers so far have told. */
static void learn(struct words *words, struct arena *a, const struct reply *r)
{
    struct str etag = reply_header(r, "ETag"), cursor = json_get_text(r->json, "nextCursor");

    if (etag.len > 0)
        put_word(words, STR("$etag"), arena_str(a, etag));
    if (r->status == 201)
        put_word(words, STR("$new"), arena_str(a, json_get_text(r->json, "id")));
    if (cursor.len > 0)
        put_word(words, STR("$cursor"), arena_str(a, cursor));
}

static struct str put_in(struct arena *a, struct str text, struct str name, struct str value)
{
    CLEANUP(buf_done) struct buf out;
    size_t at;

    buf_init(&out, ANSWER_MAX);
    while (str_find(text, name, &at)) {
        buf_add(&out, str_sub(text, 0, at));
        buf_add(&out, value);
        text = str_from(text, at + name.len);
    }
    buf_add(&out, text);
    return arena_str(a, buf_str(&out));
}

static struct str put_all(struct arena *a, const struct words *words, struct str text)
{
    for (size_t i = 0; i < words->count; i++)
        text = put_in(a, text, words->of[i].name, words->of[i].value);
    return text;
}

static bool is_method(struct str word)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};

    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (str_eq_z(word, methods[i]))
            return true;
    }
    return false;
}

/* What the HTTP parser itself refuses is fuzz_http's, and nobody waits for changes here. */
static bool is_target(struct str target)
{
    size_t at;

    if (!str_starts(target, STR("/")) || str_find(target, STR("wait"), &at))
        return false;
    for (size_t i = 0; i < target.len; i++) {
        if (target.ptr[i] <= ' ' || target.ptr[i] > '~' || target.ptr[i] == '#')
            return false;
    }
    return target.len < 8000;
}

/* The known ones with a value that HTTP lets through. */
static struct str take_headers(struct arena *a, struct str text)
{
    static const char *const known[] = {"If-Match", "If-None-Match", "Accept", "Prefer",
                                        "Accept-Language"};
    CLEANUP(buf_done) struct buf out;
    struct str line, name;

    buf_init(&out, 8000);
    while (text.len > 0) {
        bool fits = true;

        (void)str_cut(&text, '\n', &line);
        for (size_t i = 0; i < line.len; i++)
            fits = fits && line.ptr[i] >= ' ' && line.ptr[i] <= '~';
        (void)str_cut(&line, ':', &name);
        for (size_t i = 0; fits && i < ARRAY_LEN(known); i++) {
            if (str_eq_z(name, known[i]))
                buf_addf(&out, "%s:%.*s\r\n", known[i], STR_ARG(line));
        }
    }
    return arena_str(a, out.overflowed ? STR("") : buf_str(&out));
}

static struct str cut_headers(struct str *body)
{
    struct str headers = *body;
    size_t at;

    if (body->len == 0 || body->ptr[0] == '{' || !str_find(*body, STR("\n\n"), &at))
        return STR("");
    *body = str_from(*body, at + 2);
    return str_sub(headers, 0, at);
}

static bool changes(struct str method, struct str target)
{
    size_t at;

    return !str_eq(method, STR("GET")) && !str_eq(method, STR("HEAD")) &&
           !str_find(target, STR(".search"), &at);
}

static void one_request(struct world *w, struct arena *a, struct words *words, struct str text,
                        struct state **now)
{
    struct str body = text, target, method, headers;
    struct reply r;

    (void)str_cut(&body, '\n', &target);
    (void)str_cut(&target, ' ', &method);
    target = put_all(a, words, target);
    headers = cut_headers(&body);
    if (!is_method(method) || !is_target(target))
        return;
    headers = take_headers(a, put_all(a, words, headers));
    world_ask(w, a, "fuzz", method, target, headers, put_all(a, words, body), &r);
    check_reply(w, a, method, &r);
    learn(words, a, &r);
    if (!changes(method, target) && !(r.status >= 200 && r.status < 300))
        return; /* looked at after the next one */
    struct state *after = state_take(w);
    check_etag(after, &r, method);
    if (!changes(method, target) || r.status >= 300) {
        state_check_same(*now, after);
    } else {
        state_check_step(w, *now, after);
    }
    state_free(*now);
    *now = after;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_new;
    struct world *w = world_open();
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str rest = {(const char *)data, size};
    struct words words;
    size_t at;

    if (!is_new)
        world_reset(w);
    begin_words(w, &words);
    struct state *first = state_take(w), *now = state_take(w);
    for (int i = 0; i < REQUESTS_MAX && rest.len > 0 && !now->is_long; i++) {
        bool more = str_find(rest, STR("\n---\n"), &at);

        one_request(w, a, &words, more ? str_sub(rest, 0, at) : rest, &now);
        rest = more ? str_from(rest, at + 5) : STR("");
    }
    is_new = first->seq == now->seq;
    if (is_new)
        state_check_same(first, now);
    state_free(first);
    state_free(now);
    check_other(w, a);
    return 0;
}

/* --- Mutation: of bytes as usual, and of whole requests --- */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    CLEANUP(buf_done) struct buf out;
    struct requests_rng rng = {seed};

    buf_init(&out, max_size);
    if (requests_below(&rng, 3) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    requests_mutate(&rng, (struct str){(const char *)data, size}, &out);
    if (out.overflowed || out.len == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    memcpy(data, out.ptr, out.len);
    return out.len;
}
