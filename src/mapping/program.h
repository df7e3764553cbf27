/* A synchronization schema, compiled: the object mappings with their attribute mappings, ready to
 * be evaluated for one object after the other (attribute-mappings.md). A program is immutable and
 * may be used by any number of threads; evaluation allocates only in the caller's arena. The
 * stations map and plan of the walk are calls into this file. */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/rng.h"
#include "mapping/attributes.h"

enum mapping_flow_type {
    FLOW_ALWAYS,
    FLOW_OBJECT_ADD_ONLY,
    FLOW_MULTI_VALUE_ADD_ONLY,
    FLOW_VALUE_ADD_ONLY,
    FLOW_ATTRIBUTE_ADD_ONLY
};
enum mapping_flow_behavior { FLOW_WHEN_CHANGED, FLOW_ALWAYS_SENT };
enum {
    MAPPING_CAN_ADD = 1,
    MAPPING_CAN_UPDATE = 2,
    MAPPING_CAN_DELETE = 4
}; /* flowTypes of an object mapping */

struct expr;           /* a compiled expression */
struct expr_names;     /* the source attributes that a set of expressions names */
struct mapping_filter; /* a compiled scoping filter */

enum mapping_form { MAPPING_NONE, MAPPING_DIRECT, MAPPING_CONSTANT, MAPPING_EXPRESSION };

struct mapping_attribute {
    struct str target;       /* targetAttributeName: "emails[type eq \"work\"].value" */
    struct str source_text;  /* "[mail]", "Join(...)", "\"Contoso\"": for logs and explanations */
    const struct expr *expr; /* NULL: mapping type None */
    enum mapping_form form;
    unsigned slot;               /* MAPPING_DIRECT: of the source attribute */
    const struct json *constant; /* MAPPING_CONSTANT: of the target attribute's type */
    bool has_default;
    struct str default_value;
    unsigned matching_priority; /* 0: not a matching attribute */
    enum mapping_flow_type flow_type;
    enum mapping_flow_behavior flow_behavior;
    bool flow_null;           /* both gates are open (section 5) */
    bool uses_soft_deleted;   /* its value depends on IsSoftDeleted */
    bool is_reference;        /* the source is a reference: manager, members */
    struct str reference;     /* then: the source attribute's name */
    enum attribute_type type; /* of the target attribute */
    bool multivalued;
    bool case_exact;
    bool required;
    bool has_definition_default; /* a required attribute's own default (section 4) */
    struct str definition_default;
    size_t max_length;   /* characters; 0: no limit */
    bool selects_unique; /* SelectUniqueValue: evaluated only when the target can be asked */
    bool secret;         /* value is never logged (Redact, passwords) */
};

struct mapping_object { /* one object mapping */
    struct str name;
    enum source_kind kind;
    struct str target_type; /* targetObjectName: the URN */
    bool enabled;
    unsigned can; /* MAPPING_CAN_... */
    struct mapping_attribute *attributes;
    size_t attribute_count;
    const struct mapping_filter *scope; /* NULL: no filter */
    bool maps_soft_deleted; /* some attribute uses IsSoftDeleted: disabling is possible */
    /* Source attributes have slots, so that one walk over a source object finds them all. */
    const struct expr_names *names;
    size_t soft_deleted_slot;                  /* of IsSoftDeleted; SIZE_MAX if nothing names it */
    const struct mapping_attribute **matching; /* the matching attributes by precedence */
    size_t matching_count;
    const struct str *unmapped_required; /* required target attributes that no mapping fills */
    size_t unmapped_required_count;
};

struct mapping_program {
    struct mapping_object *objects; /* in the order of rule priority */
    size_t object_count;
};

/* A finding of the save-time checks: all are collected, each with a JSON pointer into the schema.
 */
struct mapping_finding {
    struct str
        pointer; /* "/synchronizationRules/0/objectMappings/0/attributeMappings/3/source/expression"
                  */
    const char *code;   /* stable: "UnknownAttribute", "Parse", "DuplicateTarget",
                           "NoMatchingAttribute", ... */
    struct str message; /* for people, says what was expected and the nearest known name */
    size_t offset;      /* inside an expression, else 0 */
    struct mapping_finding *next;
};

/* Compiles a schema document (graph-api.md 3.6 / attribute-mappings.md 13). The program and the
 * findings live in a; the document may be dropped afterwards. False with ERR_INVALID
 * "schemaInvalid" and the findings when it is refused. */
MUST_USE bool mapping_compile(struct arena *a, const struct json *schema,
                              const struct mapping_program **out,
                              struct mapping_finding **out_findings, struct err *err);
/* The enabled or disabled object mapping for a kind of source object; NULL if there is none. */
const struct mapping_object *mapping_for(const struct mapping_program *p, enum source_kind kind);

/* What evaluation may know besides the values. */
struct mapping_context {
    int64_t now_us; /* one instant per object */
    struct rng *rng;
    /* For SelectUniqueValue: true if some account other than this one has the value. NULL: not
     * available. */
    bool (*taken)(void *ctx, struct str target_attribute, struct str value, bool *out_taken,
                  struct err *err);
    void *taken_ctx;
    /* For IS_MEMBER_OF by display name: the group's object id, empty if there is no such group.
     * NULL: filters that name groups match nobody. */
    struct str (*group_id)(void *ctx, struct str display_name);
    void *group_ctx;
    struct str default_domain; /* of the directory; empty: unknown */
};

struct mapping_source {
    enum source_kind kind;
    const struct json *attributes; /* an object by the first spelling of the attribute names;
                                      references as id strings */
    bool is_soft_deleted;          /* the computed attribute */
    const struct json *manager;    /* the direct manager's attributes; NULL: there is none */
};

/* Scope: true when the object passes the mapping's filter or there is none. *out_reason (in a)
 * names the clause that decided, in words, when it fails. */
bool mapping_in_scope(const struct mapping_object *m, const struct mapping_source *s,
                      const struct mapping_context *c, struct arena *a, struct str *out_reason);

/* Whether the object mapping handles the object at all: its input and category filters. One that
 * it does not handle is neither provisioned nor deprovisioned (scoping-filters.md 4). */
bool mapping_handles(const struct mapping_object *m, const struct mapping_source *s,
                     const struct mapping_context *c, struct arena *a, struct str *out_reason);
/* When a comparison of the filter with the present turns next for this object; 0: never. */
int64_t mapping_turns_us(const struct mapping_object *m, const struct mapping_source *s,
                         const struct mapping_context *c, struct arena *a);

/* A scoping filter's verdict, clause by clause: who is excluded can be told by which. */
struct mapping_clause_verdict {
    const char *set;  /* "groups", "inputFilterGroups", "categoryFilterGroups" */
    size_t group;     /* its number in the set, from 0 */
    struct str title; /* the group's name */
    struct str text;  /* "city EQUALS 'Berlin'" */
    bool holds;
    bool empty;               /* the attribute has no value */
    const struct json *value; /* what was looked at; NULL: no value */
};
struct mapping_verdict {
    bool in_scope;
    struct str reason; /* out of scope: as mapping_in_scope says it */
    struct mapping_clause_verdict *clauses;
    size_t clause_count;
    int64_t turns_us; /* when a comparison with the present turns next; 0: never */
};
void mapping_judge(const struct mapping_object *m, const struct mapping_source *s,
                   const struct mapping_context *c, struct arena *a, struct mapping_verdict *out);

/* What a filter needs to know of others: the manager's attributes, the ids of groups named by their
 * display name. */
bool mapping_needs_manager(const struct mapping_object *m);
/* Whether the filter compares anything with the present. */
bool mapping_needs_now(const struct mapping_object *m);
size_t mapping_group_names(const struct mapping_object *m, const struct str **out_names);

/* A filter by itself, as `usher filter test` takes it: {"groups": [...], ...}. Pointers of findings
 * are relative to it. */
MUST_USE bool mapping_compile_filter(struct arena *a, const struct json *scope,
                                     enum source_kind kind, const struct mapping_object **out,
                                     struct mapping_finding **out_findings, struct err *err);

enum mapping_outcome {
    MAPPING_NULL, /* evaluates to null */
    MAPPING_VALUE,
    MAPPING_IGNORED,     /* signal: this attribute does not flow */
    MAPPING_SKIP_OBJECT, /* signal: the whole object is skipped */
    MAPPING_FAILED,      /* err says why; the object fails */
};
struct mapping_value {
    enum mapping_outcome outcome;
    const struct json *value; /* MAPPING_VALUE: converted to the target attribute's type */
};

/* Evaluates every attribute mapping of m, references excepted (they stay MAPPING_IGNORED). out has
 * m->attribute_count places. False when any failed: *err has code and message, place names the
 * target attribute. */
MUST_USE bool mapping_evaluate(const struct mapping_object *m, const struct mapping_source *s,
                               const struct mapping_context *c, struct arena *a,
                               struct mapping_value *out, struct err *err);

/* One attribute mapping alone. */
MUST_USE bool mapping_evaluate_one(const struct mapping_object *m, size_t i,
                                   const struct mapping_source *s, const struct mapping_context *c,
                                   struct arena *a, struct mapping_value *out, struct err *err);

/* One attribute of the target that is to change. */
struct mapping_change {
    const struct mapping_attribute *attribute;
    const struct json *before; /* NULL: unknown or no value */
    const struct json *after;  /* NULL: to be cleared */
};
struct mapping_changes {
    struct mapping_change *items; /* in a; attribute_count places */
    size_t count;
};

/* What a create sends (section 4). False with ERR_INVALID "MissingValues" naming the required
 * target attribute. */
MUST_USE bool mapping_create(const struct mapping_object *m, const struct mapping_value *values,
                             struct arena *a, struct mapping_changes *out, struct err *err);

enum mapping_update_kind {
    UPDATE_ALL,               /* an object in scope */
    UPDATE_SOFT_DELETED_ONLY, /* while IsSoftDeleted is true: only what depends on it
                                 (engine.md 6.2) */
};
/* What an update sends: the difference between the values and `current`, a flat object {target
 * attribute: value} that is either what was last exported or what was just read from the target. */
void mapping_update(const struct mapping_object *m, const struct mapping_value *values,
                    const struct json *current, enum mapping_update_kind kind, struct arena *a,
                    struct mapping_changes *out);

/* The change that gives one target attribute a value written as text, as a removal that sets an
 * attribute does (engine.md 6.3); none when it has it already. False with ERR_INVALID
 * "SchemaAttributeNotFound" when no attribute mapping fills it: then nothing would take it back;
 * or when its type does not take the text. */
MUST_USE bool mapping_set(const struct mapping_object *m, struct str target, struct str value,
                          const struct json *current, struct arena *a, struct mapping_changes *out,
                          struct err *err);

/* The flat object {target attribute: value} after the changes: what is kept as last exported. */
struct json *mapping_exported(const struct json *before, const struct mapping_changes *changes,
                              struct arena *a);
/* The same as compact JSON, in a; without building it first where there is nothing before. */
struct str mapping_exported_text(const struct json *before, const struct mapping_changes *changes,
                                 struct arena *a);

/* Equality under the target attribute's case rule; multi-valued as sets. Either may be NULL (no
 * value; "" equals it). */
bool mapping_equal(const struct mapping_attribute *m, const struct json *a, const struct json *b);

/* The values by which the object is looked for, in the order of precedence: criteria are groups of
 * mappings with the same priority, all of whose values are present. Returns how many criteria there
 * are; 0 means ImportSkipped. */
struct mapping_criterion {
    const struct mapping_attribute *attributes[4];
    const struct json *values[4];
    size_t count;
};
size_t mapping_criteria(const struct mapping_object *m, const struct mapping_value *values,
                        struct mapping_criterion *out, size_t max);
