/* Conformance of a SCIM server to RFC 7643, 7644 and 9865, and to what provisioning clients in the
 * field send. Reading only unless writing is asked for; then accounts and groups with unmistakable
 * names are made, and removed after each check whatever came of it. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/rng.h"
#include "http/client.h"

#include <stdatomic.h>

#define CHECK_PREFIX "usher-check-" /* how every name begins that a check gives */

enum check_level {
    CHECK_MUST,   /* the RFC's MUST, SHALL or REQUIRED */
    CHECK_SHOULD, /* SHOULD or RECOMMENDED: a failure is told and does not count */
    CHECK_ENTRA,  /* what the provisioning service of Microsoft Entra ID sends */
    CHECK_OKTA,   /* what Okta sends */
};
const char *check_level_name(enum check_level level); /* "MUST" */

enum check_verdict { CHECK_PASSED, CHECK_FAILED, CHECK_SKIPPED };
const char *check_verdict_name(enum check_verdict verdict); /* "passed" */

struct check_result { /* texts are valid during the call only; the token is masked in them */
    const char *name, *section;
    enum check_level level;
    enum check_verdict verdict;
    struct str why;      /* of a failure or a skip, in words */
    struct str expected; /* of a failure: the line of the check that did not hold */
    struct str sent, sent_body;
    int status; /* of the answer; 0: there was none */
    struct str content_type, answer;
};
typedef void check_seen(void *ctx, const struct check_result *result);

struct check_options {
    struct str url;   /* the base URL */
    struct str token; /* bearer token; empty: none is sent */
    bool write;
    const char *ca_file;     /* of http_client_config */
    const atomic_bool *stop; /* becomes true: what was made is removed, then the run ends */
    struct rng *rng;
    check_seen *seen;
    void *ctx;
};

struct check_summary {
    unsigned passed, failed, skipped; /* failed: without the SHOULDs */
    unsigned advice;                  /* SHOULDs that failed */
    bool stopped;
    struct str left; /* paths of what could not be removed, one a line; in the caller's arena */
};

/* Runs every check. False when the server cannot be asked at all: ERR_INVALID "badUrl",
 * ERR_UNAVAILABLE "unreachable", ERR_DENIED "credentials" when the token is refused. */
MUST_USE bool check_run(const struct check_options *options, struct arena *a,
                        struct check_summary *out, struct err *err);

/* Calls fn for each check, in order. */
void check_each(void (*fn)(void *ctx, const char *name, const char *section,
                           enum check_level level),
                void *ctx);
