/* The synchronization schema in versions, and the secrets of a job. */
#include "base/buf.h"
#include "job/job.h"
#include "job/queries.h"
#include "job/store.h"

#include <inttypes.h>

enum query {
    Q_NEWEST,
    Q_VERSION,
    Q_LIST,
    Q_NEXT_VERSION,
    Q_SAVE,
    Q_SECRET_SAVE,
    Q_SECRET_LOAD,
    Q_SECRET_COUNT,
};

const struct db_query job_schema_queries[] = {
    [Q_NEWEST] = {"job_schema_newest", "SELECT document FROM job_schema WHERE job_no = $1"
                                       " ORDER BY version DESC LIMIT 1"},
    [Q_VERSION] = {"job_schema_version",
                   "SELECT document FROM job_schema WHERE job_no = $1 AND version = $2"},
    [Q_LIST] = {"job_schema_list", "SELECT version, author, comment, created_us FROM job_schema"
                                   " WHERE job_no = $1 AND version < $2"
                                   " ORDER BY version DESC LIMIT $3"},
    [Q_NEXT_VERSION] = {"job_schema_next_version",
                        "UPDATE job SET schema_version = schema_version + 1 WHERE no = $1"
                        " RETURNING schema_version"},
    [Q_SAVE] = {"job_schema_save",
                "INSERT INTO job_schema (job_no, version, document, author, comment, created_us)"
                " VALUES ($1, $2, $3, $4, $5, $6)"},
    [Q_SECRET_SAVE] = {"job_secret_save",
                       "INSERT INTO job_secret (job_no, name, sealed) VALUES ($1, $2, $3)"
                       " ON CONFLICT (job_no, name) DO UPDATE SET sealed = excluded.sealed"},
    [Q_SECRET_LOAD] = {"job_secret_load",
                       "SELECT sealed FROM job_secret WHERE job_no = $1 AND name = $2"},
    [Q_SECRET_COUNT] = {"job_secret_count", "SELECT COUNT(*) FROM job_secret"
                                            " WHERE job_no = $1 AND name <> 'WebhookSecret'"},
};
const size_t job_schema_query_count = ARRAY_LEN(job_schema_queries);

enum { SEALED_MAX = 3 * SECRET_MAX };

static const struct db_query *query(enum query q)
{
    return &job_schema_queries[q];
}

/* A sealed secret opens in its own place only. */
static struct str secret_place(struct arena *a, int64_t no, struct str name)
{
    return arena_printf(a, "job %" PRId64 "/%.*s", no, STR_ARG(name));
}

bool job_schema_load(struct db *db, struct arena *a, int64_t no, int64_t version, struct str *out,
                     struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool ok = version == 0 ? db_select_one(db, query(Q_NEWEST), DB_ARGS(db_int(no)), &st, err)
                           : db_select_one(db, query(Q_VERSION),
                                           DB_ARGS(db_int(no), db_int(version)), &st, err);

    if (!ok)
        return false;
    if (!st) {
        return err_set(err, ERR_NOT_FOUND, "schemaNotFound",
                       "job number %" PRId64 " has no schema version %" PRId64, no, version);
    }
    *out = arena_str(a, db_col_text(st, 0));
    return true;
}

static void read_version(struct db_stmt *st, struct arena *a, void *out)
{
    *(struct job_schema_version *)out = (struct job_schema_version){
        .version = db_col_int(st, 0),
        .author = arena_str(a, db_col_text(st, 1)),
        .comment = arena_str(a, db_col_text(st, 2)),
        .created_us = db_col_int(st, 3),
    };
}

bool job_schema_list(struct db *db, struct arena *a, int64_t no, int64_t before, size_t limit,
                     struct job_schema_version **out, size_t *out_count, struct err *err)
{
    return store_rows(
        db, query(Q_LIST),
        DB_ARGS(db_int(no), db_int(before ? before : INT64_MAX), db_int((int64_t)limit)),
        STORE_LIST(a, limit, struct job_schema_version, read_version), out, out_count, err);
}

bool job_schema_save(struct db *db, int64_t no, struct str json, struct str author,
                     struct str comment, int64_t now_us, int64_t *out_version, struct err *err)
{
    int64_t version = 0;
    bool exists = false;
    bool own;

    if (!store_begin(db, &own, err))
        return false;
    bool ok = store_number(db, query(Q_NEXT_VERSION), DB_ARGS(db_int(no)), &version, &exists, err);
    if (ok && !exists)
        ok = err_set(err, ERR_NOT_FOUND, "jobNotFound", "no job number %" PRId64, no);
    ok = ok && db_exec(db, query(Q_SAVE),
                       DB_ARGS(db_int(no), db_int(version), db_text(json), db_text(author),
                               db_text(comment), db_int(now_us)),
                       NULL, err);
    if (!store_end(db, own, ok, err))
        return false;
    *out_version = version;
    return true;
}

bool job_secret_save(struct db *db, const struct secret_key *key, int64_t no, struct str name,
                     const struct secret *value, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    CLEANUP(buf_done) struct buf sealed;

    buf_init(&sealed, SEALED_MAX);
    secret_seal(key, secret_reveal(value), secret_place(tmp, no, name), &sealed);
    return db_exec(db, query(Q_SECRET_SAVE),
                   DB_ARGS(db_int(no), db_text(name), db_text(buf_str(&sealed))), NULL, err);
}

bool job_secret_load(struct db *db, const struct secret_key *key, int64_t no, struct str name,
                     struct secret *out, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_SECRET_LOAD), DB_ARGS(db_int(no), db_text(name)), &st, err))
        return false;
    if (!st) {
        return err_set(err, ERR_NOT_FOUND, "secretNotSet", "the secret '%.*s' is not set",
                       STR_ARG(name));
    }
    return secret_open(key, db_col_text(st, 0), secret_place(tmp, no, name), out, err);
}

bool job_has_secrets(struct db *db, int64_t no, bool *out, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    if (!db_select_one(db, query(Q_SECRET_COUNT), DB_ARGS(db_int(no)), &st, err))
        return false;
    *out = st && db_col_int(st, 0) > 0;
    return true;
}
