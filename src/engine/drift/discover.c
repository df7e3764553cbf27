#include "engine/drift/discover.h"

#include "engine/cycle/listing.h"
#include "engine/drift/reading.h"

enum { FOUND_MAX = 2 };

struct work {
    struct run *run;
    const struct engine_reading *reading;
    const struct mapping_object *m;
    struct diskmap *sources;  /* matching values -> source ids */
    struct diskmap *accounts; /* source ids -> the account that was seen first */
    struct arena *page;
    bool (*row)(void *ctx, const struct discover_row *row, struct err *err);
    void *ctx;
    struct discover_counts *counts;
};

static const char *const class_names[] = {
    [DISCOVER_LOCAL] = "local",
    [DISCOVER_UNASSIGNED] = "unassigned",
    [DISCOVER_ASSIGNED] = "assigned",
};
static const char *const status_names[] = {
    [DISCOVER_LOCAL] = "uncorrelated",
    [DISCOVER_UNASSIGNED] = "correlatedNotAssigned",
    [DISCOVER_ASSIGNED] = "correlatedAssigned",
};
static_assert(ARRAY_LEN(class_names) == DISCOVER_CLASS_COUNT &&
                  ARRAY_LEN(status_names) == DISCOVER_CLASS_COUNT,
              "every class has its names");

const char *discover_class_name(enum discover_class c)
{
    return class_names[c];
}

const char *discover_status_name(enum discover_class c)
{
    return status_names[c];
}

/* --- the source --- */

static bool add_person(struct work *k, struct arena *a, const struct source_entry *e,
                       struct err *err)
{
    const struct walk_job *j = &k->run->walk_job;
    struct mapping_source source = {.kind = e->kind, .attributes = e->attributes};
    struct mapping_context context = {
        .now_us = j->now_us, .rng = j->rng, .default_domain = j->default_domain};
    struct mapping_value *values = ARENA_ARRAY(a, struct mapping_value, k->m->attribute_count);
    struct mapping_criterion criteria[WALK_CRITERIA_MAX];
    size_t count;

    for (size_t i = 0; i < k->m->attribute_count; i++)
        values[i].outcome = MAPPING_IGNORED;
    for (size_t i = 0; i < k->m->matching_count; i++) {
        size_t place = (size_t)(k->m->matching[i] - k->m->attributes);
        struct err ignored;

        /* Whose values cannot be worked out is nobody's counterpart. */
        if (!mapping_evaluate_one(k->m, place, &source, &context, a, &values[place], &ignored))
            values[place] = (struct mapping_value){.outcome = MAPPING_IGNORED};
    }
    count = mapping_criteria(k->m, values, criteria, ARRAY_LEN(criteria));
    for (size_t i = 0; i < count; i++) {
        struct str key = listing_key(a, &criteria[i]);

        if (key.len && !diskmap_add(k->sources, key, e->id, err))
            return false;
    }
    return true;
}

static bool read_source(struct work *k, struct err *err)
{
    CLEANUP(buf_done) struct buf cursor;
    struct source *s = k->run->source;
    struct source_page page;

    buf_init(&cursor, RUN_CURSOR_MAX);
    do {
        CLEANUP(arena_freep) struct arena *a = arena_new();

        if (!s->ops->read_all(s, k->m->kind, SOURCE_SCOPE_ALL, buf_str(&cursor), RUN_PAGE_SIZE, a,
                              &page, err))
            return false;
        for (size_t i = 0; i < page.count; i++) {
            if (!add_person(k, a, &page.entries[i], err))
                return false;
        }
        buf_reset(&cursor);
        buf_add(&cursor, page.next);
    } while (!page.last);
    return true;
}

/* --- the target --- */

/* Who has the account's values, by the first criterion that anybody has. */
static bool correlate(struct work *k, const struct target_record *record, struct str *out_id,
                      bool *out_several, struct err *err)
{
    struct mapping_criterion criteria[WALK_CRITERIA_MAX];
    size_t count = listing_criteria(k->m, record->values, criteria, ARRAY_LEN(criteria));

    for (size_t i = 0; i < count; i++) {
        struct str key = listing_key(k->page, &criteria[i]);
        struct str ids[FOUND_MAX];
        size_t found = 0;

        if (key.len && !diskmap_find(k->sources, k->page, key, FOUND_MAX, ids, &found, err))
            return false;
        if (found == 0)
            continue;
        *out_id = ids[0];
        *out_several = found > 1;
        return true;
    }
    return true;
}

static struct str first_value(const struct mapping_object *m, const struct json *values)
{
    const struct json *v = m->matching_count ? json_get(values, m->matching[0]->target) : NULL;

    return v && v->type == JSON_STRING ? v->text : STR("");
}

/* Another account of the same person that was read before. */
static bool find_twin(struct work *k, const struct discover_row *row, struct str *out,
                      struct err *err)
{
    size_t found;

    *out = (struct str){0};
    if (row->source_id.len == 0)
        return true;
    return diskmap_find(k->accounts, k->page, row->source_id, 1, out, &found, err) &&
           (found > 0 || diskmap_add(k->accounts, row->source_id, row->target_id, err));
}

static bool take_account(struct work *k, const struct target_record *record, struct err *err)
{
    struct run *r = k->run;
    struct discover_row row = {
        .target_id = record->id,
        .target_name = json_get_text(record->values, "displayName"),
        .value = first_value(k->m, record->values),
    };
    struct source_entry entry;
    struct connection c;
    bool found = false;

    if (!connection_find_target(r->db, k->page, r->job.no, record->id, &c, &row.connected, err))
        return false;
    if (row.connected) {
        row.source_id = c.source_id;
    } else if (!correlate(k, record, &row.source_id, &row.several_sources, err)) {
        return false;
    }
    if (row.source_id.len &&
        !r->source->ops->read(r->source, row.source_id, k->page, &entry, &found, err))
        return false;
    if (found) {
        row.source_name = entry.display_name;
        row.class_ = entry.assigned ? DISCOVER_ASSIGNED : DISCOVER_UNASSIGNED;
    }
    if (!find_twin(k, &row, &row.twin, err))
        return false;
    k->counts->accounts++;
    k->counts->by_class[row.class_]++;
    k->counts->connected += row.connected;
    k->counts->duplicates += row.twin.len > 0 || row.several_sources;
    return k->row(k->ctx, &row, err);
}

static bool take_page(void *ctx, const struct target_record *records, size_t count, struct err *err)
{
    struct work *k = ctx;

    arena_reset(k->page);
    for (size_t i = 0; i < count; i++) {
        if (!take_account(k, &records[i], err))
            return false;
    }
    return true;
}

static bool discover(struct work *k, struct arena *a, struct err *err)
{
    CLEANUP(diskmap_freep) struct diskmap *seen = NULL;
    CLEANUP(diskmap_freep) struct diskmap *sources = NULL;
    CLEANUP(diskmap_freep) struct diskmap *accounts = NULL;
    struct reading reading = {0};

    if (!diskmap_new(0, &seen, err) || !diskmap_new(0, &sources, err) ||
        !diskmap_new(0, &accounts, err))
        return false;
    k->sources = sources;
    k->accounts = accounts;
    reading.seen = seen;
    reading.how = k->reading;
    if (!read_source(k, err) || !reading_all(k->run, k->m, false, take_page, k, &reading, err))
        return false;
    k->counts->complete = reading.complete;
    k->counts->why = arena_str(a, reading.why);
    return true;
}

bool engine_discover(const struct engine *e, int64_t job_no,
                     bool (*row)(void *ctx, const struct discover_row *row, struct err *err),
                     void *ctx, const struct engine_reading *how, struct arena *a,
                     struct discover_counts *out, struct err *err)
{
    CLEANUP(run_close) struct run r;
    CLEANUP(arena_freep) struct arena *page = arena_new();
    struct work k = {
        .run = &r, .page = page, .row = row, .ctx = ctx, .counts = out, .reading = how};
    struct target_traits traits;

    *out = (struct discover_counts){0};
    if (!run_open(&r, e, job_no, false, err) || !run_test_target(&r, err))
        return false;
    k.m = mapping_for(r.walk_job.program, SOURCE_USER);
    if (!k.m) {
        return err_set(err, ERR_INVALID, "noMapping", "'%.*s' has no mapping of people",
                       STR_ARG(r.job.name));
    }
    reading_begin(&r, how);
    r.target->ops->describe(r.target, &traits); /* how lists are read best */
    return discover(&k, a, err);
}
