#include "provider/writes/write.h"

#include "provider/changes/change.h"
#include "provider/changes/hooks.h"

static bool check_user(struct write *w, const struct json *before, const struct json *doc,
                       struct err *err)
{
    const struct call *c = &w->call;

    return c->kind != RESOURCE_USER ||
           (provider_profile_check(c->arena, c->tenant->profile, doc, err) &&
            switches_user(c->arena, c->tenant->profile, before, doc, err));
}

static bool represent(struct write *w, struct db *db, struct err *err)
{
    return w->silent || represent_write(&w->call, db, &w->stored, &w->out, err);
}

/* Microseconds, different for each resource, so that lists keep the order of creation. */
static int64_t creation_time(struct provider *p)
{
    int64_t now = clock_now(p->config.clock);

    if (now <= p->last_created_us)
        now = p->last_created_us + 1;
    p->last_created_us = now;
    return now;
}

static bool check_count(const struct call *c, const struct stored *s, struct err *err)
{
    int64_t max = c->tenant->profile->settings.members_max;

    return s->member_count <= max || err_set(err, ERR_INVALID, "invalidValue",
                                             "a group has at most %lld members", (long long)max);
}

static bool run_create(struct db_write *queue, struct db *db, struct err *err)
{
    struct write *w = (struct write *)queue;
    struct call *c = &w->call;

    w->stored =
        (struct stored){.kind = c->kind, .id = w->new_id, .created_us = creation_time(c->provider)};
    if (!switches_room(c, db, err) || !switches_id(c, w->doc, &w->stored.id, err))
        return false;
    if (w->stored.id.len == 0)
        w->stored.id = ids_next(c);
    w->stored.modified_us = w->stored.created_us;
    JSON_EACH(member, w->members)
    if (!member_add(db, c, w->stored.id, json_get_text(member, "value"), &w->stored.member_count,
                    err))
        return false;
    w->status = (int)c->tenant->profile->settings.create_status;
    return switches_held(c, db, w->stored.id, NULL, w->doc, err) &&
           check_count(c, &w->stored, err) &&
           store_insert(db, c->arena, c, &w->stored, w->doc, err) && represent(w, db, err);
}

/* The stored resource, if the request's If-Match agrees. */
static bool load(struct write *w, struct db *db, struct json **out, struct err *err)
{
    struct call *c = &w->call;
    if (!store_load(db, c->arena, c->tenant->no, c->kind, c->id, &w->stored, err))
        return false;
    if (w->if_match.len > 0 && !version_listed(w->if_match, w->stored.version))
        return err_set(err, ERR_CONFLICT, "versionMismatch", "the resource has another version");
    if (!scim_resource_load(c->arena, w->stored.doc, out, err))
        return false;
    c->subject = json_get_text(*out, c->kind == RESOURCE_GROUP ? "displayName" : "userName");
    return true;
}

/* Stores what has changed: the document, or only the version when members have. */
static bool store(struct write *w, struct db *db, const struct json *before, const struct json *doc,
                  int64_t delta, bool members_changed, struct err *err)
{
    struct call *c = &w->call;
    struct stored *s = &w->stored;
    int64_t now = clock_now(c->provider->config.clock);

    s->member_count += delta;
    if (!check_count(&w->call, s, err))
        return false;
    if (!json_equal(before, doc)) {
        s->modified_us = now;
        return store_update(db, c->arena, c, s, before, doc, err);
    }
    if (!members_changed)
        return true;
    s->modified_us = now;
    s->version++;
    if (!db_exec(db, provider_query(PROVIDER_TOUCH),
                 DB_ARGS(db_int(c->tenant->no), db_text(s->id), db_int(now), db_int(delta)), NULL,
                 err))
        return false;
    change_append(c, s, doc, doc);
    return true;
}

/* A user that is deleted by being disabled; the answer is written already. */
static bool leave(struct write *w, struct db *db, const struct json *before, const struct json *doc,
                  struct err *err)
{
    struct call *c = &w->call;

    bool gone;

    return switches_gone(c, db, w->stored.id, before, doc, &gone, err) &&
           (!gone || store_delete(db, c->arena, c, &w->stored, doc,
                                  clock_now(c->provider->config.clock), err));
}

static bool run_replace(struct db_write *queue, struct db *db, struct err *err)
{
    struct write *w = (struct write *)queue;
    struct call *c = &w->call;
    bool members_changed = false;
    int64_t delta = 0;
    struct json *before;

    if (!load(w, db, &before, err))
        return false;
    switches_document(c, before, w->doc);
    if (!switches_link(c, before, &w->doc, err) ||
        !scim_resource_keep(c->arena, c->type, before, w->doc, err) ||
        !scim_resource_require(c->type, w->doc, err) || !check_user(w, before, w->doc, err) ||
        !switches_held(c, db, w->stored.id, before, w->doc, err))
        return false;
    if (c->kind == RESOURCE_GROUP &&
        !member_set(db, c, w->stored.id, w->members, &delta, &members_changed, err))
        return false;
    w->status = 200;
    return store(w, db, before, w->doc, delta, members_changed, err) && represent(w, db, err) &&
           leave(w, db, before, w->doc, err);
}

/* --- PATCH --- */

static bool is_member_op(const struct scim_patch_op *op)
{
    return op->ref.attribute && !op->ref.extension &&
           str_eq(op->ref.attribute->name, STR("members"));
}

/* Takes the members out of a document. */
static struct json *take_members(struct json *doc)
{
    struct json *members = json_get(doc, STR("members"));

    if (members)
        json_unlink(doc, members);
    return members;
}

/* Operations on members that need the list as a whole: it is loaded, patched and compared. */
static bool patch_whole_group(struct write *w, struct db *db, struct json *before,
                              struct json **doc, int64_t *delta, bool *changed, struct err *err)
{
    struct call *c = &w->call;
    struct json *with_members = json_clone(c->arena, before);
    struct json *members;

    if (!member_list(db, c, w->stored.id, STR(""), &members, err))
        return false;
    if (members)
        json_add(c->arena, with_members, STR("members"), members);
    if (!scim_patch_apply(c->arena, &w->patch, with_members, doc, err))
        return false;
    members = take_members(*doc);
    return member_set(db, c, w->stored.id, members, delta, changed, err);
}

/* The usual operations on members touch one row each; the others see a document without members. */
static bool patch_group(struct write *w, struct db *db, struct json *before, struct json **doc,
                        int64_t *delta, bool *changed, struct err *err)
{
    CLEANUP(map_done) struct map net;
    struct scim_patch others = w->patch;
    bool simple = true, whole = false;
    size_t on_members = 0;

    map_init(&net);
    for (size_t i = 0; i < w->patch.count; i++) {
        simple = simple && member_patch_is_simple(&w->patch.ops[i]);
        whole = whole || member_patch_is_whole(&w->patch.ops[i]);
        on_members += is_member_op(&w->patch.ops[i]);
    }
    if (!simple || (whole && on_members > 1))
        return patch_whole_group(w, db, before, doc, delta, changed, err);
    others.ops = ARENA_ARRAY(w->call.arena, struct scim_patch_op, w->patch.count + 1);
    others.count = 0;
    for (size_t i = 0; i < w->patch.count; i++) {
        if (!is_member_op(&w->patch.ops[i])) {
            others.ops[others.count++] = w->patch.ops[i];
        } else if (!member_patch(db, &w->call, w->stored.id, &w->patch.ops[i], delta, changed, &net,
                                 err)) {
            return false;
        }
    }
    *changed = *changed || net.count > 0;
    return scim_patch_apply(w->call.arena, &others, before, doc, err);
}

/* 200 when a projection is asked for, as that is of no use without a body (scim.md 4.8). */
static int patched_status(const struct call *c)
{
    const struct provider_settings *s = &c->tenant->profile->settings;
    int64_t status = c->kind == RESOURCE_GROUP ? s->patch_group_status : s->patch_user_status;

    return c->projection || status != 204 ? 200 : 204;
}

/* Bytes of a document that cost as much as an element to look at. */
#define BYTES_OF_WORK 100

static bool run_patch(struct db_write *queue, struct db *db, struct err *err)
{
    struct write *w = (struct write *)queue;
    struct call *c = &w->call;
    bool members_changed = false;
    int64_t delta = 0;
    struct json *before, *doc;

    if (!load(w, db, &before, err))
        return false;
    if (w->patch.work)
        *w->patch.work += w->stored.doc.len / BYTES_OF_WORK;
    if (c->kind == RESOURCE_GROUP ? !patch_group(w, db, before, &doc, &delta, &members_changed, err)
                                  : !scim_patch_apply(c->arena, &w->patch, before, &doc, err))
        return false;
    json_remove(doc, STR("password"));
    switches_document(c, before, doc);
    if (!switches_link(c, before, &doc, err) || !check_user(w, before, doc, err) ||
        !switches_held(c, db, w->stored.id, before, doc, err) ||
        !store(w, db, before, doc, delta, members_changed, err))
        return false;
    w->status = patched_status(c);
    return (w->status == 204 || represent(w, db, err)) && leave(w, db, before, doc, err);
}

/* Where users are not deleted: nothing happens, or the user is disabled. */
static bool keep_user(struct write *w, struct db *db, struct json *before, struct str how,
                      struct err *err)
{
    struct json *doc;

    if (!str_eq(how, STR("disable")))
        return true;
    doc = json_clone(w->call.arena, before);
    json_set(w->call.arena, doc, STR("active"), json_bool(w->call.arena, false));
    return store(w, db, before, doc, 0, false, err);
}

static bool run_delete(struct db_write *queue, struct db *db, struct err *err)
{
    struct write *w = (struct write *)queue;
    struct str how = w->call.tenant->profile->settings.no_delete;
    struct json *before;

    w->status = 204;
    if (!load(w, db, &before, err) || !switches_delete(&w->call, db, w->stored.id, err))
        return false;
    if (how.len > 0 && w->call.kind == RESOURCE_USER)
        return keep_user(w, db, before, how, err);
    return store_delete(db, w->call.arena, &w->call, &w->stored, before,
                        clock_now(w->call.provider->config.clock), err);
}

/* --- The answer, after the commit --- */

static void done(struct db_write *queue, bool ok, const struct err *err)
{
    struct write *w = (struct write *)queue;
    CLEANUP(buf_done) struct buf out = w->out; /* w ends with its exchange */
    struct call *c = &w->call;

    if (!ok && !w->tested) {
        reply_error(c, err);
        return;
    }
    if (c->tenant->profile->settings.change_feed) {
        feed_wake(c->provider->feed);
        hooks_wake(c->provider->hooks);
    }
    if (reply_drop(c))
        return;
    if (c->me)
        reply_location(c, w->stored.id);
    if (c->method != HTTP_DELETE)
        reply_version(c, w->stored.version);
    if (c->method == HTTP_POST) {
        reply_location(c, w->stored.id);
    }
    if (w->status == 204 || c->tenant->profile->settings.no_body) {
        reply_empty(c, w->status);
    } else {
        reply_json(c, w->status, buf_str(&out));
    }
}

/* --- What can be decided before the write is queued --- */

static bool read_document(struct write *w, const struct json *body, struct err *err)
{
    struct call *c = &w->call;
    const struct json *name;

    body = switches_body(c, body);
    name = json_get_nocase(body, c->kind == RESOURCE_GROUP ? STR("displayName") : STR("userName"));

    if (json_is(name, JSON_STRING))
        c->subject = name->text;
    if (!scim_resource_read(c->arena, c->type, &c->tenant->profile->rules, body, &w->doc, err))
        return false;
    switches_document(c, NULL, w->doc);
    json_remove(w->doc, STR("password")); /* accepted, and not kept in any form */
    if (c->kind == RESOURCE_GROUP)
        w->members = take_members(w->doc);
    return true;
}

static bool prepare_create(struct write *w, const struct json *body, struct err *err)
{
    struct call *c = &w->call;

    if (!read_document(w, body, err))
        return false;
    if (!c->tenant->profile->settings.no_active && scim_top_attribute(c->type, STR("active")) &&
        !json_get(w->doc, STR("active")))
        json_add_bool(c->arena, w->doc, "active", true);
    return switches_link(c, NULL, &w->doc, err) && scim_resource_require(c->type, w->doc, err) &&
           check_user(w, NULL, w->doc, err);
}

bool write_prepare(struct write *w, const struct json *body, struct err *err)
{
    struct call *c = &w->call;

    if (c->method == HTTP_DELETE) {
        w->queue.run = run_delete;
        return true;
    }
    if (c->method == HTTP_POST) {
        w->queue.run = run_create;
        return prepare_create(w, body, err);
    }
    if (c->method == HTTP_PUT) {
        w->queue.run = run_replace;
        return read_document(w, body, err);
    }
    w->queue.run = run_patch;
    return scim_patch_parse(c->arena, c->type, &c->tenant->profile->rules, body, &w->patch, err) &&
           (c->kind != RESOURCE_GROUP || switches_members(c, &w->patch, err));
}

/* Does it, and forgets the records of what is undone. In test mode all is: the answer is as if it
 * had been stored (apps.md 5, testMode). */
static bool run(struct db_write *queue, struct db *db, struct err *err)
{
    struct write *w = (struct write *)queue;
    struct changes *changes = w->call.provider->changes;
    size_t mark = changes_mark(changes);
    bool ok = w->run(queue, db, err);

    if (w->call.tenant->profile->settings.test_mode) {
        w->tested = ok;
        ok = ok && err_set(err, ERR_INVALID, "testMode", "nothing is stored in test mode");
    }
    if (!ok)
        changes_undo(changes, mark);
    return ok;
}

/* Whether it writes nothing before it can fail: a user, where nothing is remembered beside it and
 * only its name is unique. What store.c does first is the statement that can find the name taken.
 */
static bool fails_early(const struct call *c)
{
    const struct provider_profile *profile = c->tenant->profile;
    const struct provider_settings *s = &profile->settings;

    return c->kind == RESOURCE_USER && profile->user_unique.count == 0 && !s->test_mode &&
           !s->global_unique && !s->activation_delay && s->delete_on_disable.len == 0;
}

static bool prepare(struct write *w, struct err *err)
{
    struct call *c = &w->call;
    struct json *body = NULL;

    return scim_projection_parse(c->arena, c->type, c->attributes, c->excluded, &c->projection,
                                 err) &&
           (c->method == HTTP_DELETE || call_body(c, &body, err)) && write_prepare(w, body, err);
}

void write_handle(struct call *c)
{
    struct write *w = ARENA_NEW(c->arena, struct write);
    struct err err = {0};

    w->call = *c;
    w->if_match = http_request_header(c->x, "If-Match");
    w->queue.done = done;
    buf_init(&w->out, PROVIDER_ANSWER_MAX);
    if (!prepare(w, &err)) {
        reply_error(&w->call, &err);
        return;
    }
    w->run = w->queue.run;
    w->queue.run = run;
    w->queue.fails_early = fails_early(&w->call);
    if (!db_writer_submit(w->call.provider->writer, &w->queue, &err))
        reply_error(&w->call, &err);
}
