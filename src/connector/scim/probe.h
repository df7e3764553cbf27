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
    struct json *made;      /* paths of what the probe has made and not seen go, the newest last */
    const struct json *schemas; /* what Schemas answers; NULL: nothing */
    struct json *matching;      /* attributes that a filter finds an account by */
    bool groups;                /* can be read */
    const atomic_bool *stop;    /* NULL: nobody wants it to */
    struct str left;            /* what could not be removed */
    bool cleaning;              /* what was made is removed, whoever wants it to stop */
};

/* Asks and waits; the answer's texts are in p->a. The body of the answer, if it is a JSON object,
 * else NULL. path: under the base URL. */
struct json *probe_ask(struct probe *p, enum http_method method, struct str path, struct str body,
                       struct http_answer *out);
bool probe_good(const struct http_answer *answer); /* 2xx */
bool probe_stopped(const struct probe *p);
/* "/Users?filter=..." with the filter encoded. */
struct str probe_filter(struct probe *p, const char *endpoint, struct str filter);
/* Ends a question. setting NULL: nothing is set by it. */
void probe_conclude(struct probe *p, const char *what, const char *result, const char *setting,
                    const char *value);

/* Whether exactly one account has the value, by `attribute eq "value"`. */
bool probe_finds(struct probe *p, const char *attribute, struct str value);

/* probe_lists.c: pages, by index and by cursor. The first account, NULL: there is none, or no list.
 */
const struct json *probe_lists(struct probe *p);
/* probe_schema.c: the attributes of the core schema, and of extensions of people, in the notation
 * of mappings. */
struct json *probe_attributes(struct probe *p, const char *core, bool extensions);
/* probe_write.c: makes accounts, and removes them again. */
void probe_write(struct probe *p);
/* probe_patch.c: in which forms the account at `place` can be changed. */
void probe_patch(struct probe *p, struct str place, struct str id);
/* A PATCH with one operation; whether it was accepted. */
bool probe_patched(struct probe *p, struct str place, const char *operation);
/* The same, and whether the attribute then has the value. */
bool probe_takes(struct probe *p, struct str place, const char *operation, const char *attribute,
                 const char *want);
/* The text of an attribute of the account, as a GET gives it; empty if there is none. */
struct str probe_value(struct probe *p, struct str place, const char *attribute);
