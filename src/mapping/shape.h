/* What a synchronization schema is made of (graph-api.md 3.6): for each object its members in the
 * order in which they are written, with type, default and the words for people. Completing,
 * checking and comparing documents are all made from these tables. Private to this folder. */
#pragma once

#include "mapping/schema.h"

enum member_form {
    FORM_TEXT,
    FORM_BOOL,
    FORM_INT,
    FORM_NAME,   /* one of names */
    FORM_FLAGS,  /* names joined by commas */
    FORM_TEXTS,  /* a list of texts */
    FORM_OBJECT, /* of shape */
    FORM_LIST,   /* of objects of shape */
    FORM_SOURCE, /* an attributeMappingSource: its expression is what counts */
    FORM_ANY,    /* kept as it is */
};

struct shape_member {
    const char *name;
    const char *words; /* for people; NULL: the name */
    enum member_form form;
    bool nullable;         /* the default is null */
    bool optional;         /* written only when it is there and not its default */
    bool needed;           /* must not be empty */
    const char *otherwise; /* default of a text or name; NULL: empty, none */
    int64_t number;        /* default of an integer, a Boolean or flags */
    const struct shape *shape;
    const struct schema_name *names;
    size_t name_count;
};

struct shape {
    const char *what; /* "attribute mapping" */
    const struct shape_member *members;
    size_t count;
    /* The members that tell which element of a list is which; NULL: elements have no identity. */
    const char *key[2];
    bool key_is_target; /* compared as names of target attributes */
};

extern const struct shape shape_schema;
extern const struct shape shape_rule, shape_object_mapping, shape_attribute_mapping;
extern const struct shape shape_filter_group, shape_filter_clause, shape_attribute;

const struct shape_member *shape_member_find(const struct shape *s, struct str name);

/* A document with all members, from an object. What is wrong is a finding and stays as it is. */
struct json *shape_complete(struct compiler *k, const struct json *given);
