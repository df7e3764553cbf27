/* The manual page of expressions, made from the table of functions. */
#pragma once

#include "cli/cli.h"
#include "expr/expr.h"

struct str expression_signature(struct arena *a, const struct expr_function_info *f);
void expression_manual(FILE *out); /* docs/manual/expressions.md */
