/* Compiled scoping filters. Private to this folder. */
#pragma once

#include "expr/regex.h"
#include "mapping/schema.h"

enum filter_test {
    TEST_EQUALS,
    TEST_TRUE,
    TEST_FALSE,
    TEST_NULL,
    TEST_MATCHES,
    TEST_GREATER,
    TEST_GREATER_OR_EQUAL,
    TEST_LESS,
    TEST_LESS_OR_EQUAL,
    TEST_INCLUDES,
    TEST_ENDS,
    TEST_AND, /* the operator & */
    TEST_MEMBER,
};

/* An operator is a test, or its negation. */
struct filter_operator {
    struct str name;
    enum filter_test test;
    bool negated;
    bool unary;
    bool needs_text; /* an empty value makes no sense */
    unsigned types;  /* bits 1u << ATTRIBUTE_... */
};

/* What a value of the filter is, in every form that its operator may need. */
struct filter_operand {
    struct str text;
    bool has_number;
    int64_t number; /* an integer, or microseconds for a date */
    bool from_now;  /* the number is a distance from the present */
    bool by_name;   /* of a group: its display name */
    const struct expr_regex *regex;
};

struct filter_clause {
    const struct filter_operator *op;
    enum attribute_type type;
    unsigned slot;   /* in the object mapping's names, or in the filter's manager_names */
    bool of_manager; /* manager.NAME */
    struct filter_operand *operands;
    size_t operand_count;
    struct str text; /* "city EQUALS 'Berlin'": for explanations */
};

struct filter_group {
    struct str name;
    struct filter_clause *clauses; /* all must hold */
    size_t clause_count;
};

enum filter_set_kind { SET_INPUT, SET_CATEGORY, SET_GROUPS, SET_COUNT };

struct filter_set {
    struct filter_group *groups; /* one must hold; none: nobody is excluded */
    size_t count;
};

struct mapping_filter {
    struct filter_set sets[SET_COUNT];
    struct expr_names *manager_names; /* what clauses ask of the manager; NULL: nothing */
    struct str *group_names;          /* groups named by their display name */
    size_t group_name_count, group_name_cap;
};

extern const char *const filter_set_names[SET_COUNT];
