#include "job/settings.h"

#include "base/unicode.h"
#include "job/queries.h"
#include "job/setting_kinds.h"
#include "job/suggest.h"

enum query { Q_LOAD, Q_SAVE, Q_REMOVE };

const struct db_query settings_queries[] = {
    [Q_LOAD] = {"job_settings_load",
                "SELECT name, value FROM job_setting WHERE job_no = $1 ORDER BY name"},
    [Q_SAVE] = {"job_setting_save", "INSERT INTO job_setting (job_no, name, value)"
                                    " VALUES ($1, $2, $3)"
                                    " ON CONFLICT (job_no, name) DO UPDATE"
                                    " SET value = excluded.value"},
    [Q_REMOVE] = {"job_setting_remove", "DELETE FROM job_setting WHERE job_no = $1 AND name = $2"},
};
const size_t settings_query_count = ARRAY_LEN(settings_queries);

static const char *const event_names[] = {
    [REMOVAL_UNASSIGNED] = "unassigned",
    [REMOVAL_FILTERED_OUT] = "filteredOut",
    [REMOVAL_SOURCE_DISABLED] = "sourceDisabled",
    [REMOVAL_SOURCE_SOFT_DELETED] = "sourceSoftDeleted",
    [REMOVAL_SOURCE_HARD_DELETED] = "sourceHardDeleted",
};
static_assert(ARRAY_LEN(event_names) == REMOVAL_EVENT_COUNT, "every event has a name");

const char *removal_event_name(enum removal_event e)
{
    return event_names[e];
}

void job_settings_default(struct job_settings *out)
{
    *out = (struct job_settings){0};
    for (size_t i = 0; i < setting_count; i++) {
        bool ok = setting_put(&setting_table[i], out, NULL, str_from_z(setting_table[i].initial));

        assert(ok);
        (void)ok;
    }
}

static bool unknown(struct str name, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    struct suggestions near = {.wanted = str_fold(tmp, name)};

    for (size_t i = 0; i < setting_count; i++)
        suggestions_consider(&near, tmp, str_from_z(setting_table[i].name));
    return err_set(err, ERR_INVALID, "unknownSetting", "no setting '%.*s'; there is %.*s",
                   STR_ARG(name), STR_ARG(suggestions_text(&near, tmp)));
}

static bool refused(const struct setting *t, struct str value, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();

    return err_set(err, ERR_INVALID, "badSetting", "%s takes %.*s, not '%.*s'", t->name,
                   STR_ARG(setting_allowed(t, tmp)), STR_ARG(value));
}

bool job_settings_apply(struct job_settings *s, struct arena *a, struct str name, struct str value,
                        struct err *err)
{
    const struct setting *t = setting_find(name);

    if (!t)
        return unknown(name, err);
    return setting_put(t, s, a, value) || refused(t, value, err);
}

/* Calls fn for every row that is kept of the job. */
static bool each_row(struct db *db, struct arena *a, int64_t job_no,
                     void (*fn)(void *ctx, const struct setting *t, struct str value), void *ctx,
                     struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row;

    if (!db_select(db, &settings_queries[Q_LOAD], DB_ARGS(db_int(job_no)), &st, err))
        return false;
    for (;;) {
        const struct setting *t;

        if (!db_step(st, &row, err))
            return false;
        if (!row)
            return true;
        t = setting_find(db_col_text(st, 0));
        if (t) /* one that a newer usher knows is left alone */
            fn(ctx, t, arena_str(a, db_col_text(st, 1)));
    }
}

static void put_row(void *ctx, const struct setting *t, struct str value)
{
    /* What is kept was valid when it was saved; what no longer is stays at its default. */
    (void)!setting_put(t, ctx, NULL, value);
}

bool job_settings_load(struct db *db, struct arena *a, int64_t job_no, struct job_settings *out,
                       struct err *err)
{
    job_settings_default(out);
    return each_row(db, a, job_no, put_row, out, err);
}

static void list_row(void *ctx, const struct setting *t, struct str value)
{
    struct job_setting *s = (struct job_setting *)ctx + (t - setting_table);

    s->value = value;
    s->set = true;
}

bool job_settings_list(struct db *db, struct arena *a, int64_t job_no, struct job_setting **out,
                       size_t *out_count, struct err *err)
{
    struct job_setting *list = ARENA_ARRAY(a, struct job_setting, setting_count);

    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *t = &setting_table[i];

        list[i] = (struct job_setting){
            .name = str_from_z(t->name),
            .value = str_from_z(t->initial),
            .initial = str_from_z(t->initial),
            .allowed = setting_allowed(t, a).ptr,
            .help = t->help,
        };
    }
    *out = list;
    *out_count = setting_count;
    return each_row(db, a, job_no, list_row, list, err);
}

static bool value_in_force(struct db *db, struct arena *a, int64_t job_no, const struct setting *t,
                           struct str *out, struct err *err)
{
    struct job_setting *list;
    size_t count;

    if (!job_settings_list(db, a, job_no, &list, &count, err))
        return false;
    *out = list[t - setting_table].value;
    return true;
}

bool job_setting_value(struct db *db, struct arena *a, int64_t job_no, struct str name,
                       struct str *out, struct err *err)
{
    const struct setting *t = setting_find(name);

    return t ? value_in_force(db, a, job_no, t, out, err) : unknown(name, err);
}

bool job_setting_save(struct db *db, struct arena *a, int64_t job_no, struct str name,
                      struct str value, struct str *out_before, struct err *err)
{
    const struct setting *t = setting_find(name);
    struct job_settings tried;
    struct str key;

    if (!t)
        return unknown(name, err);
    if (out_before && !value_in_force(db, a, job_no, t, out_before, err))
        return false;
    key = str_from_z(t->name);
    if (str_empty(value) || str_eq_z(value, t->initial)) {
        return db_exec(db, &settings_queries[Q_REMOVE], DB_ARGS(db_int(job_no), db_text(key)), NULL,
                       err);
    }
    job_settings_default(&tried);
    if (!setting_put(t, &tried, a, value))
        return refused(t, value, err);
    return db_exec(db, &settings_queries[Q_SAVE],
                   DB_ARGS(db_int(job_no), db_text(key), db_text(value)), NULL, err);
}
