#include "mapping/document.h"

#include "base/clock.h"
#include "base/map.h"
#include "mapping/shape.h"

enum {
    DEPTH_MAX = 1000,      /* of JSON: an expression of EXPR_MAX_DEPTH calls takes three a call */
    OBJECTS_MAX = 1000,    /* rules, and object mappings */
    ATTRIBUTES_MAX = 2000, /* of one object (attribute-mappings.md 11) */
};

bool mapping_document_parse(struct arena *a, struct str text, struct json **out, size_t *out_offset,
                            struct err *err)
{
    static const struct json_limits limits = {.max_depth = DEPTH_MAX,
                                              .max_bytes = MAPPING_DOCUMENT_MAX_BYTES};

    return json_parse(a, text, &limits, out, out_offset, err);
}

/* --- Rules of the document as a whole --- */

/* Each name once; *what for the message. */
static void check_unique(struct compiler *k, const struct place *list, const struct json *items,
                         const char *what)
{
    CLEANUP(map_done) struct map seen;
    size_t i = 0;

    map_init(&seen);
    JSON_EACH(item, items)
    {
        struct place at = {.parent = list, .index = i++};
        struct place name = {.parent = &at, .name = "name"};
        struct str text = json_get_text(item, "name");

        if (text.len > 0 && map_put(&seen, text, item)) {
            schema_finding(k, &name, "DuplicateName", "there are two %s named '%.*s'", what,
                           STR_ARG(str_sub(text, 0, 150)));
        }
    }
}

static void check_object(struct compiler *k, const struct place *at, const struct json *object)
{
    struct place list = {.parent = at, .name = "attributes"};
    const struct json *attributes = json_get(object, STR("attributes"));
    size_t anchors = 0;
    size_t i = 0;

    if (!json_is(attributes, JSON_ARRAY))
        return;
    if (attributes->count > ATTRIBUTES_MAX) {
        schema_finding(k, &list, "TooMany", "an object can have at most %d attributes",
                       ATTRIBUTES_MAX);
        return;
    }
    check_unique(k, &list, attributes, "attributes");
    JSON_EACH(d, attributes)
    {
        struct place one = {.parent = &list, .index = i++};
        struct place anchor = {.parent = &one, .name = "anchor"};

        if (json_get_bool(d, "anchor", false) && anchors++ == 1) {
            schema_finding(k, &anchor, "TwoAnchors",
                           "an object has one anchor, and this is the second: '%.*s'",
                           STR_ARG(str_sub(json_get_text(d, "name"), 0, 150)));
        }
    }
}

static void check_definitions(struct compiler *k, const struct json *document)
{
    struct place list = {.name = "directories"};
    size_t i = 0;

    check_unique(k, &list, json_get(document, STR("directories")), "directories");
    JSON_EACH(d, json_get(document, STR("directories")))
    {
        struct place at = {.parent = &list, .index = i++};
        struct place objects = {.parent = &at, .name = "objects"};
        size_t j = 0;

        check_unique(k, &objects, json_get(d, STR("objects")), "objects");
        JSON_EACH(o, json_get(d, STR("objects")))
        {
            struct place one = {.parent = &objects, .index = j++};

            check_object(k, &one, o);
        }
    }
}

/* What the target calls its users and groups need not be listed. */
static bool is_scim_object(struct str name)
{
    return str_starts(name, STR("urn:ietf:params:scim:schemas:core:2.0:")) ||
           str_starts(name, STR("urn:ietf:params:scim:schemas:extension:enterprise:2.0:"));
}

static void check_target_object(struct compiler *k, const struct place *at, const struct json *rule,
                                const struct json *mapping)
{
    struct place place = {.parent = at, .name = "targetObjectName"};
    struct str directory = json_get_text(rule, "targetDirectoryName");
    struct str name = json_get_text(mapping, "targetObjectName");
    const struct json *definition = NULL;
    const struct json *objects;

    JSON_EACH(d, json_get(k->schema, STR("directories")))
    {
        if (str_eq(json_get_text(d, "name"), directory))
            definition = d;
    }
    objects = json_get(definition, STR("objects"));
    /* One without objects is not described yet. */
    if (name.len == 0 || is_scim_object(name) || !objects || objects->count == 0 ||
        schema_object_definition(k, directory, name))
        return;
    schema_finding(k, &place, "UnknownObject", "the directory '%.*s' has no object '%.*s'",
                   STR_ARG(str_sub(directory, 0, 100)), STR_ARG(str_sub(name, 0, 150)));
}

/* False when there is so much that compiling is refused, too. */
static bool check_rules(struct compiler *k, const struct json *document)
{
    struct place list = {.name = "synchronizationRules"};
    size_t objects = 0;
    size_t i = 0;

    JSON_EACH(rule, json_get(document, STR("synchronizationRules")))
    {
        struct place at = {.parent = &list, .index = i++};
        struct place mappings = {.parent = &at, .name = "objectMappings"};
        size_t j = 0;

        JSON_EACH(mapping, json_get(rule, STR("objectMappings")))
        {
            struct place one = {.parent = &mappings, .index = j++};

            check_target_object(k, &one, rule, mapping);
        }
        objects += j;
    }
    return (i <= OBJECTS_MAX && objects <= OBJECTS_MAX) ||
           schema_finding(k, &list, "TooMany", "a schema can have at most %d object mappings",
                          OBJECTS_MAX);
}

static void check_cases(struct compiler *k, const struct json *document)
{
    static const char *const names[] = {"source", "expected"};
    struct place list = {.name = "goldenCases"};
    size_t i = 0;

    JSON_EACH(one, json_get(document, STR("goldenCases")))
    {
        struct place at = {.parent = &list, .index = i++};

        for (size_t n = 0; n < ARRAY_LEN(names) && one->type == JSON_OBJECT; n++) {
            struct place place = {.parent = &at, .name = names[n]};

            if (!json_is(json_get(one, str_from_z(names[n])), JSON_OBJECT)) {
                schema_finding(k, &place, "WrongType",
                               "'%s' of a golden case must be an object of attributes and values",
                               names[n]);
            }
        }
    }
}

/* --- Checking --- */

/* Compiling meets what completing has found already, at the same place. */
static bool is_known(const struct map *known, struct str pointer)
{
    for (size_t len = pointer.len; len > 0; len--) {
        if ((len == pointer.len || pointer.ptr[len] == '/') &&
            map_get(known, str_sub(pointer, 0, len)))
            return true;
    }
    return false;
}

static void append_findings(struct compiler *k, struct mapping_finding *more)
{
    CLEANUP(map_done) struct map known;

    map_init(&known);
    for (struct mapping_finding *f = k->first; f; f = f->next)
        map_put(&known, f->pointer, f);
    while (more) {
        struct mapping_finding *f = more;

        more = f->next;
        f->next = NULL;
        if (is_known(&known, f->pointer))
            continue;
        if (k->last) {
            k->last->next = f;
        } else {
            k->first = f;
        }
        k->last = f;
        k->findings++;
    }
}

static bool refuse(const struct compiler *k, struct mapping_finding **out_findings, struct err *err)
{
    *out_findings = k->first;
    err_fill(err, ERR_INVALID, "schemaInvalid", "%.*s",
             STR_ARG(str_sub(k->first->message, 0, 300)));
    if (k->findings > 1) {
        err_fill(err, ERR_INVALID, "schemaInvalid", "%.*s (and %zu more findings)",
                 STR_ARG(str_sub(k->first->message, 0, 300)), k->findings - 1);
    }
    return err_at(err, "%.*s", STR_ARG(str_sub(k->first->pointer, 0, 120)));
}

bool mapping_document_check(struct arena *a, const struct json *given, struct json **out,
                            const struct mapping_program **out_program,
                            struct mapping_finding **out_findings, struct err *err)
{
    struct compiler k = {.arena = a, .schema = given};
    const struct mapping_program *program = NULL;
    struct mapping_finding *more = NULL;
    struct json *document;

    *out_findings = NULL;
    if (!json_is(given, JSON_OBJECT)) {
        schema_finding(&k, NULL, "WrongType", "a schema must be an object");
        return refuse(&k, out_findings, err);
    }
    document = shape_complete(&k, given);
    k.schema = document;
    if (!json_get(given, STR("synchronizationRules"))) {
        struct place rules = {.name = "synchronizationRules"};

        schema_finding(&k, &rules, "MissingValue", "synchronizationRules is missing");
    }
    check_definitions(&k, document);
    check_cases(&k, document);
    if (check_rules(&k, document) && !mapping_compile(a, document, &program, &more, err))
        append_findings(&k, more);
    if (k.first)
        return refuse(&k, out_findings, err);
    *out = document;
    if (out_program)
        *out_program = program;
    return true;
}

struct json *mapping_document_complete(struct arena *a, const struct json *stored)
{
    struct compiler k = {.arena = a, .schema = stored};

    return json_is(stored, JSON_OBJECT) ? shape_complete(&k, stored) : json_clone(a, stored);
}

/* --- Saving --- */

void mapping_document_keep(struct arena *a, struct json *given, const struct json *stored)
{
    static const struct str members[] = {STR_INIT("synchronizationRules"), STR_INIT("directories"),
                                         STR_INIT("goldenCases")};

    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const struct json *v = json_get(stored, members[i]);

        if (v && json_is(given, JSON_OBJECT) && !json_get(given, members[i]))
            json_add(a, given, members[i], json_clone(a, v));
    }
}

static const struct json *find_named(const struct json *list, struct str name)
{
    JSON_EACH(item, list)
    {
        if (str_eq(json_get_text(item, "name"), name))
            return item;
    }
    return NULL;
}

static void adopt_ids(struct arena *a, struct json *list, const struct json *stored,
                      struct rng *rng)
{
    char text[UUID_TEXT_MAX];

    JSON_EACH(item, list)
    {
        struct str id = json_get_text(find_named(stored, json_get_text(item, "name")), "id");

        if (json_get_text(item, "id").len == 0)
            json_set(a, item, STR("id"), json_string(a, id.len ? id : uuid_new(rng, text)));
    }
}

/* Read-only directories stay as they are stored, also when they are missing. */
static void adopt_directories(struct arena *a, struct json *list, const struct json *stored)
{
    JSON_EACH(old, stored)
    {
        struct json *given;
        struct json *kept;

        if (!json_get_bool(old, "readOnly", false))
            continue;
        kept = json_clone(a, old);
        given = NULL;
        JSON_EACH(item, list)
        {
            if (str_eq(json_get_text(item, "name"), json_get_text(old, "name")))
                given = item;
        }
        if (!given) {
            json_append(list, kept);
            continue;
        }
        /* In place, so that the order stays. */
        kept->name = given->name;
        kept->next = given->next;
        *given = *kept;
    }
}

void mapping_document_adopt(struct arena *a, struct json *document, const struct json *stored,
                            struct rng *rng)
{
    static const struct str kept[] = {STR_INIT("id"), STR_INIT("version")};

    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        const struct json *v = json_get(stored, kept[i]);

        if (v)
            json_set(a, document, kept[i], json_clone(a, v));
    }
    adopt_ids(a, json_get(document, STR("synchronizationRules")),
              json_get(stored, STR("synchronizationRules")), rng);
    adopt_directories(a, json_get(document, STR("directories")),
                      json_get(stored, STR("directories")));
    adopt_ids(a, json_get(document, STR("directories")), json_get(stored, STR("directories")), rng);
}

static void check_kept(struct compiler *k, const struct json *old, const struct json *rules)
{
    struct place list = {.name = "synchronizationRules"};
    struct str name = str_sub(json_get_text(old, "name"), 0, 150);
    const struct json *rule = rules ? rules->first : NULL;
    struct place at = {.parent = &list};

    while (rule && !str_eq(json_get_text(rule, "id"), json_get_text(old, "id"))) {
        rule = rule->next;
        at.index++;
    }
    if (!rule) {
        schema_finding(k, &list, "RuleNotEditable",
                       "the rule '%.*s' is not editable and cannot be removed", STR_ARG(name));
    } else if (!json_equal(json_get(rule, STR("objectMappings")),
                           json_get(old, STR("objectMappings")))) {
        schema_finding(k, &at, "RuleNotEditable", "the rule '%.*s' is not editable", STR_ARG(name));
    }
}

bool mapping_document_check_editable(struct arena *a, const struct json *document,
                                     const struct json *stored,
                                     struct mapping_finding **out_findings, struct err *err)
{
    struct compiler k = {.arena = a, .schema = document};

    JSON_EACH(old, json_get(stored, STR("synchronizationRules")))
    {
        if (!json_get_bool(old, "editable", true))
            check_kept(&k, old, json_get(document, STR("synchronizationRules")));
    }
    return !k.first || refuse(&k, out_findings, err);
}

void mapping_document_set_version(struct arena *a, struct json *document, int64_t now_us,
                                  struct rng *rng)
{
    char at[TIME_TEXT_MAX];
    char id[UUID_TEXT_MAX];
    struct str time = time_write(now_us, at);

    uuid_new(rng, id);
    /* Seven digits of a second, as the reference writes them. */
    json_set(a, document, STR("version"),
             json_string(a, arena_printf(a, "Date:%.*s0000Z, ActivityId:%s", (int)(time.len - 1),
                                         time.ptr, id)));
}

bool mapping_document_same(const struct json *a, const struct json *b)
{
    size_t members[2] = {0, 0};

    JSON_EACH(item, a)
    {
        const struct json *other = json_get(b, item->name);

        if (str_eq_z(item->name, "id") || str_eq_z(item->name, "version"))
            continue;
        members[0]++;
        if (!other || !json_equal(item, other))
            return false;
    }
    JSON_EACH(item, b)
    {
        members[1] += !str_eq_z(item->name, "id") && !str_eq_z(item->name, "version");
    }
    return members[0] == members[1];
}

struct str mapping_document_text(struct arena *a, const struct json *document)
{
    CLEANUP(buf_done) struct buf text = {0};

    buf_init(&text, (size_t)MAPPING_DOCUMENT_MAX_BYTES * 8);
    json_write_pretty(&text, document);
    buf_add_char(&text, '\n');
    return arena_str(a, buf_str(&text));
}

/* --- Editing --- */

struct json *mapping_document_object(struct json *document, enum source_kind kind)
{
    struct str name = kind == SOURCE_GROUP ? STR("Group") : STR("User");
    struct json *disabled = NULL;

    JSON_EACH(rule, json_get(document, STR("synchronizationRules")))
    {
        JSON_EACH(mapping, json_get(rule, STR("objectMappings")))
        {
            if (!str_eq_ascii_nocase(json_get_text(mapping, "sourceObjectName"), name))
                continue;
            if (json_get_bool(mapping, "enabled", true))
                return mapping;
            if (!disabled)
                disabled = mapping;
        }
    }
    return disabled;
}

struct json *mapping_document_attribute(struct json *object_mapping, struct str target)
{
    JSON_EACH(mapping, json_get(object_mapping, STR("attributeMappings")))
    {
        if (target_same(json_get_text(mapping, "targetAttributeName"), target))
            return mapping;
    }
    return NULL;
}
