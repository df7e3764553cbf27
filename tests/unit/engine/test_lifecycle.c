/* What becomes of an account when its person leaves, in every configuration that can be set now:
 * the truth table of engine.md 6.3 and the coming back of 6.4, row by row. */
#include "world.h"

static struct world *w;

/* What happens to the person, one after the other; each ends with a cycle. */
enum event {
    NOTHING,
    UNASSIGN,
    ASSIGN,
    LEAVE_ONE,   /* of two assigned groups */
    LEAVE_OTHER, /* the second one */
    JOIN_ONE,
    BLOCK,
    UNBLOCK,
    SOFT_DELETE,
    RESTORE,
    HARD_DELETE,
    PURGE, /* soft and hard delete without a cycle between */
};

enum setting { STANDARD, UPDATE_OFF, DELETE_OFF, NOT_MAPPED, SETTING_COUNT };

/* What the last event leads to. */
enum outcome { NONE, DISABLED, DELETED, ENABLED };

static const char *const setting_names[SETTING_COUNT] = {"standard", "update off", "delete off",
                                                         "IsSoftDeleted not mapped"};

static const struct {
    const char *name;
    bool by_groups;      /* assigned through two groups instead of directly */
    bool never_assigned; /* has no account */
    enum event events[4];
    enum outcome expect[SETTING_COUNT];
} rows[] = {
    {"1 unassigned", false, false, {UNASSIGN}, {DISABLED, NONE, DISABLED, NONE}},
    {"2 last group", true, false, {LEAVE_ONE, LEAVE_OTHER}, {DISABLED, NONE, DISABLED, NONE}},
    {"3 another path remains", true, false, {LEAVE_ONE}, {NONE, NONE, NONE, NONE}},
    {"5 disabled", false, false, {BLOCK}, {DISABLED, NONE, DISABLED, NONE}},
    {"6 soft-deleted", false, false, {SOFT_DELETE}, {DISABLED, NONE, DISABLED, NONE}},
    {"7 hard-deleted", false, false, {SOFT_DELETE, HARD_DELETE}, {DELETED, DELETED, NONE, DELETED}},
    {"8 disabled, unassigned", false, false, {BLOCK, UNASSIGN}, {NONE, NONE, NONE, NONE}},
    {"9 unassigned, soft-deleted", false, false, {UNASSIGN, SOFT_DELETE}, {NONE, NONE, NONE, NONE}},
    {"10 unassigned, hard-deleted",
     false,
     false,
     {UNASSIGN, PURGE},
     {DELETED, DELETED, NONE, DELETED}},
    {"11 never connected, disabled", false, true, {BLOCK}, {NONE, NONE, NONE, NONE}},
    {"11 never connected, soft-deleted", false, true, {SOFT_DELETE}, {NONE, NONE, NONE, NONE}},
    {"11 never connected, purged", false, true, {PURGE}, {NONE, NONE, NONE, NONE}},
    {"12 purged at once", false, false, {PURGE}, {DELETED, DELETED, NONE, DELETED}},
    {"6.4 assigned again", false, false, {UNASSIGN, ASSIGN}, {ENABLED, NONE, ENABLED, NONE}},
    {"6.4 in a group again",
     true,
     false,
     {LEAVE_ONE, LEAVE_OTHER, JOIN_ONE},
     {ENABLED, NONE, ENABLED, NONE}},
    {"6.4 enabled again", false, false, {BLOCK, UNBLOCK}, {ENABLED, NONE, ENABLED, NONE}},
    {"6.4 restored", false, false, {SOFT_DELETE, RESTORE}, {ENABLED, NONE, ENABLED, NONE}},
    {"6.4 restored, still unassigned",
     false,
     false,
     {UNASSIGN, SOFT_DELETE, RESTORE},
     {NONE, NONE, NONE, NONE}},
};

/* Every setting is a change of the stored schema, before the first cycle. */
static void set_up(enum setting setting)
{
    static const struct {
        const char *from, *to;
    } edits[SETTING_COUNT] = {
        [UPDATE_OFF] = {"\"flowTypes\":\"Add,Update,Delete\"", "\"flowTypes\":\"Add,Delete\""},
        [DELETE_OFF] = {"\"flowTypes\":\"Add,Update,Delete\"", "\"flowTypes\":\"Add,Update\""},
        [NOT_MAPPED] = {"IsSoftDeleted", "accountEnabled"},
    };
    struct str schema;
    struct buf edited;
    struct err err;
    int64_t version;
    size_t at;

    if (setting == STANDARD)
        return;
    CHECK(job_schema_load(w->db, w->arena, w->job.no, 0, &schema, &err), "%s", err.message);
    buf_init(&edited, 1 << 20);
    CHECK(str_find(schema, str_from_z(edits[setting].from), &at), "%s is in %.*s",
          edits[setting].from, STR_ARG(schema));
    while (str_find(schema, str_from_z(edits[setting].from), &at)) {
        buf_add(&edited, str_sub(schema, 0, at));
        buf_add_z(&edited, edits[setting].to);
        schema = str_from(schema, at + strlen(edits[setting].from));
    }
    buf_add(&edited, schema);
    CHECK(
        job_schema_save(w->db, w->job.no, buf_str(&edited), STR("t"), STR("t"), 1, &version, &err),
        "%s", err.message);
    buf_done(&edited);
}

static struct str groups[2];

static void happen(enum event event, struct str ada)
{
    switch (event) {
    case NOTHING:
        return;
    case UNASSIGN:
    case ASSIGN:
        world_assign(w, ada, event == ASSIGN);
        break;
    case LEAVE_ONE:
    case JOIN_ONE:
        world_member(w, groups[0], ada, event == JOIN_ONE);
        break;
    case LEAVE_OTHER:
        world_member(w, groups[1], ada, false);
        break;
    case BLOCK:
    case UNBLOCK:
        world_set(w, ada, "accountEnabled", event == BLOCK ? "false" : "true");
        break;
    case SOFT_DELETE:
        world_delete(w, ada, WORLD_SOFT);
        break;
    case RESTORE:
        world_delete(w, ada, WORLD_RESTORE);
        break;
    case PURGE:
        world_delete(w, ada, WORLD_SOFT);
        world_delete(w, ada, WORLD_HARD);
        break;
    case HARD_DELETE:
        world_delete(w, ada, WORLD_HARD);
        break;
    }
}

/* A person goes through a row, in a world where the others have settled. */
static void check_row(size_t row, const char *setting, enum outcome expect)
{
    const char *name = arena_printf(w->arena, "p%zu", row).ptr;
    struct account *account;
    struct cycle c = {0};
    struct str person = world_person(w, name);

    for (int i = 0; i < 2 && rows[row].by_groups; i++) {
        groups[i] = world_group(w, arena_printf(w->arena, "%s of %s", i ? "two" : "one", name).ptr);
        world_assign(w, groups[i], true);
        world_member(w, groups[i], person, true);
    }
    if (!rows[row].by_groups && !rows[row].never_assigned)
        world_assign(w, person, true);
    world_cycle(w);
    CHECK(!world_account(w, name) == rows[row].never_assigned, "%s: who is in has an account",
          rows[row].name);
    for (size_t i = 0; i < ARRAY_LEN(rows[row].events) && rows[row].events[i] != NOTHING; i++) {
        happen(rows[row].events[i], person);
        c = world_cycle(w);
    }
    CHECK(c.counters.failed == 0 && c.counters.created == 0 &&
              c.counters.disabled == (expect == DISABLED) &&
              c.counters.deleted == (expect == DELETED) &&
              c.counters.updated == (expect == ENABLED),
          "%s, %s: %lld created, %lld disabled, %lld deleted, %lld updated", rows[row].name,
          setting, (long long)c.counters.created, (long long)c.counters.disabled,
          (long long)c.counters.deleted, (long long)c.counters.updated);
    CHECK((c.counters.requests == 0) == (expect == NONE), "%s, %s: %lld requests", rows[row].name,
          setting, (long long)c.counters.requests);
    account = world_account(w, name);
    CHECK(!account == (expect == DELETED || rows[row].never_assigned), "%s, %s: the account",
          rows[row].name, setting);
    if (account && (expect == DISABLED || expect == ENABLED))
        CHECK_STR(world_value(account, "active"), expect == ENABLED ? "true" : "false", "active");
    c = world_cycle(w);
    CHECK(c.counters.requests == 0 && w->calls[CALL_MEMBERS] == 0, "%s, %s: settled",
          rows[row].name, setting);
}

static void check_rows(const struct db_config *config, enum setting setting)
{
    w = malloc(sizeof(*w));
    world_init(w, config, "scim");
    set_up(setting);
    for (size_t row = 0; row < ARRAY_LEN(rows); row++)
        check_row(row, setting_names[setting], rows[row].expect[setting]);
    world_done(w);
    free(w);
}

static void standard_on(const struct db_config *config)
{
    check_rows(config, STANDARD);
}

static void standard(void **state)
{
    (void)state;
    test_databases(standard_on);
}

static void update_off_on(const struct db_config *config)
{
    check_rows(config, UPDATE_OFF);
}

static void update_off(void **state)
{
    (void)state;
    test_databases(update_off_on);
}

static void delete_off_on(const struct db_config *config)
{
    check_rows(config, DELETE_OFF);
}

static void delete_off(void **state)
{
    (void)state;
    test_databases(delete_off_on);
}

static void not_mapped_on(const struct db_config *config)
{
    check_rows(config, NOT_MAPPED);
}

static void not_mapped(void **state)
{
    (void)state;
    test_databases(not_mapped_on);
}

/* An account that stays as it is out of scope keeps its manager, too (engine.md 6.2). */
static void out_of_scope_references_on(const struct db_config *config)
{
    struct str ada, boss;

    w = malloc(sizeof(*w));
    world_init(w, config, "scim");
    set_up(NOT_MAPPED);
    ada = world_person(w, "ada");
    boss = world_person(w, "boss");
    world_assign(w, ada, true);
    world_assign(w, boss, true);
    world_cycle(w);
    world_assign(w, ada, false);
    world_set(w, ada, "manager", arena_printf(w->arena, "\"%.*s\"", STR_ARG(boss)).ptr);
    world_cycle(w);
    CHECK(w->calls[CALL_UPDATE] == 0, "nothing is sent while she is out");
    world_assign(w, ada, true);
    world_cycle(w);
    CHECK(w->calls[CALL_UPDATE] == 1, "and her manager when she is back");
    world_done(w);
    free(w);
}

static void out_of_scope_references(void **state)
{
    (void)state;
    test_databases(out_of_scope_references_on);
}

TEST_GROUP(lifecycle, cmocka_unit_test(standard), cmocka_unit_test(update_off),
           cmocka_unit_test(delete_off), cmocka_unit_test(not_mapped),
           cmocka_unit_test(out_of_scope_references))
