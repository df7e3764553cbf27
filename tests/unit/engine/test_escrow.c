/* When an object that failed is tried again (engine.md 9.2). */
#include "engine/failures/escrow.h"
#include "world.h"

static void schedule(void **state)
{
    static const struct {
        const char *label;
        enum target_class class_;
        int64_t attempts, passed, want; /* minutes; -1: given up */
    } cases[] = {
        {"the first time: in the next cycle", TARGET_PERMANENT, 1, 0, 0},
        {"the first time, transient", TARGET_TRANSIENT, 1, 0, 0},
        {"transient, then after 2 hours", TARGET_TRANSIENT, 2, 40, 120},
        {"transient, then after 6", TARGET_TRANSIENT, 3, 120, 360},
        {"permanent, then after 6", TARGET_PERMANENT, 2, 40, 360},
        {"permanent, then after 12", TARGET_PERMANENT, 3, 361, 720},
        {"then after 24", TARGET_PERMANENT, 4, 720, 1440},
        {"then every 24", TARGET_PERMANENT, 5, 1441, 2880},
        {"many changes of the object do not slow it down", TARGET_PERMANENT, 50, 10, 360},
        {"permission as permanent", TARGET_PERMISSION, 2, 40, 360},
        {"nearly 28 days", TARGET_TRANSIENT, 30, 28 * 1440 - 1, 28 * 1440},
        {"28 days", TARGET_TRANSIENT, 30, 28 * 1440, -1},
        {"throttling is never given up", TARGET_THROTTLED, 99, 40 * 1440, 40 * 1440},
        {"the clock went back", TARGET_PERMANENT, 2, -600, -600 + 360},
    };
    int64_t first = 1000 * US_PER_DAY;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t now = first + cases[i].passed * US_PER_MINUTE;
        int64_t next = escrow_next_us(cases[i].class_, cases[i].attempts, first, now);
        int64_t want = cases[i].want == -1 ? RETRY_NEVER : first + cases[i].want * US_PER_MINUTE;

        CHECK(next == want, "%s: %lld minutes", cases[i].label,
              (long long)((next - first) / US_PER_MINUTE));
    }
}

static struct fault refuses(const char *who)
{
    return (struct fault){
        .call = CALL_CREATE,
        .who = who,
        .status = TARGET_FAILED,
        .class_ = TARGET_PERMANENT,
        .code = "UnprocessableEntity",
        .retry_after_ms = -1,
        .times = 1000000,
    };
}

static struct retry only(struct world *w, const char *label)
{
    struct retry *list;
    struct err err = {0};
    size_t count;

    CHECK(retry_list(w->db, w->arena, w->job.no, 5, &list, &count, &err), "%s", err.message);
    CHECK(count == 1, "%s: %zu are parked", label, count);
    return list[0];
}

/* Once with the next cycle, then only when it is due, or when the object changes. */
static void check_cadence(const struct db_config *config)
{
    struct world *w = mem_alloc(sizeof(*w));
    struct journal_record *records;
    struct str ada;
    struct retry r;
    size_t at;

    world_init(w, config, "scim");
    ada = world_person(w, "ada");
    world_assign(w, ada, true);
    w->fault = refuses("ada");
    world_cycle(w);
    r = only(w, "first");
    CHECK(r.attempts == 1 && r.next_us <= w->clock.now, "due in the next cycle");
    CHECK(world_journal(w, &(struct journal_query){.limit = 1}, &records) == 1 &&
              str_find(records[0].message, STR("It will be retried after 20"), &at),
          "the log says when: %.*s", STR_ARG(records[0].message));
    w->clock.now += 40 * US_PER_MINUTE;
    world_cycle(w);
    r = only(w, "second");
    CHECK(r.attempts == 2 && r.next_us == r.first_us + 6 * US_PER_HOUR, "after 6 hours");
    CHECK(
        world_journal(w, &(struct journal_query){.limit = 1}, &records) == 1 &&
            str_find(records[0].message, STR("It was retried once and will be retried again"), &at),
        "the log counts: %.*s", STR_ARG(records[0].message));
    w->clock.now += 40 * US_PER_MINUTE;
    world_cycle(w);
    CHECK(w->calls[CALL_CREATE] == 0, "not due");
    world_set(w, ada, "displayName", "\"Ada\"");
    world_cycle(w);
    CHECK(w->calls[CALL_CREATE] == 1, "a change of the object is tried at once");
    w->clock.now += 29 * US_PER_DAY;
    world_cycle(w);
    r = only(w, "given up");
    CHECK(r.next_us == RETRY_NEVER, "after 28 days");
    w->clock.now += 29 * US_PER_DAY;
    world_cycle(w);
    CHECK(w->calls[CALL_CREATE] == 0, "given up");
    w->fault.times = 0;
    world_set(w, ada, "displayName", "\"Ada L\"");
    world_cycle(w);
    CHECK(world_account(w, "ada@example.com") != NULL, "a change of the object mends it even then");
    world_done(w);
    free(w);
}

static void cadence(void **state)
{
    (void)state;
    test_databases(check_cadence);
}

/* Who waits for a value is tried in the cycle in which somebody gives it up. */
static void check_conflict(const struct db_config *config)
{
    struct world *w = mem_alloc(sizeof(*w));
    struct str ada, bob;

    world_init(w, config, "scim");
    ada = world_person(w, "ada");
    bob = world_person(w, "bob");
    world_assign(w, ada, true);
    world_assign(w, bob, true);
    world_cycle(w);
    world_delete(w, bob, WORLD_HARD);
    w->fault = refuses("bob2");
    bob = world_person(w, "bob2");
    world_assign(w, bob, true);
    w->fault.code = "EntryConflict";
    world_cycle(w);
    w->clock.now += US_PER_HOUR;
    world_cycle(w);
    CHECK(only(w, "waits").next_us > w->clock.now + US_PER_HOUR, "for hours");
    w->fault.times = 0;
    world_set(w, ada, "userPrincipalName", "\"ada9@example.com\"");
    world_cycle(w);
    CHECK(world_account(w, "bob2@example.com") != NULL, "tried when a value became free");
    world_done(w);
    free(w);
}

static void conflict(void **state)
{
    (void)state;
    test_databases(check_conflict);
}

TEST_GROUP(escrow, cmocka_unit_test(schedule), cmocka_unit_test(cadence),
           cmocka_unit_test(conflict));
