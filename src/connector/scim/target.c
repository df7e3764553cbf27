/* A SCIM application as a target: its life, and the calls on their way out (scim.md 11). */
#include "base/clock.h"
#include "base/rng.h"
#include "base/unicode.h"
#include "connector/scim/auth.h"
#include "connector/scim/protect.h"
#include "connector/scim/record.h"

static const struct target_ops scim_ops;

struct scim_target *scim_of(struct target *t)
{
    assert(t->ops == &scim_ops);
    return (struct scim_target *)t;
}

static struct scim_object *object_of(struct scim_target *t, const struct mapping_object *m)
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
    c->object = object_of(t, m);
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

static void next_request_id(struct scim_target *t, char *out)
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
    next_request_id(t, c->request_id);
    c->asked.request_id = str_from_z(c->request_id);
    struct scim_request r = {c->asked.method, buf_str(&c->url), body, c->asked.request_id,
                             c->if_match};
    scim_send(t, &r, scim_call_answered, c);
}

/* The next request of a change of members; how many of them it has is kept in at_once. */
static void write_members(struct buf *body, const struct scim_style *style, struct scim_members *m)
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
    write_members(body, &c->target->style, &c->members);
    scim_call_send(c, buf_str(body));
    return true;
}

void scim_call_url(struct scim_call *c, enum http_method method, struct str id)
{
    buf_reset(&c->url);
    c->asked.method = method;
    scim_write_url(&c->url, &c->target->url, c->object, id, method, &c->asked.shown);
}

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
    next_request_id(t, request_id);
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

    next_request_id(t, request_id);
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

    next_request_id(t, request_id);
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

const struct scim_object *scim_target_object(const struct scim_target *t, enum source_kind kind)
{
    for (size_t i = 0; i < t->object_count; i++) {
        if (t->objects[i].mapping->kind == kind)
            return &t->objects[i];
    }
    return NULL;
}

static void scim_find(struct target *target, const struct mapping_object *m,
                      const struct mapping_criterion *by, target_done *done, void *ctx)
{
    struct scim_target *t = scim_of(target);
    struct scim_call *c = scim_call_new(t, SCIM_FIND, HTTP_GET, m, done, ctx);

    c->by = (struct mapping_criterion){.count = by->count};
    for (size_t i = 0; i < by->count; i++) {
        c->by.attributes[i] = by->attributes[i];
        c->by.values[i] = json_clone(c->arena, by->values[i]);
    }
    scim_body(t);
    scim_write_find_url(&c->url, &t->url, c->object, by, &c->asked.shown);
    scim_call_send(c, STR(""));
}

/* A call on one account by its id, without a body. */
static void send_plain(struct target *target, enum scim_action action, enum http_method method,
                       const struct mapping_object *m, struct str id, target_done *done, void *ctx)
{
    struct scim_target *t = scim_of(target);
    struct scim_call *c = scim_call_new(t, action, method, m, done, ctx);

    scim_body(t);
    scim_call_url(c, method, id);
    scim_call_send(c, STR(""));
}

static void scim_read(struct target *target, const struct mapping_object *m, struct str id,
                      target_done *done, void *ctx)
{
    send_plain(target, SCIM_READ, HTTP_GET, m, id, done, ctx);
}

static void scim_remove(struct target *target, const struct mapping_object *m, struct str id,
                        target_done *done, void *ctx)
{
    send_plain(target, SCIM_REMOVE, HTTP_DELETE, m, id, done, ctx);
}

struct scim_call *scim_call_create(struct scim_target *t, const struct mapping_object *m,
                                   const struct mapping_changes *want, target_done *done, void *ctx)
{
    struct scim_call *c = scim_call_new(t, SCIM_CREATE, HTTP_POST, m, done, ctx);
    struct buf *body = scim_body(t);

    scim_call_remember_secrets(c, want);
    scim_call_url(c, HTTP_POST, STR(""));
    scim_write_create(body, c->object, want, SCIM_SECRETS_SENT);
    return c;
}

static void scim_create(struct target *target, const struct mapping_object *m,
                        const struct mapping_changes *want, target_done *done, void *ctx)
{
    struct scim_target *t = scim_of(target);
    struct scim_call *c = scim_call_create(t, m, want, done, ctx);

    scim_call_send(c, buf_str(&t->body));
}

static const struct str *copy_ids(struct arena *a, const struct str *ids, size_t count)
{
    struct str *copy = ARENA_ARRAY(a, struct str, count + 1);

    for (size_t i = 0; i < count; i++)
        copy[i] = arena_str(a, ids[i]);
    return copy;
}

static void scim_change_members(struct target *target, const struct mapping_object *m,
                                struct str id, const struct target_members *change,
                                target_done *done, void *ctx)
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
    if (scim_target_puts(t) && change->add_count + change->remove_count > 0) {
        scim_call_put(c);
    } else if (!scim_call_send_members(c))
        scim_call_ready(c, &(struct target_result){.status = TARGET_OK, .retry_after_ms = -1});
}

static struct str scim_preview(struct target *target, const struct mapping_object *m, struct str id,
                               const struct mapping_changes *changes, struct arena *a)
{
    struct scim_target *t = scim_of(target);
    const struct scim_object *o = object_of(t, m);
    enum http_method change = scim_target_puts(t) ? HTTP_PUT : HTTP_PATCH;
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

static struct str scim_preview_members(struct target *target, const struct mapping_object *m,
                                       struct str id, const struct target_members *change,
                                       struct arena *a)
{
    struct scim_target *t = scim_of(target);
    const struct scim_object *o = object_of(t, m);
    enum http_method method = scim_target_puts(t) ? HTTP_PUT : HTTP_PATCH;
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
    write_members(body, &t->style, &members);
    return arena_printf(a, "PATCH %.*s\n%.*s", STR_ARG(shown), STR_ARG(buf_str(body)));
}

static unsigned scim_run(struct target *target, int64_t max_wait_ms)
{
    struct scim_target *t = scim_of(target);
    struct scim_call *ready = t->ready;
    unsigned before = t->ended;
    int64_t wait = scim_send_waiting(t);

    /* What is made ready from inside done waits for the next run. */
    t->ready = NULL;
    if (ready || t->ended > before)
        wait = 0;
    http_client_run(t->client, wait < max_wait_ms ? wait : max_wait_ms);
    while (ready) {
        struct scim_call *c = ready;

        ready = c->next;
        scim_call_end(c, &c->result);
    }
    return t->ended - before;
}

static void scim_wake(struct target *target)
{
    http_client_wake(scim_of(target)->client);
}

static void scim_close(struct target *target)
{
    struct scim_target *t = scim_of(target);

    http_client_free(t->client);
    scim_bulk_drop(t);
    scim_send_drop(t);
    while (t->all) {
        struct scim_call *c = t->all;

        t->all = c->all;
        buf_done(&c->url);
        arena_free(c->arena);
        free(c);
    }
    buf_done(&t->body);
    arena_free(t->answer);
    scim_auth_free(t->auth);
    scim_record_free(t->record);
    arena_free(t->arena);
    free(t);
}

static const struct target_ops scim_ops = {
    .kind = "scim",
    .test = scim_test,
    .describe = scim_describe,
    .list = scim_list,
    .find = scim_find,
    .read = scim_read,
    .create = scim_create,
    .create_many = scim_create_many,
    .update = scim_update,
    .change_members = scim_change_members,
    .remove = scim_remove,
    .preview = scim_preview,
    .preview_members = scim_preview_members,
    .run = scim_run,
    .wake = scim_wake,
    .close = scim_close,
};

/* What a dialect decides where no setting says otherwise (scim.md 10.5, 11.4). */
static void take_style(struct scim_target *t, const struct job_settings *s)
{
    enum client_dialect dialect = s->dialect == DIALECT_RFC ? t->url.dialect : s->dialect;

    t->style = (struct scim_style){
        .dialect = dialect,
        .combine = s->combine_replace == CHOICE_DIALECT ? dialect == DIALECT_ENTRA2020
                                                        : s->combine_replace == CHOICE_TRUE,
        .member_array = s->member_remove == MEMBER_REMOVE_DIALECT
                            ? dialect == DIALECT_ENTRA_LEGACY
                            : s->member_remove == MEMBER_REMOVE_ARRAY,
        .empty_replace = s->remove_style == REMOVE_BY_EMPTY_REPLACE,
        .plus = s->filter_encoding == BLANK_PLUS,
        .primary_for_work = s->primary_for_work,
        .send_meta = s->send_meta,
        .manager = s->manager_style,
        .max_ops = (size_t)s->max_ops,
        .max_members = (size_t)s->max_members,
    };
    t->members_at_once = t->style.max_members;
    t->update_method = s->update_method;
    t->empty_is_404 = s->empty_is_404;
    t->scans = s->scan_when_filter_ignored;
}

static const char *path_of(struct arena *a, struct str set, const char *otherwise)
{
    return set.len ? arena_z(a, set) : otherwise;
}

static bool open_parts(struct scim_target *t, const struct mapping_program *program,
                       const struct target_scim_config *config, struct err *err)
{
    const struct job_settings *s = config->settings;
    struct http_client_config client = {
        .max_connections = s->concurrency > 0 ? (unsigned)s->concurrency : config->concurrency,
        .timeout_ms = config->timeout_ms ? config->timeout_ms : s->total_us / US_PER_MS,
        .connect_timeout_ms = s->connect_us / US_PER_MS,
        .silence_timeout_ms = s->answer_us / US_PER_MS,
        .max_answer = SCIM_ANSWER_MAX,
        .ca_file = path_of(t->arena, s->ca_file, config->ca_file),
        .cert_file = path_of(t->arena, s->cert_file, NULL),
        .key_file = path_of(t->arena, s->key_file, NULL),
        .user_agent = str_eq_z(s->user_agent, "default") ? NULL : arena_z(t->arena, s->user_agent),
        .deny_private = s->deny_private,
    };
    const struct scim_filter *protect;

    if (!scim_base_parse(t->arena, config->base_url, s->allow_http, &t->url, err) ||
        !scim_auth_new(t, s, config->token, &t->auth, err))
        return false;
    if (!scim_protect_compile(t->arena, arena_str(t->arena, s->protected_filter), &protect, err))
        return false;
    take_style(t, s);
    t->objects = ARENA_ARRAY(t->arena, struct scim_object, program->object_count + 1);
    for (size_t i = 0; i < program->object_count; i++) {
        if (!scim_compile(t->arena, &program->objects[i], &t->style, &t->objects[i], err))
            return false;
        t->objects[i].protect = protect;
        t->object_count++;
    }
    if (config->record_dir) {
        if (!scim_record_new(t, config->record_dir, &t->record, err))
            return false;
        client.observe = scim_record_exchange;
        client.observe_ctx = t->record;
    }
    return http_client_new(&client, &t->client, err);
}

bool target_open_scim(const struct mapping_program *program,
                      const struct target_scim_config *config, struct target **out, struct err *err)
{
    struct scim_target *t = mem_alloc(sizeof(*t));
    struct target_scim_config with = *config;
    struct job_settings defaults;

    if (!with.settings) {
        job_settings_default(&defaults);
        with.settings = &defaults;
    }
    t->base = (struct target){.ops = &scim_ops, .program = program};
    t->arena = arena_new();
    t->answer = arena_new();
    buf_init(&t->body, SCIM_BODY_MAX);
    t->request_prefix = rng_u64(rng_system());
    if (!open_parts(t, program, &with, err)) {
        scim_close(&t->base);
        return false;
    }
    *out = &t->base;
    return true;
}
