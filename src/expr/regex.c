#include "expr/regex.h"
const struct expr_regex *expr_regex_compile(struct arena *a, struct str pattern,
                                            struct expr_error *err)
{
    (void)a;
    (void)pattern;
    (void)err;
    return NULL;
}
