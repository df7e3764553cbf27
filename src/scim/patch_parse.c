#include "scim/patch.h"

#define PATCH_URN "urn:ietf:params:scim:api:messages:2.0:PatchOp"

struct parser {
    struct arena *arena;
    struct scim_patch *patch;
    size_t cap;
    struct err *err;
};

static bool check_frame(const struct json *body, const struct scim_rules *rules,
                        const struct json **out, struct err *err)
{
    const struct json *schemas = json_get_nocase(body, STR("schemas"));
    const struct json *operations = json_get_nocase(body, STR("Operations"));
    size_t max = rules->max_ops ? rules->max_ops : SCIM_PATCH_OPS_MAX;
    bool named = !schemas || schemas->type == JSON_NULL;

    if (schemas && schemas->type == JSON_ARRAY) {
        JSON_EACH(urn, schemas)
        named =
            named || (urn->type == JSON_STRING && str_eq_ascii_nocase(urn->text, STR(PATCH_URN)));
    }
    if (!named)
        return err_set(err, ERR_INVALID, "invalidSyntax", "'schemas' does not name " PATCH_URN);
    if (!json_is(operations, JSON_ARRAY) || operations->count == 0)
        return err_set(err, ERR_INVALID, "invalidSyntax", "'Operations' must be a list");
    if (operations->count > max)
        return err_set(err, ERR_LIMIT, "tooManyOperations", "more than %zu operations", max);
    *out = operations;
    return true;
}

static bool parse_kind(const struct json *operation, enum scim_patch_kind *out, struct err *err)
{
    static const struct str names[] = {[SCIM_PATCH_ADD] = STR_INIT("add"),
                                       [SCIM_PATCH_REPLACE] = STR_INIT("replace"),
                                       [SCIM_PATCH_REMOVE] = STR_INIT("remove")};
    const struct json *op = json_get_nocase(operation, STR("op"));

    for (size_t i = 0; json_is(op, JSON_STRING) && i < ARRAY_LEN(names); i++) {
        if (str_eq_ascii_nocase(op->text, names[i])) {
            *out = (enum scim_patch_kind)i;
            return true;
        }
    }
    return err_set(err, ERR_INVALID, "invalidSyntax", "'op' must be add, replace or remove");
}

static void push(struct parser *p, struct scim_patch_op op)
{
    struct scim_patch_op *grown;

    if (p->patch->count == p->cap) {
        p->cap = p->cap * 2 + 8;
        grown = ARENA_ARRAY(p->arena, struct scim_patch_op, p->cap);
        if (p->patch->count > 0)
            memcpy(grown, p->patch->ops, p->patch->count * sizeof(*grown));
        p->patch->ops = grown;
    }
    p->patch->ops[p->patch->count++] = op;
}

static bool is_read_only(const struct scim_ref *ref)
{
    return (ref->attribute && ref->attribute->mutability == SCIM_READ_ONLY) ||
           (ref->sub && ref->sub->mutability == SCIM_READ_ONLY);
}

static bool parse_path(struct parser *p, struct str text, struct scim_patch_op *op)
{
    struct scim_path path;

    if (!scim_path_parse(p->arena, text, &path, p->err))
        return false;
    if (!scim_resolve(p->patch->type, &path, &op->ref)) {
        return err_set(p->err, ERR_INVALID, "invalidPath", "no attribute '%.*s'",
                       STR_ARG(str_sub(text, 0, 100)));
    }
    if (!path.filter)
        return true;
    if (!op->ref.attribute || !op->ref.attribute->multi) {
        return err_set(p->err, ERR_INVALID, "invalidPath",
                       "'%.*s' is not multi-valued and takes no filter", STR_ARG(path.attribute));
    }
    op->filter = path.filter;
    return scim_matcher_compile_inner(p->arena, op->ref.attribute, p->patch->rules, path.filter,
                                      &op->matcher, p->err);
}

static bool expand(struct parser *p, enum scim_patch_kind kind, const struct scim_schema *extension,
                   bool in_core, const struct json *value);

/* A member of a value without path: its name is its path; what names nothing writable is skipped.
 */
static bool parse_member(struct parser *p, enum scim_patch_kind kind, const struct json *member)
{
    struct scim_patch_op op = {.kind = kind, .value = member};
    struct err *err = p->err;
    bool known;

    p->err = NULL;
    known = parse_path(p, member->name, &op);
    p->err = err;
    if (!known || is_read_only(&op.ref))
        return true;
    if (!op.ref.attribute)
        return expand(p, kind, op.ref.extension, op.ref.whole_core, member);
    push(p, op);
    return true;
}

/* Members of an extension (or of the core, named by its URI) given as one object. */
static bool expand(struct parser *p, enum scim_patch_kind kind, const struct scim_schema *extension,
                   bool in_core, const struct json *value)
{
    struct scim_patch_op op = {.kind = kind};

    value = scim_unpack_object(p->arena, p->patch->rules, value);
    if (scim_unassigned(value)) {
        op.kind = SCIM_PATCH_REMOVE;
        op.ref.extension = extension;
        if (extension && kind == SCIM_PATCH_REPLACE)
            push(p, op);
        return true;
    }
    if (value->type != JSON_OBJECT)
        return err_set(p->err, ERR_INVALID, "invalidValue", "the value must be an object");
    JSON_EACH(member, value)
    {
        op = (struct scim_patch_op){.kind = kind, .value = member};
        op.ref.extension = extension;
        op.ref.attribute = in_core ? scim_top_attribute(p->patch->type, member->name)
                                   : scim_schema_attribute(extension, member->name);
        if (op.ref.attribute && !is_read_only(&op.ref))
            push(p, op);
    }
    return true;
}

static bool parse_without_path(struct parser *p, enum scim_patch_kind kind,
                               const struct json *value)
{
    if (kind == SCIM_PATCH_REMOVE)
        return err_set(p->err, ERR_INVALID, "noTarget", "remove needs a path");
    value = scim_unpack_object(p->arena, p->patch->rules, value);
    if (value->type != JSON_OBJECT) {
        return err_set(p->err, ERR_INVALID, "invalidValue",
                       "without a path the value must be an object");
    }
    JSON_EACH(member, value)
    if (!parse_member(p, kind, member))
        return false;
    return true;
}

static bool parse_operation(struct parser *p, const struct json *operation)
{
    const struct json *path = json_get_nocase(operation, STR("path"));
    struct scim_patch_op op = {.value = json_get_nocase(operation, STR("value"))};

    if (operation->type != JSON_OBJECT)
        return err_set(p->err, ERR_INVALID, "invalidSyntax", "an operation must be an object");
    if (!parse_kind(operation, &op.kind, p->err))
        return false;
    if (path && path->type != JSON_NULL && path->type != JSON_STRING)
        return err_set(p->err, ERR_INVALID, "invalidPath", "'path' must be text");
    if (op.kind != SCIM_PATCH_REMOVE && !op.value)
        return err_set(p->err, ERR_INVALID, "invalidValue", "'value' is missing");
    if (!path || str_empty(str_trim(path->text)))
        return parse_without_path(p, op.kind, op.value);
    if (!parse_path(p, path->text, &op))
        return false;
    if (is_read_only(&op.ref)) {
        return err_set(p->err, ERR_INVALID, "mutability", "'%.*s' is read-only",
                       STR_ARG(str_sub(path->text, 0, 100)));
    }
    if (!op.ref.attribute && op.kind != SCIM_PATCH_REMOVE)
        return expand(p, op.kind, op.ref.extension, op.ref.whole_core, op.value);
    push(p, op);
    return true;
}

bool scim_patch_parse(struct arena *a, const struct scim_resource_type *type,
                      const struct scim_rules *rules, const struct json *body,
                      struct scim_patch *out, struct err *err)
{
    struct scim_patch patch = {.type = type, .rules = rules};
    struct parser p = {.arena = a, .patch = &patch, .err = err};
    const struct json *operations;
    size_t index = 0;

    if (!check_frame(body, rules, &operations, err))
        return false;
    JSON_EACH(operation, operations)
    {
        if (!parse_operation(&p, operation))
            return err_at(err, "/Operations/%zu", index);
        index++;
    }
    *out = patch;
    return true;
}
