/* What the files of the probe share (scim.md 10.6): questions, and conclusions from them. Inside
 * src/connector/scim. */
#pragma once

#include "connector/scim/call.h"

struct probe {
    struct scim_target *target;
    struct arena *a;
    struct json *settings, *findings;
    struct json *exchanges; /* since the last conclusion */
    bool put;               /* accounts can be changed by PUT */
};

/* Asks and waits; the answer's texts are in p->a. The body of the answer, if it is a JSON object,
 * else NULL. path: under the base URL. */
struct json *probe_ask(struct probe *p, enum http_method method, struct str path, struct str body,
                       struct http_answer *out);
bool probe_good(const struct http_answer *answer); /* 2xx */
/* "/Users?filter=..." with the filter encoded. */
struct str probe_filter(struct probe *p, const char *endpoint, struct str filter);
/* Ends a question. setting NULL: nothing is set by it. */
void probe_conclude(struct probe *p, const char *what, const char *result, const char *setting,
                    const char *value);

/* probe_write.c. False when no account could be made. */
void probe_write(struct probe *p);
