/* Members and other references as last exported, references that wait for an object to be
 * connected, and what is owed. */
#include "job/reference.h"

#include "job/queries.h"
#include "job/store.h"

enum query {
    Q_MEMBERS,
    Q_MEMBER_ACCOUNTS,
    Q_MEMBER_HAS,
    Q_MEMBER_ADD,
    Q_MEMBER_REMOVE,
    Q_NAMED_CLEAR,
    Q_NAMED_ADD,
    Q_NAMED_HAS,
    Q_PENDING_ADD,
    Q_PENDING_LIST,
    Q_PENDING_REMOVE,
    Q_PENDING_CLEAR,
    Q_PENDING_CLEAR_OWNER,
    Q_PENDING_WAITS,
    Q_PENDING_COUNTED,
    Q_PENDING_COUNT,
    Q_OWED_ADD,
    Q_OWED_REMOVE,
    Q_OWED_REMOVE_PARKED,
    Q_OWED_PAGE,
    Q_OWED_PARKED,
    Q_OWED_ABOUT,
    Q_OWE_GROUPS,
    Q_OWE_OWNERS,
    Q_ARRIVED,
    Q_REASSERT,
    Q_REASSERT_GROUP,
    Q_REASSERT_ALL,
    Q_FORGET_MEMBERS,
    Q_FORGET_MEMBERSHIPS,
    Q_FORGET_NAMED,
    Q_FORGET_OWED,
    Q_CLEAR_MEMBERS,
    Q_CLEAR_NAMED,
    Q_CLEAR_PENDING,
    Q_CLEAR_COUNT,
    Q_CLEAR_OWED,
};

#define OWED_COLUMNS "owner_id, named_id, target_id, forced, parked"
#define OWED_INTO    "INSERT INTO job_owed_reference (job_no, " OWED_COLUMNS ")"
#define OWED_JOIN    " ON CONFLICT (job_no, owner_id, named_id) DO UPDATE SET "
#define OWED_UNIQUE  "job_owed_reference."

const struct db_query reference_queries[] = {
    [Q_MEMBERS] = {"exported_members", "SELECT member_id FROM job_exported_member"
                                       " WHERE job_no = $1 AND group_id = $2 AND member_id > $3"
                                       " ORDER BY member_id LIMIT $4"},
    [Q_MEMBER_ACCOUNTS] = {"exported_member_accounts",
                           "SELECT c.target_id FROM job_exported_member m JOIN job_connection c"
                           " ON c.job_no = m.job_no AND c.source_id = m.member_id"
                           " WHERE m.job_no = $1 AND m.group_id = $2"
                           " ORDER BY m.member_id LIMIT $3"},
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
    [Q_NAMED_CLEAR] = {"exported_reference_clear",
                       "DELETE FROM job_exported_reference"
                       " WHERE job_no = $1 AND owner_id = $2 AND attribute = $3"},
    [Q_NAMED_ADD] = {"exported_reference_add",
                     "INSERT INTO job_exported_reference (job_no, owner_id, attribute, named_id)"
                     " VALUES ($1, $2, $3, $4)"
                     " ON CONFLICT (job_no, owner_id, attribute, named_id) DO NOTHING"},
    [Q_NAMED_HAS] = {"exported_reference_has",
                     "SELECT 1 FROM job_exported_reference"
                     " WHERE job_no = $1 AND owner_id = $2 AND attribute = $3 AND named_id = $4"},
    [Q_PENDING_ADD] = {"pending_reference_add",
                       "INSERT INTO job_pending_reference (job_no, missing_id, owner_id, attribute)"
                       " VALUES ($1, $2, $3, $4)"
                       " ON CONFLICT (job_no, missing_id, owner_id, attribute) DO NOTHING"},
    [Q_PENDING_LIST] = {"pending_reference_list",
                        "SELECT owner_id, attribute FROM job_pending_reference"
                        " WHERE job_no = $1 AND missing_id = $2"
                        " ORDER BY owner_id, attribute"},
    [Q_PENDING_REMOVE] = {"pending_reference_remove",
                          "DELETE FROM job_pending_reference WHERE job_no = $1"
                          " AND missing_id = $2 AND owner_id = $3 AND attribute = $4"},
    [Q_PENDING_CLEAR] = {"pending_reference_clear",
                         "DELETE FROM job_pending_reference WHERE job_no = $1"
                         " AND owner_id = $2 AND attribute = $3"},
    [Q_PENDING_CLEAR_OWNER] = {"pending_reference_clear_owner",
                               "DELETE FROM job_pending_reference"
                               " WHERE job_no = $1 AND owner_id = $2"},
    [Q_PENDING_WAITS] = {"pending_reference_waits",
                         "SELECT 1 FROM job_pending_reference WHERE job_no = $1"
                         " AND owner_id = $2 AND attribute = $3 LIMIT 1"},
    [Q_PENDING_COUNTED] = {"pending_reference_counted",
                           "INSERT INTO job_pending_count (job_no, pending) VALUES ($1, $2)"
                           " ON CONFLICT (job_no) DO UPDATE"
                           " SET pending = job_pending_count.pending + excluded.pending"},
    [Q_PENDING_COUNT] = {"pending_reference_count",
                         "SELECT pending FROM job_pending_count WHERE job_no = $1"},
    [Q_OWED_ADD] = {"owed_reference_add",
                    OWED_INTO " VALUES ($1, $2, $3, $4, $5, $6)" OWED_JOIN
                              "target_id = CASE WHEN excluded.target_id = ''"
                              " THEN " OWED_UNIQUE "target_id ELSE excluded.target_id END,"
                              " forced = (" OWED_UNIQUE "forced OR excluded.forced),"
                              " parked = excluded.parked"},
    [Q_OWED_REMOVE] = {"owed_reference_remove",
                       "DELETE FROM job_owed_reference"
                       " WHERE job_no = $1 AND owner_id = $2 AND named_id = $3"},
    [Q_OWED_REMOVE_PARKED] = {"owed_reference_remove_parked",
                              "DELETE FROM job_owed_reference"
                              " WHERE job_no = $1 AND owner_id = $2 AND parked = $3"},
    [Q_OWED_PAGE] = {"owed_reference_page",
                     "SELECT " OWED_COLUMNS " FROM job_owed_reference"
                     " WHERE job_no = $1 AND parked = $2 AND (owner_id, named_id) > ($3, $4)"
                     " ORDER BY owner_id, named_id LIMIT $5"},
    [Q_OWED_PARKED] = {"owed_reference_parked",
                       "SELECT " OWED_COLUMNS " FROM job_owed_reference"
                       " WHERE job_no = $1 AND owner_id = $2 AND parked = $3"
                       " ORDER BY named_id LIMIT $4"},
    [Q_OWED_ABOUT] = {"owed_reference_about",
                      "SELECT " OWED_COLUMNS " FROM job_owed_reference"
                      " WHERE job_no = $1 AND parked = $2 AND (owner_id = $3 OR named_id = $3)"
                      " ORDER BY owner_id, named_id LIMIT $4"},
    [Q_OWE_GROUPS] = {"references_owe_groups", OWED_INTO
                      " SELECT m.job_no, m.group_id, m.member_id, c.target_id, FALSE, FALSE"
                      " FROM job_exported_member m JOIN job_connection c"
                      " ON c.job_no = m.job_no AND c.source_id = m.member_id"
                      " WHERE m.job_no = $1 AND m.member_id = $2" OWED_JOIN
                      "target_id = excluded.target_id, parked = FALSE"},
    [Q_OWE_OWNERS] = {"references_owe_owners",
                      OWED_INTO " SELECT DISTINCT job_no, owner_id, named_id, '', FALSE, FALSE"
                                " FROM job_exported_reference"
                                " WHERE job_no = $1 AND named_id = $2" OWED_JOIN "parked = FALSE"},
    [Q_ARRIVED] = {"references_arrived",
                   OWED_INTO " SELECT DISTINCT job_no, owner_id, missing_id, '', FALSE, FALSE"
                             " FROM job_pending_reference"
                             " WHERE job_no = $1 AND missing_id = $2" OWED_JOIN "parked = FALSE"},
    [Q_REASSERT] = {"references_reassert",
                    OWED_INTO " SELECT job_no, group_id, member_id, '', TRUE, FALSE"
                              " FROM job_exported_member"
                              " WHERE job_no = $1 AND member_id = $2" OWED_JOIN
                              "forced = TRUE, parked = FALSE"},
    [Q_REASSERT_GROUP] = {"references_reassert_group",
                          OWED_INTO " SELECT job_no, source_id, '', '', TRUE, FALSE"
                                    " FROM job_connection"
                                    " WHERE job_no = $1 AND kind = 1 AND source_id = $2" OWED_JOIN
                                    "forced = TRUE, parked = FALSE"},
    [Q_REASSERT_ALL] = {"references_reassert_all",
                        OWED_INTO " SELECT job_no, source_id, '', '', TRUE, FALSE"
                                  " FROM job_connection WHERE job_no = $1 AND kind = 1" OWED_JOIN
                                  "forced = TRUE, parked = FALSE"},
    [Q_FORGET_MEMBERS] = {"references_forget_members",
                          "DELETE FROM job_exported_member WHERE job_no = $1 AND group_id = $2"},
    [Q_FORGET_MEMBERSHIPS] = {"references_forget_memberships",
                              "DELETE FROM job_exported_member"
                              " WHERE job_no = $1 AND member_id = $2"},
    [Q_FORGET_NAMED] = {"references_forget_named",
                        "DELETE FROM job_exported_reference WHERE job_no = $1 AND owner_id = $2"},
    [Q_FORGET_OWED] = {"references_forget_owed",
                       "DELETE FROM job_owed_reference WHERE job_no = $1 AND owner_id = $2"},
    [Q_CLEAR_MEMBERS] = {"references_clear_members",
                         "DELETE FROM job_exported_member WHERE job_no = $1"},
    [Q_CLEAR_NAMED] = {"references_clear_named",
                       "DELETE FROM job_exported_reference WHERE job_no = $1"},
    [Q_CLEAR_PENDING] = {"references_clear_pending",
                         "DELETE FROM job_pending_reference WHERE job_no = $1"},
    [Q_CLEAR_COUNT] = {"references_clear_count", "DELETE FROM job_pending_count WHERE job_no = $1"},
    [Q_CLEAR_OWED] = {"references_clear_owed", "DELETE FROM job_owed_reference WHERE job_no = $1"},
};
const size_t reference_query_count = ARRAY_LEN(reference_queries);

static const struct db_query *query(enum query q)
{
    return &reference_queries[q];
}

static bool text_list(struct db *db, enum query q, struct db_args args, size_t limit,
                      struct arena *a, struct str **out, size_t *out_count, struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct str *list = ARENA_ARRAY(a, struct str, limit ? limit : 1);
    size_t count = 0;
    bool row;

    if (!db_select(db, query(q), args, &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        list[count++] = arena_str(a, db_col_text(st, 0));
    }
    *out = list;
    *out_count = count;
    return true;
}

bool exported_members(struct db *db, struct arena *a, int64_t job_no, struct str group_id,
                      struct str after, size_t limit, struct str **out, size_t *out_count,
                      struct err *err)
{
    return text_list(
        db, Q_MEMBERS,
        DB_ARGS(db_int(job_no), db_text(group_id), db_text(after), db_int((int64_t)limit)), limit,
        a, out, out_count, err);
}

bool exported_member_accounts(struct db *db, struct arena *a, int64_t job_no, struct str group_id,
                              size_t limit, struct str **out, size_t *out_count, struct err *err)
{
    return text_list(db, Q_MEMBER_ACCOUNTS,
                     DB_ARGS(db_int(job_no), db_text(group_id), db_int((int64_t)limit)), limit, a,
                     out, out_count, err);
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

bool exported_reference_set(struct db *db, int64_t job_no, struct str owner_id,
                            struct str attribute, const struct str *named, size_t count,
                            struct err *err)
{
    if (!db_exec(db, query(Q_NAMED_CLEAR),
                 DB_ARGS(db_int(job_no), db_text(owner_id), db_text(attribute)), NULL, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!db_exec(
                db, query(Q_NAMED_ADD),
                DB_ARGS(db_int(job_no), db_text(owner_id), db_text(attribute), db_text(named[i])),
                NULL, err))
            return false;
    }
    return true;
}

bool exported_reference_has(struct db *db, int64_t job_no, struct str owner_id,
                            struct str attribute, struct str named_id, bool *out, struct err *err)
{
    int64_t one;

    return store_number(
        db, query(Q_NAMED_HAS),
        DB_ARGS(db_int(job_no), db_text(owner_id), db_text(attribute), db_text(named_id)), &one,
        out, err);
}

/* --- pending --- */

/* Adds what a statement has changed to the number of pending references. */
static bool pending_counted(struct db *db, int64_t job_no, int64_t by, struct err *err)
{
    return by == 0 ||
           db_exec(db, query(Q_PENDING_COUNTED), DB_ARGS(db_int(job_no), db_int(by)), NULL, err);
}

static bool pending_change(struct db *db, enum query q, struct db_args args, int64_t job_no,
                           int sign, struct err *err)
{
    int64_t changed = 0;
    bool own;

    return store_begin(db, &own, err) &&
           store_end(db, own,
                     db_exec(db, query(q), args, &changed, err) &&
                         pending_counted(db, job_no, sign * changed, err),
                     err);
}

bool pending_reference_add(struct db *db, int64_t job_no, const struct pending_reference *p,
                           struct err *err)
{
    return pending_change(db, Q_PENDING_ADD,
                          DB_ARGS(db_int(job_no), db_text(p->missing_id), db_text(p->owner_id),
                                  db_text(p->attribute)),
                          job_no, 1, err);
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
    return pending_change(db, Q_PENDING_REMOVE,
                          DB_ARGS(db_int(job_no), db_text(p->missing_id), db_text(p->owner_id),
                                  db_text(p->attribute)),
                          job_no, -1, err);
}

bool pending_reference_clear(struct db *db, int64_t job_no, struct str owner_id,
                             struct str attribute, struct err *err)
{
    if (attribute.len == 0) {
        return pending_change(db, Q_PENDING_CLEAR_OWNER, DB_ARGS(db_int(job_no), db_text(owner_id)),
                              job_no, -1, err);
    }
    return pending_change(db, Q_PENDING_CLEAR,
                          DB_ARGS(db_int(job_no), db_text(owner_id), db_text(attribute)), job_no,
                          -1, err);
}

bool pending_reference_waits(struct db *db, int64_t job_no, struct str owner_id,
                             struct str attribute, bool *out, struct err *err)
{
    int64_t one;

    return store_number(db, query(Q_PENDING_WAITS),
                        DB_ARGS(db_int(job_no), db_text(owner_id), db_text(attribute)), &one, out,
                        err);
}

bool pending_reference_count(struct db *db, int64_t job_no, int64_t *out, struct err *err)
{
    int64_t count;
    bool row;

    if (!store_number(db, query(Q_PENDING_COUNT), DB_ARGS(db_int(job_no)), &count, &row, err))
        return false;
    *out = row ? count : 0;
    return true;
}

/* --- owed --- */

static bool owed_list(struct db *db, enum query q, struct db_args args, size_t limit,
                      struct arena *a, struct owed_reference **out, size_t *out_count,
                      struct err *err)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct owed_reference *list = ARENA_ARRAY(a, struct owed_reference, limit ? limit : 1);
    size_t count = 0;
    bool row;

    if (!db_select(db, query(q), args, &st, err))
        return false;
    for (;;) {
        if (!db_step(st, &row, err))
            return false;
        if (!row)
            break;
        list[count++] = (struct owed_reference){
            .owner_id = arena_str(a, db_col_text(st, 0)),
            .named_id = arena_str(a, db_col_text(st, 1)),
            .target_id = arena_str(a, db_col_text(st, 2)),
            .forced = db_col_bool(st, 3),
            .parked = db_col_bool(st, 4),
        };
    }
    *out = list;
    *out_count = count;
    return true;
}

bool owed_reference_add(struct db *db, int64_t job_no, const struct owed_reference *o,
                        struct err *err)
{
    return db_exec(db, query(Q_OWED_ADD),
                   DB_ARGS(db_int(job_no), db_text(o->owner_id), db_text(o->named_id),
                           db_text(o->target_id), db_bool(o->forced), db_bool(o->parked)),
                   NULL, err);
}

bool owed_reference_remove(struct db *db, int64_t job_no, struct str owner_id, struct str named_id,
                           struct err *err)
{
    return db_exec(db, query(Q_OWED_REMOVE),
                   DB_ARGS(db_int(job_no), db_text(owner_id), db_text(named_id)), NULL, err);
}

bool owed_reference_remove_parked(struct db *db, int64_t job_no, struct str owner_id,
                                  struct err *err)
{
    return db_exec(db, query(Q_OWED_REMOVE_PARKED),
                   DB_ARGS(db_int(job_no), db_text(owner_id), db_bool(true)), NULL, err);
}

bool owed_reference_page(struct db *db, struct arena *a, int64_t job_no, struct str after_owner,
                         struct str after_named, size_t limit, struct owed_reference **out,
                         size_t *out_count, struct err *err)
{
    return owed_list(db, Q_OWED_PAGE,
                     DB_ARGS(db_int(job_no), db_bool(false), db_text(after_owner),
                             db_text(after_named), db_int((int64_t)limit)),
                     limit, a, out, out_count, err);
}

bool owed_reference_parked(struct db *db, struct arena *a, int64_t job_no, struct str owner_id,
                           size_t limit, struct owed_reference **out, size_t *out_count,
                           struct err *err)
{
    return owed_list(
        db, Q_OWED_PARKED,
        DB_ARGS(db_int(job_no), db_text(owner_id), db_bool(true), db_int((int64_t)limit)), limit, a,
        out, out_count, err);
}

bool owed_reference_about(struct db *db, struct arena *a, int64_t job_no, struct str id,
                          size_t limit, struct owed_reference **out, size_t *out_count,
                          struct err *err)
{
    return owed_list(db, Q_OWED_ABOUT,
                     DB_ARGS(db_int(job_no), db_bool(false), db_text(id), db_int((int64_t)limit)),
                     limit, a, out, out_count, err);
}

/* --- what happens to an object --- */

static bool all_of(struct db *db, const enum query *steps, size_t count, struct db_args args,
                   struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!db_exec(db, query(steps[i]), args, NULL, err))
            return false;
    }
    return true;
}

bool references_owe(struct db *db, int64_t job_no, struct str source_id, struct err *err)
{
    static const enum query steps[] = {Q_OWE_GROUPS, Q_OWE_OWNERS};

    return all_of(db, steps, ARRAY_LEN(steps), DB_ARGS(db_int(job_no), db_text(source_id)), err);
}

bool references_arrived(struct db *db, int64_t job_no, struct str source_id, struct err *err)
{
    return db_exec(db, query(Q_ARRIVED), DB_ARGS(db_int(job_no), db_text(source_id)), NULL, err);
}

bool references_reassert(struct db *db, int64_t job_no, struct str source_id, struct err *err)
{
    return db_exec(db, query(Q_REASSERT), DB_ARGS(db_int(job_no), db_text(source_id)), NULL, err);
}

bool references_reassert_group(struct db *db, int64_t job_no, struct str group_id,
                               int64_t *out_groups, struct err *err)
{
    if (group_id.len == 0)
        return db_exec(db, query(Q_REASSERT_ALL), DB_ARGS(db_int(job_no)), out_groups, err);
    return db_exec(db, query(Q_REASSERT_GROUP), DB_ARGS(db_int(job_no), db_text(group_id)),
                   out_groups, err);
}

bool references_forget(struct db *db, int64_t job_no, struct str source_id, struct err *err)
{
    static const enum query steps[] = {Q_FORGET_MEMBERS, Q_FORGET_MEMBERSHIPS, Q_FORGET_NAMED,
                                       Q_FORGET_OWED};

    return all_of(db, steps, ARRAY_LEN(steps), DB_ARGS(db_int(job_no), db_text(source_id)), err) &&
           pending_reference_clear(db, job_no, source_id, (struct str){0}, err);
}

bool references_clear(struct db *db, int64_t job_no, struct err *err)
{
    static const enum query steps[] = {Q_CLEAR_MEMBERS, Q_CLEAR_NAMED, Q_CLEAR_PENDING,
                                       Q_CLEAR_COUNT, Q_CLEAR_OWED};

    return all_of(db, steps, ARRAY_LEN(steps), DB_ARGS(db_int(job_no)), err);
}
