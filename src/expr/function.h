/* What a function of the language is: one entry of the table in functions.c, and one C function.
 * Private to this folder. */
#pragma once

#include "expr/node.h"
#include "expr/regex.h"
#include "expr/value.h"

enum parameter_type {
    PARAMETER_ANY, /* as it is */
    PARAMETER_TEXT,
    PARAMETER_INTEGER,
    PARAMETER_NUMBER,
    PARAMETER_BOOLEAN,
    PARAMETER_DATE,
};

enum parameter_flag {
    PARAMETER_OPTIONAL = 1, /* may be left empty, or be missing when nothing follows */
    PARAMETER_BLANK = 2,    /* the position must be there, but may be left empty */
    PARAMETER_REPEATS = 4,  /* the last one: any number of positions */
};

struct parameter {
    const char *name;
    enum parameter_type type;
    unsigned flags;
};

enum function_flag {
    FUNCTION_EACH = 1,      /* a list as first argument: applied to each value */
    FUNCTION_SEES_NULL = 2, /* handles a null first argument itself; else it gives null */
    FUNCTION_ANY_NULL = 4,  /* any null argument gives null */
    FUNCTION_LAZY = 8,      /* evaluates its arguments itself */
    FUNCTION_VARIES = 16,   /* not the same for the same arguments: clock, random, target */
};

/* What a call gives, unless it is null or a signal. */
enum function_gives {
    GIVES_ANY,
    GIVES_TEXT, /* of a list, for functions marked EACH: a list of texts */
    GIVES_TEXTS,
    GIVES_INTEGER,
    GIVES_NUMBER,
    GIVES_BOOLEAN,
    GIVES_DATE,
    GIVES_REFERENCE,
    GIVES_BINARY,
    GIVES_RECORDS,
};

enum { EXPR_MAX_PARAMETERS = 8 };

struct call;
typedef bool (*function_call)(struct call *c, struct expr_value *out);

struct expr_function {
    const char *name;
    function_call call;
    unsigned flags;
    enum function_gives gives;
    struct parameter parameters[EXPR_MAX_PARAMETERS]; /* ends with a NULL name */
    const char *help;
    const char *example;
};

extern const struct expr_function expr_functions[];
extern const size_t expr_functions_count;

const struct expr_function *expr_function_find(struct str name);    /* NULL if unknown */
const struct expr_function *expr_function_nearest(struct str name); /* NULL if none is near */
/* The parameter that stands for position i of a call with count positions. */
const struct parameter *expr_function_parameter(const struct expr_function *f, size_t i,
                                                size_t count);
const char *expr_function_key(const struct expr_function *f, size_t i, size_t count);
size_t expr_function_parameters(const struct expr_function *f); /* how many it declares */

/* One evaluation of one expression. */
struct evaluation {
    const struct expr_context *context;
    struct expr_error *err;
    size_t work;    /* bytes built so far, at most EXPR_MAX_WORK */
    uint64_t steps; /* spent on searching so far, at most EXPR_MAX_STEPS */
};

/* One call while it runs: args are evaluated and of the parameters' types, unless the function is
 * lazy. There are at least as many args as parameters; those not given are null with text "". */
struct call {
    struct evaluation *evaluation;
    const struct node *node;
    struct expr_value *args;
    size_t count; /* positions written in the expression */
};

static inline struct arena *call_arena(const struct call *c)
{
    return c->evaluation->context->arena;
}

MUST_USE bool node_evaluate(struct evaluation *ev, const struct node *n, struct expr_value *out);

/* A position that is written and not empty. */
static inline bool call_given(const struct call *c, size_t i)
{
    return i < c->count && c->node->parts[i]->kind != NODE_OMITTED;
}

/* For lazy functions: evaluates argument i (null if omitted). */
MUST_USE bool call_evaluate(struct call *c, size_t i, struct expr_value *out);
/* A null in place of a text counts as "". False with an error for what cannot be text. */
MUST_USE bool call_text(struct call *c, size_t i, const struct expr_value *v, struct str *out);
/* Memory for a result of so many bytes; NULL with an error when it is over a limit. */
char *call_alloc(struct call *c, size_t bytes);
/* The same for a list's values. */
struct expr_value *call_alloc_list(struct call *c, size_t count);
/* Counts a search that may look at `each` things for each of `count` others. False with an error
 * when the evaluation has spent its steps. */
MUST_USE bool call_spend(struct call *c, size_t count, size_t each);
/* The error of a call, placed at argument i. Gives false. */
bool call_fail(const struct call *c, enum expr_fault fault, size_t i, const char *format, ...)
    PRINTF_LIKE(4, 5);

static inline bool give_text(struct expr_value *out, struct str text)
{
    *out = (struct expr_value){.type = EXPR_STRING, {.text = text}};
    return true;
}

static inline bool give_bool(struct expr_value *out, bool b)
{
    *out = (struct expr_value){.type = EXPR_BOOLEAN, {.boolean = b}};
    return true;
}

static inline bool give_integer(struct expr_value *out, int64_t n)
{
    *out = (struct expr_value){.type = EXPR_INTEGER, {.integer = n}};
    return true;
}

static inline bool give_null(struct expr_value *out)
{
    *out = (struct expr_value){.type = EXPR_NULL};
    return true;
}

/* fn_logic.c */
bool fn_coalesce(struct call *c, struct expr_value *out);
bool fn_error(struct call *c, struct expr_value *out);
bool fn_ignore_flow(struct call *c, struct expr_value *out);
bool fn_iif(struct call *c, struct expr_value *out);
bool fn_is_empty(struct call *c, struct expr_value *out);
bool fn_is_null(struct call *c, struct expr_value *out);
bool fn_is_null_or_empty(struct call *c, struct expr_value *out);
bool fn_is_present(struct call *c, struct expr_value *out);
bool fn_is_string(struct call *c, struct expr_value *out);
bool fn_not(struct call *c, struct expr_value *out);
bool fn_redact(struct call *c, struct expr_value *out);
bool fn_select_unique(struct call *c, struct expr_value *out);
bool fn_switch(struct call *c, struct expr_value *out);

/* fn_text.c */
bool fn_append(struct call *c, struct expr_value *out);
bool fn_in_str(struct call *c, struct expr_value *out);
bool fn_in_str_rev(struct call *c, struct expr_value *out);
bool fn_join(struct call *c, struct expr_value *out);
bool fn_left(struct call *c, struct expr_value *out);
bool fn_len(struct call *c, struct expr_value *out);
bool fn_mid(struct call *c, struct expr_value *out);
bool fn_prepend(struct call *c, struct expr_value *out);
bool fn_right(struct call *c, struct expr_value *out);
bool fn_strip_spaces(struct call *c, struct expr_value *out);
bool fn_trim(struct call *c, struct expr_value *out);
bool fn_ltrim(struct call *c, struct expr_value *out);
bool fn_rtrim(struct call *c, struct expr_value *out);
bool fn_word(struct call *c, struct expr_value *out);
bool fn_pad_left(struct call *c, struct expr_value *out);
bool fn_pad_right(struct call *c, struct expr_value *out);

/* fn_date.c */
bool fn_cdate(struct call *c, struct expr_value *out);
bool fn_date_add(struct call *c, struct expr_value *out);
bool fn_date_diff(struct call *c, struct expr_value *out);
bool fn_date_from_num(struct call *c, struct expr_value *out);
bool fn_is_date(struct call *c, struct expr_value *out);
bool fn_now(struct call *c, struct expr_value *out);
bool fn_num_from_date(struct call *c, struct expr_value *out);

/* fn_code.c */
bool fn_from_base64(struct call *c, struct expr_value *out);
bool fn_from_utf8_hex(struct call *c, struct expr_value *out);
bool fn_random_string(struct call *c, struct expr_value *out);
bool fn_to_base64(struct call *c, struct expr_value *out);
bool fn_to_utf8_hex(struct call *c, struct expr_value *out);

/* fn_letters.c */
bool fn_pcase(struct call *c, struct expr_value *out);
bool fn_normalize_diacritics(struct call *c, struct expr_value *out);
bool fn_to_lower(struct call *c, struct expr_value *out);
bool fn_to_upper(struct call *c, struct expr_value *out);

/* fn_list.c */
bool fn_contains(struct call *c, struct expr_value *out);
bool fn_count(struct call *c, struct expr_value *out);
bool fn_item(struct call *c, struct expr_value *out);
bool fn_item_or_null(struct call *c, struct expr_value *out);
bool fn_remove_duplicates(struct call *c, struct expr_value *out);
bool fn_role_names(struct call *c, struct expr_value *out);
bool fn_role_assignments(struct call *c, struct expr_value *out);
bool fn_single_role_assignment(struct call *c, struct expr_value *out);
bool fn_split(struct call *c, struct expr_value *out);

/* fn_number.c */
bool fn_bit_and(struct call *c, struct expr_value *out);
bool fn_bit_or(struct call *c, struct expr_value *out);
bool fn_cbool(struct call *c, struct expr_value *out);
bool fn_cnum(struct call *c, struct expr_value *out);
bool fn_cref(struct call *c, struct expr_value *out);
bool fn_cstr(struct call *c, struct expr_value *out);
bool fn_guid(struct call *c, struct expr_value *out);
bool fn_is_bit_set(struct call *c, struct expr_value *out);
bool fn_is_numeric(struct call *c, struct expr_value *out);

bool fn_random_num(struct call *c, struct expr_value *out);

/* fn_replace.c */
bool fn_replace(struct call *c, struct expr_value *out);
bool fn_replace_chars(struct call *c, struct expr_value *out);

/* fn_format.c */
bool fn_format_date(struct call *c, struct expr_value *out);

/* fn_directory.c */
bool fn_cguid(struct call *c, struct expr_value *out);
bool fn_default_domain(struct call *c, struct expr_value *out);
bool fn_dn_component(struct call *c, struct expr_value *out);
bool fn_dn_component_rev(struct call *c, struct expr_value *out);
bool fn_escape_dn(struct call *c, struct expr_value *out);
bool fn_is_guid(struct call *c, struct expr_value *out);
bool fn_string_from_guid(struct call *c, struct expr_value *out);
bool fn_string_from_sid(struct call *c, struct expr_value *out);
