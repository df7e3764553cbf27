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
    FAIL_FILTER,
    PASS_FILTER,
    BLOCK,
    UNBLOCK,
    SOFT_DELETE,
    RESTORE,
    HARD_DELETE,
    PURGE, /* soft and hard delete without a cycle between */
};

/* The columns: one setting each differs from the standard. The first six are those of the table. */
enum setting {
    STANDARD,
    UPDATE_OFF,
    DELETE_OFF,
    NOT_MAPPED,
    SKIP_FLAG,
    NO_DISABLE,
    SKIP_OUT_OF_SCOPE,
    SKIP_DISABLED,
    AFTER_UNASSIGN_OFF,
    DISABLE_BY_DELETING,
    DELETE_BY_DISABLING,
    NO_DELETE,
    SETTING_COUNT
};

static const struct column {
    const char *name;
    const char *from, *to;      /* edit of the schema; NULL: none */
    const char *settings[2][2]; /* names and values */
} columns[SETTING_COUNT] = {
    [STANDARD] = {"standard", NULL, NULL, {{0}}},
    [UPDATE_OFF] = {"update off",
                    "\"flowTypes\":\"Add,Update,Delete\"",
                    "\"flowTypes\":\"Add,Delete\"",
                    {{0}}},
    [DELETE_OFF] = {"delete off",
                    "\"flowTypes\":\"Add,Update,Delete\"",
                    "\"flowTypes\":\"Add,Update\"",
                    {{0}}},
    [NOT_MAPPED] = {"IsSoftDeleted not mapped", "IsSoftDeleted", "accountEnabled", {{0}}},
    [SKIP_FLAG] = {"skip flag",
                   NULL,
                   NULL,
                   {{"deprovision.skipOutOfScope", "true"}, {"deprovision.skipDisabled", "true"}}},
    [NO_DISABLE] = {"no disable", NULL, NULL, {{"client.disableVia", "none"}}},
    [SKIP_OUT_OF_SCOPE] = {"skip out of scope",
                           NULL,
                           NULL,
                           {{"deprovision.skipOutOfScope", "true"}}},
    [SKIP_DISABLED] = {"skip disabled", NULL, NULL, {{"deprovision.skipDisabled", "true"}}},
    [AFTER_UNASSIGN_OFF] = {"delete after unassign off",
                            NULL,
                            NULL,
                            {{"deprovision.deleteAfterUnassign", "false"}}},
    [DISABLE_BY_DELETING] = {"disables by DELETE", NULL, NULL, {{"client.disableVia", "delete"}}},
    [DELETE_BY_DISABLING] = {"deletes by disabling", NULL, NULL, {{"client.deleteVia", "active"}}},
    [NO_DELETE] = {"cannot delete", NULL, NULL, {{"client.deleteVia", "none"}}},
};

/* What the last event leads to. */
enum outcome {
    NONE,
    DISABLED,
    DELETED,
    ENABLED,
    GONE,    /* nothing: it was deleted before */
    CREATED, /* it was deleted before, and comes back */
    HIDDEN,  /* disabled by a DELETE: the connection stays */
};

#define ALL_COLUMNS(x)                     \
    {                                      \
        x, x, x, x, x, x, x, x, x, x, x, x \
    }
#define LEAVES                                                                                     \
    {                                                                                              \
        DISABLED, NONE, DISABLED, NONE, NONE, DELETED, NONE, DISABLED, DISABLED, HIDDEN, DISABLED, \
            DISABLED                                                                               \
    }
#define IS_BLOCKED                                                                                 \
    {                                                                                              \
        DISABLED, NONE, DISABLED, NONE, NONE, DELETED, DISABLED, NONE, DISABLED, HIDDEN, DISABLED, \
            DISABLED                                                                               \
    }
#define IS_PURGED                                                                              \
    {                                                                                          \
        DELETED, DELETED, NONE, DELETED, DELETED, DELETED, DELETED, DELETED, DELETED, DELETED, \
            DISABLED, DISABLED                                                                 \
    }
#define RETURNS                                                                                \
    {                                                                                          \
        ENABLED, NONE, ENABLED, NONE, NONE, CREATED, NONE, ENABLED, ENABLED, CREATED, ENABLED, \
            ENABLED                                                                            \
    }
#define IS_UNBLOCKED                                                                           \
    {                                                                                          \
        ENABLED, NONE, ENABLED, NONE, NONE, CREATED, ENABLED, NONE, ENABLED, CREATED, ENABLED, \
            ENABLED                                                                            \
    }

/* Rows 1 to 12 are those of 6.3, by their numbers. */
static const struct {
    const char *name;
    bool by_groups;      /* assigned through two groups instead of directly */
    bool never_assigned; /* has no account */
    enum event events[4];
    enum outcome expect[SETTING_COUNT];
} rows[] = {
    {"1 unassigned", false, false, {UNASSIGN}, LEAVES},
    {"2 last group", true, false, {LEAVE_ONE, LEAVE_OTHER}, LEAVES},
    {"3 another path remains", true, false, {LEAVE_ONE}, ALL_COLUMNS(NONE)},
    {"4 fails the filter", false, false, {FAIL_FILTER}, LEAVES},
    {"5 disabled", false, false, {BLOCK}, IS_BLOCKED},
    {"6 soft-deleted", false, false, {SOFT_DELETE}, IS_BLOCKED},
    {"7 purged after the recycle bin",
     false,
     false,
     {SOFT_DELETE, HARD_DELETE},
     {DELETED, DELETED, NONE, DELETED, DELETED, GONE, DELETED, DELETED, DELETED, DELETED, NONE,
      NONE}},
    {"8 disabled, unassigned",
     false,
     false,
     {BLOCK, UNASSIGN},
     {NONE, NONE, NONE, NONE, NONE, GONE, NONE, DISABLED, NONE, GONE, NONE, NONE}},
    {"9 unassigned, soft-deleted",
     false,
     false,
     {UNASSIGN, SOFT_DELETE},
     {NONE, NONE, NONE, NONE, NONE, GONE, DISABLED, NONE, NONE, GONE, NONE, NONE}},
    {"10 unassigned, hard-deleted",
     false,
     false,
     {UNASSIGN, PURGE},
     {DELETED, DELETED, NONE, DELETED, DELETED, GONE, DELETED, DELETED, NONE, DELETED, NONE, NONE}},
    {"10 filtered out, hard-deleted",
     false,
     false,
     {FAIL_FILTER, PURGE},
     {DELETED, DELETED, NONE, DELETED, DELETED, GONE, DELETED, DELETED, NONE, DELETED, NONE, NONE}},
    {"11 never connected, disabled", false, true, {BLOCK}, ALL_COLUMNS(NONE)},
    {"11 never connected, filtered out", false, true, {FAIL_FILTER}, ALL_COLUMNS(NONE)},
    {"11 never connected, soft-deleted", false, true, {SOFT_DELETE}, ALL_COLUMNS(NONE)},
    {"11 never connected, purged", false, true, {PURGE}, ALL_COLUMNS(NONE)},
    {"12 purged at once", false, false, {PURGE}, IS_PURGED},
    {"6.4 assigned again", false, false, {UNASSIGN, ASSIGN}, RETURNS},
    {"6.4 in a group again", true, false, {LEAVE_ONE, LEAVE_OTHER, JOIN_ONE}, RETURNS},
    {"6.4 passes the filter again", false, false, {FAIL_FILTER, PASS_FILTER}, RETURNS},
    {"6.4 enabled again", false, false, {BLOCK, UNBLOCK}, IS_UNBLOCKED},
    {"6.4 restored", false, false, {SOFT_DELETE, RESTORE}, IS_UNBLOCKED},
    {"6.4 restored, still unassigned",
     false,
     false,
     {UNASSIGN, SOFT_DELETE, RESTORE},
     {NONE, NONE, NONE, NONE, NONE, GONE, NONE, NONE, NONE, GONE, NONE, NONE}},
};

/* Passed by everybody whose name does not say otherwise. */
#define FILTER                                                                    \
    "\"scope\":{\"groups\":[{\"name\":\"in\",\"clauses\":[{"                      \
    "\"sourceOperandName\":\"displayName\",\"operatorName\":\"NOT REGEX MATCH\"," \
    "\"targetOperand\":{\"values\":[\"^out\"]}}]}]}"

/* Before the first cycle. */
static void set_up(enum setting setting)
{
    const struct column *c = &columns[setting];

    if (c->from)
        world_schema(w, c->from, c->to);
    for (size_t i = 0; i < ARRAY_LEN(c->settings) && c->settings[i][0]; i++)
        world_setting(w, c->settings[i][0], c->settings[i][1]);
}

static struct str groups[2];

static void happen(enum event event, struct str ada, const char *name)
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
    case FAIL_FILTER:
    case PASS_FILTER:
        world_set(w, ada, "displayName",
                  event == FAIL_FILTER ? "\"out\"" : arena_printf(w->arena, "\"%s\"", name).ptr);
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

static void check_counts(const struct cycle *c, enum outcome expect, const char *row,
                         const char *setting)
{
    CHECK(c->counters.failed == 0 && c->counters.created == (expect == CREATED) &&
              c->counters.disabled == (expect == DISABLED || expect == HIDDEN) &&
              c->counters.deleted == (expect == DELETED) &&
              c->counters.updated == (expect == ENABLED),
          "%s, %s: %lld created, %lld disabled, %lld deleted, %lld updated", row, setting,
          (long long)c->counters.created, (long long)c->counters.disabled,
          (long long)c->counters.deleted, (long long)c->counters.updated);
    /* That somebody leaves a group is told to the group. */
    CHECK((c->counters.requests == w->calls[CALL_MEMBERS]) == (expect == NONE || expect == GONE),
          "%s, %s: %lld requests", row, setting, (long long)c->counters.requests);
}

/* A person goes through a row, in a world where the others have settled. */
static void check_row(size_t row, const char *setting, enum outcome expect)
{
    bool is_gone = expect == DELETED || expect == GONE || expect == HIDDEN;
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
        happen(rows[row].events[i], person, name);
        c = world_cycle(w);
    }
    check_counts(&c, expect, rows[row].name, setting);
    account = world_account(w, name);
    CHECK(!account == (is_gone || rows[row].never_assigned), "%s, %s: the account", rows[row].name,
          setting);
    if (account && expect != NONE) {
        CHECK_STR(world_value(account, "active"), expect == DISABLED ? "false" : "true", "%s, %s",
                  rows[row].name, setting);
    }
    c = world_cycle(w);
    CHECK(c.counters.requests == 0 && w->calls[CALL_MEMBERS] == 0, "%s, %s: settled",
          rows[row].name, setting);
}

static void check_rows(const struct db_config *config, enum setting setting)
{
    w = malloc(sizeof(*w));
    world_init(w, config, "scim");
    world_schema(w, "\"scope\":null", FILTER);
    world_setting(w, "guard", "false"); /* so many would be held */
    set_up(setting);
    for (size_t row = 0; row < ARRAY_LEN(rows); row++)
        check_row(row, columns[setting].name, rows[row].expect[setting]);
    world_done(w);
    free(w);
}

#define COLUMN(fn, setting)                             \
    static void fn##_on(const struct db_config *config) \
    {                                                   \
        check_rows(config, setting);                    \
    }                                                   \
    static void fn(void **state)                        \
    {                                                   \
        (void)state;                                    \
        test_databases(fn##_on);                        \
    }
COLUMN(standard, STANDARD)
COLUMN(update_off, UPDATE_OFF)
COLUMN(delete_off, DELETE_OFF)
COLUMN(not_mapped, NOT_MAPPED)
COLUMN(skip_flag, SKIP_FLAG)
COLUMN(no_disable, NO_DISABLE)
COLUMN(skip_out_of_scope, SKIP_OUT_OF_SCOPE)
COLUMN(skip_disabled, SKIP_DISABLED)
COLUMN(after_unassign_off, AFTER_UNASSIGN_OFF)
COLUMN(disable_by_deleting, DISABLE_BY_DELETING)
COLUMN(delete_by_disabling, DELETE_BY_DISABLING)
COLUMN(no_delete, NO_DELETE)

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

/* The last two rows of 6.4: what happened in the target meanwhile. */
static void changed_in_the_target_on(const struct db_config *config)
{
    struct account *account;
    struct cycle c;
    struct str ada;

    w = malloc(sizeof(*w));
    world_init(w, config, "scim");
    ada = world_person(w, "ada");
    world_assign(w, ada, true);
    world_cycle(w);
    account = world_account(w, "ada");
    json_set(w->target_arena, account->values, STR("active"), json_bool(w->target_arena, false));
    CHECK(world_cycle(w).counters.requests == 0, "disabled by hand: it stays");
    world_set(w, ada, "jobTitle", "\"Countess\"");
    CHECK(world_cycle(w).counters.updated == 1, "until she changes");
    CHECK_STR(world_value(account, "active"), "true", "then she is enabled again");
    world_assign(w, ada, false);
    CHECK(world_cycle(w).counters.disabled == 1, "out");
    account->used = false;
    world_assign(w, ada, true);
    c = world_cycle(w);
    CHECK(c.counters.created == 1 && c.counters.failed == 0, "deleted by hand: created anew");
    CHECK_STR(world_value(world_account(w, "ada"), "active"), "true", "enabled");
    world_cycle(w);
    CHECK(world_cycle(w).counters.requests == 0, "settled");
    world_assign(w, ada, false);
    world_account(w, "ada")->used = false;
    c = world_cycle(w);
    CHECK(c.counters.failed == 0 && !world_account(w, "ada"),
          "gone already when she leaves: success");
    world_done(w);
    free(w);
}

static void changed_in_the_target(void **state)
{
    (void)state;
    test_databases(changed_in_the_target_on);
}

TEST_GROUP(lifecycle, cmocka_unit_test(standard), cmocka_unit_test(update_off),
           cmocka_unit_test(delete_off), cmocka_unit_test(not_mapped), cmocka_unit_test(skip_flag),
           cmocka_unit_test(no_disable), cmocka_unit_test(skip_out_of_scope),
           cmocka_unit_test(skip_disabled), cmocka_unit_test(after_unassign_off),
           cmocka_unit_test(disable_by_deleting), cmocka_unit_test(delete_by_disabling),
           cmocka_unit_test(no_delete), cmocka_unit_test(out_of_scope_references),
           cmocka_unit_test(changed_in_the_target))
