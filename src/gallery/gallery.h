/* Application templates: what the gallery offers, as data (gallery/ID.json, compiled in; apps.md
 * section 1). A template yields the credential form, the target's attributes, the default
 * synchronization schema and, for the service provider, what a tenant of that kind demands. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/rng.h"

struct gallery_template {
    struct str id;           /* "joynfsm" */
    struct str display_name; /* "Joyn FSM" */
    bool supports_groups;
    struct str scope_default;    /* "assigned" */
    const struct json *document; /* the whole template */
};

/* ERR_NOT_FOUND "unknownTemplate": the message lists the known ids. */
MUST_USE bool gallery_load(struct arena *a, struct str id, struct gallery_template *out,
                           struct err *err);
/* Every template, by id. */
MUST_USE bool gallery_list(struct arena *a, struct gallery_template **out, size_t *out_count,
                           struct err *err);
/* The default synchronization schema of a template (attribute-mappings.md 7 and 13, apps.md 2), as
 * a document that mapping_compile accepts. Fresh rule ids come from rng. */
MUST_USE bool gallery_schema(struct arena *a, const struct gallery_template *t, struct rng *rng,
                             struct json **out, struct err *err);
