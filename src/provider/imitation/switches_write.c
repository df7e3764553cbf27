#include "provider/imitation/switches.h"

#include <regex.h>

static const struct provider_settings *settings_of(const struct call *c)
{
    return &c->tenant->profile->settings;
}

/* --- Users --- */

/* [type eq "work"], [primary eq "True"] */
static bool matches_term(const struct scim_path *path, const struct json *element)
{
    const struct scim_filter *f = path->filter;
    const struct json *v;

    if (!f || !f->value)
        return true;
    v = json_get_nocase(element, f->path.attribute);
    if (json_is(v, JSON_BOOL)) {
        return f->value->type == JSON_BOOL
                   ? v->boolean == f->value->boolean
                   : str_eq_ascii_nocase(f->value->text, v->boolean ? STR("true") : STR("false"));
    }
    return v && str_eq_ascii_nocase(v->text, f->value->text);
}

/* The attribute in its extension, or at the top; without a URI in any extension, too (scim.md 1.1).
 */
static const struct json *attribute_at(const struct scim_path *path, const struct json *user)
{
    const struct json *holder = path->urn.len > 0 ? json_get_nocase(user, path->urn) : user;
    const struct json *found = json_get_nocase(holder, path->attribute);

    JSON_EACH(extension, !found && path->urn.len == 0 ? user : NULL)
    {
        if (extension->type == JSON_OBJECT && str_find_char(extension->name, ':', &(size_t){0}))
            found = found ? found : json_get_nocase(extension, path->attribute);
    }
    return found;
}

/* The value of an element, which may be a plain text. */
static const struct json *value_of(const struct json *element, struct str sub)
{
    return element->type == JSON_OBJECT ? json_get_nocase(element, sub) : element;
}

bool switches_each_value(const struct scim_path *path, const struct json *user,
                         switches_value_fn *fn, void *ctx, struct err *err)
{
    const struct json *v = attribute_at(path, user);
    struct str sub = path->sub.len > 0 ? path->sub : STR("value");

    if (!v)
        return true;
    if (v->type == JSON_ARRAY) {
        JSON_EACH(element, v)
        {
            const struct json *text = value_of(element, sub);

            if (matches_term(path, element) && text && !fn(ctx, text->text, err))
                return false;
        }
        return true;
    }
    v = value_of(v, sub);
    return !v || fn(ctx, v->text, err);
}

const struct json *switches_value_at(const struct scim_path *path, const struct json *user)
{
    const struct json *v = attribute_at(path, user);

    if (json_is(v, JSON_ARRAY) && (path->filter || path->sub.len > 0)) {
        JSON_EACH(element, v)
        {
            if (matches_term(path, element))
                return path->sub.len > 0 ? value_of(element, path->sub) : element;
        }
        return NULL;
    }
    return v && path->sub.len > 0 ? value_of(v, path->sub) : v;
}

struct rule {
    struct arena *arena;
    const struct json *rule; /* its name is the path */
};

static bool value_allowed(void *ctx, struct str value, struct err *err)
{
    const struct rule *r = ctx;

    return switches_listed(r->rule, value) ||
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
                        switches_value_fn *fn, struct err *err)
{
    JSON_EACH(item, rules)
    {
        struct rule r = {.arena = a, .rule = item};
        struct scim_path path;

        if (scim_path_parse(a, item->name, &path, NULL) &&
            !switches_each_value(&path, user, fn, &r, err))
            return false;
    }
    return true;
}

static bool check_domain(void *ctx, struct str value, struct err *err)
{
    const struct json *domains = ctx;
    struct str local;

    return !str_cut(&value, '@', &local) ||
           (domains->type == JSON_ARRAY && switches_listed(domains, value)) ||
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
            !switches_each_value(&path, before, take_first, &was, NULL) ||
            !switches_each_value(&path, user, take_first, &is, NULL))
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

        if (!scim_path_parse(a, str_from_z(paths[i]), &path, NULL))
            continue;
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): the context of a value_fn is not const */
        if (!switches_each_value(&path, user, check_domain, (void *)(uintptr_t)domains, err))
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

/* --- Writes --- */

bool switches_members(const struct call *c, const struct scim_patch *patch, struct err *err)
{
    const struct provider_settings *s = settings_of(c);
    int64_t changes = 0;

    for (size_t i = 0; i < patch->count; i++) {
        const struct scim_patch_op *op = &patch->ops[i];
        bool whole = !op->filter && !op->ref.sub;
        bool given = op->value && op->value->type != JSON_NULL;

        if (!op->ref.attribute || !str_eq(op->ref.attribute->name, STR("members")))
            continue;
        changes += given && op->value->type == JSON_ARRAY ? (int64_t)op->value->count : 1;
        if (s->no_replace_members && whole && op->kind == SCIM_PATCH_REPLACE) {
            return err_set(err, ERR_INVALID, "invalidValue",
                           "members cannot be replaced: add and remove them");
        }
        if (s->no_remove_all_members && whole && op->kind == SCIM_PATCH_REMOVE && !given)
            return err_set(err, ERR_INVALID, "invalidValue", "say which members are removed");
    }
    return s->max_members_per_patch == 0 || changes <= s->max_members_per_patch ||
           err_set(err, ERR_INVALID, "invalidValue", "a request changes at most %lld members",
                   (long long)s->max_members_per_patch);
}

void switches_document(const struct call *c, const struct json *before, struct json *doc)
{
    const struct provider_settings *s = settings_of(c);
    struct json *old;

    if (s->no_active && c->kind == RESOURCE_USER)
        json_remove(doc, STR("active"));
    if (!s->no_group_rename || c->kind != RESOURCE_GROUP || !before)
        return;
    old = json_get(before, STR("displayName"));
    if (old)
        json_set(c->arena, doc, STR("displayName"), json_clone(c->arena, old));
}

/* An id that a URL can hold and nobody takes for something else. */
bool switches_id(const struct call *c, const struct json *doc, struct str *out, struct err *err)
{
    struct str id = json_get_text(doc, "externalId");

    if (!settings_of(c)->id_is_external_id || c->kind != RESOURCE_USER)
        return true;
    for (size_t i = 0; i < id.len; i++) {
        char ch = id.ptr[i];

        if (!ascii_is_alpha(ch) && !ascii_is_digit(ch) && ch != '-' && ch != '_' && ch != '.') {
            return err_set(err, ERR_INVALID, "invalidValue",
                           "'externalId' becomes the id: it takes letters, digits, '-._'");
        }
    }
    if (id.len == 0 || id.len >= UUID_TEXT_MAX) {
        return err_set(err, ERR_INVALID, "invalidValue",
                       "'externalId' becomes the id: it is needed, with at most %d bytes",
                       UUID_TEXT_MAX - 1);
    }
    *out = id;
    return true;
}
