#include "fixture.h"

struct job fixture_job(struct fixture *f, const char *id, const char *name)
{
    struct err err = {0};
    struct job job = {
        .id = str_from_z(id),
        .name = str_from_z(name),
        .template_id = STR("scim"),
        .base_url = STR("https://app.example/scim"),
        .interval_us = JOB_INTERVAL_DEFAULT_US,
        .created_us = 1000,
    };

    CHECK(job_insert(f->db, &job, STR("{\"v\":1}"), &err), "%s: %s", name, err.message);
    return job;
}

void fixture_init(struct fixture *f, const struct db_config *config)
{
    struct err err = {0};

    f->a = arena_new();
    CHECK(db_open(config, &f->db, &err), "%s", err.message);
    CHECK(db_migrate(f->db, &err), "%s", err.message);
    f->job = fixture_job(f, "11111111-1111-4111-8111-111111111111", "Field");
}

void fixture_done(struct fixture *f)
{
    db_close(f->db);
    arena_free(f->a);
}
