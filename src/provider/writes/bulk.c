#include "provider/writes/bulk.h"

#include "provider/changes/hooks.h"
#include "scim/message.h"

#define REFERENCE STR("bulkId:")

/* --- Reading the frame --- */

static bool broken(struct err *err, const char *why)
{
    return err_set(err, ERR_INVALID, "invalidSyntax", "%s", why);
}

static bool read_frame(struct bulk *b, struct json **out_operations, struct err *err)
{
    int64_t max = b->call.tenant->profile->settings.bulk_max;
    struct json *body, *limit;

    if (!call_body(&b->call, &body, err))
        return false;
    *out_operations = json_get_nocase(body, STR("Operations"));
    if (!json_is(*out_operations, JSON_ARRAY) || (*out_operations)->count == 0)
        return broken(err, "'Operations' must be a list that is not empty");
    if ((*out_operations)->count > (size_t)max) {
        return err_set(err, ERR_LIMIT, "tooManyOperations", "a bulk has at most %lld operations",
                       (long long)max);
    }
    limit = json_get_nocase(body, STR("failOnErrors"));
    if (limit && limit->type != JSON_NULL &&
        (!json_to_int(limit, &b->fail_on_errors) || b->fail_on_errors < 0))
        return broken(err, "'failOnErrors' must be a whole number from 0");
    return true;
}

static struct str member_text(const struct json *operation, const char *name)
{
    const struct json *v = json_get_nocase(operation, str_from_z(name));

    return json_is(v, JSON_STRING) ? v->text : (struct str){0};
}

/* What does not belong to any operation that could be told of it. */
static bool read_operations(struct bulk *b, const struct json *operations, struct map *by_id,
                            struct err *err)
{
    JSON_EACH(operation, operations)
    {
        struct bulk_op *op = &b->ops[b->count++];

        if (operation->type != JSON_OBJECT)
            return broken(err, "each of 'Operations' must be an object");
        op->bulk_id = member_text(operation, "bulkId");
        if (op->bulk_id.len > 0 && map_put(by_id, op->bulk_id, op)) {
            return err_set(err, ERR_INVALID, "invalidSyntax", "the bulkId '%.*s' occurs twice",
                           STR_ARG(str_sub(op->bulk_id, 0, 100)));
        }
    }
    return true;
}

/* --- Each operation --- */

static bool read_method(struct bulk_op *op, struct err *err)
{
    static const enum http_method known[] = {HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE};

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (str_eq_ascii_nocase(op->method, str_from_z(http_method_name(known[i])))) {
            op->write.call.method = known[i];
            op->method = str_from_z(http_method_name(known[i]));
            return true;
        }
    }
    return broken(err, "'method' must be POST, PUT, PATCH or DELETE");
}

/* "/Users", "/Groups/ID" */
static bool read_path(struct bulk_op *op, struct str path, struct err *err)
{
    struct call *c = &op->write.call;
    const struct provider_profile *profile = c->tenant->profile;
    struct str name, id;
    bool is_new = c->method == HTTP_POST;

    if (str_starts(path, STR("/")))
        path = str_from(path, 1);
    if (str_ends(path, STR("/")))
        path = str_sub(path, 0, path.len - 1);
    str_cut(&path, '/', &name);
    if (!percent_decode(c->arena, path, false, &id, err))
        return false;
    if (str_eq_ascii_nocase(name, STR("Users"))) {
        c->kind = RESOURCE_USER;
    } else if (profile->has_groups && str_eq_ascii_nocase(name, STR("Groups"))) {
        c->kind = RESOURCE_GROUP;
    }
    if (c->kind == RESOURCE_ANY || str_find_char(id, '/', &(size_t){0})) {
        return err_set(err, ERR_NOT_FOUND, "notFound", "a bulk does not reach '%.*s'",
                       STR_ARG(str_sub(name, 0, 100)));
    }
    c->type = c->kind == RESOURCE_GROUP ? &profile->group : &profile->user;
    if (is_new != (id.len == 0)) {
        return err_set(err, ERR_INVALID, "methodNotAllowed",
                       "POST goes to a list, the other methods to one resource");
    }
    op->id = id;
    return true;
}

static bool read_operation(struct bulk_op *op, const struct json *operation, struct err *err)
{
    struct call *c = &op->write.call;
    const struct json *version = json_get_nocase(operation, STR("version"));

    if (!read_method(op, err) || !read_path(op, member_text(operation, "path"), err))
        return false;
    if (c->method != HTTP_DELETE && !json_is(op->data, JSON_OBJECT))
        return broken(err, "'data' must be an object");
    if (version && version->type != JSON_STRING && version->type != JSON_NULL)
        return broken(err, "'version' must be text");
    if (version && c->method != HTTP_POST)
        op->write.if_match = version->text;
    if (c->method != HTTP_POST)
        return true;
    if (op->bulk_id.len == 0)
        return broken(err, "POST needs a 'bulkId'");
    op->id = op->write.new_id = ids_next(c);
    return switches_id(c, op->data, &op->id, err);
}

/* --- References --- */

static bool is_reference(struct str text)
{
    return str_starts(text, REFERENCE);
}

static size_t count_references(const struct json *v)
{
    size_t count = v && v->type == JSON_STRING && is_reference(v->text);

    JSON_EACH(item, v)
    count += count_references(item);
    return count;
}

/* Puts the id that the named operation has, or will have, in the place of the reference. */
static bool resolve(struct bulk *b, struct bulk_op *op, const struct map *by_id, struct str *text,
                    struct err *err)
{
    struct str name = str_from(*text, REFERENCE.len);
    const struct bulk_op *needed = map_get(by_id, name);

    if (!needed || needed->id.len == 0 || is_reference(needed->id)) {
        return err_set(err, ERR_CONFLICT, "unknownReference",
                       "no operation with the bulkId '%.*s' gives an id",
                       STR_ARG(str_sub(name, 0, 100)));
    }
    *text = needed->id;
    if (needed != op)
        op->needs[op->need_count++] = (size_t)(needed - b->ops);
    return true;
}

static bool resolve_data(struct bulk *b, struct bulk_op *op, const struct map *by_id,
                         struct json *v, struct err *err)
{
    if (v->type == JSON_STRING && is_reference(v->text))
        return resolve(b, op, by_id, &v->text, err);
    JSON_EACH(item, v)
    if (!resolve_data(b, op, by_id, item, err))
        return false;
    return true;
}

static bool prepare_operation(struct bulk *b, struct bulk_op *op, const struct map *by_id,
                              struct err *err)
{
    bool has_data = op->write.call.method != HTTP_DELETE;

    op->needs = ARENA_ARRAY(b->call.arena, size_t, 1 + (has_data ? count_references(op->data) : 0));
    if (is_reference(op->id) && !resolve(b, op, by_id, &op->id, err))
        return false;
    if (has_data && !resolve_data(b, op, by_id, op->data, err))
        return false;
    op->write.call.id = op->id;
    if (!write_prepare(&op->write, op->data, err))
        return false;
    op->write.patch.work = &b->patch_work;
    return true;
}

/* --- Circles --- */

static bool in_circle(const struct bulk *b, const struct bulk_circle *circle, struct str id)
{
    for (size_t i = 0; i < circle->count; i++) {
        if (str_eq(b->ops[b->order[circle->first + i]].id, id))
            return true;
    }
    return false;
}

/* Members that are made in the same circle wait until all of it is there. */
static void put_off_members(struct bulk *b, const struct bulk_circle *circle, struct bulk_op *op)
{
    struct json *members = op->write.members, *next;

    for (struct json *member = members ? members->first : NULL; member; member = next) {
        struct str id = json_get_text(member, "value");

        next = member->next;
        if (str_eq(id, op->id) || !in_circle(b, circle, id))
            continue;
        if (!op->later)
            op->later = json_new(b->call.arena, JSON_ARRAY);
        json_append(op->later, json_string(b->call.arena, id));
        json_unlink(members, member);
    }
}

static void prepare_circles(struct bulk *b)
{
    for (size_t i = 0; i < b->circle_count; i++) {
        const struct bulk_circle *circle = &b->circles[i];

        for (size_t k = 0; circle->count > 1 && k < circle->count; k++) {
            struct bulk_op *op = &b->ops[b->order[circle->first + k]];

            if (op->write.call.method != HTTP_POST && op->err.kind == ERR_NONE) {
                err_fill(&op->err, ERR_CONFLICT, "circularReference",
                         "only new resources can refer to each other in a circle");
            }
            put_off_members(b, circle, op);
        }
    }
}

static bool prepare(struct bulk *b, struct err *err)
{
    CLEANUP(map_done) struct map by_id;
    struct json *operations;
    struct bulk_op *op;

    map_init(&by_id);
    if (!read_frame(b, &operations, err))
        return false;
    b->ops = ARENA_ARRAY(b->call.arena, struct bulk_op, operations->count);
    if (!read_operations(b, operations, &by_id, err))
        return false;
    op = b->ops;
    JSON_EACH(operation, operations)
    {
        op->write.call = b->call;
        op->write.silent = true;
        op->method = member_text(operation, "method");
        op->data = json_get_nocase(operation, STR("data"));
        if (!read_operation(op, operation, &op->err) && op->write.call.method == HTTP_POST)
            op->id = (struct str){0}; /* of nothing; others keep theirs for the location */
        op++;
    }
    for (size_t i = 0; i < b->count; i++) {
        if (b->ops[i].err.kind == ERR_NONE &&
            !prepare_operation(b, &b->ops[i], &by_id, &b->ops[i].err))
            continue; /* told in its turn */
    }
    bulk_arrange(b);
    prepare_circles(b);
    return true;
}

/* --- The answer --- */

static void write_member(struct buf *out, const char *name, struct str text)
{
    if (text.len == 0)
        return;
    buf_addf(out, ",\"%s\":", name);
    json_write_text(out, text);
}

static void write_result(struct bulk *b, const struct bulk_op *op, struct buf *out)
{
    const struct call *c = &op->write.call;
    bool ok = op->state == BULK_DONE;
    int status = op->status;
    char text[32];

    buf_add_z(out, "{\"method\":");
    json_write_text(out, op->method);
    write_member(out, "bulkId", op->bulk_id);
    if (ok && c->method != HTTP_DELETE)
        write_member(out, "version", represent_version(op->version, text));
    if (c->type && op->id.len > 0 && (ok || c->method != HTTP_POST)) {
        write_member(out, "location",
                     arena_printf(b->scratch, "%.*s%.*s/%.*s", STR_ARG(c->base),
                                  STR_ARG(c->type->endpoint), STR_ARG(op->id)));
    }
    if (!ok) {
        buf_add_z(out, ",\"response\":");
        status = reply_error_write(b->scratch, &op->err, out);
        notice_failure(c, status, &op->err);
    }
    buf_addf(out, ",\"status\":\"%d\"}", status);
}

static void answer(struct bulk *b)
{
    CLEANUP(buf_done) struct buf out;
    struct arena *scratch = b->scratch; /* b ends with its exchange */
    const char *before = "";

    buf_init(&out, PROVIDER_ANSWER_MAX);
    if (reply_drop(&b->call)) {
        arena_free(scratch);
        return;
    }
    scim_bulk_begin(&out);
    for (size_t i = 0; i < b->count; i++) {
        if (b->ops[i].state == BULK_WAITING)
            continue;
        buf_add_z(&out, before);
        write_result(b, &b->ops[i], &out);
        before = ",";
    }
    scim_list_end(&out);
    reply_json(&b->call, 200, buf_str(&out));
    arena_free(scratch);
}

/* After the commit of a turn: the next one, or the answer. */
static void done(struct db_write *queue, bool ok, const struct err *err)
{
    struct bulk *b = (struct bulk *)queue;
    struct err problem = {0};

    if (!ok && b->turn_first == 0) { /* nothing was executed */
        arena_free(b->scratch);
        reply_error(&b->call, err);
        return;
    }
    if (!ok) {
        problem = *err; /* submitting clears that of the queue */
        bulk_give_up(b, b->turn_first, &problem);
    }
    feed_wake(b->call.provider->feed);
    hooks_wake(b->call.provider->hooks);
    if (bulk_goes_on(b)) {
        if (db_writer_submit(b->call.provider->writer, &b->queue, &problem))
            return;
        bulk_give_up(b, b->next, &problem);
    }
    answer(b);
}

void bulk_handle(struct call *c)
{
    struct bulk *b = ARENA_NEW(c->arena, struct bulk);
    struct err err = {0};

    b->call = *c;
    b->call.id = (struct str){0};
    b->call.kind = RESOURCE_ANY;
    b->call.type = NULL;
    b->queue.run = bulk_run;
    b->queue.done = done;
    b->scratch = arena_new();
    if (prepare(b, &err) && db_writer_submit(c->provider->writer, &b->queue, &err))
        return;
    arena_free(b->scratch);
    reply_error(c, &err);
}
