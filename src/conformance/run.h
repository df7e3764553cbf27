/* What the files that run checks share. */
#pragma once

#include "base/buf.h"
#include "conformance/script.h"

struct check_made { /* what a check has made */
    struct str path;
    bool gone;
    struct check_made *next;
};

struct check_request {
    enum http_method method;
    struct str target; /* below the base URL, as it may be sent */
    struct str body;
    const char *content_type; /* NULL: application/scim+json when there is a body */
    struct http_header headers[4];
    size_t header_count;
    bool anonymous;
};

struct check_run {
    const struct check_options *options;
    struct http_client *client;
    struct str base; /* without trailing slash */
    struct str authorization;
    struct arena *arena;     /* of the whole run */
    struct arena *tmp;       /* of the check */
    struct check_values set; /* values of the whole run */
    unsigned traits;         /* of enum check_needs: what the server offers */
    struct check_made *made; /* newest first; in arena */
    struct check_answer answer;
    struct check_summary *summary;
};

/* Sends and waits; the answer is in run->answer, its texts in tmp. Remembers what it makes. */
void check_send(struct check_run *run, const struct check_request *request);
/* Removes what was made and is not gone; false when some of it is still there. */
bool check_remove_made(struct check_run *run);
/* Looks for what was made without being told so and removes it. */
void check_sweep(struct check_run *run);

/* Asks for what the server says of itself; sets traits and values. */
MUST_USE bool check_prepare(struct check_run *run, struct err *err);
/* One check, told to options->seen; false when it was stopped. */
bool check_one(struct check_run *run, const struct check *check, unsigned number);
