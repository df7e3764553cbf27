#include "db/pg_value.h"

#include <endian.h>

bool pg_type_is_text(unsigned type)
{
    return type == PG_TEXT || type == PG_VARCHAR || type == PG_NAME;
}

static bool is_int(unsigned type)
{
    return type == PG_INT8 || type == PG_INT4 || type == PG_INT2;
}

bool pg_type_is_read(unsigned type)
{
    return pg_type_is_text(type) || is_int(type) || type == PG_BOOL || type == PG_BYTEA ||
           type == PG_FLOAT8;
}

/* --- arguments --- */

static bool bind_text(struct pg_arguments *b, size_t i, struct str text)
{
    if (text.len > INT32_MAX)
        return false;
    b->values[i] = text.len ? text.ptr : "";
    b->lengths[i] = (int)text.len;
    b->formats[i] = 1;
    return true;
}

static bool bind_double(struct pg_arguments *b, size_t i, double number)
{
    uint64_t bits;

    memcpy(&bits, &number, sizeof(bits));
    bits = htobe64(bits);
    memcpy(b->numbers[i], &bits, sizeof(bits));
    b->values[i] = b->numbers[i];
    b->lengths[i] = sizeof(bits);
    b->formats[i] = 1;
    return true;
}

/* Whole numbers go as text, which all integer types read. */
bool pg_argument(struct pg_arguments *b, size_t i, const struct db_value *v, unsigned type)
{
    b->values[i] = NULL;
    b->lengths[i] = 0;
    b->formats[i] = 0;
    switch (v->type) {
    case DB_NULL:
        return true;
    case DB_INT:
        snprintf(b->numbers[i], sizeof(b->numbers[i]), "%lld", (long long)v->integer);
        b->values[i] = b->numbers[i];
        return is_int(type);
    case DB_BOOL:
        b->values[i] = v->integer ? "t" : "f";
        return type == PG_BOOL;
    case DB_DOUBLE:
        return type == PG_FLOAT8 && bind_double(b, i, v->number);
    case DB_TEXT:
        return pg_type_is_text(type) && bind_text(b, i, v->text);
    case DB_BLOB:
        return type == PG_BYTEA && bind_text(b, i, v->text);
    }
    return false;
}

/* --- columns --- */

static uint64_t big_endian(struct pg_value v)
{
    uint64_t n = 0;

    for (size_t i = 0; i < v.len; i++)
        n = n << 8 | (unsigned char)v.bytes[i];
    return n;
}

int64_t pg_value_int(struct pg_value v)
{
    int64_t n = 0;

    if (v.type == PG_FLOAT8)
        return (int64_t)pg_value_double(v);
    if (v.type == PG_INT4)
        return (int32_t)big_endian(v);
    if (v.type == PG_INT2)
        return (int16_t)big_endian(v);
    if (v.type == PG_INT8 || v.type == PG_BOOL)
        return (int64_t)big_endian(v);
    return str_to_int((struct str){v.bytes, v.len}, INT64_MIN, INT64_MAX, &n) ? n : 0;
}

double pg_value_double(struct pg_value v)
{
    uint64_t bits = big_endian(v);
    double number;

    if (v.type != PG_FLOAT8)
        return (double)pg_value_int(v);
    memcpy(&number, &bits, sizeof(number));
    return v.len ? number : 0;
}
