/* The expression language of attribute mappings (expressions.md): Join(" ", [givenName],
 * [surname]). An expression is compiled once, is immutable afterwards and may be evaluated by any
 * number of threads; evaluation allocates in the caller's arena only and never changes its input.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/rng.h"

#define EXPR_MAX_CHARACTERS 10000      /* code points of an expression */
#define EXPR_MAX_DEPTH      200        /* calls inside calls */
#define EXPR_MAX_TEXT       (1u << 20) /* bytes of one text */
#define EXPR_MAX_LIST       10000      /* values of one list */
/* Bytes that one evaluation may build altogether, so that a short expression over a long list
 * cannot fill the memory. */
#define EXPR_MAX_WORK (64u << 20)

/* What can be wrong, as named by expressions.md section 11; err.code is expr_fault_name. */
enum expr_fault {
    EXPR_TOO_LONG,
    EXPR_PARSE,
    EXPR_UNKNOWN_FUNCTION,
    EXPR_ARITY,
    EXPR_NESTING,
    EXPR_TYPE,
    EXPR_INVALID_ARGUMENT,
    EXPR_OUT_OF_RANGE,
    EXPR_DATE_PARSE,
    EXPR_REGEX,
    EXPR_NOT_UNIQUE,
    EXPR_CUSTOM,
    EXPR_FAULT_COUNT,
};
const char *expr_fault_name(enum expr_fault fault); /* "TooLong", "Parse", ... */

struct expr_error {
    struct err err; /* err.place is "character N" */
    enum expr_fault fault;
    size_t offset; /* bytes into the expression's text: where the message points to */
};

/* The attributes that expressions name, shared by expressions that are compiled together: each
 * distinct name has a slot, so that one walk over a source object finds the values for all. */
struct expr_names;

/* canonical, if not NULL, gives the name under which an attribute is found in source objects, e.g.
 * "mobile" for "mobilePhone"; the text it returns must live as long as a. */
struct expr_names *expr_names_new(struct arena *a,
                                  struct str (*canonical)(const void *ctx, struct str name),
                                  const void *ctx);
size_t expr_names_count(const struct expr_names *n);
struct str expr_names_at(const struct expr_names *n, size_t slot); /* the canonical name */
size_t expr_names_slot(struct expr_names *n, struct str name);     /* adds it if it is new */
/* Fills slots[count] with the members of object, NULL where there is none. */
void expr_names_bind(const struct expr_names *n, const struct json *object,
                     const struct json **slots);

struct expr; /* a compiled expression */

/* Compiles text. The expression lives in a and does not point into text; names, which may be NULL,
 * gets the attributes. Checks in the order of expressions.md section 2: length, syntax, then for
 * each call its name, arguments and nesting. */
MUST_USE bool expr_compile(struct arena *a, struct str text, struct expr_names *names,
                           const struct expr **out, struct expr_error *err);

const struct expr_names *expr_names(const struct expr *e);
/* The slots of the attributes that the expression names, each once. */
const unsigned *expr_slots(const struct expr *e, size_t *out_count);
bool expr_is_attribute(const struct expr *e, struct str *out_name); /* [mail] alone; as written */
bool expr_is_constant(const struct expr *e, struct str *out_text);  /* "text" or a number alone */
bool expr_redacts(const struct expr *e);                            /* calls Redact somewhere */
bool expr_selects_unique(const struct expr *e); /* SelectUniqueValue outermost */

/* What can only fail, found without values: arguments that can never have the type they need, calls
 * of constants that fail. certain: every evaluation comes by it, so the expression can never give a
 * value; else it stands in a branch. NULL: nothing is wrong. */
struct expr_warning {
    struct expr_error error;
    bool certain;
    struct expr_warning *next;
};
struct expr_warning *expr_lint(struct arena *a, const struct expr *e);
/* Canonical text; compiling it again gives an equal expression. */
void expr_print(struct buf *out, const struct expr *e);
/* The attributeMappingSource {type, name, expression, parameters} (expressions.md 9). */
struct json *expr_to_json(struct arena *a, const struct expr *e);

enum expr_type {
    EXPR_NULL,
    EXPR_STRING,
    EXPR_BOOLEAN,
    EXPR_INTEGER,
    EXPR_DOUBLE,
    EXPR_DATE,
    EXPR_REFERENCE,
    EXPR_BINARY,
    EXPR_LIST,
    EXPR_COMPLEX,
    EXPR_IGNORE,        /* signal: this attribute does not flow */
    EXPR_IGNORE_OBJECT, /* signal: the object is skipped */
};

/* What an evaluation gives if not null: EXPR_LIST a list of texts, EXPR_COMPLEX a list of records,
 * EXPR_DOUBLE any number, EXPR_NULL: not known beforehand. */
enum expr_type expr_result(const struct expr *e);

struct expr_list {
    const struct expr_value *items;
    size_t count;
};

struct expr_value {
    enum expr_type type;
    union {
        struct str text; /* EXPR_STRING, EXPR_REFERENCE; EXPR_BINARY: the bytes */
        bool boolean;
        int64_t integer;
        double number;
        int64_t ticks;             /* EXPR_DATE: units of 100 ns since 0001-01-01T00:00:00Z */
        struct expr_list list;     /* never empty: an empty list is null */
        const struct json *record; /* EXPR_COMPLEX */
    };
};

/* The value of an expression that is the same for everybody. */
bool expr_constant_value(const struct expr *e, struct expr_value *out);

/* What an evaluation may know. */
struct expr_context {
    struct arena *arena;             /* gets results and intermediate values */
    const struct json *const *slots; /* by expr_names_bind */
    int64_t now_us;                  /* what Now() says */
    struct rng *rng;                 /* NULL: random functions fail */
    struct str default_domain;       /* what DefaultDomain() says; empty: null */
    /* SelectUniqueValue: does another account have the value? NULL: not available. */
    bool (*taken)(void *ctx, struct str value, bool *out_taken, struct err *err);
    void *taken_ctx;
};

/* Evaluates; text in *out may point into the source object, the expression or the arena. */
MUST_USE bool expr_evaluate(const struct expr *e, const struct expr_context *c,
                            struct expr_value *out, struct expr_error *err);

/* The typed result as JSON: dates in their text form, null for null, signals as
 * {"$flow": "ignore"|"ignoreObject"}, binary as {"$binary": base64}. */
struct json *expr_value_json(struct arena *a, const struct expr_value *v);
/* The text form of a single value (expressions.md 3, coercion to string). False for null, lists of
 * several values, binary, complex values and signals. */
bool expr_value_text(struct arena *a, const struct expr_value *v, struct str *out);

/* The functions, for listings: name, parameters, what it does. */
struct expr_parameter_info {
    const char *name;
    const char *type; /* "String", "Integer", ... */
    bool optional;
    bool repeats;
};
struct expr_function_info {
    const char *name;
    const char *gives; /* "text", "integer", ... */
    const char *help;
    const char *example;
    bool each;      /* of a list as main argument: applied to every value */
    bool sees_null; /* null as first argument does not give null */
    size_t parameter_count;
    struct expr_parameter_info parameters[8];
};
size_t expr_function_count(void);
struct expr_function_info expr_function_info(size_t i); /* in alphabetical order */
