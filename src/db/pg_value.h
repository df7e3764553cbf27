/* Values as PostgreSQL's protocol has them: arguments on their way out, columns coming back in
 * binary. Inside src/db only; what libpq is asked for is pg.c's. */
#pragma once

#include "db/driver.h"

/* Types of the catalogue that usher's statements have; their numbers never change. */
enum pg_type {
    PG_BOOL = 16,
    PG_BYTEA = 17,
    PG_NAME = 19,
    PG_INT8 = 20,
    PG_INT2 = 21,
    PG_INT4 = 23,
    PG_TEXT = 25,
    PG_FLOAT8 = 701,
    PG_VARCHAR = 1043,
};
bool pg_type_is_text(unsigned type);
bool pg_type_is_read(unsigned type); /* whether a column may have it */

/* Arguments of one statement in the form libpq takes them. */
struct pg_arguments {
    const char *values[DB_PARAMS_MAX];
    int lengths[DB_PARAMS_MAX];
    int formats[DB_PARAMS_MAX]; /* 1: binary */
    char numbers[DB_PARAMS_MAX][24];
};
/* Argument i; texts and blobs are not copied. False when the value has not the type that PostgreSQL
 * found for the argument. */
MUST_USE bool pg_argument(struct pg_arguments *b, size_t i, const struct db_value *v,
                          unsigned type);

/* A column of a row, in binary; a text is followed by a NUL. */
struct pg_value {
    unsigned type;
    const char *bytes;
    size_t len; /* 0 of NULL, too */
};
int64_t pg_value_int(struct pg_value v); /* of a text: what it says; 0 if that is no number */
double pg_value_double(struct pg_value v);
