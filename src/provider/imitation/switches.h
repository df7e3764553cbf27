/* What the files of the switches share (apps.md 5). Internal to provider/. */
#pragma once

#include "provider/internal.h"

/* Told each value at a path: text, with its length. False ends it. */
typedef bool switches_value_fn(void *ctx, struct str value, struct err *err);
/* An element in brackets counts when it is what the brackets say of it. */
bool switches_each_value(const struct scim_path *path, const struct json *user,
                         switches_value_fn *fn, void *ctx, struct err *err);
/* The element, or what holds the value, that a path means; NULL if there is none. */
const struct json *switches_value_at(const struct scim_path *path, const struct json *user);
