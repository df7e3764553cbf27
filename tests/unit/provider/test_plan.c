/* How SQLite finds what lists and look-ups ask for: never by reading a table or an index whole, and
 * sorted only where the rows of one key have to be, or two lists are merged. */
#include "base/buf.h"
#include "frame/frame.h"
#include "frame/postgres.h"
#include "provider/statements.h"

#include <string.h>

static bool sorts(enum provider_statement statement)
{
    switch ((int)statement) {
    case PROVIDER_ROOT:
    case PROVIDER_ROOT_OFFSET:
    case PROVIDER_BY_EXTERNAL:
    case PROVIDER_BY_DISPLAY:
    case PROVIDER_BY_EMAIL:
    case PROVIDER_BY_MEMBER:
        return true;
    default:
        return false;
    }
}

/* Those who are not active are few: they have an index of their own. */
static bool is_of_inactive(enum provider_statement statement)
{
    return statement >= PROVIDER_PAGE_INACTIVE && statement <= PROVIDER_PAGE_INACTIVE_DOWN_OFFSET;
}

/* $1 to $n, whatever they are: plans do not depend on it. */
static struct db_args arguments(const char *sql)
{
    static const struct db_value any[9] = {{0}};
    struct db_args args = {any, 0};

    for (const char *at = strchr(sql, '$'); at; at = strchr(at + 1, '$'))
        if ((size_t)(at[1] - '0') > args.count)
            args.count = (size_t)(at[1] - '0');
    return args;
}

/* In the arena until the end: the database knows a prepared statement by the place of its query. */
static const struct db_query *explained(struct arena *a, const struct db_query *query)
{
    struct db_query *explain = ARENA_ARRAY(a, struct db_query, 1);

    explain->name = "explain";
    explain->sql = arena_printf(a, "EXPLAIN QUERY PLAN %s", query->sql).ptr;
    return explain;
}

static void check(struct db *db, struct arena *a, enum provider_statement statement)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    const struct db_query *query = provider_query(statement);
    struct err err;
    bool row;

    CHECK(db_select(db, explained(a, query), arguments(query->sql), &st, &err), "%s: %s",
          query->name, err.message);
    while (db_step(st, &row, &err) && row) {
        struct str step = db_col_text(st, 3);
        size_t at;

        CHECK(!str_starts(step, STR("SCAN r")) && !str_starts(step, STR("SCAN e")) &&
                  !str_starts(step, STR("SCAN m")),
              "%s: %.*s", query->name, STR_ARG(step));
        CHECK(!is_of_inactive(statement) || !str_starts(step, STR("SEARCH")) ||
                  str_find(step, STR("provider_resource_inactive"), &at) ||
                  str_find(step, STR("provider_member"), &at),
              "%s: %.*s", query->name, STR_ARG(step));
        CHECK(sorts(statement) || !str_find(step, STR("TEMP B-TREE"), &at), "%s: %.*s", query->name,
              STR_ARG(step));
    }
}

static void check_plans(const struct db_config *config)
{
    static const enum provider_statement others[] = {PROVIDER_LOAD, PROVIDER_MEMBER_PAGE,
                                                     PROVIDER_MEMBER_IDS, PROVIDER_GROUPS_OF};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct err err = {0};
    struct db *db;

    if (strcmp(test_database_kind(config), "sqlite") != 0)
        return; /* PostgreSQL plans by what tables hold, and these hold nothing */
    CHECK(db_open(config, &db, &err), "%s", err.message);
    for (int i = PROVIDER_PAGE; i <= PROVIDER_BY_MODIFIED; i++)
        check(db, a, (enum provider_statement)i);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        check(db, a, others[i]);
    db_close(db);
}

static void lists_read_indexes(void **state)
{
    (void)state;
    test_databases(check_plans);
}

TEST_GROUP(plan, cmocka_unit_test(lists_read_indexes));
