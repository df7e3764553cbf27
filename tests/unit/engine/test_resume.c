/* Cycles that were cut short, and objects that come up more than once: what goes on where, and what
 * is still owed afterwards (engine.md 3, 7, 9.2). */
#include "job/cycle.h"
#include "world.h"

static struct world *w;

static void start(const struct db_config *config)
{
    w = malloc(sizeof(*w));
    world_init(w, config, "scim");
}

static void end(void)
{
    world_done(w);
    free(w);
}

/* The target fails as a whole during the second pass of an incremental cycle: what that cycle
 * covers is known when it goes on, and the watermark gets there. */
static void cut_short_in_the_references(const struct db_config *config)
{
    struct account *team;
    struct str group;
    struct cycle c;
    struct err err;

    start(config);
    group = world_group(w, "team");
    world_assign(w, group, true);
    world_cycle(w);
    team = world_account(w, "team");
    world_member(w, group, world_person(w, "ada"), true);
    w->fault = (struct fault){.call = CALL_MEMBERS,
                              .status = TARGET_FAILED,
                              .class_ = TARGET_JOB,
                              .code = "Unauthorized",
                              .times = 1};
    CHECK(!world_try_cycle(w, &c, &err), "the cycle is cut short");
    CHECK(world_account(w, "ada") && team->member_count == 0, "in its second pass");
    c = world_cycle(w);
    CHECK(c.kind == CYCLE_INCREMENTAL && c.state == CYCLE_SUCCEEDED, "it goes on");
    CHECK(team->member_count == 1, "and sends the member");
    c = world_cycle(w);
    CHECK(c.kind == CYCLE_INCREMENTAL && c.counters.imported == 0,
          "the next one begins behind it, not anew");
    end();
}

static bool pausing_source(struct db *db, const struct job *job, struct source **out,
                           struct err *err)
{
    CHECK(engine_pause(&w->engine, job->no, err), "%s", err->message);
    return source_open_directory(db, job->id, out, err);
}

#define ON_BOTH(test)                 \
    static void test##_(void **state) \
    {                                 \
        (void)state;                  \
        test_databases(test);         \
    }
ON_BOTH(cut_short_in_the_references)

TEST_GROUP(resume, cmocka_unit_test(cut_short_in_the_references_))
