#include "provider/profile.h"

#include "gallery/gallery.h"
#include "provider/imitation/rate_class.h"
#include "provider/internal.h"
#include "provider/schemas.h"

#include <regex.h>

/* The generic profile has two names (apps.md): a template that shows the usual attributes, a tenant
 * that takes every one. */
#define GENERIC          STR("generic")
#define GENERIC_TEMPLATE STR("scim")

#define EXTENSIONS_MAX 8
#define ATTRIBUTES_MAX 64 /* of one extension, or added to the core */
#define ENTERPRISE     scim_enterprise_schema.urn

struct builder {
    struct arena *arena;
    struct scim_schema *core; /* a copy that may be narrowed */
    struct scim_attribute *core_attributes;
    struct scim_schema *extensions[EXTENSIONS_MAX];
    size_t extension_count;
    struct err *err;
};

static void copy_core(struct builder *b)
{
    const struct scim_schema *core = &scim_user_schema;

    b->core = ARENA_NEW(b->arena, struct scim_schema);
    *b->core = *core;
    b->core_attributes = ARENA_ARRAY(b->arena, struct scim_attribute, core->count + ATTRIBUTES_MAX);
    memcpy(b->core_attributes, core->attributes, core->count * sizeof(*core->attributes));
    b->core->attributes = b->core_attributes;
}

/* Whether a word is among those between commas. */
static bool has_word(struct str words, struct str word)
{
    struct str one;
    bool more = true;

    while (more) {
        more = str_cut(&words, ',', &one);
        if (str_eq_ascii_nocase(one, word))
            return true;
    }
    return false;
}

/* emails[type eq "work"]: adds "work" to the canonical values of emails.type, which begin empty. */
static void add_canonical(struct builder *b, const struct scim_path *path)
{
    const struct scim_filter *f = path->filter;

    for (size_t i = 0; i < scim_user_schema.count; i++) {
        struct scim_attribute *attribute = &b->core_attributes[i];
        struct scim_attribute *subs;

        if (!str_eq_ascii_nocase(attribute->name, path->attribute))
            continue;
        subs = ARENA_ARRAY(b->arena, struct scim_attribute, attribute->sub_count);
        memcpy(subs, attribute->subs, attribute->sub_count * sizeof(*subs));
        for (size_t k = 0; k < attribute->sub_count; k++) {
            if (!str_eq_ascii_nocase(subs[k].name, f->path.attribute))
                continue;
            if (attribute->subs == scim_user_schema.attributes[i].subs) {
                subs[k].canonical = f->value->text;
            } else if (!has_word(subs[k].canonical, f->value->text)) {
                subs[k].canonical = arena_printf(b->arena, "%.*s,%.*s", STR_ARG(subs[k].canonical),
                                                 STR_ARG(f->value->text));
            }
        }
        attribute->subs = subs;
    }
}

/* The name of a schema: the part of its URI behind "extension:". */
static struct str schema_name(struct str urn)
{
    struct str name = urn;
    size_t at;

    if (str_find(urn, STR("extension:"), &at))
        name = str_from(urn, at + 10);
    return str_find_char(name, ':', &at) ? str_sub(name, 0, at) : name;
}

static struct scim_schema *extension_of(struct builder *b, struct str urn)
{
    struct scim_schema *extension;

    for (size_t i = 0; i < b->extension_count; i++) {
        if (str_eq_ascii_nocase(b->extensions[i]->urn, urn))
            return b->extensions[i];
    }
    if (b->extension_count == EXTENSIONS_MAX)
        return NULL;
    extension = ARENA_NEW(b->arena, struct scim_schema);
    extension->urn = urn;
    extension->name = str_eq(urn, ENTERPRISE) ? scim_enterprise_schema.name : schema_name(urn);
    if (str_eq(urn, ENTERPRISE))
        extension->description = scim_enterprise_schema.description;
    extension->attributes = ARENA_ARRAY(b->arena, struct scim_attribute, ATTRIBUTES_MAX);
    b->extensions[b->extension_count++] = extension;
    return extension;
}

static bool is_unique(const struct json *entry)
{
    struct str said = json_get_text(entry, "uniqueness");

    return str_eq_ascii_nocase(said, STR("server")) || str_eq_ascii_nocase(said, STR("global"));
}

static enum scim_type type_of(const struct json *entry)
{
    enum scim_type type;

    return scim_type_from_name(json_get_text(entry, "type"), &type) ? type : SCIM_STRING;
}

static bool is_whole(const struct scim_path *path)
{
    return !path->filter && path->sub.len == 0;
}

/* What an entry says besides the type. */
static void take_characteristics(const struct json *entry, struct scim_attribute *attribute)
{
    struct str uniqueness = json_get_text(entry, "uniqueness");

    if (json_is(json_get(entry, STR("caseExact")), JSON_BOOL))
        attribute->case_exact = json_get_bool(entry, "caseExact", false);
    if (is_unique(entry))
        attribute->uniqueness = SCIM_UNIQUE_SERVER;
    else if (uniqueness.len > 0)
        attribute->uniqueness = SCIM_NOT_UNIQUE;
}

static bool add_extension(struct builder *b, const struct scim_path *path, const struct json *entry)
{
    struct scim_schema *extension = extension_of(b, path->urn);
    const struct scim_attribute *known =
        str_eq(path->urn, ENTERPRISE)
            ? scim_schema_attribute(&scim_enterprise_schema, path->attribute)
            : NULL;
    struct scim_attribute *attributes;

    if (!extension || extension->count == ATTRIBUTES_MAX)
        return err_set(b->err, ERR_LIMIT, "profileTooLarge", "too many extension attributes");
    if (scim_schema_attribute(extension, path->attribute))
        return true;
    attributes = ARENA_ARRAY(b->arena, struct scim_attribute, ATTRIBUTES_MAX);
    memcpy(attributes, extension->attributes, extension->count * sizeof(*attributes));
    attributes[extension->count] =
        known ? *known : (struct scim_attribute){.name = path->attribute, .type = type_of(entry)};
    if (is_whole(path))
        take_characteristics(entry, &attributes[extension->count]);
    extension->attributes = attributes;
    extension->count++;
    return true;
}

/* A name that the core does not have becomes a simple attribute of the profile's own core. */
static bool add_core(struct builder *b, const struct scim_path *path, const struct json *entry)
{
    for (size_t i = 0; i < b->core->count; i++) {
        if (!str_eq_ascii_nocase(b->core_attributes[i].name, path->attribute))
            continue;
        if (is_whole(path))
            take_characteristics(entry, &b->core_attributes[i]);
        return true;
    }
    if (scim_schema_attribute(&scim_common_schema, path->attribute))
        return true;
    if (b->core->count == scim_user_schema.count + ATTRIBUTES_MAX)
        return err_set(b->err, ERR_LIMIT, "profileTooLarge", "too many attributes");
    b->core_attributes[b->core->count++] =
        (struct scim_attribute){.name = path->attribute, .type = type_of(entry)};
    if (is_whole(path))
        take_characteristics(entry, &b->core_attributes[b->core->count - 1]);
    return true;
}

static bool add_entry(struct builder *b, const struct json *entry)
{
    struct scim_path path;

    if (!scim_path_parse(b->arena, json_get_text(entry, "target"), &path, b->err))
        return false;
    if (path.urn.len > 0)
        return add_extension(b, &path, entry);
    if (path.filter && path.filter->op == SCIM_EQ && path.filter->value->type == JSON_STRING)
        add_canonical(b, &path);
    return add_core(b, &path, entry);
}

static bool names_attribute(struct arena *a, const struct provider_profile *profile,
                            struct str text)
{
    struct scim_path path;
    struct scim_ref ref;

    return scim_path_parse(a, text, &path, NULL) && scim_resolve(&profile->user, &path, &ref) &&
           ref.attribute;
}

static bool check_patterns(struct arena *a, const struct json *patterns, struct err *err)
{
    JSON_EACH(item, patterns)
    {
        regex_t pattern;

        if (item->type != JSON_STRING ||
            regcomp(&pattern, arena_z(a, item->text), REG_EXTENDED | REG_NOSUB) != 0) {
            return err_set(err, ERR_INVALID, "badSetting",
                           "valuePattern: that of '%.*s' is no regular expression",
                           STR_ARG(str_sub(item->name, 0, 100)));
        }
        regfree(&pattern);
    }
    return true;
}

/* Two attributes that users have, either with '!' before it. */
static bool is_link(struct arena *a, const struct provider_profile *profile,
                    const struct json *pair)
{
    if (pair->type != JSON_ARRAY || pair->count != 2)
        return false;
    JSON_EACH(text, pair)
    {
        bool negated = str_starts(text->text, STR("!"));

        if (!names_attribute(a, profile, negated ? str_from(text->text, 1) : text->text))
            return false;
    }
    return true;
}

static bool check_links(struct arena *a, const struct provider_profile *profile, struct err *err)
{
    JSON_EACH(pair, profile->settings.linked)
    {
        if (!is_link(a, profile, pair)) {
            return err_set(err, ERR_INVALID, "badSetting",
                           "linkedAttributes: %.*s is no pair of attributes of users",
                           STR_ARG(str_sub(json_text(a, pair), 0, 100)));
        }
    }
    return true;
}

static bool check_names(struct arena *a, const struct provider_profile *profile,
                        const struct json *names, const char *setting, struct err *err)
{
    JSON_EACH(name, names)
    {
        if (name->type != JSON_STRING || !names_attribute(a, profile, name->text)) {
            return err_set(err, ERR_INVALID, "badSetting", "%s: users have no attribute '%.*s'",
                           setting, STR_ARG(str_sub(name->text, 0, 100)));
        }
    }
    return true;
}

/* What names attributes must name those that there are. */
static bool check_switches(struct arena *a, const struct provider_profile *profile, struct err *err)
{
    const struct provider_settings *s = &profile->settings;

    return check_patterns(a, s->value_pattern, err) && check_links(a, profile, err) &&
           check_names(a, profile, s->reference_lookup, "referenceLookup", err) &&
           check_names(a, profile, s->global_unique, "globalUnique", err) &&
           rate_classes_check(s->class_rates, err);
}

static const struct scim_schema *requiring(struct arena *a, const struct scim_schema *schema,
                                           struct str name)
{
    struct scim_schema *copy = ARENA_NEW(a, struct scim_schema);
    struct scim_attribute *attributes = ARENA_ARRAY(a, struct scim_attribute, schema->count + 1);

    memcpy(attributes, schema->attributes, schema->count * sizeof(*attributes));
    for (size_t i = 0; i < schema->count; i++) {
        if (str_eq_ascii_nocase(attributes[i].name, name))
            attributes[i].required = true;
    }
    *copy = *schema;
    copy->attributes = attributes;
    return copy;
}

/* A whole attribute that must have a value is announced by /Schemas, too (RFC 7643, 7), so that a
 * client can know. An element by its type is nothing that a schema could say. */
static void announce_required(struct arena *a, struct provider_profile *profile,
                              const struct json *paths)
{
    struct scim_resource_type *user = &profile->user;
    const struct scim_schema **extensions =
        ARENA_ARRAY(a, const struct scim_schema *, user->extension_count + 1);
    struct scim_path path;
    struct err err;

    for (size_t i = 0; i < user->extension_count; i++)
        extensions[i] = user->extensions[i];
    user->extensions = extensions;
    JSON_EACH(text, paths)
    {
        if (!scim_path_parse(a, text->text, &path, &err) || path.filter || path.sub.len > 0)
            continue;
        if (!path.urn.len || str_eq_ascii_nocase(path.urn, user->core->urn))
            user->core = requiring(a, user->core, path.attribute);
        for (size_t i = 0; i < user->extension_count && path.urn.len > 0; i++) {
            if (str_eq_ascii_nocase(path.urn, extensions[i]->urn))
                extensions[i] = requiring(a, extensions[i], path.attribute);
        }
    }
}

/* A path that must have a value becomes the filter `path pr`. */
static bool compile_required(struct arena *a, struct provider_profile *profile,
                             const struct json *paths, struct err *err)
{
    size_t count = paths ? paths->count : 0;
    struct str *texts = ARENA_ARRAY(a, struct str, count + 1);
    const struct scim_matcher **matchers = ARENA_ARRAY(a, const struct scim_matcher *, count + 1);
    const struct scim_filter *filter;
    size_t i = 0;

    JSON_EACH(path, paths)
    {
        if (!names_attribute(a, profile, path->text)) {
            return err_set(err, ERR_INVALID, "badSetting",
                           "requirePaths: users have no attribute '%.*s'",
                           STR_ARG(str_sub(path->text, 0, 100)));
        }
        texts[i] = path->text;
        if (!scim_filter_parse(a, arena_printf(a, "%.*s pr", STR_ARG(path->text)), &filter, err) ||
            !scim_matcher_compile(a, &profile->user, NULL, filter, &matchers[i], err))
            return false;
        i++;
    }
    profile->required = texts;
    profile->required_pr = matchers;
    profile->required_count = i;
    return true;
}

/* A tenant that takes every attribute of the core and the enterprise extension. */
static void build_open(struct provider_profile *profile)
{
    static const struct scim_schema *const enterprise[] = {&scim_enterprise_schema};

    profile->user.core = &scim_user_schema;
    profile->user.extensions = enterprise;
    profile->user.extension_count = ARRAY_LEN(enterprise);
}

/* A tenant whose extensions and types of values are those that the template names. */
static bool build_narrow(struct arena *a, const struct json *entries,
                         struct provider_profile *profile, struct err *err)
{
    const struct scim_schema **extensions =
        ARENA_ARRAY(a, const struct scim_schema *, EXTENSIONS_MAX);
    struct builder b = {.arena = a, .err = err};

    copy_core(&b);
    JSON_EACH(entry, entries)
    if (!add_entry(&b, entry))
        return false;
    for (size_t i = 0; i < b.extension_count; i++)
        extensions[i] = b.extensions[i];
    profile->user.core = b.core;
    profile->user.extensions = extensions;
    profile->user.extension_count = b.extension_count;
    return true;
}

static bool unknown_kind(struct arena *a, struct str kind, struct err *err)
{
    CLEANUP(buf_done) struct buf names = {0};
    struct gallery_template *templates;
    size_t count;

    if (!gallery_list(a, &templates, &count, err))
        return false;
    buf_init(&names, 200);
    buf_add_z(&names, "generic");
    for (size_t i = 0; i < count; i++) {
        if (!str_eq(templates[i].id, GENERIC_TEMPLATE))
            buf_addf(&names, ", %.*s", STR_ARG(templates[i].id));
    }
    return err_set(err, ERR_NOT_FOUND, "unknownKind", "no kind of tenant '%.*s': there are %.*s",
                   STR_ARG(kind), STR_ARG(buf_str(&names)));
}

static bool unique_external(const struct json *document, const char *list)
{
    JSON_EACH(entry, json_get(document, str_from_z(list)))
    {
        if (str_eq_ascii_nocase(json_get_text(entry, "target"), STR("externalId")) &&
            is_unique(entry))
            return true;
    }
    return false;
}

/* What the template says of types: SCIM schemas, or a list of paths. */
static bool build_types(struct arena *a, const struct provider_profile_source *source,
                        const struct gallery_template *template, struct provider_profile *profile,
                        struct err *err)
{
    size_t findings;

    profile->has_groups = template->supports_groups;
    if (str_eq(source->kind, GENERIC) && source->template.len == 0) {
        build_open(profile);
        return true;
    }
    if (!schemas_given(template->document)) {
        profile->user_external_unique = unique_external(template->document, "userAttributes");
        profile->group_external_unique = unique_external(template->document, "groupAttributes");
        return build_narrow(a, json_get(template->document, STR("userAttributes")), profile, err);
    }
    schemas_read(a, template->document, NULL, NULL, profile, &findings);
    return findings == 0 ||
           err_set(err, ERR_INVALID, "badTemplate", "the schemas of the tenant cannot be used");
}

/* The document of a kind: the gallery's, or the one that the tenant brought. */
static bool find_template(struct arena *a, const struct provider_profile_source *source,
                          struct gallery_template *out, struct err *err)
{
    bool generic = str_eq(source->kind, GENERIC);
    struct json *document;

    if (source->template.len > 0) {
        if (!json_parse(a, source->template, NULL, &document, NULL, err))
            return false;
        *out = (struct gallery_template){.supports_groups =
                                             json_get_bool(document, "supportsGroups", true),
                                         .document = document};
        return true;
    }
    if (!str_eq(source->kind, GENERIC_TEMPLATE) &&
        gallery_load(a, generic ? GENERIC_TEMPLATE : source->kind, out, err))
        return true;
    return (err && err->kind != ERR_NONE && err->kind != ERR_NOT_FOUND)
               ? false
               : unknown_kind(a, source->kind, err);
}

static struct scim_rules rules_of(const struct provider_settings *s)
{
    return (struct scim_rules){.strict_booleans = !s->boolean_text,
                               .strict_role_text = !s->role_text,
                               .strict_json_text = !s->json_text,
                               .no_create_on_no_match = !s->create_on_no_match,
                               .max_ops = (size_t)s->patch_max,
                               .max_work = (size_t)s->patch_work,
                               .max_value_bytes = (size_t)s->value_bytes,
                               .max_members = (size_t)s->members_max};
}

static bool read_settings(struct arena *a, const struct provider_profile_source *source,
                          const struct json *switches, struct provider_profile *profile,
                          struct err *err)
{
    struct json *set = NULL;

    if (source->settings.len > 2 && !json_parse(a, source->settings, NULL, &set, NULL, err))
        return false;
    if (!provider_settings_read(switches, set, &profile->settings, err))
        return false;
    profile->rules = rules_of(&profile->settings);
    return true;
}

bool provider_profile_load(struct arena *a, const struct provider_profile_source *source,
                           const struct provider_profile **out, struct err *err)
{
    struct provider_profile *profile = ARENA_NEW(a, struct provider_profile);
    struct gallery_template template;

    if (!find_template(a, source, &template, err))
        return false;
    *profile = (struct provider_profile){
        .kind = arena_str(a, source->kind),
        .user = {.name = STR("User"),
                 .endpoint = STR("/Users"),
                 .description = STR("User account")},
        .group = {.name = STR("Group"),
                  .endpoint = STR("/Groups"),
                  .description = STR("Group"),
                  .core = &scim_group_schema},
    };
    if (!read_settings(a, source, json_get(template.document, STR("switches")), profile, err))
        return false;
    if (!build_types(a, source, &template, profile, err))
        return false;
    profile->has_groups =
        profile->has_groups && !profile->settings.groups_off && profile->settings.groups_enabled;
    profile->user.dotted = profile->settings.separator_dot;
    announce_required(a, profile, profile->settings.require_paths);
    profile->user_unique =
        unique_collect(a, &profile->user, STR("userName"), profile->user_external_unique);
    profile->group_unique =
        unique_collect(a, &profile->group, STR("displayName"), profile->group_external_unique);
    *out = profile;
    return check_switches(a, profile, err) &&
           compile_required(a, profile, profile->settings.require_paths, err);
}

bool provider_profile_check(struct arena *a, const struct provider_profile *profile,
                            const struct json *user, struct err *err)
{
    for (size_t i = 0; i < profile->required_count; i++) {
        if (!scim_match(a, profile->required_pr[i], user)) {
            return err_set(err, ERR_INVALID, "invalidValue", "'%.*s' is required",
                           STR_ARG(profile->required[i]));
        }
    }
    return true;
}
