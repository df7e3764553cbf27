#include "cli/logs_export.h"

#include "base/file.h"
#include "cli/csv.h"
#include "cli/wire.h"

#include <string.h>

enum { PAGE = 500, LINE_MAX_BYTES = 32 << 20 };

enum file_of { FILE_RECORDS, FILE_STEPS, FILE_PROPERTIES, FILE_COUNT };

static const struct {
    const char *suffix; /* of the name, before .csv */
    const char *head;
} csv_files[] = {
    [FILE_RECORDS] = {"", "changeId,id,activityDateTime,cycleId,provisioningAction,status,"
                          "durationInMilliseconds,errorCode,reason,errorCategory,recommendedAction,"
                          "identityType,sourceId,sourceDisplayName,sourceUserPrincipalName,"
                          "targetId,targetDisplayName,initiatedBy"},
    [FILE_STEPS] = {"_ProvisioningSteps",
                    "changeId,step,name,provisioningStepType,status,description,details"},
    [FILE_PROPERTIES] = {"_ModifiedProperties", "changeId,displayName,oldValue,newValue"},
};

struct export
{
    FILE *files[FILE_COUNT]; /* those of the drafts, or standard output */
    struct file_draft drafts[FILE_COUNT];
    bool csv;
    struct buf line;
};

/* --- files --- */

static bool open_files(struct cli *c, struct export *x, const char *path, struct err *err)
{
    struct str base = str_from_z(path);

    if (strcmp(path, "-") == 0) {
        x->files[FILE_RECORDS] = c->out;
        return true;
    }
    x->csv = str_ends(base, STR(".csv"));
    if (x->csv)
        base.len -= 4;
    for (size_t i = 0; i < (x->csv ? FILE_COUNT : 1); i++) {
        const char *name = arena_printf(c->arena, "%.*s%s%s", STR_ARG(base), csv_files[i].suffix,
                                        x->csv ? ".csv" : "")
                               .ptr;

        /* What is in it is about people: for the caller's eyes only. */
        if (!file_draft_open(&x->drafts[i], name, 0600, err))
            return false;
        x->files[i] = x->drafts[i].stream;
        if (x->csv)
            fprintf(x->files[i], "%s\r\n", csv_files[i].head);
    }
    return true;
}

static bool commit_files(struct cli *c, struct export *x, struct err *err)
{
    if (x->files[FILE_RECORDS] == c->out && (fflush(c->out) != 0 || ferror(c->out)))
        return err_set(err, ERR_UNAVAILABLE, "notWritten", "the export could not be written: %m");
    for (size_t i = 0; i < FILE_COUNT; i++) {
        if (x->drafts[i].stream && !file_draft_commit(&x->drafts[i], err))
            return false;
    }
    return true;
}

static void drop_files(struct export *x)
{
    for (size_t i = 0; i < FILE_COUNT; i++)
        file_draft_drop(&x->drafts[i]);
    buf_done(&x->line);
}

/* --- lines --- */

static void field(struct export *x, const struct json *object, const char *name)
{
    const struct json *v = json_get(object, str_from_z(name));

    buf_add_char(&x->line, ',');
    cli_csv_field(&x->line, v ? v->text : STR(""));
}

static void end_line(struct export *x, enum file_of file)
{
    buf_add_z(&x->line, "\r\n");
    (void)fwrite(x->line.ptr, 1, x->line.len, x->files[file]);
    buf_reset(&x->line);
    x->line.overflowed = false;
}

static void write_record(struct export *x, const struct json *v)
{
    const struct json *status = json_get(v, STR("provisioningStatusInfo"));
    const struct json *error = json_get(status, STR("errorInformation"));
    const struct json *source = json_get(v, STR("sourceIdentity"));
    const struct json *target = json_get(v, STR("targetIdentity"));

    cli_csv_field(&x->line, json_get_text(v, "changeId"));
    field(x, v, "id");
    field(x, v, "activityDateTime");
    field(x, v, "cycleId");
    field(x, v, "provisioningAction");
    field(x, status, "status");
    field(x, v, "durationInMilliseconds");
    field(x, error, "errorCode");
    field(x, error, "reason");
    field(x, error, "errorCategory");
    field(x, error, "recommendedAction");
    field(x, source, "identityType");
    field(x, source, "id");
    field(x, source, "displayName");
    field(x, json_get(source, STR("details")), "UserPrincipalName");
    field(x, target, "id");
    field(x, target, "displayName");
    field(x, json_get(v, STR("initiatedBy")), "displayName");
    end_line(x, FILE_RECORDS);
}

static void write_steps(struct export *x, struct arena *a, const struct json *v)
{
    int64_t number = 0;

    JSON_EACH(step, json_get(v, STR("provisioningSteps")))
    {
        const struct json *details = json_get(step, STR("details"));

        cli_csv_field(&x->line, json_get_text(v, "changeId"));
        buf_add_char(&x->line, ',');
        buf_add_int(&x->line, ++number);
        field(x, step, "name");
        field(x, step, "provisioningStepType");
        field(x, step, "status");
        field(x, step, "description");
        buf_add_char(&x->line, ',');
        cli_csv_field(&x->line, details && details->count ? json_text(a, details) : STR(""));
        end_line(x, FILE_STEPS);
    }
}

static void write_properties(struct export *x, const struct json *v)
{
    JSON_EACH(property, json_get(v, STR("modifiedProperties")))
    {
        cli_csv_field(&x->line, json_get_text(v, "changeId"));
        field(x, property, "displayName");
        field(x, property, "oldValue");
        field(x, property, "newValue");
        end_line(x, FILE_PROPERTIES);
    }
}

static void write_one(struct export *x, struct arena *a, const struct journal_record *r)
{
    const struct json *v = journal_to_json(a, r);

    if (x->csv) {
        write_record(x, v);
        write_steps(x, a, v);
        write_properties(x, v);
    } else {
        struct str text = json_text(a, v);

        fprintf(x->files[FILE_RECORDS], "%.*s\n", STR_ARG(text));
    }
}

static bool write_all(struct cli *c, struct export *x, int64_t job_no, struct journal_query q,
                      int64_t *out_count, struct err *err)
{
    struct cli_progress progress;
    size_t count;
    bool ok = true;

    *out_count = 0;
    q.limit = PAGE;
    cli_progress_begin(&progress, c, "records");
    do {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct journal_record *list;

        ok = journal_list(c->db_handle, a, job_no, &q, &list, &count, err);
        for (size_t i = 0; ok && i < count; i++) {
            write_one(x, a, &list[i]);
            q.before_no = list[i].no;
        }
        *out_count += ok ? (int64_t)count : 0;
        cli_progress_step(&progress, *out_count, 0);
    } while (ok && count == PAGE && !*cli_interrupted() && !ferror(x->files[FILE_RECORDS]));
    cli_progress_end(&progress);
    return ok;
}

bool cli_logs_export(struct cli *c, int64_t job_no, const struct journal_query *q, const char *path,
                     int64_t *out_count, struct err *err)
{
    struct export x = {0};
    bool ok;

    buf_init(&x.line, LINE_MAX_BYTES);
    cli_interrupt_begin();
    ok = open_files(c, &x, path, err) && write_all(c, &x, job_no, *q, out_count, err) &&
         commit_files(c, &x, err);
    drop_files(&x);
    return ok;
}
