#include "provider/profile.h"

#define ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define EXTENSION  "urn:ietf:params:scim:schemas:extension:"

/* An attribute of a profile in mapping notation; text unless it says otherwise. */
struct entry {
    const char *path;
    bool required;
};

static const struct entry joynfsm[] = {
    {"userName", true},
    {"emails[type eq \"work\"].value", true},
    {"addresses[type eq \"work\"].formatted", false},
    {"phoneNumbers[type eq \"mobile\"].value", false},
    {ENTERPRISE ":department", false},
    {EXTENSION "joynfsm:2.0:User:xid", false},
    {EXTENSION "joynfsm:2.0:User:joynFieldId", false},
};

static const struct entry jostle[] = {
    {"userName", false},
    {"emails[type eq \"work\"].value", false},
    {"emails[type eq \"personal\"].value", false},
    {"emails[type eq \"alternate1\"].value", false},
    {"emails[type eq \"alternate2\"].value", false},
    {EXTENSION "jostle:2.0:User:alternateEmail1Label", false},
    {EXTENSION "jostle:2.0:User:alternateEmail2Label", false},
};

/* `open`: nothing is narrowed to what the entries name. */
static const struct kind {
    const char *name;
    bool has_groups;
    bool open;
    const struct entry *entries;
    size_t count;
} kinds[] = {
    {"generic", true, true, NULL, 0},
    {"joynfsm", false, false, joynfsm, ARRAY_LEN(joynfsm)},
    {"jostle", false, false, jostle, ARRAY_LEN(jostle)},
};

#define EXTENSIONS_MAX 8
#define ATTRIBUTES_MAX 64 /* of one extension */

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
    b->core_attributes = ARENA_ARRAY(b->arena, struct scim_attribute, core->count);
    memcpy(b->core_attributes, core->attributes, core->count * sizeof(*core->attributes));
    b->core->attributes = b->core_attributes;
}

/* emails[type eq "work"]: adds "work" to the canonical values of emails.type, which begin empty. */
static void add_canonical(struct builder *b, const struct scim_path *path)
{
    const struct scim_filter *f = path->filter;

    for (size_t i = 0; i < b->core->count; i++) {
        struct scim_attribute *attribute = &b->core_attributes[i];
        struct scim_attribute *subs;

        if (!str_eq_ascii_nocase(attribute->name, path->attribute))
            continue;
        subs = ARENA_ARRAY(b->arena, struct scim_attribute, attribute->sub_count);
        memcpy(subs, attribute->subs, attribute->sub_count * sizeof(*subs));
        for (size_t k = 0; k < attribute->sub_count; k++) {
            if (!str_eq_ascii_nocase(subs[k].name, f->path.attribute))
                continue;
            if (attribute->subs == scim_user_schema.attributes[i].subs)
                subs[k].canonical = f->value->text;
            else
                subs[k].canonical = arena_printf(b->arena, "%.*s,%.*s", STR_ARG(subs[k].canonical),
                                                 STR_ARG(f->value->text));
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

    for (size_t i = 0; i < b->extension_count; i++)
        if (str_eq_ascii_nocase(b->extensions[i]->urn, urn))
            return b->extensions[i];
    if (b->extension_count == EXTENSIONS_MAX)
        return NULL;
    extension = ARENA_NEW(b->arena, struct scim_schema);
    extension->urn = urn;
    extension->name = str_eq_z(urn, ENTERPRISE) ? scim_enterprise_schema.name : schema_name(urn);
    extension->attributes = ARENA_ARRAY(b->arena, struct scim_attribute, ATTRIBUTES_MAX);
    b->extensions[b->extension_count++] = extension;
    return extension;
}

static bool add_extension(struct builder *b, const struct scim_path *path)
{
    struct scim_schema *extension = extension_of(b, path->urn);
    const struct scim_attribute *known =
        scim_schema_attribute(&scim_enterprise_schema, path->attribute);
    struct scim_attribute *attributes;

    if (!extension || extension->count == ATTRIBUTES_MAX)
        return err_set(b->err, ERR_LIMIT, "profileTooLarge", "too many extension attributes");
    attributes = ARENA_ARRAY(b->arena, struct scim_attribute, ATTRIBUTES_MAX);
    memcpy(attributes, extension->attributes, extension->count * sizeof(*attributes));
    attributes[extension->count] =
        known && str_eq_z(path->urn, ENTERPRISE)
            ? *known
            : (struct scim_attribute){.name = path->attribute, .case_exact = false};
    extension->attributes = attributes;
    extension->count++;
    return true;
}

static bool add_entry(struct builder *b, const struct entry *entry)
{
    struct scim_path path;

    if (!scim_path_parse(b->arena, str_from_z(entry->path), &path, b->err))
        return false;
    if (path.urn.len > 0)
        return add_extension(b, &path);
    if (path.filter && path.filter->op == SCIM_EQ && path.filter->value->type == JSON_STRING)
        add_canonical(b, &path);
    return true;
}

/* A required path that is more than a required attribute becomes the filter `path pr`. */
static bool add_required(struct arena *a, struct provider_profile *profile, const char *path,
                         struct err *err)
{
    struct str *texts = ARENA_ARRAY(a, struct str, profile->required_count + 1);
    const struct scim_matcher **matchers =
        ARENA_ARRAY(a, const struct scim_matcher *, profile->required_count + 1);
    const struct scim_filter *filter;

    for (size_t i = 0; i < profile->required_count; i++) {
        texts[i] = profile->required[i];
        matchers[i] = profile->required_pr[i];
    }
    texts[profile->required_count] = str_from_z(path);
    if (!scim_filter_parse(a, arena_printf(a, "%s pr", path), &filter, err) ||
        !scim_matcher_compile(a, &profile->user, filter, &matchers[profile->required_count], err))
        return false;
    profile->required = texts;
    profile->required_pr = matchers;
    profile->required_count++;
    return true;
}

static bool build(struct arena *a, const struct kind *kind, struct provider_profile *profile,
                  struct err *err)
{
    static const struct scim_schema *const enterprise[] = {&scim_enterprise_schema};
    struct builder b = {.arena = a, .err = err};
    const struct scim_schema **extensions;

    copy_core(&b);
    for (size_t i = 0; i < kind->count; i++)
        if (!add_entry(&b, &kind->entries[i]))
            return false;
    extensions = ARENA_ARRAY(a, const struct scim_schema *, EXTENSIONS_MAX);
    for (size_t i = 0; i < b.extension_count; i++)
        extensions[i] = b.extensions[i];
    profile->user.core = b.core;
    profile->user.extensions = kind->open ? enterprise : extensions;
    profile->user.extension_count = kind->open ? ARRAY_LEN(enterprise) : b.extension_count;
    for (size_t i = 0; i < kind->count; i++)
        if (kind->entries[i].required && !add_required(a, profile, kind->entries[i].path, err))
            return false;
    return true;
}

bool provider_profile_load(struct arena *a, struct str kind, const struct provider_profile **out,
                           struct err *err)
{
    struct provider_profile *profile = ARENA_NEW(a, struct provider_profile);

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!str_eq_z(kind, kinds[i].name))
            continue;
        *profile = (struct provider_profile){
            .kind = str_from_z(kinds[i].name),
            .has_groups = kinds[i].has_groups,
            .user = {.name = STR("User"),
                     .endpoint = STR("/Users"),
                     .description = STR("User account")},
            .group = {.name = STR("Group"),
                      .endpoint = STR("/Groups"),
                      .description = STR("Group"),
                      .core = &scim_group_schema},
        };
        if (!build(a, &kinds[i], profile, err))
            return false;
        *out = profile;
        return true;
    }
    return err_set(err, ERR_NOT_FOUND, "unknownKind",
                   "no kind of tenant '%.*s': there are generic, joynfsm and jostle",
                   STR_ARG(kind));
}

bool provider_profile_check(struct arena *a, const struct provider_profile *profile,
                            const struct json *user, struct err *err)
{
    for (size_t i = 0; i < profile->required_count; i++)
        if (!scim_match(a, profile->required_pr[i], user))
            return err_set(err, ERR_INVALID, "invalidValue", "'%.*s' is required",
                           STR_ARG(profile->required[i]));
    return true;
}
