#include "base/unicode.h"
#include "expr/node.h"

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

bool expr_fail_va(struct expr_error *err, enum expr_fault fault, size_t offset, const char *format,
                  va_list args)
{
    char message[sizeof(err->err.message)];

    if (!err)
        return false;
    (void)vsnprintf(message, sizeof(message), format, args);
    err->fault = fault;
    err->offset = offset;
    err_fill(&err->err, ERR_INVALID, fault_names[fault], "%s", message);
    return false;
}

void expr_error_fill(struct expr_error *err, enum expr_fault fault, size_t offset,
                     const char *format, ...)
{
    va_list args;

    va_start(args, format);
    expr_fail_va(err, fault, offset, format, args);
    va_end(args);
}

bool expr_error_place(struct expr_error *err, struct str text)
{
    struct str before;

    if (!err)
        return false;
    before = str_sub(text, 0, err->offset);
    return err_at(&err->err, "character %zu",
                  (utf8_valid(before, NULL) ? utf8_length(before) : before.len) + 1);
}
