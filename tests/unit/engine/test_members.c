/* Members in batches: what is refused, what is cut short, who goes and who comes back (engine.md
 * 6.4, 7). */
#include "job/retry.h"
#include "world.h"

#define MANAGER "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"

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

static struct str person(const char *name)
{
    struct str id = world_person(w, name);

    world_assign(w, id, true);
    return id;
}

static struct str group(const char *name)
{
    struct str id = world_group(w, name);

    world_assign(w, id, true);
    return id;
}

static struct str crowd(const char *name, int count)
{
    struct str id = group(name);

    for (int i = 0; i < count; i++)
        world_member(w, id, world_person(w, arena_printf(w->arena, "p%03d", i).ptr), true);
    return id;
}

static void set_manager(struct str who, struct str manager)
{
    world_set(w, who, "manager",
              manager.len ? arena_printf(w->arena, "\"%.*s\"", STR_ARG(manager)).ptr : "null");
}

static size_t members_of(const char *name)
{
    return world_account(w, name)->member_count;
}

static bool is_member(const char *of, const char *name)
{
    const struct account *a = world_account(w, of);
    const struct account *member = world_account(w, name);

    for (size_t i = 0; i < a->member_count; i++) {
        if (strcmp(a->members[i], member->id) == 0)
            return true;
    }
    return false;
}

static void refuse(const char *account_id, const char *code, enum target_status status)
{
    w->refuses = account_id;
    w->refusal = (struct fault){.status = status, .class_ = TARGET_PERMANENT, .code = code};
}

static int64_t parked(struct retry **out)
{
    struct err err;
    size_t count;

    CHECK(retry_list(w->db, w->arena, w->job.no, 100, out, &count, &err), "%s", err.message);
    return (int64_t)count;
}

/* Time goes on until whatever is parked is due. */
static struct cycle later(void)
{
    w->clock.now += 2 * US_PER_DAY;
    return world_cycle(w);
}

static void managers_then_leaves_then_joins(const struct db_config *config)
{
    struct str ada, bob, red, blue;

    start(config);
    ada = person("ada");
    bob = person("bob");
    red = group("red");
    blue = group("blue");
    world_member(w, blue, ada, true);
    world_member(w, red, bob, true);
    world_cycle(w);
    /* Each changes sides, so that whichever group comes first there is somebody to leave later. */
    world_member(w, blue, ada, false);
    world_member(w, red, ada, true);
    world_member(w, red, bob, false);
    world_member(w, blue, bob, true);
    set_manager(ada, bob);
    world_cycle(w);
    CHECK(is_member("red", "ada") && !is_member("red", "bob") && is_member("blue", "bob"),
          "they have changed sides");
    CHECK(strcmp(w->order, "ulj") == 0, "in this order: %s", w->order);
    set_manager(ada, STR(""));
    set_manager(bob, ada);
    set_manager(ada, bob);
    world_cycle(w);
    CHECK_STR(world_value(world_account(w, "bob"), MANAGER), world_account(w, "ada")->id, "bob's");
    CHECK_STR(world_value(world_account(w, "ada"), MANAGER), world_account(w, "bob")->id,
              "and in a circle");
    end();
}

static void one_refused_member(const struct db_config *config)
{
    struct journal_record *records;
    struct retry *retries;
    struct str team;
    char id[40];

    start(config);
    team = crowd("team", 250);
    world_member(w, team, world_person(w, "bad"), true);
    w->fault = (struct fault){.call = CALL_MEMBERS,
                              .class_ = TARGET_JOB,
                              .code = "Unauthorized",
                              .status = TARGET_FAILED,
                              .times = 1};
    CHECK(!world_try_cycle(w, &(struct cycle){0}, &(struct err){0}),
          "cut short before the members");
    snprintf(id, sizeof(id), "%s", world_account(w, "bad")->id);
    refuse(id, "UnprocessableEntity", TARGET_FAILED);
    world_cycle(w);
    CHECK(members_of("team") == 250 && !is_member("team", "bad"), "all the others are in: %zu",
          members_of("team"));
    CHECK(w->calls[CALL_MEMBERS] < 30, "found by halves: %d requests", w->calls[CALL_MEMBERS]);
    CHECK(parked(&retries) == 1 && retries[0].reference, "a reference waits, no object");
    CHECK_STR(retries[0].code, "UnprocessableEntity", "as the target said");
    CHECK(str_find(retries[0].message, str_from_z(id), &(size_t){0}), "and about whom");
    CHECK(world_journal(w, NULL, &records) > 0 && records[0].status == STATUS_FAILURE &&
              records[0].action == ACTION_UPDATE,
          "what was done and what failed is told");

    world_member(w, team, world_person(w, "new"), true);
    world_cycle(w);
    CHECK(is_member("team", "new") && parked(&retries) == 1, "who joins does not end the waiting");
    later();
    CHECK(w->calls[CALL_MEMBERS] <= 1 && w->members_sent <= 1 && parked(&retries) == 1,
          "tried alone: %d requests", w->calls[CALL_MEMBERS]);
    w->refuses = NULL;
    later();
    CHECK(members_of("team") == 252 && parked(&retries) == 0, "in, and nothing waits");
    CHECK(world_cycle(w).counters.requests == 0 && w->calls[CALL_MEMBERS] == 0, "nothing to do");
    end();
}

static int calls_made(void)
{
    int n = 0;

    for (int call = CALL_TEST + 1; call < CALL_COUNT; call++)
        n += w->calls[call];
    return n;
}

/* Whether a record has a step whose request names the account. */
static bool tells_request(const struct journal_record *r, const char *account_id)
{
    for (size_t i = 0; i < r->step_count; i++) {
        if (str_find(json_get_text(r->steps[i].details, "request"), str_from_z(account_id),
                     &(size_t){0}))
            return true;
    }
    return false;
}

/* What fails of references is a failure of the cycle, and its requests are the cycle's. */
static void failures_count(const struct db_config *config)
{
    struct journal_record *records;
    struct str ada, team;
    struct cycle c;
    char id[40];

    start(config);
    ada = person("ada");
    team = crowd("team", 3);
    c = world_cycle(w);
    CHECK_INT(c.counters.requests, calls_made(), "members are added by requests of the cycle");
    CHECK_INT(c.counters.references, 3, "so many references");
    CHECK_INT(c.state, CYCLE_SUCCEEDED, "and all is well");

    snprintf(id, sizeof(id), "%s", world_account(w, "ada")->id);
    refuse(id, "UnprocessableEntity", TARGET_FAILED);
    world_member(w, team, ada, true);
    c = world_cycle(w);
    CHECK_INT(c.state, CYCLE_ENTRY_ERRORS, "one member is refused");
    CHECK_INT(c.counters.failed_references, 1, "a reference of one object");
    CHECK_INT(c.counters.failed, 0, "and no object");
    CHECK_INT(c.counters.requests, calls_made(), "what was refused was asked for, too");
    CHECK(world_journal(w, NULL, &records) > 0 && tells_request(&records[0], id),
          "the record has the request that was refused");

    w->refuses = NULL;
    w->fault = (struct fault){.call = CALL_MEMBERS,
                              .class_ = TARGET_PERMISSION,
                              .code = "InsufficientRights",
                              .status = TARGET_FAILED,
                              .times = 1};
    c = later();
    CHECK_INT(c.state, CYCLE_ENTRY_ERRORS, "now the whole request is");
    CHECK(world_journal(w, NULL, &records) > 0 && tells_request(&records[0], id),
          "and is in the record");
    c = later();
    CHECK_INT(c.state, CYCLE_SUCCEEDED, "in the end");
    CHECK_INT(c.counters.references, 1, "she is added");

    set_manager(ada, ada);
    w->fault = (struct fault){.call = CALL_UPDATE,
                              .class_ = TARGET_PERMANENT,
                              .code = "UnprocessableEntity",
                              .status = TARGET_FAILED,
                              .times = 1};
    c = world_cycle(w);
    CHECK_INT(c.state, CYCLE_ENTRY_ERRORS, "a manager that is refused");
    CHECK_INT(c.counters.failed_references, 1, "counts as well");
    c = later();
    CHECK_INT(c.state, CYCLE_SUCCEEDED, "until it is taken");
    CHECK_INT(c.counters.references, 1, "set");
    end();
}

/* To a target that is sent groups as a whole and does not show who is in them, all that were put
 * there are sent each time, those of batches before that are not recorded yet among them. */
static void sent_as_a_whole(const struct db_config *config)
{
    struct str ids[950];
    struct str team;

    start(config);
    w->puts_unseen = true;
    team = group("team");
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        ids[i] = world_person(w, arena_printf(w->arena, "p%03zu", i).ptr);
        world_member(w, team, ids[i], true);
    }
    world_cycle(w);
    CHECK_INT(members_of("team"), 950, "nobody is lost between the batches");
    world_member(w, team, person("ada"), true);
    world_set(w, team, "displayName", "\"crew\"");
    world_cycle(w);
    CHECK_INT(members_of("crew"), 951, "one joins under a new name");
    for (size_t i = 0; i < 900; i++)
        world_member(w, team, ids[i], false);
    world_cycle(w);
    CHECK_INT(members_of("crew"), 51, "many leave");
    CHECK(is_member("crew", "ada") && is_member("crew", "p900"), "the others do not");
    end();
}

static int changes_left;

static void lose_group(struct world *world, enum call call)
{
    if (call == CALL_MEMBERS && --changes_left == 0)
        world_account(world, "team")->used = false;
}

/* The group is deleted there while a walk goes on where another, not recorded yet, has ended. */
static void gone_between_the_walks(const struct db_config *config)
{
    start(config);
    crowd("team", 950);
    changes_left = 5;
    w->before_call = lose_group;
    world_cycle(w);
    w->before_call = NULL;
    world_cycle(w);
    CHECK_INT(members_of("team"), 950, "made again, with all its members");
    end();
}

/* A target that takes no members at all is not asked for each of them. */
static void everybody_refused(const struct db_config *config)
{
    struct retry *retries;

    start(config);
    crowd("team", 500);
    refuse("*", "UnprocessableEntity", TARGET_FAILED);
    world_cycle(w);
    CHECK(members_of("team") == 0 && parked(&retries) == 1, "none, and one waits");
    CHECK(w->calls[CALL_MEMBERS] < 120, "given up soon: %d requests", w->calls[CALL_MEMBERS]);
    refuse("*", "NotImplemented", TARGET_FAILED);
    later();
    CHECK(w->calls[CALL_MEMBERS] == 1, "not the members' fault: %d requests",
          w->calls[CALL_MEMBERS]);
    w->refuses = NULL;
    later();
    CHECK(members_of("team") == 500 && parked(&retries) == 0, "all of them in the end");
    end();
}

/* 404 may be about the group or about a member. */
static void unknown_member(const struct db_config *config)
{
    struct retry *retries;
    struct str team;

    start(config);
    team = crowd("team", 5);
    world_cycle(w);
    person("odd");
    world_cycle(w);
    world_member(w, team, world_person(w, "new"), true);
    world_member(w, team, world_person(w, "other"), true);
    w->refuses = "t8";
    w->refusal = (struct fault){.status = TARGET_NOT_FOUND, .code = "InvalidAnchor"};
    world_cycle(w);
    CHECK(members_of("team") == 6, "one is in, one is not known there: %zu", members_of("team"));
    CHECK(world_account(w, "team") && parked(&retries) == 1 && retries[0].reference,
          "the group is not taken for gone");
    w->refuses = NULL;
    later();
    CHECK(members_of("team") == 7, "later both");
    end();
}

/* What was sent before the end is not known to have been: it is sent again, and is there. */
static void cut_short_between_batches(const struct db_config *config)
{
    struct cycle c;
    struct err err;

    start(config);
    crowd("team", 950);
    w->stop_after_members = 2;
    c = world_cycle(w);
    CHECK(c.state == CYCLE_RUNNING && members_of("team") == 400, "paused in the group: %zu",
          members_of("team"));
    atomic_store(&w->stop, false);
    w->fault = (struct fault){.call = CALL_MEMBERS,
                              .status = TARGET_FAILED,
                              .class_ = TARGET_JOB,
                              .code = "Unauthorized",
                              .after = true,
                              .times = 1};
    CHECK(!world_try_cycle(w, &c, &err), "then the answer of a batch is lost");
    CHECK(members_of("team") == 500, "it was carried out: %zu", members_of("team"));
    c = world_cycle(w);
    CHECK(c.state == CYCLE_SUCCEEDED && members_of("team") == 950, "to the end: %zu",
          members_of("team"));
    CHECK(w->members_sent == 550, "from what was committed: %zu sent", w->members_sent);
    world_cycle(w);
    CHECK(w->calls[CALL_MEMBERS] == 0, "nothing is left");
    end();
}

static void batches_of_a_size(const struct db_config *config)
{
    const struct engine_setting size = {STR("client.maxMembersPerPatch"), STR("600")};
    struct err err;

    start(config);
    CHECK(engine_set(&w->engine, w->job.no, &size, 1, STR("admin"), &err), "%s", err.message);
    crowd("team", 900);
    world_cycle(w);
    CHECK(members_of("team") == 900 && w->calls[CALL_MEMBERS] == 2, "%d requests",
          w->calls[CALL_MEMBERS]);
    end();
}

/* What a target says to too many members at once is not always 413. */
static void size_is_found_out(const struct db_config *config)
{
    struct retry *retries;

    start(config);
    crowd("team", 900);
    refuse(NULL, "UnprocessableEntity", TARGET_FAILED);
    w->members_most = 30;
    world_cycle(w);
    CHECK(members_of("team") == 900 && parked(&retries) == 0, "all are in: %zu",
          members_of("team"));
    CHECK(w->calls[CALL_MEMBERS] < 900 / 25 + 8, "once found out it is kept to: %d requests",
          w->calls[CALL_MEMBERS]);
    end();
}

static void deleted_member_leaves(const struct db_config *config)
{
    struct str team, ada;
    struct retry *retries;

    start(config);
    team = crowd("team", 3);
    ada = person("ada");
    world_member(w, team, ada, true);
    world_cycle(w);
    CHECK(members_of("team") == 4, "she is in");
    world_delete(w, ada, WORLD_HARD);
    world_cycle(w);
    CHECK(!world_account(w, "ada") && members_of("team") == 3,
          "a target that does not do it by itself is told");
    ada = person("eve");
    world_member(w, team, ada, true);
    world_cycle(w);
    world_delete(w, ada, WORLD_HARD);
    refuse(world_account(w, "eve")->id, "UnprocessableEntity", TARGET_FAILED);
    world_cycle(w);
    CHECK(parked(&retries) == 0, "one that does, and does not know her any more, has done it");
    end();
}

static void returned_member(const struct db_config *config)
{
    struct str team, other, ada;

    start(config);
    team = crowd("team", 3);
    other = crowd("other", 0);
    (void)other;
    ada = person("ada");
    world_member(w, team, ada, true);
    world_cycle(w);
    world_set(w, ada, "accountEnabled", "false");
    world_cycle(w);
    CHECK(members_of("team") == 4, "disabled, she stays");
    world_account(w, "team")->member_count = 3; /* but the target sees to it itself */
    world_set(w, ada, "accountEnabled", "true");
    world_cycle(w);
    CHECK(members_of("team") == 4 && w->calls[CALL_MEMBERS] == 1 && w->members_sent == 1,
          "she is back in her group, and nobody else is sent: %zu", w->members_sent);
    world_cycle(w);
    CHECK(w->calls[CALL_MEMBERS] == 0, "once");

    world_delete(w, ada, WORLD_SOFT);
    CHECK(engine_restart(&w->engine, w->job.no, RESET_DEFAULT, &(struct err){0}), "restart");
    world_cycle(w);
    CHECK(members_of("team") == 4, "in the recycle bin she stays, too, when all is compared");
    world_delete(w, ada, WORLD_RESTORE);
    world_cycle(w);
    CHECK(members_of("team") == 4 && w->members_sent == 1, "and is asserted when she is restored");
    end();
}

/* An account that was made again has another id: whoever names it is told in the same cycle. */
static void manager_made_again(const struct db_config *config)
{
    struct str ada, bob;
    char old[40];

    start(config);
    ada = person("ada");
    bob = person("bob");
    set_manager(ada, bob);
    world_cycle(w);
    snprintf(old, sizeof(old), "%s", world_account(w, "bob")->id);
    world_account(w, "bob")->used = false;
    world_set(w, bob, "givenName", "\"Robert\"");
    world_cycle(w);
    CHECK(strcmp(world_account(w, "bob")->id, old) != 0, "bob is made again");
    CHECK_STR(world_value(world_account(w, "ada"), MANAGER), world_account(w, "bob")->id,
              "ada's manager is his new account");
    end();
}

static void manager_goes(const struct db_config *config)
{
    const struct engine_setting keep = {STR("references.clear"), STR("false")};
    struct str ada, bob;
    struct err err;

    start(config);
    ada = person("ada");
    bob = person("bob");
    set_manager(ada, bob);
    world_cycle(w);
    world_set(w, bob, "accountEnabled", "false");
    world_cycle(w);
    CHECK_STR(world_value(world_account(w, "ada"), MANAGER), world_account(w, "bob")->id,
              "a disabled manager is one still");
    CHECK(engine_set(&w->engine, w->job.no, &keep, 1, STR("admin"), &err), "%s", err.message);
    set_manager(ada, STR(""));
    world_cycle(w);
    CHECK_STR(world_value(world_account(w, "ada"), MANAGER), world_account(w, "bob")->id,
              "not cleared where that is not wanted");
    CHECK(engine_set(&w->engine, w->job.no,
                     &(struct engine_setting){STR("references.clear"), STR("")}, 1, STR("admin"),
                     &err),
          "%s", err.message);
    set_manager(ada, bob);
    world_cycle(w);
    world_delete(w, bob, WORLD_HARD);
    world_cycle(w);
    CHECK_STR(world_value(world_account(w, "ada"), MANAGER), "",
              "cleared when he is gone for good");
    end();
}

static void nested_and_renamed(const struct db_config *config)
{
    struct journal_record *records;
    struct engine_status status;
    struct str outer, inner;
    struct err err;

    start(config);
    outer = crowd("outer", 2);
    inner = world_group(w, "inner");
    world_member(w, outer, inner, true);
    world_cycle(w);
    CHECK(members_of("outer") == 2, "a group out of scope is no member");
    CHECK(world_journal(w, &(struct journal_query){.by_status = true, .status = STATUS_WARNING},
                        &records) == 1,
          "which is said");
    CHECK_STR(records[0].code, "UnableToResolveReferenceAttributeValue", "by its code");
    CHECK(engine_status_load(&w->engine, w->job.no, w->arena, &status, &err), "%s", err.message);
    CHECK(status.pending == 1, "and counted: %lld", (long long)status.pending);
    world_assign(w, inner, true);
    world_cycle(w);
    CHECK(is_member("outer", "inner"), "once it is in scope it is");
    CHECK(engine_status_load(&w->engine, w->job.no, w->arena, &status, &err) && status.pending == 0,
          "nobody waits any more");
    world_set(w, outer, "displayName", "\"surround\"");
    world_cycle(w);
    CHECK(members_of("surround") == 3 && w->calls[CALL_MEMBERS] == 0,
          "a new name, the same members");
    world_assign(w, inner, false);
    world_cycle(w);
    CHECK(members_of("surround") == 2, "a group that leaves scope leaves the group");
    end();
}

static void asserted_again(const struct db_config *config)
{
    struct err err;
    int64_t groups;
    struct str team;

    start(config);
    team = crowd("team", 450);
    crowd("other", 0);
    world_cycle(w);
    world_account(w, "team")->member_count = 10; /* somebody was busy in the application */
    CHECK(engine_reassert(&w->engine, w->job.no, STR("team"), &groups, &err) && groups == 1, "%s",
          err.message);
    world_cycle(w);
    CHECK(members_of("team") == 450 && w->members_sent == 450, "all are sent: %zu",
          w->members_sent);
    world_cycle(w);
    CHECK(w->members_sent == 0, "once");
    CHECK(engine_reassert(&w->engine, w->job.no, STR(""), &groups, &err) && groups == 2, "%s",
          err.message);
    world_member(w, team, world_person(w, "new"), true);
    world_cycle(w);
    CHECK(members_of("team") == 451 && w->members_sent >= 451, "with who is new");
    CHECK(!engine_reassert(&w->engine, w->job.no, STR("nobody"), &groups, &err) &&
              err.kind == ERR_NOT_FOUND,
          "a group has to be there");
    CHECK(!engine_reassert(&w->engine, w->job.no, STR("p001"), &groups, &err), "and be a group");
    end();
}

#define ON_BOTH(test)                 \
    static void test##_(void **state) \
    {                                 \
        (void)state;                  \
        test_databases(test);         \
    }
ON_BOTH(managers_then_leaves_then_joins)
ON_BOTH(one_refused_member)
ON_BOTH(gone_between_the_walks)
ON_BOTH(sent_as_a_whole)
ON_BOTH(failures_count)
ON_BOTH(everybody_refused)
ON_BOTH(unknown_member)
ON_BOTH(cut_short_between_batches)
ON_BOTH(batches_of_a_size)
ON_BOTH(size_is_found_out)
ON_BOTH(deleted_member_leaves)
ON_BOTH(returned_member)
ON_BOTH(manager_made_again)
ON_BOTH(manager_goes)
ON_BOTH(nested_and_renamed)
ON_BOTH(asserted_again)

TEST_GROUP(members, cmocka_unit_test(managers_then_leaves_then_joins_),
           cmocka_unit_test(one_refused_member_), cmocka_unit_test(failures_count_),
           cmocka_unit_test(sent_as_a_whole_), cmocka_unit_test(gone_between_the_walks_),
           cmocka_unit_test(everybody_refused_), cmocka_unit_test(unknown_member_),
           cmocka_unit_test(cut_short_between_batches_), cmocka_unit_test(batches_of_a_size_),
           cmocka_unit_test(size_is_found_out_), cmocka_unit_test(deleted_member_leaves_),
           cmocka_unit_test(returned_member_), cmocka_unit_test(manager_made_again_),
           cmocka_unit_test(manager_goes_), cmocka_unit_test(nested_and_renamed_),
           cmocka_unit_test(asserted_again_))
