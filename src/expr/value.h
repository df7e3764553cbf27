/* Values and their coercions (expressions.md section 3). Private to this folder. */
#pragma once

#include "expr/expr.h"

#define TICKS_PER_US     INT64_C(10)
#define TICKS_PER_SECOND INT64_C(10000000)
#define TICKS_PER_DAY    (INT64_C(86400) * TICKS_PER_SECOND)

bool value_is_null(const struct expr_value *v);
bool value_is_empty(const struct expr_value *v); /* null or "" */
bool value_is_signal(const struct expr_value *v);
const char *value_type_name(const struct expr_value *v); /* "a list", "text": for messages */

/* From a source object; text is shared. NULL and [] give null. */
struct expr_value value_from_json(struct arena *a, const struct json *v);

/* Coercions. All give false when the value cannot take the type, null included. A list of one value
 * counts as that value. */
bool value_to_integer(const struct expr_value *v, int64_t *out);
bool value_to_number(const struct expr_value *v, struct expr_value *out); /* integer or double */
bool value_to_boolean(const struct expr_value *v, bool *out);             /* null is false */
double value_double(const struct expr_value *number);

/* Text order by UTF-16 code units. */
int value_order_text(struct str a, struct str b);

/* Dates, see date.c. */
#define DAYS_TO_1970 INT64_C(719162)                    /* from 0001-01-01 */
#define TICKS_END    (INT64_C(3652059) * TICKS_PER_DAY) /* 10000-01-01 */

bool value_to_date(const struct expr_value *v, int64_t *out_ticks);
/* The same, but an offset from UTC may lead out of the years 1 to 9999. */
bool value_to_instant(const struct expr_value *v, int64_t *out_ticks);
unsigned value_month_days(int64_t year, unsigned month);
struct str value_date_text(struct arena *a, int64_t ticks); /* M/d/yyyy h:mm:ss tt */
int64_t value_ticks_from_us(int64_t us);
