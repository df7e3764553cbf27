#include "directory/import/work.h"

/* The tables of one import are temporary: they belong to the connection, cost no durability, and
 * go when it closes. */
const struct db_query import_queries[] = {
    [IMPORT_MAKE_SEEN] = {"import_make_seen",
                          "CREATE TEMPORARY TABLE IF NOT EXISTS import_seen (id TEXT NOT NULL"
                          " PRIMARY KEY, line BIGINT NOT NULL, members BOOLEAN NOT NULL)"},
    [IMPORT_MAKE_REFERENCE] = {"import_make_reference",
                               "CREATE TEMPORARY TABLE IF NOT EXISTS import_reference"
                               " (no BIGINT NOT NULL PRIMARY KEY, owner_id TEXT NOT NULL,"
                               " member BOOLEAN NOT NULL, was_unchanged BOOLEAN NOT NULL,"
                               " value TEXT NOT NULL, line BIGINT NOT NULL, cell BIGINT NOT NULL)"},
    [IMPORT_MAKE_MEMBER] = {"import_make_member",
                            "CREATE TEMPORARY TABLE IF NOT EXISTS import_member"
                            " (group_id TEXT NOT NULL, member_id TEXT NOT NULL,"
                            " PRIMARY KEY (group_id, member_id))"},
    [IMPORT_CLEAR_SEEN] = {"import_clear_seen", "DELETE FROM import_seen"},
    [IMPORT_CLEAR_REFERENCE] = {"import_clear_reference", "DELETE FROM import_reference"},
    [IMPORT_CLEAR_MEMBER] = {"import_clear_member", "DELETE FROM import_member"},
    [IMPORT_SEE] = {"import_see", "INSERT INTO import_seen (id, line, members) VALUES ($1, $2, $3)"
                                  " ON CONFLICT (id) DO NOTHING"},
    [IMPORT_SEEN_LINE] = {"import_seen_line", "SELECT line FROM import_seen WHERE id = $1"},
    [IMPORT_REFER] = {"import_refer",
                      "INSERT INTO import_reference (no, owner_id, member, was_unchanged, value,"
                      " line, cell) VALUES ($1, $2, $3, $4, $5, $6, $7)"},
    [IMPORT_REFERENCES] = {"import_references",
                           "SELECT no, owner_id, member, was_unchanged, value, line, cell"
                           "  FROM import_reference WHERE no > $1 ORDER BY no LIMIT $2"},
    [IMPORT_MEMBER] = {"import_member",
                       "INSERT INTO import_member (group_id, member_id) VALUES ($1, $2)"
                       " ON CONFLICT (group_id, member_id) DO NOTHING"},
    [IMPORT_GROUPS] = {"import_groups", "SELECT id FROM import_seen"
                                        " WHERE members AND id > $1 ORDER BY id LIMIT $2"},
    [IMPORT_JOINED] = {"import_joined", "SELECT i.member_id FROM import_member i"
                                        " WHERE i.group_id = $1 AND i.member_id > $2"
                                        "   AND NOT EXISTS (SELECT 1 FROM directory_membership m"
                                        "                    WHERE m.group_id = i.group_id"
                                        "                      AND m.member_id = i.member_id)"
                                        " ORDER BY i.member_id LIMIT $3"},
    /* Who is in the recycle bin cannot be in the file and keeps the membership for coming back. */
    [IMPORT_LEFT] = {"import_left",
                     "SELECT m.member_id FROM directory_membership m"
                     " WHERE m.group_id = $1 AND m.member_id > $2"
                     "   AND NOT EXISTS (SELECT 1 FROM import_member i"
                     "                    WHERE i.group_id = m.group_id"
                     "                      AND i.member_id = m.member_id)"
                     "   AND NOT EXISTS (SELECT 1 FROM directory_object o"
                     "                    WHERE o.id = m.member_id AND o.deleted_us IS NOT NULL)"
                     " ORDER BY m.member_id LIMIT $3"},
    [IMPORT_MISSING_COUNT] = {"import_missing_count",
                              "SELECT count(*) FROM directory_object o"
                              " WHERE o.kind = $1 AND o.deleted_us IS NULL"
                              "   AND NOT EXISTS (SELECT 1 FROM import_seen s WHERE s.id = o.id)"},
    [IMPORT_MISSING] = {"import_missing",
                        "SELECT o.id FROM directory_object o"
                        " WHERE o.kind = $1 AND o.id > $2 AND o.deleted_us IS NULL"
                        "   AND NOT EXISTS (SELECT 1 FROM import_seen s WHERE s.id = o.id)"
                        " ORDER BY o.id LIMIT $3"},
};
const size_t import_query_count = ARRAY_LEN(import_queries);
static_assert(ARRAY_LEN(import_queries) == IMPORT_QUERY_COUNT, "every query has a text");

bool import_prepare(struct db *db, struct err *err)
{
    for (int q = IMPORT_MAKE_SEEN; q <= IMPORT_CLEAR_MEMBER; q++) {
        if (!db_exec(db, import_query((enum import_query)q), DB_NO_ARGS, NULL, err))
            return false;
    }
    return true;
}

static bool run(struct import_work *w, struct err *err)
{
    return import_prepare(w->db, err) && directory_count(w->db, &w->before, err) &&
           (w->o->format == IMPORT_CSV ? import_read_csv(w, err) : import_read_json(w, err)) &&
           import_end(w, err);
}

bool directory_import(struct db *db, const struct import_options *options,
                      struct import_result *out, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(arena_freep) struct arena *row = arena_new();
    struct import_work w = {.db = db, .o = options, .result = out, .a = a, .row = row};

    *out = (struct import_result){0};
    if (!directory_begin(db, options->clock, options->rng, &w.tx, err))
        return false;
    if (!run(&w, err)) {
        directory_rollback(&w.tx);
        if (out->committed > 0)
            err_prefix(err, "after %lld rows, which stay imported", (long long)out->committed);
        return false;
    }
    if (options->dry_run) {
        directory_rollback(&w.tx);
        return true;
    }
    return directory_commit(&w.tx, err);
}
