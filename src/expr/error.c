#include "expr/node.h"

#include <stdarg.h>

static const char *const fault_names[EXPR_FAULT_COUNT] = {
    [EXPR_TOO_LONG] = "TooLong",
    [EXPR_PARSE] = "Parse",
    [EXPR_UNKNOWN_FUNCTION] = "UnknownFunction",
    [EXPR_ARITY] = "Arity",
    [EXPR_NESTING] = "Nesting",
    [EXPR_TYPE] = "Type",
    [EXPR_INVALID_ARGUMENT] = "InvalidArgument",
    [EXPR_OUT_OF_RANGE] = "OutOfRange",
    [EXPR_DATE_PARSE] = "DateParse",
    [EXPR_REGEX] = "Regex",
    [EXPR_NOT_UNIQUE] = "NotUnique",
    [EXPR_CUSTOM] = "Custom",
};

const char *expr_fault_name(enum expr_fault fault)
{
    return fault_names[fault];
}

void expr_error_fill(struct expr_error *err, enum expr_fault fault, size_t offset,
                     const char *format, ...)
{
    char message[sizeof(err->err.message)];
    va_list args;

    if (!err)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    err->fault = fault;
    err->offset = offset;
    err_fill(&err->err, ERR_INVALID, fault_names[fault], "%s", message);
    err_place(&err->err, "character %zu", offset + 1);
}
