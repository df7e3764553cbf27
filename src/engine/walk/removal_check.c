/* Whether the policies of removals fit the mapping: an attribute that a removal sets has to be
 * mapped, or nothing would take it back when the person returns (engine.md 6.3). */
#include "engine/cycle/run.h"
#include "mapping/document.h"

static bool load_program(struct db *db, struct arena *a, int64_t job_no,
                         const struct mapping_program **out, struct err *err)
{
    struct mapping_finding *findings = NULL;
    struct json *schema;
    struct str text;

    return job_schema_load(db, a, job_no, 0, &text, err) &&
           mapping_document_parse(a, text, &schema, NULL, err) &&
           mapping_compile(a, schema, out, &findings, err);
}

/* One of the mappings takes it: that a group has no title is no reason to refuse one for people. */
static bool is_taken(const struct mapping_program *p, const struct removal_policy *policy,
                     struct arena *a, struct err *err)
{
    struct mapping_changes changes;
    struct err other;

    for (size_t i = 0; i < p->object_count; i++) {
        if (mapping_set(&p->objects[i], policy->attribute, policy->value, NULL, a, &changes,
                        i == 0 ? err : &other))
            return true;
    }
    return false;
}

bool removal_check(struct db *db, int64_t job_no, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct mapping_program *program = NULL;
    struct job_settings settings;

    if (!job_settings_load(db, a, job_no, &settings, err))
        return false;
    for (size_t i = 0; i < REMOVAL_EVENT_COUNT; i++) {
        const struct removal_policy *policy = &settings.removal[i];

        if (policy->action != REMOVAL_SET_ATTRIBUTE)
            continue;
        if (!program && !load_program(db, a, job_no, &program, err))
            return false;
        if (!is_taken(program, policy, a, err))
            return err_wrap(err, "deprovision.%s", removal_event_name((enum removal_event)i));
    }
    return true;
}
