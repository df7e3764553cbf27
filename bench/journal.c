/* What the figures of the provisioning log are read from:
 *   bench_journal fill DB ROWS PEOPLE   records of a first cycle and of changes, through the insert
 *                                       that a cycle uses; prints: rows seconds
 *   bench_journal search DB             each kind of search on a fresh connection; prints for each:
 *                                       milliseconds rows name
 * ROWS records are about PEOPLE people, whose names, failures and gaps are as a year leaves them.
 */
#include "journal/journal.h"

#include "base/clock.h"
#include "base/rng.h"
#include "directory/sample_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 1000, CYCLE_ROWS = 4000, TURNS = 5 };
#define BEGAN_US INT64_C(1767225600000000) /* 2026-01-01 */

struct bench {
    struct db_config config;
    struct db *db;
    struct arena *a;
    struct packer *packer;
    struct rng_seeded rng;
    int64_t people;
};

struct person {
    struct str id, name, login, target;
    const struct sample_department *department;
    const struct sample_office *office;
};

/* The same person for the same number. */
static struct person person(struct bench *b, int64_t n)
{
    uint64_t h = str_hash((struct str){(const char *)&n, sizeof(n)});
    const struct sample_culture *c = &sample_cultures[h % sample_culture_count];
    const struct sample_name *given = &c->given[(h >> 8) % SAMPLE_NAMES];
    const struct sample_name *family = &c->family[(h >> 16) % SAMPLE_NAMES];

    return (struct person){
        .id =
            arena_printf(b->a, "019b%04" PRIx64 "-a800-7%03" PRIx64 "-a6%02" PRIx64 "-%012" PRIx64,
                         h & 0xFFFF, h >> 16 & 0xFFF, h >> 28 & 0xFF, (uint64_t)n),
        .name = arena_printf(b->a, "%s %s", given->text, family->text),
        .login =
            arena_printf(b->a, "%s.%s%" PRId64 "@contoso.example", given->ascii, family->ascii, n),
        .target = arena_printf(b->a, "%016" PRIx64, h ^ (h >> 7)),
        .department = &sample_departments[(h >> 24) % sample_department_count],
        .office = &sample_offices[(h >> 32) % sample_office_count],
    };
}

static struct json *attributes(struct bench *b, const struct person *p, int64_t n)
{
    struct json *v = json_new(b->a, JSON_OBJECT);

    json_add_str(b->a, v, "objectId", p->id);
    json_add_str(b->a, v, "userPrincipalName", p->login);
    json_add_str(b->a, v, "displayName", p->name);
    json_add_str(b->a, v, "mail", p->login);
    json_add_z(b->a, v, "streetAddress", p->office->street);
    json_add_z(b->a, v, "city", p->office->city);
    json_add_z(b->a, v, "state", p->office->state);
    json_add_z(b->a, v, "postalCode", p->office->postal_code);
    json_add_z(b->a, v, "country", p->office->country);
    json_add_z(b->a, v, "usageLocation", p->office->usage_location);
    json_add_str(b->a, v, "telephoneNumber",
                 arena_printf(b->a, "%s %07" PRId64, p->office->phone_prefix, n * 7919 % 10000000));
    json_add_z(b->a, v, "jobTitle", p->department->titles[n % 4]);
    json_add_z(b->a, v, "department", p->department->name);
    json_add_z(b->a, v, "companyName", "Contoso");
    json_add_str(b->a, v, "employeeId", arena_printf(b->a, "E%07" PRId64, n));
    json_add_z(b->a, v, "employeeType", "Employee");
    json_add_z(b->a, v, "employeeOrgData.costCenter", p->department->cost_center);
    json_add_bool(b->a, v, "accountEnabled", true);
    json_add_z(b->a, v, "userType", "Member");
    return v;
}

static struct json *scoping(struct bench *b)
{
    struct json *v = json_new(b->a, JSON_OBJECT);

    json_add_z(b->a, v, "Active in the source system", "True");
    json_add_z(b->a, v, "Assigned to the application", "True");
    json_add_z(b->a, v, "Scope sync all", "False");
    json_add_z(b->a, v, "Scoping filter evaluation passed", "True");
    return v;
}

static const char *const codes[] = {"EntryConflict", "InsufficientRights", "InternalServerError",
                                    "MandatoryFieldsMissing",
                                    "SystemForCrossDomainIdentityManagementServiceIncompatible"};

/* A person's first record is the creation; of the others most are changes of an attribute or two.
 */
static void outcome(struct bench *b, struct journal_record *r, bool first)
{
    uint64_t dice = rng_below(&b->rng.rng, 1000);

    r->action = first ? ACTION_CREATE : dice < 15 ? ACTION_DISABLE : ACTION_UPDATE;
    if (dice >= 980) {
        r->status = STATUS_FAILURE;
        r->code = str_from_z(codes[dice % ARRAY_LEN(codes)]);
        r->message = STR("The application answered: 409 Conflict, userName is taken");
    } else if (!first && dice >= 900) {
        r->action = ACTION_OTHER;
        r->status = STATUS_SKIPPED;
        r->code = STR("RedundantExport");
        r->message = STR("The account says already what it should");
    } else if (!first && dice >= 895) {
        r->status = STATUS_WARNING;
        r->code = STR("InvalidAnchor");
        r->message = STR("The connected account no longer existed; it was matched again");
    }
}

static bool insert(struct bench *b, int64_t no, struct err *err)
{
    bool first = no <= b->people;
    /* Half of all changes are those of a tenth of the people. */
    int64_t n = first ? no - 1
                      : (int64_t)rng_below(
                            &b->rng.rng,
                            (uint64_t)(rng_below(&b->rng.rng, 2) ? b->people : b->people / 10 + 1));
    struct person p = person(b, n);
    struct journal_record r = {
        .job_no = 1,
        .no = no,
        .at_us = BEGAN_US + no * US_PER_SECOND + (int64_t)rng_below(&b->rng.rng, US_PER_SECOND),
        .duration_us = 20000 + (int64_t)rng_below(&b->rng.rng, 300000),
        .source_id = p.id,
        .source_name = p.name,
        .source_login = p.login,
        .target_id = p.target,
        .target_name = p.login,
        .initiated_by = STR("system"),
    };
    struct journal_step steps[] = {
        {STEP_IMPORT, first ? "EntryImportAdd" : "EntryImportUpdate", STATUS_SUCCESS,
         arena_printf(b->a, "Received '%.*s' from the source", STR_ARG(p.name)),
         attributes(b, &p, n)},
        {STEP_SCOPING, "EntrySynchronizationScoping", STATUS_SUCCESS, STR("In scope"), scoping(b)},
        {STEP_MATCHING, "EntrySynchronizationMatch", STATUS_SUCCESS,
         first ? STR("0 accounts found by userName")
               : arena_printf(b->a, "Connected to account %.*s", STR_ARG(p.target)),
         NULL},
        {STEP_EXPORT, first ? "EntryExportAdd" : "EntryExportUpdate", STATUS_SUCCESS,
         arena_printf(b->a, first ? "Created as %.*s" : "Account %.*s updated: 2 attributes",
                      STR_ARG(p.target)),
         NULL},
    };
    struct journal_property properties[] = {
        {STR("title"), NULL, json_string(b->a, str_from_z(p.department->titles[n % 4]))},
        {STR("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"), NULL,
         json_string(b->a, str_from_z(p.department->name))},
        {STR("userName"), NULL, json_string(b->a, p.login)},
        {STR("displayName"), NULL, json_string(b->a, p.name)},
        {STR("emails[type eq \"work\"].value"), NULL, json_string(b->a, p.login)},
        {STR("active"), NULL, json_bool(b->a, true)},
        {STR("addresses[type eq \"work\"].locality"), NULL,
         json_string(b->a, str_from_z(p.office->city))},
        {STR("addresses[type eq \"work\"].country"), NULL,
         json_string(b->a, str_from_z(p.office->country))},
        {STR("addresses[type eq \"work\"].streetAddress"), NULL,
         json_string(b->a, str_from_z(p.office->street))},
        {STR("externalId"), NULL, json_string(b->a, p.login)},
    };

    outcome(b, &r, first);
    r.steps = steps;
    r.step_count = ARRAY_LEN(steps);
    r.properties = properties;
    r.property_count = r.status == STATUS_SKIPPED ? 0 : first ? ARRAY_LEN(properties) : 2;
    return journal_insert(b->db, b->packer, &r, err);
}

static bool fill(struct bench *b, int64_t rows, struct err *err)
{
    int64_t began = clock_monotonic_us();
    struct rng_seeded ids;

    rng_seeded_init(&ids, 7);
    if (!db_migrate(b->db, err))
        return false;
    for (int64_t no = 1; no <= rows;) {
        if (!db_begin(b->db, DB_WRITE, err))
            return false;
        for (int64_t end = no + BATCH; no < end && no <= rows; no++) {
            /* The first cycle has everybody, the others a few thousand changes each. */
            if (no == 1 || (no > b->people && no % CYCLE_ROWS == 1)) {
                char id[UUID_TEXT_MAX];

                if (!journal_begin(b->db, 1, no, uuid_new(&ids.rng, id), err))
                    return false;
            }
            arena_reset(b->a);
            if (!insert(b, no, err))
                return false;
        }
        if (!journal_flush(b->db, b->packer, err) || !db_commit(b->db, err))
            return false;
    }
    printf("%" PRId64 " %.3f\n", rows, (double)(clock_monotonic_us() - began) / 1e6);
    return true;
}

/* --- searching --- */

#define AT(day) (BEGAN_US + (day)*US_PER_DAY)

static const struct {
    const char *name;
    struct journal_query q;
} searches[] = {
    {"newest", {.limit = 50}},
    {"name, few have it", {.who = STR_INIT("lovelace249"), .limit = 50}},
    {"name, many have it", {.who = STR_INIT("smith"), .limit = 50}},
    {"name, most have it", {.who = STR_INIT("a"), .limit = 50}},
    {"name, nobody has it", {.who = STR_INIT("zzyzx"), .limit = 50}},
    {"login in capitals", {.who = STR_INIT("1000@CONTOSO.EXAMPLE"), .limit = 50}},
    {"id in the application, unknown", {.who = STR_INIT("ffffffff00000000"), .limit = 50}},
    {"status failure", {.by_status = true, .status = STATUS_FAILURE, .limit = 50}},
    {"status success", {.by_status = true, .status = STATUS_SUCCESS, .limit = 50}},
    {"action delete, there is none", {.by_action = true, .action = ACTION_DELETE, .limit = 50}},
    {"action create, long ago",
     {.by_action = true, .action = ACTION_CREATE, .limit = 50, .before_no = 4000000}},
    {"code", {.code = STR_INIT("serviceincompatible"), .limit = 50}},
    {"code, unknown", {.code = STR_INIT("Nonsense"), .limit = 50}},
    {"an hour", {.from_us = AT(20), .to_us = AT(20) + US_PER_HOUR, .limit = 50}},
    {"before the first", {.to_us = AT(-1), .limit = 50}},
    {"failures of an hour",
     {.from_us = AT(20),
      .to_us = AT(20) + US_PER_HOUR,
      .by_status = true,
      .status = STATUS_FAILURE,
      .limit = 50}},
    {"many people's failures",
     {.who = STR_INIT("smith"), .by_status = true, .status = STATUS_FAILURE, .limit = 50}},
    {"many people's creations of a day without any",
     {.who = STR_INIT("smith"),
      .by_action = true,
      .action = ACTION_CREATE,
      .from_us = AT(40),
      .limit = 50}},
    {"many people's disabling with a code, none",
     {.who = STR_INIT("smith"),
      .by_action = true,
      .action = ACTION_DISABLE,
      .code = STR_INIT("RedundantExport"),
      .limit = 50}},
    {"most people's first hour",
     {.who = STR_INIT("an"), .to_us = AT(0) + US_PER_HOUR, .limit = 50}},
    {"everybody's warnings",
     {.who = STR_INIT("contoso"), .by_status = true, .status = STATUS_WARNING, .limit = 50}},
    {"a page of 1000", {.limit = 1000, .before_no = 2500000}},
};

static bool search_once(const struct bench *b, const struct journal_query *q, double *out_ms,
                        size_t *out_count, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(db_closep) struct db *db = NULL;
    struct journal_record *list;
    int64_t began;

    if (!db_open(&b->config, &db, err))
        return false;
    began = clock_monotonic_us();
    if (!journal_list(db, a, 1, q, &list, out_count, err))
        return false;
    *out_ms = (double)(clock_monotonic_us() - began) / 1e3;
    return true;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* One of the first cycles after the first. */
static bool search_cycle(const struct bench *b, struct err *err)
{
    char id[UUID_TEXT_MAX];
    struct rng_seeded ids;
    struct journal_query q = {.by_status = true, .status = STATUS_FAILURE, .limit = 50};
    double ms;
    size_t count;

    rng_seeded_init(&ids, 7);
    for (int i = 0; i < 10; i++)
        q.cycle_id = uuid_new(&ids.rng, id);
    if (!search_once(b, &q, &ms, &count, err))
        return false;
    printf("%.2f %zu failures of a cycle\n", ms, count);
    return true;
}

static bool search(const struct bench *b, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(searches); i++) {
        double ms[TURNS];
        size_t count;

        for (size_t turn = 0; turn < TURNS; turn++) {
            if (!search_once(b, &searches[i].q, &ms[turn], &count, err))
                return false;
        }
        double first = ms[0];

        qsort(ms, TURNS, sizeof(ms[0]), by_value);
        printf("%.2f %zu %s\n", first > ms[TURNS / 2] ? first : ms[TURNS / 2], count,
               searches[i].name);
    }
    return search_cycle(b, err);
}

int main(int argc, char **argv)
{
    struct bench b = {.a = arena_new(), .packer = journal_packer_new()};
    struct err err = {0};
    bool ok = false;

    if (argc < 3)
        return 2;
    b.config.url = argv[2];
    rng_seeded_init(&b.rng, 1);
    if (db_open(&b.config, &b.db, &err)) {
        if (strcmp(argv[1], "fill") == 0 && argc == 5) {
            b.people = strtoll(argv[4], NULL, 10);
            ok = fill(&b, strtoll(argv[3], NULL, 10), &err);
        } else if (strcmp(argv[1], "search") == 0) {
            ok = search(&b, &err);
        }
    }
    if (!ok)
        fprintf(stderr, "bench_journal %s: %s\n", argv[1], err.message);
    db_close(b.db);
    journal_packer_free(b.packer);
    arena_free(b.a);
    return !ok;
}
