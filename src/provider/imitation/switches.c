#include "provider/internal.h"

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

/* Answers every n-th request that fits with the status of the fault. */
static bool fault_gate(struct call *c)
{
    struct tenant_state *state = c->tenant->state;
    size_t i = 0;

    JSON_EACH(fault, settings_of(c)->faults)
    {
        struct str method = json_get_text(fault, "method"), path = json_get_text(fault, "path");
        int64_t every = json_get_int(fault, "every", 1), nth;
        size_t at;

        if (i == ARRAY_LEN(state->faults))
            break;
        if ((method.len > 0 &&
             !str_eq_ascii_nocase(method, str_from_z(http_method_name(c->method)))) ||
            (path.len > 0 && !str_find(http_request_path(c->x), path, &at))) {
            i++;
            continue;
        }
        nth = atomic_fetch_add(&state->faults[i++], 1) + 1;
        if (every > 0 && nth % every == 0) {
            return refuse(c, (int)json_get_int(fault, "status", 500),
                          "the tenant is set to fail now and then");
        }
    }
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
        bool for_good = str_starts(s->redirect, STR("308 "));
        struct str to = str_trim(str_from(s->redirect, for_good ? 4 : 0));

        http_reply_header(
            c->x, "Location",
            arena_printf(c->arena, "%.*s%.*s", STR_ARG(to), STR_ARG(http_request_target(c->x))));
        return refuse(c, for_good ? 308 : 307, "this tenant is elsewhere");
    }
    if (s->require_user_agent && http_request_header(c->x, "User-Agent").len == 0)
        return refuse(c, 403, "requests need a User-Agent");
    if (s->case_sensitive_endpoints && resource && !c->me && !spelling_ok(c))
        return refuse(c, 404, "there is no such endpoint");
    return method_gate(c) && group_gate(c) && (!s->faults || fault_gate(c));
}

/* --- Filters --- */

bool switches_listed(const struct json *list, struct str text)
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

    if (str_eq_ascii_nocase(path->attribute, STR("id")) || switches_listed(list, name))
        return true;
    if (path->sub.len == 0)
        return false;
    return switches_listed(list, arena_printf(a, "%.*s.%.*s", STR_ARG(name), STR_ARG(path->sub)));
}

static bool check_node(const struct call *c, const struct scim_filter *f, bool inner,
                       struct err *err)
{
    const struct provider_settings *s = settings_of(c);
    struct str op = scim_filter_op_name(f->op);

    if (f->bare && !s->bare_words) {
        return err_set(err, ERR_INVALID, "invalidFilter", "'%.*s' must stand in double quotes",
                       STR_ARG(str_sub(f->value->text, 0, 100)));
    }
    if (s->filter_ops && op.len > 0 && !switches_listed(s->filter_ops, op)) {
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

/* The parser has bounded the number of nodes already, and counts them in the same way. */
static bool check_filter(const struct call *c, const struct scim_filter *f, bool inner,
                         int64_t *comparisons, struct err *err)
{
    if (!f)
        return true;
    *comparisons += f->op > SCIM_NOT;
    return check_node(c, f, inner, err) &&
           check_filter(c, f->left ? f->left : f->path.filter, inner || f->op >= SCIM_VALUE_PATH,
                        comparisons, err) &&
           check_filter(c, f->right, inner, comparisons, err);
}

/* How deep the parentheses and brackets of a filter are nested. */
static int64_t nesting(struct str filter)
{
    int64_t depth = 0, most = 0;
    bool quoted = false;

    for (size_t i = 0; i < filter.len; i++) {
        char c = filter.ptr[i];

        if (quoted && c == '\\') {
            i++;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && (c == '(' || c == '[')) {
            depth++;
            most = depth > most ? depth : most;
        } else if (!quoted && (c == ')' || c == ']')) {
            depth--;
        }
    }
    return most;
}

bool switches_filter(const struct call *c, const struct scim_filter *filter, struct err *err)
{
    const struct provider_settings *s = settings_of(c);
    int64_t comparisons = 0;

    if (!filter ||
        (s->bare_words && !s->filter_ops && !s->filter_listed &&
         s->filter_nodes >= SCIM_FILTER_MAX_NODES && s->filter_depth >= SCIM_FILTER_MAX_DEPTH))
        return true;
    if (!check_filter(c, filter, false, &comparisons, err))
        return false;
    if (comparisons > s->filter_nodes || nesting(c->filter) > s->filter_depth) {
        return err_set(err, ERR_INVALID, "invalidFilter",
                       "a filter has at most %lld comparisons, nested %lld deep",
                       (long long)s->filter_nodes, (long long)s->filter_depth);
    }
    return true;
}
