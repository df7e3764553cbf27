/* A scoping filter without the schema that it will be part of: to try it out. */
#include "mapping/schema.h"

static const struct str prefix = STR_INIT("/synchronizationRules/0/objectMappings/0/scope");

static struct json *one(struct arena *a, struct json *item)
{
    struct json *array = json_new(a, JSON_ARRAY);

    json_append(array, item);
    return array;
}

static struct json *attribute_mapping(struct arena *a, const char *target, const char *source)
{
    struct json *mapping = json_new(a, JSON_OBJECT);
    struct json *from = json_new(a, JSON_OBJECT);

    json_add_z(a, mapping, "targetAttributeName", target);
    json_add_int(a, mapping, "matchingPriority", 1);
    json_add_z(a, from, "name", source);
    json_add(a, mapping, STR("source"), from);
    return mapping;
}

/* The smallest schema that has the filter. */
static struct json *schema_around(struct arena *a, const struct json *scope, enum source_kind kind)
{
    bool user = kind == SOURCE_USER;
    struct json *schema = json_new(a, JSON_OBJECT);
    struct json *rule = json_new(a, JSON_OBJECT);
    struct json *object = json_new(a, JSON_OBJECT);

    json_add_z(a, object, "sourceObjectName", user ? "User" : "Group");
    json_add_z(a, object, "targetObjectName",
               user ? "urn:ietf:params:scim:schemas:core:2.0:User"
                    : "urn:ietf:params:scim:schemas:core:2.0:Group");
    json_add(a, object, STR("attributeMappings"),
             one(a, user ? attribute_mapping(a, "userName", "userPrincipalName")
                         : attribute_mapping(a, "displayName", "displayName")));
    json_add(a, object, STR("scope"), json_clone(a, scope));
    json_add(a, rule, STR("objectMappings"), one(a, object));
    json_add(a, schema, STR("synchronizationRules"), one(a, rule));
    return schema;
}

bool mapping_compile_filter(struct arena *a, const struct json *scope, enum source_kind kind,
                            const struct mapping_object **out,
                            struct mapping_finding **out_findings, struct err *err)
{
    const struct mapping_program *program;
    bool ok = mapping_compile(a, schema_around(a, scope, kind), &program, out_findings, err);

    for (struct mapping_finding *f = *out_findings; f; f = f->next) {
        if (str_starts(f->pointer, prefix))
            f->pointer = str_from(f->pointer, prefix.len);
    }
    if (!ok && err && str_starts(str_from_z(err->place), prefix))
        memmove(err->place, err->place + prefix.len, strlen(err->place) + 1 - prefix.len);
    if (ok)
        *out = mapping_for(program, kind);
    return ok;
}
