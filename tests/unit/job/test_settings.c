#include "fixture.h"
#include "job/settings.h"

static void defaults(void **state)
{
    struct job_settings s;

    (void)state;
    job_settings_default(&s);
    CHECK(s.guard && s.guard_count == 500 && s.guard_percent == 10, "the guard is on");
    CHECK(s.rate == RATE_AUTO && s.max_members == 100 && s.push && s.delete_after_unassign, "set");
    CHECK(s.retention_us == 90 * INT64_C(86400000000), "90 days");
    CHECK_STR(s.user_agent, "default", "text");
    for (size_t i = 0; i < REMOVAL_EVENT_COUNT; i++)
        CHECK(s.removal[i].action == REMOVAL_DEFAULT && s.removal[i].grace_us == 0, "documented");
}

static void values(void **state)
{
    static const struct {
        const char *name, *value;
        bool taken;
    } cases[] = {
        {"guard", "FALSE", true},
        {"guard", "no", false},
        {"GUARD.COUNT", "0", true},
        {"guard.count", "-1", false},
        {"guard.count", "12x", false},
        {"guard.percent", "101", false},
        {"client.rate", "auto", true},
        {"client.rate", "25", true},
        {"client.rate", "fast", false},
        {"client.patchDialect", "Entra2020", true},
        {"client.patchDialect", "rfc|entra2020", false},
        {"client.patchDialect", "", false},
        {"client.timeout.total", "PT1S", true},
        {"client.timeout.total", "PT0S", false},
        {"client.timeout.total", "10", false},
        {"deprovision.unassigned", "delete", true},
        {"deprovision.unassigned", "Delete after P7D", true},
        {"deprovision.unassigned", "set title=gone after work", false},
        {"deprovision.unassigned", "set title=look after it after PT1H", true},
        {"deprovision.unassigned", "set title", false},
        {"deprovision.unassigned", "destroy", false},
        {"deprovision.unassigned", "disable after P7D later", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena *a = arena_new();
        struct job_settings s;
        struct err err = {0};
        bool ok;

        job_settings_default(&s);
        ok = job_settings_apply(&s, a, str_from_z(cases[i].name), str_from_z(cases[i].value), &err);
        CHECK(ok == cases[i].taken, "%s=%s: %s", cases[i].name, cases[i].value, err.message);
        CHECK(ok || str_eq_z(str_from_z(err.code), "badSetting"), "%s", err.code);
        arena_free(a);
    }
}

static void policies(void **state)
{
    struct arena *a = arena_new();
    struct job_settings s;
    struct err err = {0};
    const struct removal_policy *p = &s.removal[REMOVAL_SOURCE_DISABLED];

    (void)state;
    job_settings_default(&s);
    CHECK(job_settings_apply(&s, a, STR("deprovision.sourceDisabled"),
                             STR("set title=look after it after PT1H"), &err),
          "%s", err.message);
    CHECK(p->action == REMOVAL_SET_ATTRIBUTE && p->grace_us == INT64_C(3600000000), "policy");
    CHECK_STR(p->attribute, "title", "attribute");
    CHECK_STR(p->value, "look after it", "value");
    CHECK(!job_settings_apply(&s, a, STR("gaurd.count"), STR("1"), &err), "unknown");
    CHECK(strstr(err.message, "guard.count"), "the nearest is named: %s", err.message);
    arena_free(a);
}

static void kept_body(const struct db_config *config)
{
    struct fixture f;
    struct job_settings s;
    struct job_setting *list;
    size_t count;
    size_t set = 0;
    struct str before;
    struct err err = {0};

    fixture_init(&f, config);
    CHECK(job_setting_save(f.db, f.a, 1, STR("Client.Rate"), STR("7"), &before, &err), "%s",
          err.message);
    CHECK_STR(before, "auto", "what was in force");
    CHECK(job_setting_save(f.db, f.a, 1, STR("guard.count"), STR("9"), NULL, &err), "%s",
          err.message);
    CHECK(!job_setting_save(f.db, f.a, 1, STR("guard.count"), STR("many"), NULL, &err), "refused");
    CHECK(job_settings_load(f.db, f.a, 1, &s, &err), "%s", err.message);
    CHECK(s.rate == 7 && s.guard_count == 9, "kept");
    CHECK(job_setting_save(f.db, f.a, 1, STR("guard.count"), STR(""), &before, &err), "%s",
          err.message);
    CHECK_STR(before, "9", "before");
    CHECK(job_settings_list(f.db, f.a, 1, &list, &count, &err), "%s", err.message);
    for (size_t i = 0; i < count; i++)
        set += list[i].set;
    CHECK(set == 1, "one is set");
    CHECK(job_remove(f.db, 1, &err), "%s", err.message);
    CHECK(job_settings_load(f.db, f.a, 1, &s, &err) && s.rate == RATE_AUTO, "gone with the job");
    fixture_done(&f);
}

static void kept(void **state)
{
    (void)state;
    test_databases(kept_body);
}

TEST_GROUP(settings, cmocka_unit_test(defaults), cmocka_unit_test(values),
           cmocka_unit_test(policies), cmocka_unit_test(kept))
