#include "provider/schemas.h"

#include <stdarg.h>

#define META_PREFIX    STR("urn:ietf:params:scim:schemas:core:2.0:") /* Schema, ResourceType, ... */
#define EXTENSIONS_MAX 16

struct reader {
    struct arena *arena;
    provider_finding_fn *fn;
    void *ctx;
    size_t findings;
    struct scim_schema *schemas;
    size_t count;
    struct str urn;              /* of the schema that is read */
    const struct json *types[2]; /* ResourceTypes of users and groups; NULL: not given */
    struct str type_places[2];
    bool types_given;
    bool external_unique[2];
};

enum { USERS, GROUPS };
static const struct {
    struct str name, endpoint;
    struct str key; /* the attribute that each must have */
    const struct scim_schema *standard;
} kinds[] = {
    [USERS] = {STR_INIT("User"), STR_INIT("/Users"), STR_INIT("userName"), &scim_user_schema},
    [GROUPS] = {STR_INIT("Group"), STR_INIT("/Groups"), STR_INIT("displayName"),
                &scim_group_schema},
};

static void PRINTF_LIKE(3, 4) found(struct reader *r, struct str place, const char *format, ...)
{
    char what[256];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    r->findings++;
    if (r->fn)
        r->fn(r->ctx, arena_z(r->arena, place), what);
}

static struct str below(struct reader *r, struct str place, const char *name)
{
    return arena_printf(r->arena, "%.*s/%s", STR_ARG(place), name);
}

static struct str item(struct reader *r, struct str place, size_t i)
{
    return arena_printf(r->arena, "%.*s/%zu", STR_ARG(place), i);
}

/* --- The characteristics of an attribute --- */

static bool take_bool(struct reader *r, struct str place, const struct json *v, const char *name)
{
    const struct json *member = json_get(v, str_from_z(name));

    if (member && member->type != JSON_BOOL && member->type != JSON_NULL)
        found(r, below(r, place, name), "must be true or false");
    return json_is(member, JSON_BOOL) && member->boolean;
}

/* The number of a word among those there are; the first when it is absent. */
static unsigned take_word(struct reader *r, struct str place, const struct json *v,
                          const char *name, const char *const *words, size_t count)
{
    const struct json *member = json_get(v, str_from_z(name));
    CLEANUP(buf_done) struct buf all = {0};

    if (!member || member->type == JSON_NULL)
        return 0;
    for (unsigned i = 0; i < count && member->type == JSON_STRING; i++) {
        if (str_eq_ascii_nocase(member->text, str_from_z(words[i])))
            return i;
    }
    buf_init(&all, 200);
    for (size_t i = 0; i < count; i++)
        buf_addf(&all, "%s%s", i ? ", " : "", words[i]);
    found(r, below(r, place, name), "must be one of %s", buf_z(&all));
    return 0;
}

/* Texts joined by commas, as the tables have them. */
static struct str take_list(struct reader *r, struct str place, const struct json *v,
                            const char *name)
{
    CLEANUP(buf_done) struct buf joined = {0};
    const struct json *list = json_get(v, str_from_z(name));
    struct str at = below(r, place, name);
    size_t i = 0;

    if (list && list->type != JSON_ARRAY && list->type != JSON_NULL)
        found(r, at, "must be a list of texts");
    if (!json_is(list, JSON_ARRAY))
        return (struct str){0};
    buf_init(&joined, (size_t)1 << 20);
    JSON_EACH(word, list)
    {
        if (word->type != JSON_STRING) {
            found(r, item(r, at, i), "must be a text");
        } else if (!str_find_char(word->text, ',', &(size_t){0})) {
            buf_addf(&joined, "%s%.*s", joined.len ? "," : "", STR_ARG(word->text));
        }
        i++;
    }
    return arena_str(r->arena, buf_str(&joined));
}

static struct str take_text(const struct json *v, const char *name)
{
    return json_get_text(v, name);
}

static bool name_valid(struct str name, bool is_sub)
{
    if (is_sub && str_eq(name, STR("$ref")))
        return true;
    if (name.len == 0 || name.len > 100 || !ascii_is_alpha(name.ptr[0]))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '-' && c != '_')
            return false;
    }
    return true;
}

static enum scim_type take_type(struct reader *r, struct str place, const struct json *v)
{
    const struct json *type = json_get(v, STR("type"));
    enum scim_type known = SCIM_STRING;

    if (!type || type->type == JSON_NULL)
        return json_get(v, STR("subAttributes")) ? SCIM_COMPLEX : SCIM_STRING;
    if (type->type != JSON_STRING || !scim_type_from_name(type->text, &known)) {
        found(r, below(r, place, "type"),
              "must be one of string, boolean, decimal, integer, dateTime, binary, reference, "
              "complex");
    }
    return known;
}

static void take_characteristics(struct reader *r, struct str place, const struct json *v,
                                 struct scim_attribute *out)
{
    static const char *const mutability[] = {"readWrite", "readOnly", "immutable", "writeOnly"};
    static const char *const returned[] = {"default", "always", "never", "request"};
    static const char *const uniqueness[] = {"none", "server", "global"};

    out->type = take_type(r, place, v);
    out->multi = take_bool(r, place, v, "multiValued");
    out->required = take_bool(r, place, v, "required");
    out->case_exact = take_bool(r, place, v, "caseExact");
    out->mutability = (enum scim_mutability)take_word(r, place, v, "mutability", mutability,
                                                      ARRAY_LEN(mutability));
    out->returned =
        (enum scim_returned)take_word(r, place, v, "returned", returned, ARRAY_LEN(returned));
    out->uniqueness = (enum scim_uniqueness)take_word(r, place, v, "uniqueness", uniqueness,
                                                      ARRAY_LEN(uniqueness));
    out->canonical = take_list(r, place, v, "canonicalValues");
    out->references = take_list(r, place, v, "referenceTypes");
    out->description = take_text(v, "description");
}

/* --- Attributes --- */

static bool seen_before(const struct scim_attribute *list, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq_ascii_nocase(list[i].name, name))
            return true;
    }
    return false;
}

static void take_attributes(struct reader *r, struct str place, const struct json *list,
                            bool is_sub, const struct scim_attribute **out, size_t *out_count);

static void take_subs(struct reader *r, struct str place, const struct json *v, bool is_sub,
                      struct scim_attribute *out)
{
    const struct json *subs = json_get(v, STR("subAttributes"));
    struct str at = below(r, place, "subAttributes");

    if (out->type != SCIM_COMPLEX) {
        if (json_is(subs, JSON_ARRAY) && subs->count > 0)
            found(r, at, "only a complex attribute has sub-attributes");
        return;
    }
    if (is_sub) {
        found(r, below(r, place, "type"), "a sub-attribute cannot be complex itself");
        return;
    }
    if (!json_is(subs, JSON_ARRAY) || subs->count == 0) {
        found(r, at, "must list the sub-attributes of a complex attribute");
        return;
    }
    take_attributes(r, at, subs, true, &out->subs, &out->sub_count);
}

/* id, externalId, meta and schemas are there without a schema; some servers list them. */
static bool is_common(struct str name, bool is_sub)
{
    return !is_sub && scim_schema_attribute(&scim_common_schema, name);
}

/* Of those it can be said that externalId is unique. */
static void take_common(struct reader *r, struct str place, const struct json *v, struct str name)
{
    struct scim_attribute said = {0};

    if (!str_eq_ascii_nocase(name, STR("externalId")))
        return;
    take_characteristics(r, place, v, &said);
    r->external_unique[str_eq_ascii_nocase(r->urn, scim_group_schema.urn) ? GROUPS : USERS] |=
        said.uniqueness != SCIM_NOT_UNIQUE;
}

static void take_attributes(struct reader *r, struct str place, const struct json *list,
                            bool is_sub, const struct scim_attribute **out, size_t *out_count)
{
    struct scim_attribute *all = ARENA_ARRAY(r->arena, struct scim_attribute, list->count + 1);
    size_t count = 0, i = 0;

    JSON_EACH(v, list)
    {
        struct str at = item(r, place, i++), name = take_text(v, "name");

        if (v->type != JSON_OBJECT) {
            found(r, at, "must be an object that describes an attribute");
        } else if (!name_valid(name, is_sub)) {
            found(r, below(r, at, "name"),
                  "must be a name: a letter, then letters, digits, '-' and '_'");
        } else if (seen_before(all, count, name)) {
            found(r, below(r, at, "name"), "'%.*s' occurs twice", STR_ARG(name));
        } else if (is_common(name, is_sub)) {
            take_common(r, at, v, name);
        } else {
            struct scim_attribute *attribute = &all[count++];

            attribute->name = name;
            take_characteristics(r, at, v, attribute);
            if (attribute->uniqueness == SCIM_UNIQUE_GLOBAL) /* only what is so is announced */
                attribute->uniqueness = SCIM_UNIQUE_SERVER;
            take_subs(r, at, v, is_sub, attribute);
        }
    }
    *out = all;
    *out_count = count;
}

/* --- Documents --- */

static const struct scim_schema *schema_named(const struct reader *r, struct str urn)
{
    for (size_t i = 0; i < r->count; i++) {
        if (str_eq_ascii_nocase(r->schemas[i].urn, urn))
            return &r->schemas[i];
    }
    return NULL;
}

static void take_schema(struct reader *r, struct str place, const struct json *v)
{
    const struct json *attributes = json_get(v, STR("attributes"));
    struct scim_schema *schema = &r->schemas[r->count];
    struct str urn = take_text(v, "id");

    if (!str_starts(urn, STR("urn:")) || urn.len > 255) {
        found(r, below(r, place, "id"), "must be the URI of the schema, urn:...");
        return;
    }
    if (schema_named(r, urn)) {
        found(r, below(r, place, "id"), "there are two schemas '%.*s'",
              STR_ARG(str_sub(urn, 0, 150)));
        return;
    }
    if (str_starts(urn, META_PREFIX) && !str_eq_ascii_nocase(urn, scim_user_schema.urn) &&
        !str_eq_ascii_nocase(urn, scim_group_schema.urn))
        return; /* of the service itself */
    if (!json_is(attributes, JSON_ARRAY) || attributes->count == 0) {
        found(r, below(r, place, "attributes"), "must list the attributes of the schema");
        return;
    }
    *schema = (struct scim_schema){.urn = urn, .name = take_text(v, "name")};
    schema->description = take_text(v, "description");
    if (schema->name.len == 0)
        schema->name = urn;
    r->count++;
    r->urn = urn;
    take_attributes(r, below(r, place, "attributes"), attributes, false, &schema->attributes,
                    &schema->count);
}

static void take_resource_type(struct reader *r, struct str place, const struct json *v)
{
    struct str endpoint = take_text(v, "endpoint");

    r->types_given = true;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!str_eq_ascii_nocase(endpoint, kinds[i].endpoint))
            continue;
        if (r->types[i])
            found(r, place, "there are two resource types at %.*s", STR_ARG(endpoint));
        r->types[i] = v;
        r->type_places[i] = place;
        return;
    }
    found(r, below(r, place, "endpoint"), "only /Users and /Groups can be served, not '%.*s'",
          STR_ARG(str_sub(endpoint, 0, 100)));
}

static void take_documents(struct reader *r, struct str place, const struct json *list)
{
    size_t i = 0;

    JSON_EACH(v, list)
    {
        struct str at = item(r, place, i++);

        if (v->type != JSON_OBJECT) {
            found(r, at, "must be a Schema or a ResourceType");
        } else if (json_get(v, STR("endpoint"))) {
            take_resource_type(r, at, v);
        } else {
            take_schema(r, at, v);
        }
    }
}

/* --- Types --- */

static void check_key(struct reader *r, size_t kind, const struct scim_schema *core)
{
    const struct scim_attribute *key = scim_schema_attribute(core, kinds[kind].key);

    if (!key || key->type != SCIM_STRING || key->multi) {
        found(r, STR(""), "schema '%.*s' needs the attribute '%.*s', a single string",
              STR_ARG(str_sub(core->urn, 0, 120)), STR_ARG(kinds[kind].key));
    }
}

static const struct scim_schema *extension_named(struct reader *r, struct str place, struct str urn)
{
    const struct scim_schema *schema = schema_named(r, urn);

    if (!schema && str_eq_ascii_nocase(urn, scim_enterprise_schema.urn))
        schema = &scim_enterprise_schema;
    if (!schema)
        found(r, place, "there is no schema '%.*s' in the file", STR_ARG(str_sub(urn, 0, 150)));
    return schema;
}

/* As the ResourceType says. */
static void take_extensions(struct reader *r, size_t kind, const struct scim_schema **list,
                            size_t *count, uint32_t *demanded)
{
    const struct json *extensions = json_get(r->types[kind], STR("schemaExtensions"));
    struct str place = below(r, r->type_places[kind], "schemaExtensions");
    size_t i = 0;

    JSON_EACH(v, extensions)
    {
        struct str at = below(r, item(r, place, i++), "schema");
        const struct scim_schema *schema = extension_named(r, at, take_text(v, "schema"));

        if (schema && *count == EXTENSIONS_MAX) {
            found(r, at, "there are at most %d extensions", EXTENSIONS_MAX);
        } else if (schema) {
            if (take_bool(r, at, v, "required"))
                *demanded |= UINT32_C(1) << *count;
            list[(*count)++] = schema;
        }
    }
}

/* Without ResourceTypes every schema that is no core is an extension of users. */
static void guess_extensions(struct reader *r, const struct scim_schema **list, size_t *count)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct scim_schema *schema = &r->schemas[i];

        if (str_eq_ascii_nocase(schema->urn, scim_user_schema.urn) ||
            str_eq_ascii_nocase(schema->urn, scim_group_schema.urn))
            continue;
        if (*count == EXTENSIONS_MAX) {
            found(r, STR(""), "there are at most %d extensions", EXTENSIONS_MAX);
            return;
        }
        list[(*count)++] = schema;
    }
}

static bool attributes_hide(const struct scim_attribute *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].returned == SCIM_NEVER || list[i].returned == SCIM_ON_REQUEST ||
            attributes_hide(list[i].subs, list[i].sub_count))
            return true;
    }
    return false;
}

/* The password is never stored. */
static bool hides(const struct scim_resource_type *type)
{
    for (size_t i = 0; i < type->core->count; i++) {
        const struct scim_attribute *one = &type->core->attributes[i];

        if (!str_eq_ascii_nocase(one->name, STR("password")) && attributes_hide(one, 1))
            return true;
    }
    for (size_t i = 0; i < type->extension_count; i++) {
        if (attributes_hide(type->extensions[i]->attributes, type->extensions[i]->count))
            return true;
    }
    return false;
}

static void build_type(struct reader *r, size_t kind, struct scim_resource_type *out)
{
    const struct scim_schema **extensions =
        ARENA_ARRAY(r->arena, const struct scim_schema *, EXTENSIONS_MAX);
    struct str urn = take_text(r->types[kind], "schema");
    const struct scim_schema *core = schema_named(r, urn.len ? urn : kinds[kind].standard->urn);

    if (!core && urn.len > 0 && !str_eq_ascii_nocase(urn, kinds[kind].standard->urn))
        found(r, below(r, r->type_places[kind], "schema"), "there is no schema '%.*s' in the file",
              STR_ARG(str_sub(urn, 0, 150)));
    out->core = core ? core : kinds[kind].standard;
    check_key(r, kind, out->core);
    out->extensions = extensions;
    out->extension_count = 0;
    out->demanded = 0;
    if (r->types[kind]) {
        take_extensions(r, kind, extensions, &out->extension_count, &out->demanded);
    } else if (kind == USERS) {
        guess_extensions(r, extensions, &out->extension_count);
    }
    out->hides = hides(out);
}

static bool holds_objects(const struct json *list)
{
    return json_is(list, JSON_ARRAY) && list->count > 0 && list->first->type == JSON_OBJECT;
}

bool schemas_given(const struct json *document)
{
    return json_is(document, JSON_ARRAY) ||
           json_is(json_get(document, STR("Resources")), JSON_ARRAY) ||
           holds_objects(json_get(document, STR("schemas"))) ||
           json_is(json_get(document, STR("attributes")), JSON_ARRAY);
}

static const struct json *list_of(struct reader *r, const struct json *document, struct str *place)
{
    const struct json *list = json_get(document, STR("Resources"));

    *place = STR("");
    if (document->type == JSON_ARRAY)
        return document;
    *place = below(r, *place, list ? "Resources" : "schemas");
    return list ? list : json_get(document, STR("schemas"));
}

void schemas_read(struct arena *a, const struct json *document, provider_finding_fn *fn, void *ctx,
                  struct provider_profile *profile, size_t *out_count)
{
    struct reader r = {.arena = a, .fn = fn, .ctx = ctx};
    const struct json *types = json_get(document, STR("resourceTypes"));
    bool alone = json_is(json_get(document, STR("attributes")), JSON_ARRAY);
    const struct json *list;
    struct str place;

    list = list_of(&r, document, &place);
    r.schemas = ARENA_ARRAY(a, struct scim_schema,
                            (alone ? 1 : list->count) + (types ? types->count : 0) + 1);
    if (alone) {
        take_schema(&r, STR(""), document);
    } else {
        take_documents(&r, place, list);
    }
    if (json_is(types, JSON_ARRAY))
        take_documents(&r, STR("/resourceTypes"), types);
    if (r.count == 0 && r.findings == 0)
        found(&r, STR(""), "there is no schema of users or groups, and no extension");
    if (r.types_given && !r.types[USERS])
        found(&r, STR(""), "there is no resource type at /Users");
    build_type(&r, USERS, &profile->user);
    profile->has_groups =
        r.types_given ? r.types[GROUPS] != NULL : schema_named(&r, scim_group_schema.urn) != NULL;
    if (profile->has_groups)
        build_type(&r, GROUPS, &profile->group);
    profile->user_external_unique = r.external_unique[USERS];
    profile->group_external_unique = r.external_unique[GROUPS];
    *out_count = r.findings;
}
