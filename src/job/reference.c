/* Members as last exported, and references that wait for an object to be connected. */
#include "job/connection.h"
#include "job/queries.h"
#include "job/store.h"

enum query {
    Q_MEMBERS,
    Q_MEMBER_HAS,
    Q_MEMBER_ADD,
    Q_MEMBER_REMOVE,
    Q_PENDING_ADD,
    Q_PENDING_OWE,
    Q_PENDING_LIST,
    Q_PENDING_REMOVE,
};

const struct db_query reference_queries[] = {
    [Q_MEMBERS] = {"exported_members", "SELECT member_id FROM job_exported_member"
                                       " WHERE job_no = $1 AND group_id = $2 AND member_id > $3"
                                       " ORDER BY member_id LIMIT $4"},
    [Q_MEMBER_HAS] = {"exported_member_has",
                      "SELECT 1 FROM job_exported_member"
                      " WHERE job_no = $1 AND group_id = $2 AND member_id = $3"},
    [Q_MEMBER_ADD] = {"exported_member_add",
                      "INSERT INTO job_exported_member (job_no, group_id, member_id)"
                      " VALUES ($1, $2, $3)"
                      " ON CONFLICT (job_no, group_id, member_id) DO NOTHING"},
    [Q_MEMBER_REMOVE] = {"exported_member_remove",
                         "DELETE FROM job_exported_member"
                         " WHERE job_no = $1 AND group_id = $2 AND member_id = $3"},
    [Q_PENDING_ADD] = {"pending_reference_add",
                       "INSERT INTO job_pending_reference (job_no, missing_id, owner_id, attribute)"
                       " VALUES ($1, $2, $3, $4)"
                       " ON CONFLICT (job_no, missing_id, owner_id, attribute) DO NOTHING"},
    [Q_PENDING_OWE] = {"pending_reference_owe",
                       "INSERT INTO job_pending_reference"
                       " (job_no, missing_id, owner_id, attribute)"
                       " SELECT job_no, member_id, group_id, 'members' FROM job_exported_member"
                       " WHERE job_no = $1 AND member_id = $2"
                       " ON CONFLICT (job_no, missing_id, owner_id, attribute) DO NOTHING"},
    [Q_PENDING_LIST] = {"pending_reference_list",
                        "SELECT owner_id, attribute FROM job_pending_reference"
                        " WHERE job_no = $1 AND missing_id = $2"
                        " ORDER BY owner_id, attribute"},
    [Q_PENDING_REMOVE] = {"pending_reference_remove",
                          "DELETE FROM job_pending_reference WHERE job_no = $1"
                          " AND missing_id = $2 AND owner_id = $3 AND attribute = $4"},
};
const size_t reference_query_count = ARRAY_LEN(reference_queries);

static const struct db_query *query(enum query q)
{
    return &reference_queries[q];
}

bool exported_members(struct db *db, struct arena *a, int64_t job_no, struct str group_id,
                      struct str after, size_t limit, struct str **out, size_t *out_count,
                      struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct str *ids = ARENA_ARRAY(a, struct str, limit ? limit : 1);
    size_t count = 0;
    bool row;

    if (!db_select(
            db, query(Q_MEMBERS),
            DB_ARGS(db_int(job_no), db_text(group_id), db_text(after), db_int((int64_t)limit)), &st,
            err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        ids[count++] = arena_str(a, db_col_text(st, 0));
    }
    *out = ids;
    *out_count = count;
    return true;
}

bool exported_member_has(struct db *db, int64_t job_no, struct str group_id, struct str member_id,
                         bool *out, struct err *err)
{
    int64_t one;

    return store_number(db, query(Q_MEMBER_HAS),
                        DB_ARGS(db_int(job_no), db_text(group_id), db_text(member_id)), &one, out,
                        err);
}

bool exported_member_set(struct db *db, int64_t job_no, struct str group_id, struct str member_id,
                         bool present, struct err *err)
{
    return db_exec(db, query(present ? Q_MEMBER_ADD : Q_MEMBER_REMOVE),
                   DB_ARGS(db_int(job_no), db_text(group_id), db_text(member_id)), NULL, err);
}

bool pending_reference_add(struct db *db, int64_t job_no, const struct pending_reference *p,
                           struct err *err)
{
    return db_exec(db, query(Q_PENDING_ADD),
                   DB_ARGS(db_int(job_no), db_text(p->missing_id), db_text(p->owner_id),
                           db_text(p->attribute)),
                   NULL, err);
}

bool pending_reference_owe(struct db *db, int64_t job_no, struct str member_id, struct err *err)
{
    return db_exec(db, query(Q_PENDING_OWE), DB_ARGS(db_int(job_no), db_text(member_id)), NULL,
                   err);
}

bool pending_reference_list(struct db *db, struct arena *a, int64_t job_no, struct str missing_id,
                            struct pending_reference **out, size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct pending_reference *list = NULL;
    size_t count = 0;
    size_t cap = 0;
    bool row;

    if (!db_select(db, query(Q_PENDING_LIST), DB_ARGS(db_int(job_no), db_text(missing_id)), &st,
                   err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        if (count == cap) {
            struct pending_reference *more =
                ARENA_ARRAY(a, struct pending_reference, cap ? 2 * cap : 8);
            if (count)
                memcpy(more, list, count * sizeof(*more));
            list = more;
            cap = cap ? 2 * cap : 8;
        }
        list[count++] = (struct pending_reference){
            .missing_id = arena_str(a, missing_id),
            .owner_id = arena_str(a, db_col_text(st, 0)),
            .attribute = arena_str(a, db_col_text(st, 1)),
        };
    }
    *out = list;
    *out_count = count;
    return true;
}

bool pending_reference_remove(struct db *db, int64_t job_no, const struct pending_reference *p,
                              struct err *err)
{
    return db_exec(db, query(Q_PENDING_REMOVE),
                   DB_ARGS(db_int(job_no), db_text(p->missing_id), db_text(p->owner_id),
                           db_text(p->attribute)),
                   NULL, err);
}
