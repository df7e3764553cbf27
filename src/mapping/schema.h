/* Compiling a synchronization schema: findings, typed access to members, attribute definitions.
 * Private to this folder. */
#pragma once

#include "expr/expr.h"
#include "mapping/program.h"

struct compiler {
    struct arena *arena;
    const struct json *schema;
    struct mapping_finding *first;
    struct mapping_finding *last;
    size_t findings;
};

/* Where in the document a value stands: its JSON pointer, made when it is needed. */
struct place {
    const struct place *parent;
    const char *name; /* a member; NULL: element `index` */
    size_t index;
};

/* Adds a finding and gives false. */
bool schema_finding(struct compiler *k, const struct place *at, const char *code,
                    const char *format, ...) PRINTF_LIKE(4, 5);
bool schema_finding_at(struct compiler *k, const struct place *at, size_t offset, const char *code,
                       struct str message);

/* Members by type. Absent and null give the value `otherwise` without a finding. */
struct str schema_text(struct compiler *k, const struct place *at, const struct json *object,
                       const char *name);
bool schema_bool(struct compiler *k, const struct place *at, const struct json *object,
                 const char *name, bool otherwise);
int64_t schema_int(struct compiler *k, const struct place *at, const struct json *object,
                   const char *name, int64_t otherwise);
const struct json *schema_array(struct compiler *k, const struct place *at,
                                const struct json *object, const char *name);
const struct json *schema_object(struct compiler *k, const struct place *at,
                                 const struct json *object, const char *name);

/* A name of an enumeration, any letter case. False with a finding when it is none of them. */
struct schema_name {
    const char *name;
    int value;
};
bool schema_enum(struct compiler *k, const struct place *at, const struct json *object,
                 const char *name, const struct schema_name *names, size_t count, int *value);

/* The definition of an object in `directories`; NULL if there is none. */
const struct json *schema_object_definition(const struct compiler *k, struct str directory,
                                            struct str object);
const struct json *schema_attribute_definition(const struct json *object, struct str name);
/* Whether `directories` is there and lacks the directory. */
bool schema_lacks_directory(const struct compiler *k, struct str directory);

/* Fills type, multivalued, case_exact, required, ... of a target attribute from its definition, or
 * from what SCIM says about its name. False with a finding when the name is unknown or cannot be a
 * target. *out_immutable: to be written on create only. */
bool target_define(struct compiler *k, const struct place *at, const struct json *object,
                   struct mapping_attribute *m, bool *out_immutable);
/* Names equal but for ASCII case and the dot before a bracket (apps.md 1). */
bool target_same(struct str a, struct str b);

/* The source of an attribute mapping, compiled into m. */
struct source_scope {
    enum source_kind kind;
    const struct json *definition; /* of the source object; may be NULL */
    struct expr_names *names;
};
bool source_compile(struct compiler *k, const struct place *at, const struct json *mapping,
                    const struct source_scope *scope, struct mapping_attribute *m);
/* The text of a source as an expression, from whichever of its forms counts. */
void source_write(struct buf *out, const struct json *source);
/* True when the source object has the attribute; else a finding. */
bool source_check_name(struct compiler *k, const struct place *at, size_t offset,
                       const struct source_scope *scope, struct str name);

/* The source attributes of m by slot, IsSoftDeleted as computed. */
const struct json **mapping_bind(const struct mapping_object *m, const struct mapping_source *s,
                                 struct arena *a);

/* Scoping filter of an object mapping; NULL when it excludes nobody. */
const struct mapping_filter *filter_compile(struct compiler *k, const struct place *at,
                                            const struct json *scope,
                                            const struct source_scope *source);

/* A value as the target attribute's type. *out NULL: nothing. */
bool target_convert(const struct mapping_attribute *m, const struct expr_value *v, struct arena *a,
                    const struct json **out, struct err *err);
/* Text, as for constants and defaults. */
bool target_convert_text(const struct mapping_attribute *m, struct str text, struct arena *a,
                         const struct json **out, struct err *err);
