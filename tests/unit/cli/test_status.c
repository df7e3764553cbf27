#include "cli/status.h"
#include "frame/frame.h"

#define NOW (INT64_C(1772323200) * US_PER_SECOND) /* 2026-03-01T00:00:00Z */

static const struct {
    const char *label;
    struct cycle_counters n;
    const char *want;
} counts[] = {
    {"nothing", {0}, "nothing to do"},
    {"created", {.imported = 1000, .created = 1000, .requests = 1000}, "1,000 created"},
    {"several", {.created = 1, .failed = 2, .warnings = 3}, "1 created, 2 failed, 3 warnings"},
};

static void cycle_counts(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        CHECK_STR(cli_cycle_counts(a, &counts[i].n), counts[i].want, "%s", counts[i].label);
}

static const struct {
    const char *label;
    int64_t imported, total, done, expected;
} progresses[] = {
    {"unknown total", 10, 0, 10, 0},
    {"on the way", 10, 40, 10, 40},
    {"more than expected", 50, 40, 50, 50},
};

static void progress(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(progresses); i++) {
        struct cycle cycle = {.total = progresses[i].total,
                              .counters.imported = progresses[i].imported};
        int64_t done;
        int64_t total;

        cli_cycle_progress(&cycle, &done, &total);
        CHECK(done == progresses[i].done && total == progresses[i].expected, "%s",
              progresses[i].label);
    }
}

static const struct {
    const char *label;
    struct engine_status status;
    const char *want; /* compact JSON, a part of it */
} statuses[] = {
    {"fresh", {.code = "Paused", .next_cycle_us = -1}, "\"state\":\"Paused\""},
    {"no next cycle", {.code = "Paused", .next_cycle_us = -1}, "\"nextCycle\":null"},
    {"due at once", {.code = "Active"}, "\"nextCycle\":\"2026-03-01T00:00:00.000Z\""},
    {"due later",
     {.code = "Active", .next_cycle_us = NOW + 40 * US_PER_MINUTE},
     "\"nextCycle\":\"2026-03-01T00:40:00.000Z\""},
    {"never ran", {.code = "NotRun"}, "\"progress\":null,\"cycle\":null,\"lastCycle\":null"},
    {"accounts",
     {.code = "Active", .users = 3, .groups = 2, .retries = 1},
     "\"counts\":{\"users\":3,\"groups\":2,\"retries\":1,\"undone\":0,\"pendingReferences\":0,"
     "\"heldRemovals\":0,\"heldUpdates\":0,\"inGrace\":0}"},
    {"held",
     {.code = "Quarantine",
      .held = {.n[HELD_REMOVAL] = {[HELD_WAITING] = 620, [HELD_ALLOWED] = 2, [HELD_REJECTED] = 1}}},
     "\"held\":{\"removals\":{\"waiting\":620,\"allowed\":2,\"rejected\":1},"
     "\"updates\":{\"waiting\":0,\"allowed\":0,\"rejected\":0}}"},
    {"grace",
     {.code = "Active", .in_grace = 3, .grace_ends_us = NOW + US_PER_MINUTE},
     "\"grace\":{\"waiting\":3,\"firstEnds\":\"2026-03-01T00:01:00.000Z\"}"},
    {"failures by code",
     {.code = "Active",
      .retries = 3,
      .escrows = (const struct retry_code[]){{STR_INIT("Timeout"), 2, 0, NOW - 1},
                                             {STR_INIT("EntryConflict"), 1, 1, RETRY_NEVER}},
      .escrow_count = 2},
     "\"escrows\":[{\"code\":\"Timeout\",\"count\":2,\"givenUp\":0,"
     "\"nextTry\":\"2026-03-01T00:00:00.000Z\"},"
     "{\"code\":\"EntryConflict\",\"count\":1,\"givenUp\":1,\"nextTry\":null}]"},
    {"nothing is throttled", {.code = "Active"}, "\"throttling\":null"},
    {"throttled",
     {.code = "Active",
      .running = true,
      .has_cycle = true,
      .has_pulse = true,
      .pulse = {.throttled = 4,
                .allowed_rate = 9.8,
                .allowed_connections = 4,
                .under_way = 2,
                .pause_until_us = NOW + 30 * US_PER_SECOND}},
     "\"throttling\":{\"pausedUntil\":\"2026-03-01T00:00:30.000Z\",\"times\":4,"
     "\"requestsPerSecondAllowed\":9.8,\"connectionsAllowed\":4,\"requestsUnderWay\":2}"},
    {"of late",
     {.code = "NotRun",
      .running = true,
      .has_cycle = true,
      .cycle = {.phase = PHASE_USERS, .total = 100, .counters.imported = 40, .began_us = 1},
      .has_pulse = true,
      .pulse = {.phase = PHASE_USERS,
                .phase_done = 30,
                .phase_total = 80,
                .objects_rate = 6,
                .requests_rate = 12.4}},
     "\"progress\":{\"phase\":\"users\",\"completed\":40,\"total\":100,\"phaseCompleted\":30,"
     "\"phaseTotal\":80,\"objectsPerSecond\":6,\"requestsPerSecond\":12.4,\"secondsLeft\":10}"},
    {"notices",
     {.code = "Active", .notices = {.waiting = 2, .given_up = 1, .error = STR_INIT("550 no")}},
     "\"notices\":{\"waiting\":2,\"givenUp\":1,\"error\":\"550 no\"}"},
    {"running",
     {.code = "NotRun",
      .running = true,
      .has_cycle = true,
      .cycle = {.phase = PHASE_USERS, .total = 10, .counters.imported = 4}},
     "\"progress\":{\"phase\":\"users\",\"completed\":4,\"total\":10,"},
    {"no quarantine", {.code = "Active"}, "\"quarantine\":null"},
    {"quarantine",
     {.code = "Quarantine",
      .job = {.quarantined = true,
              .quarantine_reason = STR_INIT("EncounteredQuarantineException"),
              .quarantine_code = STR_INIT("credentialsRefused"),
              .quarantine_message = STR_INIT("no"),
              .quarantine_since_us = NOW,
              .quarantine_current_us = NOW + 5 * US_PER_MINUTE,
              .quarantine_count = 1,
              .next_cycle_us = NOW + 15 * US_PER_MINUTE}},
     "\"quarantine\":{\"reason\":\"EncounteredQuarantineException\","
     "\"since\":\"2026-03-01T00:00:00.000Z\","
     "\"currentBegan\":\"2026-03-01T00:05:00.000Z\",\"seriesCount\":1,"
     "\"nextAttempt\":\"2026-03-01T00:15:00.000Z\","
     "\"error\":{\"code\":\"credentialsRefused\",\"message\":\"no\"}}"},
};

static void status_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct str text = json_text(a, cli_status_json(a, &statuses[i].status, NOW));

        size_t at;

        CHECK(str_find(text, str_from_z(statuses[i].want), &at), "%s: %.*s", statuses[i].label,
              STR_ARG(text));
    }
}

TEST_GROUP(status, cmocka_unit_test(cycle_counts), cmocka_unit_test(progress),
           cmocka_unit_test(status_json));
