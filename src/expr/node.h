/* The syntax tree of an expression, as the parser leaves it and the evaluator walks it. Private to
 * this folder. */
#pragma once

#include "expr/expr.h"

#include <stdarg.h>

struct expr_function;
struct expr_regex;

enum node_kind {
    NODE_OMITTED, /* an argument position left empty */
    NODE_STRING,
    NODE_INTEGER,
    NODE_DOUBLE,
    NODE_NAME, /* a bare constant: True, NULL, IgnoreAttributeFlow, vbTextCompare */
    NODE_ATTRIBUTE,
    NODE_CALL,
    NODE_COMPARE, /* two parts */
    NODE_CONCAT,  /* two or more parts */
};

enum relop { RELOP_EQ, RELOP_NE, RELOP_GT, RELOP_GE, RELOP_LT, RELOP_LE };

struct node {
    enum node_kind kind;
    enum relop relop;
    size_t offset;   /* where it begins in the text */
    struct str text; /* string value, attribute name, function name, constant name, number's text */
    unsigned slot;   /* attribute */
    struct expr_value value; /* literals, bare constants, folded parts */
    bool folded;             /* calls and operators: of constants, value is what they give */
    const struct expr_function *function;
    const struct expr_regex *regex; /* call: its constant pattern, compiled */
    struct node **parts;            /* arguments or operands */
    size_t count;
};

struct expr {
    struct node *root;
    struct str text; /* as it was written */
    struct expr_names *names;
    unsigned *slots;
    size_t slot_count;
    bool redacts;
};

/* Syntax alone: length, tokens, grammar. Names and arguments of calls are not looked at. */
MUST_USE bool expr_parse(struct arena *a, struct str text, struct node **out,
                         struct expr_error *err);
void expr_print_node(struct buf *out, const struct node *n);

void expr_fold(struct arena *a, struct node *root); /* fold.c */

/* Says in which character of the text the error is: offsets are in bytes. Gives false. */
bool expr_error_place(struct expr_error *err, struct str text);

/* Fills *err, which may be NULL. expr_fail does so and gives false: `return expr_fail(err,
 * EXPR_TYPE, offset, "...")`. */
#define expr_fail(...) (expr_error_fill(__VA_ARGS__), false)
void expr_error_fill(struct expr_error *err, enum expr_fault fault, size_t offset,
                     const char *format, ...) PRINTF_LIKE(4, 5);
bool expr_fail_va(struct expr_error *err, enum expr_fault fault, size_t offset, const char *format,
                  va_list args) __attribute__((format(printf, 4, 0)));
