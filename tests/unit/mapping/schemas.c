#include "schemas.h"

#include "frame/frame.h"

#define BEFORE                                                                                    \
    "{'synchronizationRules': [{'name': 'R', 'priority': 1, 'sourceDirectoryName': "              \
    "'Azure Active Directory', 'targetDirectoryName': 'T', 'objectMappings': [{'name': 'Users', " \
    "'sourceObjectName': 'User', 'targetObjectName': 'U', 'attributeMappings': ["

struct json *json_from(struct arena *a, const char *text)
{
    char *copy = arena_z(a, str_from_z(text));
    struct err err = {0};
    struct json *v = NULL;

    for (char *c = copy; *c; c++) {
        if (*c == '\'')
            *c = '"';
    }
    CHECK(json_parse(a, str_from_z(copy), NULL, &v, NULL, &err), "%s: %s", copy, err.message);
    return v;
}

struct json *schema_from(struct arena *a, const char *mappings, const char *object_members,
                         const char *directories)
{
    struct str text = arena_printf(a, "%s%s]%s%s}]}], 'directories': [%s]}", BEFORE, mappings,
                                   *object_members ? ", " : "", object_members, directories);

    return json_from(a, text.ptr);
}

const struct mapping_object *object_from(struct arena *a, const char *mappings,
                                         const char *object_members, const char *directories)
{
    const struct mapping_program *program = NULL;
    struct mapping_finding *findings = NULL;
    struct err err = {0};

    CHECK(mapping_compile(a, schema_from(a, mappings, object_members, directories), &program,
                          &findings, &err),
          "%s: %s", err.place, err.message);
    return mapping_for(program, SOURCE_USER);
}
