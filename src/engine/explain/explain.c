#include "engine/explain/explain.h"

#include "engine/explain/explain_parts.h"
#include "engine/guard/guard.h"
#include "job/held.h"
#include "job/undone.h"
#include "mapping/document.h"

#include <stdarg.h>

enum { RECORDS_MAX = 20, VERSIONS_AT_ONCE = 100 };

static void note(struct explanation *x, const char *format, ...) PRINTF_LIKE(2, 3);
static void note(struct explanation *x, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    json_append(x->notes, json_string(x->a, str_from_z(text)));
}

static void hold(struct explanation *x, const char *kind, struct str text)
{
    struct json *v = json_new(x->a, JSON_OBJECT);

    json_add_z(x->a, v, "kind", kind);
    json_add_str(x->a, v, "text", text);
    json_append(x->holds, v);
}

/* --- which configuration --- */

static bool load_program(struct explanation *x, int64_t version, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    struct mapping_finding *findings = NULL;
    struct run *r = x->run;
    struct json *schema;
    struct str text;

    if (!job_schema_load(r->db, tmp, r->job.no, version, &text, err) ||
        !mapping_document_parse(tmp, text, &schema, NULL, err) ||
        !mapping_compile(r->arena, schema, &r->walk_job.program, &findings, err))
        return err_wrap(err, "version %lld of the configuration", (long long)version);
    return true;
}

/* The newest version that there was at the time; the first one when it is older than that. */
static bool find_version(struct explanation *x, struct err *err)
{
    struct run *r = x->run;
    int64_t before = 0;

    for (;;) {
        CLEANUP(arena_freep) struct arena *tmp = arena_new();
        struct job_schema_version *list;
        size_t count;

        if (!job_schema_list(r->db, tmp, r->job.no, before, VERSIONS_AT_ONCE, &list, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            x->version = list[i].version;
            x->version_since_us = list[i].created_us;
            if (x->at_us == 0 || list[i].created_us <= x->at_us)
                return true;
        }
        if (count < VERSIONS_AT_ONCE) {
            note(x, "The application was set up after that time: its first configuration "
                    "is shown");
            return true;
        }
        before = x->version;
    }
}

static bool choose_configuration(struct explanation *x, struct err *err)
{
    struct run *r = x->run;

    if (!find_version(x, err))
        return false;
    if (x->at_us == 0)
        return true;
    r->walk_job.now_us = x->at_us;
    note(x, "Settings of the application and its scope are those of today: only mappings "
            "and filters have versions");
    return x->version == r->job.schema_version || load_program(x, x->version, err);
}

/* --- who --- */

/* By an account's id, or by whom the journal remembers under the name. */
static bool find_elsewhere(struct explanation *x, struct str who, struct str *out_id,
                           struct err *err)
{
    struct run *r = x->run;
    struct journal_query q = {.who = who, .limit = 1};
    struct journal_record *records;
    struct connection c;
    size_t count;
    bool found;

    if (!connection_find_target(r->db, x->a, r->job.no, who, &c, &found, err))
        return false;
    if (found) {
        *out_id = c.source_id;
        return true;
    }
    if (!connection_load(r->db, x->a, r->job.no, who, &c, &found, err))
        return false;
    if (found) {
        *out_id = who;
        return true;
    }
    if (!journal_list(r->db, x->a, r->job.no, &q, &records, &count, err))
        return false;
    *out_id = count > 0 ? records[0].source_id : (struct str){0};
    return true;
}

static bool find_who(struct explanation *x, struct str who, struct err *err)
{
    struct run *r = x->run;
    struct str id;
    struct err not_found = {0};
    bool found;

    x->source_from = "directory";
    if (r->source->ops->find(r->source, who, x->a, &x->entry, &not_found))
        return true;
    if (not_found.kind != ERR_NOT_FOUND) {
        *err = not_found;
        return false;
    }
    if (!find_elsewhere(x, who, &id, err))
        return false;
    if (id.len == 0) {
        *err = not_found;
        return false;
    }
    if (!r->source->ops->read(r->source, id, x->a, &x->entry, &found, err))
        return false;
    if (!found)
        x->entry = (struct source_entry){.id = id, .gone = true};
    return true;
}

/* --- what is known of it --- */

static bool load_state(struct explanation *x, struct err *err)
{
    struct run *r = x->run;
    struct journal_query q = {.source_id = x->entry.id, .to_us = x->at_us, .limit = RECORDS_MAX};
    struct undone u;

    return connection_load(r->db, x->a, r->job.no, x->entry.id, &x->connection, &x->has_connection,
                           err) &&
           journal_list(r->db, x->a, r->job.no, &q, &x->records, &x->record_count, err) &&
           retry_load(r->db, x->a, r->job.no, x->entry.id, false, &x->retry, &x->has_retry, err) &&
           undone_find(r->db, x->a, r->job.no, x->entry.id, r->job.schema_version, &u, &x->undone,
                       err);
}

static bool is_text(const struct json *details, const char *name, const char *value)
{
    return str_eq_z(json_get_text(details, name), value);
}

/* What the newest record until then says that the source said. */
static const struct journal_record *record_with_source(const struct explanation *x,
                                                       const struct json **out_attributes)
{
    for (size_t i = 0; i < x->record_count; i++) {
        const struct journal_record *r = &x->records[i];

        for (size_t k = 0; k < r->step_count; k++) {
            if (r->steps[k].type == STEP_IMPORT && r->steps[k].details) {
                *out_attributes = r->steps[k].details;
                return r;
            }
        }
    }
    return NULL;
}

/* The flags that decide are in the record's step of scope. */
static void take_flags(struct explanation *x, const struct journal_record *r)
{
    bool active = true;

    x->entry.enabled = json_get_bool(x->entry.attributes, "accountEnabled", true);
    x->entry.gone = x->entry.soft_deleted = x->entry.assigned = false;
    for (size_t k = 0; k < r->step_count; k++) {
        if (r->steps[k].type != STEP_SCOPING || !r->steps[k].details)
            continue;
        x->entry.assigned = is_text(r->steps[k].details, "Assigned to the application", "True");
        active = !is_text(r->steps[k].details, "Active in the source system", "False");
    }
    x->entry.soft_deleted = !active && x->entry.enabled;
}

/* At a time: the source of today says nothing about it. */
static void go_back(struct explanation *x)
{
    const struct json *attributes = NULL;
    const struct journal_record *r = record_with_source(x, &attributes);

    x->has_connection = x->has_retry = x->undone = false;
    x->run->walk_job.others.due_of = NULL; /* is of today */
    for (size_t i = 0; i < x->record_count && !x->has_connection; i++) {
        const struct journal_record *one = &x->records[i];

        if (one->action == ACTION_DELETE && one->status != STATUS_FAILURE)
            break;
        x->has_connection = one->target_id.len > 0;
        x->connection = (struct connection){
            .source_id = one->source_id, .target_id = one->target_id, .kind = one->kind};
    }
    if (r) {
        x->source_from = "journal";
        x->source_as_of_us = r->at_us;
        x->entry.attributes = attributes;
        x->entry.kind = r->kind;
        x->entry.display_name = r->source_name;
        take_flags(x, r);
        note(x, "What the source said is as the log has it; what changed between that "
                "record and the time asked about is not known");
    } else {
        x->source_from = "nothing";
        x->entry.attributes = NULL;
        note(x, "The log does not tell what the source said at that time");
    }
}

/* --- planning it --- */

static void plan(struct explanation *x)
{
    struct run *r = x->run;
    struct feed_page *page = ARENA_NEW(r->arena, struct feed_page);
    struct mapping_source source = {.kind = x->entry.kind, .attributes = x->entry.attributes};
    struct mapping_context context = {
        .now_us = r->walk_job.now_us,
        .rng = r->walk_job.rng,
        .group_id = r->walk_job.others.group_id,
        .group_ctx = r->walk_job.others.ctx,
        .default_domain = r->walk_job.default_domain,
    };
    struct err ignored;

    page->arena = x->a;
    page->unfinished = 1; /* never released by its walks */
    page->entries = ARENA_NEW(r->arena, struct source_entry);
    page->connections = ARENA_NEW(r->arena, struct connection *);
    page->entries[0] = x->entry;
    page->connections[0] = x->has_connection ? &x->connection : NULL;
    x->w = run_walk_new(r, page, 0);
    if (x->w->mapping && x->entry.attributes) {
        if (mapping_needs_manager(x->w->mapping) && r->walk_job.others.manager_of) {
            (void)!r->walk_job.others.manager_of(r->walk_job.others.ctx, &x->entry, x->a,
                                                 &source.manager, &ignored);
        }
        mapping_judge(x->w->mapping, &source, &context, x->a, &x->verdict);
    }
    if (strcmp(x->source_from, "nothing") != 0)
        run_plan_walk(x->w);
}

/* --- what keeps cycles from acting --- */

static void list_of_job(struct explanation *x)
{
    const struct job *job = &x->run->job;

    if (job->quarantined) {
        hold(x, "quarantine",
             arena_printf(x->a, "%.*s: %.*s", STR_ARG(job->quarantine_reason),
                          STR_ARG(job->quarantine_message)));
    }
    if (job->state != JOB_ACTIVE) {
        hold(x, "job",
             arena_printf(x->a, "the job is %s: usher start %.*s", job_state_name(job->state),
                          STR_ARG(job->name)));
    }
}

static void list_guard(struct explanation *x, const struct held *row)
{
    x->staged = row->state == HELD_WAITING;
    x->rejected = guard_is_rejected(x->w, row);
    if (x->staged) {
        hold(x, "guard",
             arena_printf(x->a, "the guard holds it (%.*s): usher held %.*s", STR_ARG(row->reason),
                          STR_ARG(x->run->job.name)));
    } else if (x->rejected) {
        hold(x, "guard",
             STR("an administrator has rejected it: the account stays as it is until the person "
                 "or group changes"));
    }
}

static bool list_holds(struct explanation *x, struct err *err)
{
    struct held row;
    bool found;

    if (x->at_us != 0)
        return true;
    list_of_job(x);
    if (x->undone) {
        hold(x, "undo",
             arena_printf(x->a, "an undo put it back: usher release %.*s %.*s",
                          STR_ARG(x->run->job.name), STR_ARG(x->entry.id)));
    }
    if (!held_load(x->run->db, x->a, x->run->job.no, x->entry.id, &row, &found, err))
        return false;
    if (found)
        list_guard(x, &row);
    if (str_eq_z(x->w->code, "Protected"))
        hold(x, "protected", x->w->message);
    return true;
}

/* --- all together --- */

static struct json *job_json(const struct explanation *x)
{
    const struct job *job = &x->run->job;
    struct json *v = json_new(x->a, JSON_OBJECT);
    struct json *configuration = json_new(x->a, JSON_OBJECT);

    json_add_str(x->a, v, "name", job->name);
    json_add_z(x->a, v, "state", job_state_name(job->state));
    json_add_str(x->a, v, "quarantine", job->quarantine_reason);
    json_add_int(x->a, configuration, "version", x->version);
    explain_add_time(x->a, configuration, "since", x->version_since_us);
    json_add(x->a, v, STR("configuration"), configuration);
    return v;
}

static struct json *who_json(const struct explanation *x)
{
    struct json *v = json_new(x->a, JSON_OBJECT);

    json_add_str(x->a, v, "id", x->entry.id);
    json_add_z(x->a, v, "kind", x->entry.kind == SOURCE_USER ? "user" : "group");
    json_add_str(x->a, v, "name", x->entry.display_name);
    return v;
}

static void assemble(struct explanation *x)
{
    struct arena *a = x->a;
    struct json *v = x->out;

    json_add_str(a, v, "answer", explain_answer(x));
    explain_add_time(a, v, "at", x->at_us);
    json_add(a, v, STR("job"), job_json(x));
    json_add(a, v, STR("who"), who_json(x));
    json_add(a, v, STR("source"), explain_source(x));
    json_add(a, v, STR("scope"), explain_scope(x));
    json_add(a, v, STR("connection"), explain_connection(x));
    json_add(a, v, STR("matching"), explain_matching(x));
    json_add(a, v, STR("mappings"), explain_mappings(x));
    json_add(a, v, STR("next"), explain_next(x));
    json_add(a, v, STR("log"), explain_log(x));
    json_add(a, v, STR("retry"), explain_retry(x));
    json_add(a, v, STR("holds"), x->holds);
    json_add(a, v, STR("notes"), x->notes);
}

static void name_from_records(struct explanation *x)
{
    if (x->record_count > 0 && str_empty(x->entry.display_name))
        x->entry.display_name = x->records[0].source_name;
    if (x->record_count > 0 && x->entry.gone)
        x->entry.kind = x->records[0].kind;
    if (str_empty(x->entry.display_name))
        x->entry.display_name = x->entry.id;
}

bool engine_explain(const struct engine *e, int64_t job_no, struct str who, int64_t at_us,
                    struct arena *a, struct json **out, struct err *err)
{
    CLEANUP(run_close) struct run r;
    struct explanation x = {
        .run = &r,
        .a = a,
        .at_us = at_us,
        .out = json_new(a, JSON_OBJECT),
        .notes = json_new(a, JSON_ARRAY),
        .holds = json_new(a, JSON_ARRAY),
    };
    bool ok;

    if (!run_open(&r, e, job_no, true, err) || !choose_configuration(&x, err) ||
        !find_who(&x, who, err) || !load_state(&x, err))
        return false;
    x.source_as_of_us = r.walk_job.now_us;
    if (at_us != 0)
        go_back(&x);
    name_from_records(&x);
    plan(&x);
    ok = list_holds(&x, err);
    if (ok) {
        assemble(&x);
        /* Everything that was shown of the walk is copied: its arena ends with the run. */
        *out = json_clone(a, x.out);
    }
    run_walk_recycle(&r, x.w);
    return ok;
}
