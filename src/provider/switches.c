#include "provider/internal.h"

#include <regex.h>

static const struct provider_settings *settings_of(const struct call *c)
{
    return &c->tenant->profile->settings;
}

/* --- Before the body is read --- */

static bool refuse(struct call *c, int status, const char *detail)
{
    reply_status(c, status, NULL, detail);
    return false;
}

/* The endpoint as it stands in the path, in its own spelling. */
static bool spelling_ok(const struct call *c)
{
    static const struct str names[] = {STR_INIT("/v2/Users"), STR_INIT("/v2/Groups")};
    struct str path = http_request_path(c->x);
    size_t at;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_find(path, names[i], &at))
            return true;
    }
    return false;
}

static bool group_gate(struct call *c)
{
    const struct provider_settings *s = settings_of(c);

    if (s->no_group_create && c->endpoint == ENDPOINT_GROUPS && c->method == HTTP_POST)
        return refuse(c, 405, "groups are made in the application");
    if (s->no_group_delete && c->endpoint == ENDPOINT_GROUP && c->method == HTTP_DELETE)
        return refuse(c, 405, "groups are deleted in the application");
    return true;
}

static bool method_gate(struct call *c)
{
    const struct provider_settings *s = settings_of(c);

    if (c->method == HTTP_PATCH && s->patch_status.len > 0)
        return refuse(c, str_eq(s->patch_status, STR("405")) ? 405 : 501, "there is no PATCH here");
    if (c->method == HTTP_PUT && s->no_put)
        return refuse(c, 405, "there is no PUT here");
    if (c->endpoint == ENDPOINT_BULK && s->no_bulk)
        return refuse(c, 501, "there is no Bulk here");
    if (c->endpoint == ENDPOINT_USER && c->method == HTTP_DELETE &&
        str_eq(s->no_delete, STR("405")))
        return refuse(c, 405, "users are deleted in the application");
    return true;
}

bool switches_gate(struct call *c)
{
    const struct provider_settings *s = settings_of(c);
    bool resource = c->endpoint == ENDPOINT_USERS || c->endpoint == ENDPOINT_USER ||
                    c->endpoint == ENDPOINT_GROUPS || c->endpoint == ENDPOINT_GROUP;

    if (s->redirect.len > 0) {
        http_reply_header(c->x, "Location",
                          arena_printf(c->arena, "%.*s%.*s", STR_ARG(s->redirect),
                                       STR_ARG(http_request_target(c->x))));
        return refuse(c, 307, "this tenant is elsewhere");
    }
    if (s->require_user_agent && http_request_header(c->x, "User-Agent").len == 0)
        return refuse(c, 403, "requests need a User-Agent");
    if (s->case_sensitive_endpoints && resource && !c->me && !spelling_ok(c))
        return refuse(c, 404, "there is no such endpoint");
    return method_gate(c) && group_gate(c);
}

/* --- Filters --- */

struct measure {
    int64_t nodes, depth;
};

static bool listed(const struct json *list, struct str text)
{
    JSON_EACH(item, list)
    {
        if (json_is(item, JSON_STRING) && str_eq_ascii_nocase(item->text, text))
            return true;
    }
    return false;
}

/* "emails.value", "emails" */
static bool attribute_listed(struct arena *a, const struct json *list, const struct scim_path *path)
{
    struct str prefix = path->urn.len > 0 ? arena_printf(a, "%.*s:", STR_ARG(path->urn)) : STR("");
    struct str name = arena_printf(a, "%.*s%.*s", STR_ARG(prefix), STR_ARG(path->attribute));

    if (str_eq_ascii_nocase(path->attribute, STR("id")) || listed(list, name))
        return true;
    if (path->sub.len == 0)
        return false;
    return listed(list, arena_printf(a, "%.*s.%.*s", STR_ARG(name), STR_ARG(path->sub)));
}

static bool check_node(const struct call *c, const struct scim_filter *f, bool inner,
                       struct err *err)
{
    const struct provider_settings *s = settings_of(c);
    struct str op = scim_filter_op_name(f->op);

    if (s->filter_ops && op.len > 0 && !listed(s->filter_ops, op)) {
        return err_set(err, ERR_INVALID, "invalidFilter", "filters here have no operator '%.*s'",
                       STR_ARG(op));
    }
    if (s->filter_listed && !inner && f->op >= SCIM_VALUE_PATH &&
        !attribute_listed(c->arena, s->filter_listed, &f->path)) {
        return err_set(err, ERR_INVALID, "invalidFilter", "'%.*s' cannot be filtered here",
                       STR_ARG(f->path.attribute));
    }
    return true;
}

/* The parser has bounded the depth already. */
static bool check_filter(const struct call *c, const struct scim_filter *f, int64_t depth,
                         bool inner, struct measure *m, struct err *err)
{
    if (!f)
        return true;
    m->nodes++;
    if (depth > m->depth)
        m->depth = depth;
    return check_node(c, f, inner, err) &&
           check_filter(c, f->left, depth + 1, inner || f->op == SCIM_VALUE_PATH, m, err) &&
           check_filter(c, f->right, depth + 1, inner, m, err);
}

bool switches_filter(const struct call *c, const struct scim_filter *filter, struct err *err)
{
    const struct provider_settings *s = settings_of(c);
    struct measure m = {0};

    if (!filter ||
        (!s->filter_ops && !s->filter_listed && s->filter_nodes >= SCIM_FILTER_MAX_NODES &&
         s->filter_depth >= SCIM_FILTER_MAX_DEPTH))
        return true;
    if (!check_filter(c, filter, 1, false, &m, err))
        return false;
    if (m.nodes > s->filter_nodes || m.depth > s->filter_depth) {
        return err_set(err, ERR_INVALID, "invalidFilter",
                       "a filter has at most %lld comparisons and operators, nested %lld deep",
                       (long long)s->filter_nodes, (long long)s->filter_depth);
    }
    return true;
}

/* --- Users --- */

/* Told each value at a path: text, with its length. False ends it. */
typedef bool value_fn(void *ctx, struct str value, struct err *err);

static bool matches_type(const struct scim_path *path, const struct json *element)
{
    return !path->filter || !path->filter->value ||
           str_eq_ascii_nocase(json_get_text(element, "type"), path->filter->value->text);
}

static bool each_value(const struct scim_path *path, const struct json *user, value_fn *fn,
                       void *ctx, struct err *err)
{
    const struct json *holder = path->urn.len > 0 ? json_get_nocase(user, path->urn) : user;
    const struct json *v = json_get_nocase(holder, path->attribute);
    struct str sub = path->sub.len > 0 ? path->sub : STR("value");

    if (!v)
        return true;
    if (v->type == JSON_ARRAY) {
        JSON_EACH(element, v)
        {
            const struct json *text = json_get_nocase(element, sub);

            if (matches_type(path, element) && text && !fn(ctx, text->text, err))
                return false;
        }
        return true;
    }
    if (v->type == JSON_OBJECT)
        v = json_get_nocase(v, sub);
    return !v || fn(ctx, v->text, err);
}

struct rule {
    struct arena *arena;
    const struct json *rule; /* its name is the path */
};

static bool value_allowed(void *ctx, struct str value, struct err *err)
{
    const struct rule *r = ctx;

    return listed(r->rule, value) ||
           err_set(err, ERR_INVALID, "invalidValue", "'%.*s' does not take '%.*s'",
                   STR_ARG(r->rule->name), STR_ARG(str_sub(value, 0, 60)));
}

static bool value_fits(void *ctx, struct str value, struct err *err)
{
    const struct rule *r = ctx;
    regex_t pattern;
    bool fits;

    if (regcomp(&pattern, arena_z(r->arena, r->rule->text), REG_EXTENDED | REG_NOSUB) != 0)
        return true; /* a pattern that is none binds nobody */
    fits = regexec(&pattern, arena_z(r->arena, value), 0, NULL, 0) == 0;
    regfree(&pattern);
    return fits || err_set(err, ERR_INVALID, "invalidValue", "'%.*s' does not fit: it is %.*s",
                           STR_ARG(r->rule->name), STR_ARG(str_sub(r->rule->text, 0, 80)));
}

/* Each member of `rules` names a path, whose values are checked. */
static bool check_rules(struct arena *a, const struct json *rules, const struct json *user,
                        value_fn *fn, struct err *err)
{
    JSON_EACH(item, rules)
    {
        struct rule r = {.arena = a, .rule = item};
        struct scim_path path;

        if (scim_path_parse(a, item->name, &path, NULL) && !each_value(&path, user, fn, &r, err))
            return false;
    }
    return true;
}

static bool check_domain(void *ctx, struct str value, struct err *err)
{
    const struct json *domains = ctx;
    struct str local;

    return !str_cut(&value, '@', &local) || listed(domains, value) ||
           err_set(err, ERR_DENIED, "unverifiedDomain", "the domain of '%.*s@%.*s' is not verified",
                   STR_ARG(str_sub(local, 0, 60)), STR_ARG(str_sub(value, 0, 60)));
}

static bool check_single(const struct json *names, const struct json *user, struct err *err)
{
    JSON_EACH(name, names)
    {
        const struct json *list = json_get_nocase(user, name->text);

        if (json_is(list, JSON_ARRAY) && list->count > 1) {
            return err_set(err, ERR_INVALID, "invalidValue", "'%.*s' takes one element only",
                           STR_ARG(name->text));
        }
    }
    return true;
}

static bool check_characters(struct str forbidden, const struct json *v, struct err *err)
{
    if (v->type == JSON_STRING) {
        for (size_t i = 0; i < v->text.len; i++) {
            if (str_find_char(forbidden, v->text.ptr[i], &(size_t){0})) {
                return err_set(err, ERR_INVALID, "invalidValue", "'%c' may not occur in a value",
                               v->text.ptr[i]);
            }
        }
    }
    JSON_EACH(item, v)
    if (!check_characters(forbidden, item, err))
        return false;
    return true;
}

static bool take_first(void *ctx, struct str value, struct err *err)
{
    struct str *out = ctx;

    (void)err;
    if (out->len == 0)
        *out = value;
    return true;
}

static bool check_immutable(struct arena *a, const struct json *paths, const struct json *before,
                            const struct json *user, struct err *err)
{
    JSON_EACH(item, paths)
    {
        struct str was = {0}, is = {0};
        struct scim_path path;

        if (!scim_path_parse(a, item->text, &path, NULL) ||
            !each_value(&path, before, take_first, &was, NULL) ||
            !each_value(&path, user, take_first, &is, NULL))
            continue;
        if (was.len > 0 && !str_eq(was, is)) {
            return err_set(err, ERR_INVALID, "mutability", "'%.*s' can be set on creation only",
                           STR_ARG(item->text));
        }
    }
    return true;
}

static bool check_domains(struct arena *a, const struct json *domains, const struct json *user,
                          struct err *err)
{
    static const char *const paths[] = {"userName", "emails.value"};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct scim_path path;

        /* NOLINTNEXTLINE(performance-no-int-to-ptr): the context of value_fn is not const */
        if (scim_path_parse(a, str_from_z(paths[i]), &path, NULL) &&
            !each_value(&path, user, check_domain, (void *)(uintptr_t)domains, err))
            return false;
    }
    return true;
}

bool switches_user(struct arena *a, const struct provider_profile *profile,
                   const struct json *before, const struct json *user, struct err *err)
{
    const struct provider_settings *s = &profile->settings;

    return (!s->single_valued || check_single(s->single_valued, user, err)) &&
           (!s->value_pattern || check_rules(a, s->value_pattern, user, value_fits, err)) &&
           (!s->allowed_values || check_rules(a, s->allowed_values, user, value_allowed, err)) &&
           (!s->verified_domains || check_domains(a, s->verified_domains, user, err)) &&
           (s->forbidden_chars.len == 0 || check_characters(s->forbidden_chars, user, err)) &&
           (!s->immutable || !before || check_immutable(a, s->immutable, before, user, err));
}
