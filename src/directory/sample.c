#include "directory/sample.h"

#include "directory/member.h"
#include "directory/sample_names.h"
#include "directory/write.h"

enum {
    BATCH = 5000,        /* people and groups in a transaction */
    REPORTS = 8,         /* of a manager */
    PROJECT_ONE_IN = 12, /* of the people are in some project */
    DISABLED_ONE_IN = 97,
};
static const int64_t founded_ms = INT64_C(1767225600000); /* 2026-01-01: the time in the ids */

struct sample {
    struct directory_sample o;
    struct db *db;
    struct rng *rng;
    struct directory_tx tx;
    struct arena *a; /* for one object */
    uint32_t *taken; /* how often each name was given: culture x given x family */
};

/* What a person is, besides what the dice say. */
struct person {
    int64_t no;
    const struct sample_culture *culture;
    const struct sample_name *given, *family;
    const struct sample_department *department;
    const struct sample_office *office;
    uint32_t namesakes; /* who had the name before */
};

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

/* Made like the ids of new objects, so that they sort in the order of i. */
struct str directory_sample_id(uint64_t seed, enum source_kind kind, int64_t i, char *out)
{
    uint64_t ms = (uint64_t)founded_ms + ((uint64_t)i >> 12);
    uint64_t tail = mix(seed * 2 + kind + mix((uint64_t)i + 1)) & (UINT64_MAX >> 2);

    tail |= UINT64_C(1) << 63;
    (void)snprintf(out, UUID_TEXT_MAX, "%08llx-%04llx-7%03llx-%04llx-%012llx",
                   (unsigned long long)(ms >> 16 & 0xFFFFFFFF), (unsigned long long)(ms & 0xFFFF),
                   (unsigned long long)i & 0xFFF, (unsigned long long)(tail >> 48),
                   (unsigned long long)(tail & UINT64_C(0xFFFFFFFFFFFF)));
    return (struct str){out, UUID_TEXT_MAX - 1};
}

static struct str id_of(const struct sample *s, enum source_kind kind, int64_t i)
{
    char text[UUID_TEXT_MAX];

    return arena_str(s->a, directory_sample_id(s->o.seed, kind, i, text));
}

static size_t below(struct sample *s, size_t limit)
{
    return (size_t)rng_below(s->rng, limit);
}

static void add(struct sample *s, struct json *patch, const char *name, struct str text)
{
    json_add_str(s->a, patch, name, text);
}

static void add_z(struct sample *s, struct json *patch, const char *name, const char *text)
{
    json_add_z(s->a, patch, name, text);
}

static struct person new_person(struct sample *s, int64_t no)
{
    size_t culture = below(s, sample_culture_count);
    size_t given = below(s, SAMPLE_NAMES);
    size_t family = below(s, SAMPLE_NAMES);
    uint32_t *taken = &s->taken[(culture * SAMPLE_NAMES + given) * SAMPLE_NAMES + family];

    return (struct person){
        .no = no,
        .culture = &sample_cultures[culture],
        .given = &sample_cultures[culture].given[given],
        .family = &sample_cultures[culture].family[family],
        /* The first ones head the departments; reports stay in the department of their manager. */
        .department = &sample_departments[(size_t)no % sample_department_count],
        .office = &sample_offices[below(s, sample_office_count)],
        .namesakes = (*taken)++,
    };
}

static void add_names(struct sample *s, struct json *patch, const struct person *p)
{
    const struct sample_name *first = p->culture->family_first ? p->family : p->given;
    const struct sample_name *second = p->culture->family_first ? p->given : p->family;
    /* Hanako Sato and Wei Li of the CJK cultures are written without a blank. */
    const char *blank = (unsigned char)first->text[0] >= 0xE3 ? "" : " ";
    char number[16] = "";
    struct str alias;

    if (p->namesakes > 0)
        (void)snprintf(number, sizeof(number), "%u", p->namesakes + 1);
    /* No two cultures here have a family name that is spelt alike in an address. */
    alias = arena_printf(s->a, "%s.%s%s", p->given->ascii, p->family->ascii, number);
    add(s, patch, "userPrincipalName", arena_printf(s->a, "%.*s@%s", STR_ARG(alias), s->o.domain));
    add(s, patch, "displayName", arena_printf(s->a, "%s%s%s", first->text, blank, second->text));
    add_z(s, patch, "givenName", p->given->text);
    add_z(s, patch, "surname", p->family->text);
    add(s, patch, "mail", arena_printf(s->a, "%.*s@%s", STR_ARG(alias), s->o.domain));
    add(s, patch, "mailNickname", alias);
    add_z(s, patch, "preferredLanguage", p->culture->language);
}

static void add_place(struct sample *s, struct json *patch, const struct person *p)
{
    const struct sample_office *at = p->office;
    int extension = (int)(p->no % 10000);

    add_z(s, patch, "streetAddress", at->street);
    add_z(s, patch, "city", at->city);
    add_z(s, patch, "state", at->state);
    add_z(s, patch, "postalCode", at->postal_code);
    add_z(s, patch, "country", at->country);
    add_z(s, patch, "usageLocation", at->usage_location);
    add(s, patch, "physicalDeliveryOfficeName",
        arena_printf(s->a, "%s %zu.%02zu", at->city, 1 + below(s, 6), 1 + below(s, 40)));
    add(s, patch, "telephoneNumber", arena_printf(s->a, "%s %04d", at->phone_prefix, extension));
    if (below(s, 3) > 0) {
        add(s, patch, "mobile",
            arena_printf(s->a, "%.3s 1%02zu %07zu", at->phone_prefix, below(s, 100),
                         below(s, 10000000)));
    }
}

static void add_job(struct sample *s, struct json *patch, const struct person *p)
{
    static const char *const types[] = {"Employee", "Employee", "Employee", "Contractor"};
    size_t rank = p->no < (int64_t)sample_department_count ? 0 : p->no < 100 ? 1 : 2 + below(s, 2);
    char hired[TIME_TEXT_MAX];
    int64_t days = 3650 + (int64_t)below(s, 16000);

    add_z(s, patch, "jobTitle", p->department->titles[rank]);
    add_z(s, patch, "department", p->department->name);
    add_z(s, patch, "companyName", "Contoso");
    add(s, patch, "employeeId", arena_printf(s->a, "E%07lld", (long long)p->no + 1));
    add_z(s, patch, "employeeType", types[below(s, ARRAY_LEN(types))]);
    add(s, patch, "employeeHireDate", time_write(days * US_PER_DAY, hired));
    add_z(s, patch, "employeeOrgData.costCenter", p->department->cost_center);
    add(s, patch, "extensionAttribute1", arena_printf(s->a, "badge-%06zu", below(s, 1000000)));
    if (p->no >= (int64_t)sample_department_count) {
        int64_t heads = (int64_t)sample_department_count;
        int64_t place = p->no / heads; /* in the tree of the department */

        add(s, patch, "manager",
            id_of(s, SOURCE_USER, (place - 1) / REPORTS * heads + p->no % heads));
    } else if (p->no > 0) {
        add(s, patch, "manager", id_of(s, SOURCE_USER, 0));
    }
}

static bool join(struct sample *s, size_t group, struct str id, struct err *err)
{
    bool changed;

    return (int64_t)group >= s->o.groups ||
           directory_member_add(&s->tx, id_of(s, SOURCE_GROUP, (int64_t)group), id, &changed, err);
}

static bool add_person(struct sample *s, int64_t no, struct err *err)
{
    const size_t fixed = sample_department_count + sample_office_count;
    struct json *patch = json_new(s->a, JSON_OBJECT);
    struct person p = new_person(s, no);
    struct str id = id_of(s, SOURCE_USER, no);

    add_names(s, patch, &p);
    add_place(s, patch, &p);
    add_job(s, patch, &p);
    json_add_bool(s->a, patch, "accountEnabled", below(s, DISABLED_ONE_IN) != 1 || no == 0);
    if (!directory_insert(&s->tx, s->a, SOURCE_USER, id, patch, &id, err) ||
        !join(s, (size_t)(p.department - sample_departments), id, err) ||
        !join(s, sample_department_count + (size_t)(p.office - sample_offices), id, err))
        return false;
    if (below(s, PROJECT_ONE_IN) == 0 && s->o.groups > (int64_t)fixed)
        return join(s, fixed + below(s, (size_t)s->o.groups - fixed), id, err);
    return true;
}

static struct str group_name(const struct sample *s, size_t i)
{
    const size_t fixed = sample_department_count + sample_office_count;
    size_t project = i - fixed;
    size_t round;

    if (i < sample_department_count)
        return arena_printf(s->a, "Department %s", sample_departments[i].name);
    if (i < fixed)
        return arena_printf(s->a, "Office %s", sample_offices[i - sample_department_count].city);
    round = project / sample_project_count;
    if (round == 0)
        return arena_printf(s->a, "Project %s", sample_projects[project]);
    return arena_printf(s->a, "Project %s %zu", sample_projects[project % sample_project_count],
                        round + 1);
}

static bool add_group(struct sample *s, int64_t i, struct err *err)
{
    struct json *patch = json_new(s->a, JSON_OBJECT);
    struct str name = group_name(s, (size_t)i);
    struct str id = id_of(s, SOURCE_GROUP, i);

    add(s, patch, "displayName", name);
    add(s, patch, "description", arena_printf(s->a, "Everybody of %.*s", STR_ARG(name)));
    add(s, patch, "mailNickname", arena_printf(s->a, "group-%lld", (long long)i + 1));
    json_add_bool(s->a, patch, "securityEnabled", true);
    json_add_bool(s->a, patch, "mailEnabled", false);
    return directory_insert(&s->tx, s->a, SOURCE_GROUP, id, patch, &id, err);
}

/* Groups first, then people: a small organisation is there as a whole or not at all. */
static bool add_object(struct sample *s, int64_t i, struct err *err)
{
    return i < s->o.groups ? add_group(s, i, err) : add_person(s, i - s->o.groups, err);
}

/* Adds the objects [from, to) in one transaction. */
static bool add_batch(struct sample *s, int64_t from, int64_t to, struct err *err)
{
    if (!directory_begin(s->db, s->o.clock, s->rng, &s->tx, err))
        return false;
    for (int64_t i = from; i < to; i++) {
        arena_reset(s->a);
        if (!add_object(s, i, err)) {
            directory_rollback(&s->tx);
            return false;
        }
    }
    if (!directory_commit(&s->tx, err))
        return false;
    if (s->o.progress)
        s->o.progress(s->o.ctx, to, s->o.people + s->o.groups);
    return true;
}

bool directory_sample(struct db *db, const struct directory_sample *options, struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(arena_freep) struct arena *names = arena_new();
    struct rng_seeded rng;
    struct sample s = {.o = *options, .db = db, .rng = &rng.rng, .a = a};

    s.o.people = s.o.people ? s.o.people : 1000;
    s.o.groups = s.o.groups ? s.o.groups : 40;
    s.o.seed = s.o.seed ? s.o.seed : 1;
    s.o.domain = s.o.domain ? s.o.domain : "contoso.example";
    s.o.clock = s.o.clock ? s.o.clock : clock_system();
    rng_seeded_init(&rng, s.o.seed);
    s.taken = ARENA_ARRAY(names, uint32_t, sample_culture_count * SAMPLE_NAMES * SAMPLE_NAMES);
    for (int64_t from = 0, all = s.o.groups + s.o.people; from < all; from += BATCH) {
        if (!add_batch(&s, from, from + BATCH < all ? from + BATCH : all, err))
            return false;
    }
    return true;
}
