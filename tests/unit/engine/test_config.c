/* Versions of a job's schema: what a save does to the job and to a cycle under way (engine.md 3.5,
 * 19). */
#include "engine/config.h"
#include "gallery/gallery.h"
#include "job/retry.h"
#include "world.h"

static struct world *w;

#define OK(call)                                                           \
    do {                                                                   \
        struct err err_ = {0};                                             \
        struct err *err = &err_;                                           \
        CHECK((call), "%s: %s", err_.code ? err_.code : "", err_.message); \
    } while (0)

static void start(const struct db_config *config, const char *template_id)
{
    w = malloc(sizeof(*w));
    world_init(w, config, template_id);
}

static void end(void)
{
    world_done(w);
    free(w);
}

static struct json *stored(int64_t version)
{
    struct json *document = NULL;
    int64_t which;

    OK(engine_config_load(w->db, w->arena, w->job.no, version, &document, &which, err));
    return document;
}

static bool try_save(struct json *draft, int64_t *out_version, struct engine_config_check *check,
                     struct err *err)
{
    static const struct engine_config_change change = {STR_INIT("ada"), STR_INIT("a reason")};

    return engine_config_check(&w->engine, w->job.no, draft, GOLDEN_MUST_PASS, w->arena, check,
                               err) &&
           engine_config_save(&w->engine, w->job.no, check, &change, out_version, err);
}

static int64_t save(struct json *draft)
{
    struct engine_config_check check;
    int64_t version = 0;

    OK(try_save(draft, &version, &check, err));
    return version;
}

static struct json *source_of(struct json *document, const char *target)
{
    struct json *m = mapping_document_object(document, SOURCE_USER);

    return mapping_document_attribute(m, str_from_z(target));
}

static void map_to(struct json *document, const char *target, const char *expression)
{
    struct json *source = json_new(w->arena, JSON_OBJECT);

    json_add_z(w->arena, source, "type", "Function");
    json_add_z(w->arena, source, "expression", expression);
    json_set(w->arena, source_of(document, target), STR("source"), source);
}

static struct str watermark(void)
{
    struct str text = {0};

    OK(watermark_load(w->db, w->arena, w->job.no, &text, err));
    return text;
}

static void saves(const struct db_config *config)
{
    struct retry parked = {.source_id = STR("x"), .next_us = 1, .code = STR("c")};
    struct job_schema_version *list;
    struct json *draft;
    struct cycle c;
    struct job job;
    size_t count;
    int64_t parked_count;

    start(config, "scim");
    world_assign(w, world_person(w, "ada"), true);
    c = world_cycle(w);
    CHECK(c.counters.created == 1 && watermark().len > 0, "one account, and a watermark");
    OK(retry_park(w->db, w->job.no, &parked, err));

    draft = stored(0);
    CHECK(save(draft) == 1 && watermark().len > 0, "the same again is no new version");
    map_to(draft, "title", "ToUpper([displayName])");
    CHECK(save(draft) == 2, "a difference is");
    CHECK(watermark().len == 0, "the next cycle is an initial one");
    OK(retry_count(w->db, w->job.no, &parked_count, err));
    CHECK(parked_count == 0, "nothing is parked");
    OK(job_load_no(w->db, w->arena, w->job.no, &job, err));
    CHECK(job.schema_version == 2 && job.next_cycle_us == 0, "and due at once");

    c = world_cycle(w);
    CHECK(c.kind == CYCLE_INITIAL && c.schema_version == 2 && c.counters.updated == 1 &&
              c.counters.created == 0,
          "connections stay: %lld updated", (long long)c.counters.updated);
    CHECK_STR(world_value(world_account(w, "ada"), "title"), "ADA", "by the new schema");
    c = world_cycle(w);
    CHECK(c.kind == CYCLE_INCREMENTAL && c.counters.requests == 0, "and then nothing");

    OK(job_schema_list(w->db, w->arena, w->job.no, 0, 10, &list, &count, err));
    CHECK(count == 2 && list[0].version == 2 && list[1].version == 1, "two versions");
    CHECK_STR(list[0].author, "ada", "author");
    CHECK_STR(list[0].comment, "a reason", "comment");
    OK(job_schema_list(w->db, w->arena, w->job.no, 2, 10, &list, &count, err));
    CHECK(count == 1 && list[0].version == 1, "before");
    CHECK(str_starts(json_get_text(stored(2), "version"), STR("Date:20")), "a version text");

    CHECK(save(stored(1)) == 3, "rolled back");
    CHECK(mapping_document_same(stored(1), stored(3)) &&
              !mapping_document_same(stored(2), stored(3)),
          "to the first");
    end();
}

static void refuses(const struct db_config *config)
{
    struct engine_config_check check;
    struct json *draft;
    struct err why = {0};
    int64_t version = 0;
    struct str before;

    start(config, "scim");
    world_assign(w, world_person(w, "ada"), true);
    world_cycle(w);
    before = watermark();

    draft = stored(0);
    map_to(draft, "title", "Nonsense(");
    CHECK(!try_save(draft, &version, &check, &why) && check.findings, "refused with findings");
    CHECK_STR(str_from_z(why.code), "schemaInvalid", "code");

    draft = stored(0);
    json_set(w->arena, draft, STR("goldenCases"), json_new(w->arena, JSON_ARRAY));
    {
        struct json *one;

        OK(json_parse(w->arena,
                      STR("{\"name\":\"Ada\",\"source\":{\"displayName\":\"Ada\",\"jobTitle\":"
                          "\"Boss\"},\"expected\":{\"title\":\"boss\"}}"),
                      NULL, &one, NULL, err));
        json_append(json_get(draft, STR("goldenCases")), one);
    }
    CHECK(!try_save(draft, &version, &check, &why) && check.golden.failed == 1, "golden case");
    CHECK_STR(str_from_z(why.code), "goldenCaseFailed", "code");
    CHECK(strstr(why.message, "expected \"boss\", got \"Boss\""), "%s", why.message);

    CHECK(mapping_document_same(stored(0), stored(1)) && str_eq(watermark(), before),
          "nothing has changed");
    world_set(w, world_person(w, "bob"), "jobTitle", "\"x\"");
    CHECK(world_cycle(w).kind == CYCLE_INCREMENTAL, "and the job goes on");

    OK(json_parse(w->arena, STR("{\"users\":[]}"), NULL, &draft, NULL, err));
    CHECK(!try_save(draft, &version, &check, &why) && strstr(why.message, "no synchronization"),
          "something else");
    end();
}

static void two_at_once(const struct db_config *config)
{
    static const struct engine_config_change change = {STR_INIT("ada"), STR_INIT("")};
    struct engine_config_check one;
    struct json *draft;
    struct err why = {0};
    int64_t version;

    start(config, "scim");
    draft = stored(0);
    map_to(draft, "title", "ToUpper([displayName])");
    OK(engine_config_check(&w->engine, w->job.no, draft, GOLDEN_MUST_PASS, w->arena, &one, err));
    draft = stored(0);
    map_to(draft, "title", "ToLower([displayName])");
    CHECK(save(draft) == 2, "the other is first");
    CHECK(!engine_config_save(&w->engine, w->job.no, &one, &change, &version, &why) &&
              why.kind == ERR_CONFLICT,
          "nobody's work is lost");
    CHECK(mapping_document_same(stored(0), stored(2)), "the second version is the newest");
    OK(engine_config_check(&w->engine, w->job.no, stored(0), GOLDEN_MUST_PASS, w->arena, &one,
                           err));
    CHECK(one.base_version == 2, "no third one");
    end();
}

/* Saves a schema in the middle of a cycle, on its own thread's watch. */
static void save_now(void *ctx, const struct job *job, const struct cycle *cycle)
{
    bool *saved = ctx;
    struct json *draft;

    (void)job;
    (void)cycle;
    if (*saved)
        return;
    *saved = true;
    draft = stored(0);
    map_to(draft, "title", "ToUpper([displayName])");
    save(draft);
}

static void in_the_middle(const struct db_config *config)
{
    bool saved = false;
    struct engine_observer observer = {save_now, &saved};
    struct cycle c;
    struct job job;

    start(config, "scim");
    world_assign(w, world_person(w, "ada"), true);
    OK(engine_cycle(&w->engine, w->job.no, &observer, NULL, w->arena, &c, err));
    CHECK(saved && c.schema_version == 1 && c.state == CYCLE_SUCCEEDED, "ends on the old schema");
    CHECK_STR(world_value(world_account(w, "ada"), "title"), "", "by which there is no title");
    CHECK(watermark().len == 0, "its end leaves the watermark empty");
    OK(job_load_no(w->db, w->arena, w->job.no, &job, err));
    CHECK(job.next_cycle_us == 0, "the next one is due at once");
    c = world_cycle(w);
    CHECK(c.kind == CYCLE_INITIAL && c.schema_version == 2, "and initial");
    CHECK_STR(world_value(world_account(w, "ada"), "title"), "ADA", "by the new schema");
    CHECK(watermark().len > 0, "then it goes on from there");
    end();
}

static void left_behind(const struct db_config *config)
{
    struct json *draft;
    struct cycle c;
    bool found = false;

    start(config, "scim");
    for (int i = 0; i < 8; i++)
        world_assign(w, world_person(w, (char[]){(char)('a' + i), 'a', '\0'}), true);
    w->stop_after = 3;
    OK(engine_cycle(&w->engine, w->job.no, NULL, &w->stop, w->arena, &c, err));
    OK(cycle_open(w->db, w->arena, w->job.no, &c, &found, err));
    CHECK(found, "a cycle is left behind");
    atomic_store(&w->stop, false);
    draft = stored(0);
    map_to(draft, "title", "ToUpper([displayName])");
    CHECK(save(draft) == 2, "saved");
    c = world_cycle(w);
    CHECK(c.kind == CYCLE_INITIAL && c.schema_version == 2, "a new one begins");
    CHECK(world_accounts(w, SOURCE_USER) == 8, "all have accounts");
    for (int i = 0; i < 8; i++) {
        const char name[] = {(char)('a' + i), 'a', '\0'};
        const char title[] = {(char)('A' + i), 'A', '\0'};

        CHECK_STR(world_value(world_account(w, name), "title"), title, "%s", name);
    }
    end();
}

static void save_test(void **state)
{
    (void)state;
    test_databases(saves);
}
static void refuse_test(void **state)
{
    (void)state;
    test_databases(refuses);
}
static void conflict_test(void **state)
{
    (void)state;
    test_databases(two_at_once);
}
static void running_test(void **state)
{
    (void)state;
    test_databases(in_the_middle);
}
static void interrupted_test(void **state)
{
    (void)state;
    test_databases(left_behind);
}

/* What every template brings survives export and import. */
static void templates_body(const struct db_config *config)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct gallery_template *all;
    size_t count = 0;

    OK(gallery_list(a, &all, &count, err));
    CHECK(count >= 3, "templates");
    for (size_t i = 0; i < count; i++) {
        struct engine_config_check check;
        struct str text;
        struct json *again;

        start(config, arena_z(a, all[i].id));
        text = mapping_document_text(a, stored(0));
        OK(mapping_document_parse(a, text, &again, NULL, err));
        OK(engine_config_check(&w->engine, w->job.no, again, GOLDEN_MUST_PASS, a, &check, err));
        CHECK(check.difference_count == 0, "%.*s: %.*s", STR_ARG(all[i].id),
              STR_ARG(check.differences ? check.differences->text : STR("")));
        CHECK(str_eq(mapping_document_text(a, check.document), text), "%.*s: byte for byte",
              STR_ARG(all[i].id));
        OK(job_remove(w->db, w->job.no, err));
        end();
    }
}

static void templates_test(void **state)
{
    (void)state;
    test_databases(templates_body);
}

TEST_GROUP(config, cmocka_unit_test(save_test), cmocka_unit_test(refuse_test),
           cmocka_unit_test(conflict_test), cmocka_unit_test(running_test),
           cmocka_unit_test(interrupted_test), cmocka_unit_test(templates_test));
