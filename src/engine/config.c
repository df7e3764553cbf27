#include "engine/config.h"

#include "engine/note.h"
#include "job/retry.h"

#include <inttypes.h>

enum { DIFFERENCES_MAX = 1000, NOTED_DIFFERENCES_MAX = 50 };

bool engine_config_load(struct db *db, struct arena *a, int64_t job_no, int64_t version,
                        struct json **out, int64_t *out_version, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    struct json *stored;
    struct str text;
    struct job job;

    if (!job_load_no(db, tmp, job_no, &job, err))
        return false;
    if (version == 0)
        version = job.schema_version;
    if (!job_schema_load(db, tmp, job_no, version, &text, err) ||
        !mapping_document_parse(tmp, text, &stored, NULL, err))
        return err_wrap(err, "version %" PRId64 " of the schema", version);
    *out = mapping_document_complete(a, stored);
    *out_version = version;
    return true;
}

/* A file of something else altogether must not pass for a schema that leaves everything as it is.
 */
static bool is_schema(const struct json *draft, struct err *err)
{
    static const struct str members[] = {STR_INIT("synchronizationRules"), STR_INIT("directories"),
                                         STR_INIT("goldenCases")};

    for (size_t i = 0; i < ARRAY_LEN(members) && json_is(draft, JSON_OBJECT); i++) {
        if (json_get(draft, members[i]))
            return true;
    }
    return !json_is(draft, JSON_OBJECT) ||
           err_set(err, ERR_INVALID, "schemaInvalid",
                   "this is no synchronization schema: it has neither synchronizationRules nor "
                   "directories nor goldenCases");
}

static bool check_golden(const struct engine *e, enum engine_config_golden golden, struct arena *a,
                         struct engine_config_check *c, struct err *err)
{
    const struct mapping_golden_result *first;

    mapping_golden_run(a, c->program, c->document, clock_now(e->clock), e->rng, &c->golden);
    if (c->golden.failed == 0 || golden == GOLDEN_MAY_FAIL)
        return true;
    for (first = c->golden.results; first->passed; first++)
        continue;
    return err_set(err, ERR_INVALID, "goldenCaseFailed",
                   "%zu of %zu golden cases fail; the first is '%.*s': %.*s", c->golden.failed,
                   c->golden.count, STR_ARG(str_sub(first->name, 0, 80)),
                   STR_ARG(str_sub(first->lines[0], 0, 160)));
}

bool engine_config_check(const struct engine *e, int64_t job_no, struct json *draft,
                         enum engine_config_golden golden, struct arena *a,
                         struct engine_config_check *out, struct err *err)
{
    CLEANUP(db_closep) struct db *db = NULL;
    struct json *stored;

    *out = (struct engine_config_check){0};
    if (!is_schema(draft, err) || !db_open(e->db, &db, err) ||
        !engine_config_load(db, a, job_no, 0, &stored, &out->base_version, err))
        return false;
    mapping_document_keep(a, draft, stored);
    if (!mapping_document_check(a, draft, &out->document, &out->program, &out->findings, err))
        return false;
    mapping_document_adopt(a, out->document, stored, e->rng);
    if (!mapping_document_check_editable(a, out->document, stored, &out->findings, err))
        return false;
    mapping_document_compare(a, stored, out->document, DIFFERENCES_MAX, &out->differences,
                             &out->difference_count);
    return check_golden(e, golden, a, out, err);
}

/* The job begins anew with its new schema. */
static bool begin_anew(struct db *db, int64_t job_no, struct err *err)
{
    return watermark_save(db, job_no, STR(""), err) && retry_clear(db, job_no, err) &&
           job_set_next_cycle(db, job_no, 0, err);
}

static bool is_next(int64_t version, int64_t base, struct err *err)
{
    return version == base + 1 ||
           err_set(err, ERR_CONFLICT, "schemaChanged",
                   "version %" PRId64 " was saved meanwhile; look at it and try again",
                   version - 1);
}

/* The documents themselves are kept as versions; the record says which, and what differs. */
static bool note_version(const struct engine *e, struct db *db, struct arena *a, int64_t job_no,
                         const struct engine_config_check *draft,
                         const struct engine_config_change *change, int64_t version,
                         struct err *err)
{
    struct json *was = json_new(a, JSON_OBJECT);
    struct json *is = json_new(a, JSON_OBJECT);
    struct json *differences = json_new(a, JSON_ARRAY);
    const struct engine_note note = {.activity = AUDIT_MAPPING,
                                     .author = change->author,
                                     .subject = STR("synchronization schema"),
                                     .before = was,
                                     .after = is};
    const struct mapping_difference *d = draft->differences;
    struct job job;

    for (size_t i = 0; d && i < NOTED_DIFFERENCES_MAX; i++, d = d->next) {
        json_append(differences,
                    json_string(a, arena_printf(a, "%.*s%s%.*s", STR_ARG(d->where),
                                                d->where.len ? ": " : "", STR_ARG(d->text))));
    }
    json_add_int(a, was, "version", draft->base_version);
    json_add_int(a, is, "version", version);
    json_add_str(a, is, "comment", change->comment);
    json_add_int(a, is, "differenceCount", (int64_t)draft->difference_count);
    json_add(a, is, STR("differences"), differences);
    return job_load_no(db, a, job_no, &job, err) && engine_note(e, db, &job, &note, err);
}

bool engine_config_save(const struct engine *e, int64_t job_no,
                        const struct engine_config_check *draft,
                        const struct engine_config_change *change, int64_t *out_version,
                        struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    CLEANUP(db_closep) struct db *db = NULL;
    struct json *document;
    int64_t now_us = clock_now(e->clock);
    int64_t version;

    if (draft->difference_count == 0) {
        *out_version = draft->base_version;
        return true;
    }
    document = json_clone(tmp, draft->document);
    mapping_document_set_version(tmp, document, now_us, e->rng);
    if (!db_open(e->db, &db, err) || !db_begin(db, DB_WRITE, err))
        return false; /* closing rolls back what is open */
    if (!job_schema_save(db, job_no, json_text(tmp, document), change->author, change->comment,
                         now_us, &version, err) ||
        !is_next(version, draft->base_version, err) || !begin_anew(db, job_no, err) ||
        !note_version(e, db, tmp, job_no, draft, change, version, err) || !db_commit(db, err))
        return false;
    *out_version = version;
    return true;
}
