/* What the engine's figures are read from, one step a call, all on a database of its own:
 *   bench_engine prepare DB PEOPLE PORT [SETTING=VALUE]   a directory of PEOPLE and a Joyn FSM job
 * of scope "all" with its target at PORT bench_engine cycle DB                 runs the next cycle;
 * prints: requests seconds peak-KiB bench_engine plan DB                  plans everybody; prints:
 * people cpu-seconds bench_engine change DB N              changes an attribute of N people
 *   bench_engine group DB N               a new group of the first N people
 *   bench_engine member DB N join|leave   one joins or leaves the group of N */
#include "engine/engine.h"

#include "base/rng.h"
#include "directory/member.h"
#include "directory/object.h"
#include "directory/sample.h"
#include "directory/write.h"
#include "gallery/gallery.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

struct bench {
    struct db_config config;
    struct db *db;
    struct arena *arena;
    struct rng_seeded rng;
    struct secret_key key;
    struct engine engine;
};

static bool open_source(struct db *db, const struct job *job, struct source **out, struct err *err)
{
    return source_open_directory(db, job->id, out, err);
}

static bool open_target(void *ctx, const struct job *job, const struct job_settings *settings,
                        const struct secret *token, const struct mapping_program *program,
                        struct target **out, struct err *err)
{
    struct target_scim_config config = {
        .base_url = job->base_url, .token = token, .concurrency = 32, .settings = settings};

    (void)ctx;
    return target_open_scim(program, &config, out, err);
}

/* "NAME=VALUE" of a setting of the job. */
static bool set(struct bench *b, int64_t job_no, const char *text, struct err *err)
{
    struct str value = str_from_z(text);
    struct str name;

    str_cut(&value, '=', &name);
    return job_setting_save(b->db, b->arena, job_no, name, value, NULL, err);
}

static bool prepare(struct bench *b, int64_t people, const char *port, const char *setting,
                    struct err *err)
{
    struct directory_sample sample = {.people = people, .groups = 1};
    struct gallery_template template;
    struct json *schema;
    char id[UUID_TEXT_MAX];
    struct secret token;
    struct job job = {
        .name = STR("bench"),
        .template_id = STR("joynfsm"),
        .base_url = arena_printf(b->arena, "http://127.0.0.1:%s/scim", port),
        .state = JOB_ACTIVE,
        .scope = JOB_SCOPE_ALL,
        .interval_us = JOB_INTERVAL_DEFAULT_US,
    };

    job.id = arena_str(b->arena, uuid_new(&b->rng.rng, id));
    return db_migrate(b->db, err) && directory_sample(b->db, &sample, err) &&
           gallery_load(b->arena, STR("joynfsm"), &template, err) &&
           gallery_schema(b->arena, &template, &b->rng.rng, &schema, err) &&
           job_insert(b->db, &job, json_text(b->arena, schema), err) &&
           secret_init(&token, STR("0123456789abcdef0123456789abcdef"), err) &&
           job_secret_save(b->db, &b->key, job.no, STR("SecretToken"), &token, err) &&
           (!setting || set(b, job.no, setting, err));
}

static bool the_job(struct bench *b, struct job *out, struct err *err)
{
    return job_load(b->db, b->arena, STR("bench"), out, err);
}

static bool cycle(struct bench *b, struct err *err)
{
    int64_t began = clock_monotonic_us();
    struct rusage usage;
    struct cycle c;
    struct job job;

    if (!the_job(b, &job, err) || !engine_cycle(&b->engine, job.no, NULL, NULL, b->arena, &c, err))
        return false;
    getrusage(RUSAGE_SELF, &usage);
    if (c.counters.failed > 0)
        return err_set(err, ERR_INTERNAL, "failures", "%lld objects failed",
                       (long long)c.counters.failed);
    printf("%lld %.6f %ld\n", (long long)c.counters.requests,
           (double)(clock_monotonic_us() - began) / 1e6, usage.ru_maxrss);
    return true;
}

static bool plan(struct bench *b, struct err *err)
{
    struct plan_counts counts;
    struct rusage before, after;
    struct job job;

    getrusage(RUSAGE_SELF, &before);
    if (!the_job(b, &job, err) ||
        !engine_plan(&b->engine, job.no, PLAN_ALL, NULL, NULL, &counts, err))
        return false;
    getrusage(RUSAGE_SELF, &after);
    if (counts.by_intent[INTENT_MATCH_OR_CREATE] * 10 < counts.read * 8)
        return err_set(err, ERR_INTERNAL, "nothingPlanned",
                       "only %lld of %lld were planned to be created",
                       (long long)counts.by_intent[INTENT_MATCH_OR_CREATE], (long long)counts.read);
    printf("%lld %.6f\n", (long long)counts.read,
           (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec -
                    before.ru_stime.tv_sec) +
               (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec -
                        before.ru_stime.tv_usec) /
                   1e6);
    return true;
}

static bool change(struct bench *b, int64_t n, struct err *err)
{
    struct directory_object *people;
    struct directory_tx tx;
    struct json *patch = json_new(b->arena, JSON_OBJECT);
    size_t count;

    json_add(b->arena, patch, STR("department"),
             json_string(b->arena, arena_printf(b->arena, "Department %llu",
                                                (unsigned long long)rng_u64(rng_system()))));
    if (!directory_list(b->db, b->arena, SOURCE_USER, DIRECTORY_LIVE, STR(""), (size_t)n, &people,
                        &count, err) ||
        !directory_begin(b->db, clock_system(), &b->rng.rng, &tx, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool changed;

        if (!directory_update(&tx, b->arena, &people[i], patch, &changed, err)) {
            directory_rollback(&tx);
            return false;
        }
    }
    return directory_commit(&tx, err);
}

static struct str group_name(struct bench *b, int64_t members)
{
    return arena_printf(b->arena, "Group of %lld", (long long)members);
}

/* A new group whose members are the first people. */
static bool group(struct bench *b, int64_t members, struct err *err)
{
    enum { AT_ONCE = 5000 };
    struct json *patch = json_new(b->arena, JSON_OBJECT);
    struct str after = STR("");
    struct directory_tx tx;
    struct str id;

    json_add_str(b->arena, patch, "displayName", group_name(b, members));
    json_add_bool(b->arena, patch, "securityEnabled", true);
    if (!directory_begin(b->db, clock_system(), rng_system(), &tx, err) ||
        !directory_insert(&tx, b->arena, SOURCE_GROUP, STR(""), patch, &id, err))
        return false;
    while (members > 0) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct directory_object *people;
        size_t count;

        if (!directory_list(b->db, a, SOURCE_USER, DIRECTORY_LIVE, after,
                            (size_t)(members < AT_ONCE ? members : AT_ONCE), &people, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            bool changed;

            if (!directory_member_add(&tx, id, people[i].id, &changed, err))
                return false;
        }
        if (count == 0)
            return err_set(err, ERR_INVALID, "tooFew", "there are not so many people");
        after = arena_str(b->arena, people[count - 1].id);
        members -= (int64_t)count;
    }
    return directory_commit(&tx, err);
}

/* The first person joins the group with that many members, or leaves it. */
static bool member(struct bench *b, int64_t members, bool joins, struct err *err)
{
    struct directory_object *people;
    struct directory_object of;
    struct directory_tx tx;
    bool changed;
    size_t count;

    return directory_find(b->db, b->arena, group_name(b, members), DIRECTORY_ANY, &of, err) &&
           directory_list(b->db, b->arena, SOURCE_USER, DIRECTORY_LIVE, STR(""), 1, &people, &count,
                          err) &&
           directory_begin(b->db, clock_system(), &b->rng.rng, &tx, err) &&
           (joins ? directory_member_add : directory_member_remove)(&tx, of.id, people[0].id,
                                                                    &changed, err) &&
           directory_commit(&tx, err);
}

int main(int argc, char **argv)
{
    struct bench b = {.arena = arena_new()};
    struct err err = {0};
    int64_t n = argc > 3 ? strtoll(argv[3], NULL, 10) : 0;
    bool ok = false;

    if (argc < 3)
        return 2;
    b.config.url = argv[2];
    rng_seeded_init(&b.rng, 1);
    b.engine = (struct engine){
        .db = &b.config,
        .key = &b.key,
        .clock = clock_system(),
        .rng = rng_system(),
        .open_source = open_source,
        .open_target = open_target,
    };
    if (db_open(&b.config, &b.db, &err)) {
        if (strcmp(argv[1], "prepare") == 0 && argc >= 5)
            ok = prepare(&b, n, argv[4], argv[5], &err);
        else if (strcmp(argv[1], "cycle") == 0)
            ok = cycle(&b, &err);
        else if (strcmp(argv[1], "plan") == 0)
            ok = plan(&b, &err);
        else if (strcmp(argv[1], "change") == 0 && argc == 4)
            ok = change(&b, n, &err);
        else if (strcmp(argv[1], "group") == 0 && argc == 4)
            ok = group(&b, n, &err);
        else if (strcmp(argv[1], "member") == 0 && argc == 5)
            ok = member(&b, n, strcmp(argv[4], "join") == 0, &err);
    }
    if (!ok)
        fprintf(stderr, "bench_engine %s: %s\n", argv[1], err.message);
    db_close(b.db);
    arena_free(b.arena);
    return !ok;
}
