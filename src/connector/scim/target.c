/* A SCIM application as a target: its life, its operations, the plain calls (scim.md 11). */
#include "base/rng.h"
#include "connector/scim/auth.h"
#include "connector/scim/protect.h"
#include "connector/scim/record.h"

static const struct target_ops scim_ops;

struct scim_target *scim_of(struct target *t)
{
    assert(t->ops == &scim_ops);
    return (struct scim_target *)t;
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
        scim_found_free(c);
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
    .said = scim_said,
    .recall = scim_recall,
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
