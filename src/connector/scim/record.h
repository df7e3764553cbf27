/* Keeps the exchanges with an application as files, and finds them again (scim.md 10.6): one file
 * for each, NNNNNN.json in the order of the answers:
 *   {"at", "durationMs", "request": {"method", "target", "head", "body"}, "answer": {"status",
 *    "failure", "head", "contentType", "etag", "location", "retryAfterMs", "body"}}
 * Heads are arrays of header lines. Bodies are JSON where they are, else text. "[Redact]" stands
 * for the values of headers with credentials, of parameters that the tenant URL has or whose names
 * say that they open something, of secret members and wherever the answer repeats them, and for
 * forms.
 */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "http/client.h"

#define SCIM_RECORD_MASK "[Redact]"

struct mapping_program;
struct scim_target;

struct scim_record;
/* Makes the directory when it is not there. ERR_DENIED, ERR_NOT_FOUND (its parent). */
MUST_USE bool scim_record_new(const struct scim_target *t, const char *dir,
                              struct scim_record **out, struct err *err);
void scim_record_free(struct scim_record *r); /* NULL is fine */
/* An http_client_observer; ctx: the record. */
void scim_record_exchange(void *ctx, const struct http_client_exchange *x);

/* --- Again --- */

struct scim_replay;
/* ERR_NOT_FOUND, ERR_INVALID "badRecord" with the file. *out lives in a. */
MUST_USE bool scim_replay_load(struct arena *a, const char *dir, struct scim_replay **out,
                               size_t *out_count, struct err *err);
/* The answer to a request, the first like it that was not given yet, else the last one given; NULL
 * when it was not recorded. tmp is for the comparison. */
const struct json *scim_replay_find(struct scim_replay *r, struct arena *tmp, struct str method,
                                    struct str target, struct str body);
