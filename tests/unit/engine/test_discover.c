/* Whose are the accounts that the target has (engine.md 16)? */
#include "engine/drift/discover.h"
#include "world.h"

static struct world *w;
static struct discover_counts counts;
static struct str text;

#define OK(call)                                                           \
    do {                                                                   \
        struct err err_ = {0};                                             \
        struct err *err = &err_;                                           \
        CHECK((call), "%s: %s", err_.code ? err_.code : "", err_.message); \
    } while (0)

static bool row(void *ctx, const struct discover_row *r, struct err *err)
{
    (void)ctx;
    (void)err;
    text = arena_printf(w->arena, "%.*s%s%.*s %s%s%s%s", STR_ARG(text), text.len ? ", " : "",
                        STR_ARG(r->value), discover_class_name(r->class_),
                        r->connected ? " connected" : "", r->twin.len ? " twin" : "",
                        r->several_sources ? " several" : "");
    return true;
}

static void discover(void)
{
    text = STR("");
    OK(engine_discover(&w->engine, w->job.no, row, NULL, NULL, w->arena, &counts, err));
}

static void stranger(const char *name)
{
    struct account *a = &w->accounts[w->account_count++];

    *a = (struct account){.used = true, .kind = SOURCE_USER};
    a->values = json_new(w->target_arena, JSON_OBJECT);
    json_add(w->target_arena, a->values, STR("userName"),
             json_string(w->target_arena, arena_str(w->target_arena, str_from_z(name))));
    snprintf(a->id, sizeof(a->id), "t%d", ++w->next_account);
}

static void classes(const struct db_config *config)
{
    struct str bob;

    w = malloc(sizeof(*w));
    world_init(w, config, "scim");
    world_assign(w, world_person(w, "ada"), true);
    bob = world_person(w, "bob");
    world_cycle(w);
    stranger("BOB@example.com"); /* letter case does not matter in the target */
    stranger("local@example.com");
    stranger("ada@example.com");
    memset(w->calls, 0, sizeof(w->calls));
    discover();
    CHECK_STR(text,
              "ada@example.com assigned connected, BOB@example.com unassigned, "
              "local@example.com local, ada@example.com assigned twin",
              "whose they are");
    CHECK(counts.complete && counts.accounts == 4 && counts.duplicates == 1 &&
              counts.connected == 1 && counts.by_class[DISCOVER_ASSIGNED] == 2,
          "counted");
    CHECK(w->calls[CALL_LIST] == 1 && w->calls[CALL_FIND] + w->calls[CALL_UPDATE] == 0,
          "one page, nothing written");
    world_assign(w, bob, true);
    w->total_false = 1;
    discover();
    CHECK(!counts.complete && counts.by_class[DISCOVER_UNASSIGNED] == 0, "told when incomplete");
    world_done(w);
    free(w);
}

static void classes_(void **state)
{
    (void)state;
    test_databases(classes);
}

TEST_GROUP(discover, cmocka_unit_test(classes_))
