/* Schemas for tests, from the parts that a case is about. */
#pragma once

#include "mapping/program.h"

/* A schema with one user mapping: its attributeMappings and, between the lines, further members of
 * the object mapping and of `directories`. Single quotes stand for double ones. */
struct json *schema_from(struct arena *a, const char *mappings, const char *object_members,
                         const char *directories);
/* The same, compiled; the test fails when it is refused. */
const struct mapping_object *object_from(struct arena *a, const char *mappings,
                                         const char *object_members, const char *directories);
struct json *json_from(struct arena *a, const char *text); /* single quotes again */
