/* Scoping filters (scoping-filters.md). */
#include "mapping/schema.h"
const struct mapping_filter *filter_compile(struct compiler *k, const struct place *at,
                                            const struct json *scope,
                                            const struct source_scope *source)
{
    (void)source;
    if (scope) {
        struct place p = {.parent = at, .name = "scope"};
        schema_finding(k, &p, "UnknownOperator", "scoping filters");
    }
    return NULL;
}
bool mapping_in_scope(const struct mapping_object *m, const struct mapping_source *s,
                      const struct mapping_context *c, struct arena *a, struct str *out_reason)
{
    (void)m;
    (void)s;
    (void)c;
    (void)a;
    (void)out_reason;
    return true;
}
