/* What every file may use of the compiler: attributes by readable names, scope-bound clean-up and
 * the length of an array. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The result has to be looked at. */
#define MUST_USE __attribute__((warn_unused_result))

/* Runs fn(&variable) when the variable's scope ends: CLEANUP(arena_freep) struct arena *a = ...; */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

#define PRINTF_LIKE(text_, first_) __attribute__((format(printf, text_, first_)))

/* The value of a pointer that gives its ownership away: `*out_stmt = TAKE(st);` */
#define TAKE(p)                 \
    ({                          \
        typeof(p) taken_ = (p); \
        (p) = NULL;             \
        taken_;                 \
    })
