#include "job/store.h"

#include <inttypes.h>

bool store_begin(struct db *db, bool *out_own, struct err *err)
{
    bool own = !db_in_transaction(db);

    if (own && !db_begin(db, DB_WRITE, err))
        return false;
    *out_own = own;
    return true;
}

bool store_end(struct db *db, bool own, bool ok, struct err *err)
{
    if (!own)
        return ok;
    if (ok && db_commit(db, err))
        return true;
    db_rollback(db);
    return false;
}

bool store_number(struct db *db, const struct db_query *query, struct db_args args, int64_t *out,
                  bool *out_row, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row;
    bool more = false;
    int64_t number = 0;

    if (!db_select(db, query, args, &st, err) || !db_step(st, &row, err))
        return false;
    if (row)
        number = db_col_int(st, 0);
    /* A writing statement outside a transaction is committed when it has come to its end. */
    if (row && !db_step(st, &more, err))
        return false;
    assert(!more);
    *out = number;
    *out_row = row;
    return true;
}

bool store_change_job(struct db *db, const struct db_query *query, struct db_args args,
                      int64_t job_no, struct err *err)
{
    int64_t changed;

    if (!db_exec(db, query, args, &changed, err))
        return false;
    if (changed == 0)
        return err_set(err, ERR_NOT_FOUND, "jobNotFound", "no job number %" PRId64, job_no);
    return true;
}

bool store_rows(struct db *db, const struct db_query *query, struct db_args args,
                const struct store_list *list, void *out, size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    char *rows = arena_alloc(list->a, (list->limit ? list->limit : 1) * list->size);
    size_t count = 0;
    bool row;

    if (!db_select(db, query, args, &st, err))
        return false;
    while (count < list->limit) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        list->read(st, list->a, rows + count++ * list->size);
    }
    memcpy(out, &rows, sizeof(rows));
    *out_count = count;
    return true;
}
