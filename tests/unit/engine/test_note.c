#include "engine/config.h"
#include "engine/note.h"
#include "world.h"

static void expect_newest(struct world *w, size_t at, const char *activity, const char *author,
                          const char *before, const char *after)
{
    struct audit_record *list;
    struct err err = {0};
    size_t count;

    CHECK(audit_list(w->db, w->arena, &(struct audit_query){.app_id = w->job.id}, &list, &count,
                     &err) &&
              count > at,
          "%zu records %s", count, err.message);
    CHECK_STR(list[at].activity, activity, "activity");
    CHECK_STR(list[at].author, author, "author of %s", activity);
    CHECK_STR(list[at].before, before, "before %s", activity);
    CHECK_STR(list[at].after, after, "after %s", activity);
    CHECK_STR(list[at].app_name, arena_z(w->arena, w->job.name), "whose");
}

static size_t records(struct world *w)
{
    struct audit_finding f;
    struct err err = {0};

    CHECK(audit_verify(w->db, &w->key, &f, &err) && f.verdict == AUDIT_INTACT, "%s", err.message);
    return (size_t)f.count;
}

static void orders_body(const struct db_config *config)
{
    struct world w;
    struct err err = {0};
    struct job changed;
    const struct engine_setting settings[] = {{STR("guard.count"), STR("7")},
                                              {STR("guard.percent"), STR("10")},
                                              {STR("notify.webhook"), STR("https://h.example/s3")}};
    const struct engine_setting wrong[] = {{STR("guard.count"), STR("8")},
                                           {STR("nothing"), STR("8")}};

    world_init(&w, config, "scim");
    w.engine.author = STR("ada");
    size_t start = records(&w);

    CHECK(engine_pause(&w.engine, w.job.no, &err), "%s", err.message);
    expect_newest(&w, 0, "Disable/pause provisioning configuration", "ada",
                  "{\"schedule\":\"Active\"}", "{\"schedule\":\"Paused\"}");
    CHECK(engine_start(&w.engine, w.job.no, &err) && engine_start(&w.engine, w.job.no, &err), "%s",
          err.message);
    CHECK(records(&w) == start + 2, "a second start changes nothing and is not told");
    expect_newest(&w, 0, "Enable/start provisioning configuration", "ada",
                  "{\"schedule\":\"Paused\"}", "{\"schedule\":\"Active\"}");
    CHECK(engine_restart(&w.engine, w.job.no, RESET_WATERMARK | RESET_RETRIES, &err), "%s",
          err.message);
    expect_newest(&w, 0, "Enable/restart provisioning configuration", "ada", "",
                  "{\"resetScope\":[\"Watermark\",\"Escrows\"]}");
    CHECK(engine_set(&w.engine, w.job.no, settings, ARRAY_LEN(settings), STR("bob"), &err), "%s",
          err.message);
    expect_newest(&w, 0, "Update provisioning setting or credentials", "bob",
                  "{\"guard.count\":\"500\",\"notify.webhook\":\"\"}",
                  "{\"guard.count\":\"7\",\"notify.webhook\":\"https://h.example/*****\"}");
    CHECK(!engine_set(&w.engine, w.job.no, wrong, ARRAY_LEN(wrong), STR("bob"), &err),
          "an unknown setting is refused");
    CHECK(records(&w) == start + 4, "what was refused is not told");

    changed = w.job;
    changed.base_url = STR("https://other.example/v2");
    CHECK(engine_update(&w.engine, &changed, STR(""), &err), "%s", err.message);
    expect_newest(
        &w, 0, "Update provisioning setting or credentials", "ada",
        arena_z(w.arena, arena_printf(w.arena, "{\"url\":\"%.*s\"}", STR_ARG(w.job.base_url))),
        "{\"url\":\"https://other.example/v2\"}");
    changed.scope = w.job.scope == JOB_SCOPE_ALL ? JOB_SCOPE_ASSIGNED : JOB_SCOPE_ALL;
    CHECK(engine_update(&w.engine, &changed, STR(""), &err), "%s", err.message);
    CHECK(engine_update(&w.engine, &changed, STR(""), &err), "the same again: %s", err.message);
    CHECK(records(&w) == start + 6, "once");
    world_done(&w);
}

static void orders(void **state)
{
    (void)state;
    test_databases(orders_body);
}

static void schema_body(const struct db_config *config)
{
    struct engine_config_check check;
    struct audit_record *list;
    struct world w;
    struct err err = {0};
    struct json *document;
    int64_t version;
    size_t count;

    world_init(&w, config, "scim");
    CHECK(engine_config_load(w.db, w.arena, w.job.no, 0, &document, &version, &err), "%s",
          err.message);
    struct json *object = mapping_document_object(document, SOURCE_USER);
    struct json *mapping = mapping_document_attribute(object, STR("title"));
    CHECK(mapping && json_remove(mapping, STR("defaultValue")), "the mapping of title");
    json_add_z(w.arena, mapping, "defaultValue", "Engineer");
    CHECK(engine_config_check(&w.engine, w.job.no, document, GOLDEN_MUST_PASS, w.arena, &check,
                              &err) &&
              engine_config_save(&w.engine, w.job.no, &check,
                                 &(struct engine_config_change){STR("eve"), STR("as asked")},
                                 &version, &err),
          "%s", err.message);
    CHECK(audit_list(w.db, w.arena, &(struct audit_query){.limit = 1}, &list, &count, &err) &&
              count == 1,
          "%s", err.message);
    CHECK_STR(list[0].activity, "Update attribute mappings or scope", "activity");
    CHECK_STR(list[0].author, "eve", "author");
    CHECK_STR(list[0].before, "{\"version\":1}", "before");
    size_t at;
    CHECK(str_find(list[0].after, STR("\"version\":2,\"comment\":\"as asked\""), &at) &&
              str_find(list[0].after, STR("Engineer"), &at),
          "after: %.*s", STR_ARG(list[0].after));
    world_done(&w);
}

static void schema(void **state)
{
    (void)state;
    test_databases(schema_body);
}

TEST_GROUP(note, cmocka_unit_test(orders), cmocka_unit_test(schema))
