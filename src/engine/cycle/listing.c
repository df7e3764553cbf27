#include "engine/cycle/listing.h"

#include "base/diskmap.h"
#include "base/unicode.h"

enum { CURSOR_MAX = 4096, TRIES_MAX = 10 };

enum state { UNDECIDED, READING, READY, UNUSED };

struct list {
    struct run *run;
    const struct mapping_object *m;
    enum state state;
    bool counted;     /* `wanted` is known */
    int64_t wanted;   /* objects that have no connection, as far as is known */
    int64_t asked;    /* questions so far */
    int64_t worth_at; /* from so many objects on the list is thought about */
    struct diskmap *map;
    bool called;      /* a page is under way */
    int64_t total;    /* what the target says; -1: nothing yet */
    int64_t accounts; /* read, each once */
    int64_t pages;
    unsigned tries;
    unsigned criteria; /* bits of those that some account has values of */
    char cursor[CURSOR_MAX];
    struct walk *waiting;
};

struct listing {
    struct list kinds[SOURCE_KIND_COUNT];
    int64_t singly; /* so many objects are still asked for, whatever is known */
    int64_t begun;  /* matches since nothing was under way */
};

int64_t listing_worth(const struct job_settings *s, int64_t objects)
{
    if (s->listing == LISTING_ALWAYS && objects > 0)
        return INT64_MAX;
    if (s->listing == LISTING_NEVER || objects < LISTING_LEAST)
        return 0;
    return objects / LISTING_PAGE_COST * LISTING_PAGE;
}

/* --- keys --- */

/* Values that are equal have one key: equality beyond letter case is not for a list. */
static bool is_usable(const struct mapping_object *m)
{
    for (size_t i = 0; i < m->matching_count; i++) {
        const struct mapping_attribute *a = m->matching[i];

        if (a->multivalued || a->type == ATTRIBUTE_DATETIME)
            return false;
    }
    return m->matching_count > 0;
}

static struct str value_text(const struct json *v)
{
    if (v->type == JSON_BOOL)
        return v->boolean ? STR("true") : STR("false");
    return v->text;
}

static bool add_value(struct buf *key, struct arena *a, const struct mapping_attribute *m,
                      const struct json *v)
{
    struct str text;

    if (!v || v->type == JSON_NULL || v->type == JSON_ARRAY || v->type == JSON_OBJECT)
        return false;
    text = value_text(v);
    if (text.len == 0)
        return false;
    buf_add_char(key, '\x1f');
    buf_add(key, m->case_exact ? text : str_fold(a, text));
    return true;
}

struct str listing_key(struct arena *a, const struct mapping_criterion *by)
{
    CLEANUP(buf_done) struct buf key;

    buf_init(&key, DISKMAP_TEXT_MAX);
    buf_addf(&key, "%u", by->attributes[0]->matching_priority);
    for (size_t i = 0; i < by->count; i++) {
        if (!add_value(&key, a, by->attributes[i], by->values[i]))
            return (struct str){0};
    }
    return key.overflowed ? (struct str){0} : arena_str(a, buf_str(&key));
}

size_t listing_criteria(const struct mapping_object *m, const struct json *values,
                        struct mapping_criterion *out, size_t max)
{
    size_t count = 0;
    size_t i = 0;

    while (i < m->matching_count && count < max) {
        unsigned priority = m->matching[i]->matching_priority;
        struct mapping_criterion one = {.count = 0};
        bool complete = true;

        for (; i < m->matching_count && m->matching[i]->matching_priority == priority; i++) {
            const struct json *v = json_get(values, m->matching[i]->target);

            complete = complete && v && one.count < ARRAY_LEN(one.values);
            if (!complete)
                continue;
            one.attributes[one.count] = m->matching[i];
            one.values[one.count++] = v;
        }
        if (complete)
            out[count++] = one;
    }
    return count;
}

/* One bit for each criterion. */
static unsigned criterion_bit(const struct mapping_object *m, unsigned priority)
{
    unsigned bit = 1;

    for (size_t i = 0; i < m->matching_count && m->matching[i]->matching_priority != priority;
         i++) {
        if (i == 0 || m->matching[i]->matching_priority != m->matching[i - 1]->matching_priority)
            bit <<= 1;
    }
    return bit;
}

static unsigned all_criteria(const struct mapping_object *m)
{
    unsigned bits = 0;

    for (size_t i = 0; i < m->matching_count; i++)
        bits |= criterion_bit(m, m->matching[i]->matching_priority);
    return bits;
}

/* --- reading --- */

static void send_page(struct list *l);

/* Everybody who waits goes on: the list is there, or it will not be. */
static void release(struct list *l, enum state state)
{
    struct walk *waiting = l->waiting;

    l->state = state;
    l->waiting = NULL;
    if (state != READY) {
        diskmap_free(l->map);
        l->map = NULL;
    }
    while (waiting) {
        struct walk *w = waiting;

        waiting = w->next;
        match_ask(w);
    }
}

static bool add_account(struct list *l, struct arena *a, const struct target_record *record,
                        bool *out_new, struct err *err)
{
    struct str id_key = arena_printf(a, "i%.*s", STR_ARG(record->id));
    struct mapping_criterion criteria[WALK_CRITERIA_MAX];
    size_t count, found;
    struct str unused;

    *out_new = false;
    if (!diskmap_find(l->map, a, id_key, 1, &unused, &found, err))
        return false;
    if (found > 0)
        return true;
    *out_new = true;
    if (!diskmap_add(l->map, id_key, STR(""), err))
        return false;
    count = listing_criteria(l->m, record->values, criteria, ARRAY_LEN(criteria));
    for (size_t i = 0; i < count; i++) {
        struct str key = listing_key(a, &criteria[i]);

        if (key.len == 0)
            continue;
        l->criteria |= criterion_bit(l->m, criteria[i].attributes[0]->matching_priority);
        if (!diskmap_add(l->map, key, record->id, err))
            return false;
    }
    return true;
}

/* False when the list is not to be used. *out_new: accounts that were not on an earlier page. */
static bool take_page(struct list *l, const struct target_result *result, size_t *out_new)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct err err;
    bool is_new;

    *out_new = 0;
    if (l->total >= 0 && result->total != l->total)
        return false;
    l->total = result->total;
    if (result->next.len >= sizeof(l->cursor))
        return false;
    for (size_t i = 0; i < result->record_count; i++) {
        if (result->records[i].id.len == 0)
            return false;
        if (!add_account(l, a, &result->records[i], &is_new, &err)) {
            log_error("listing_not_kept", &err);
            return false;
        }
        *out_new += is_new;
    }
    l->accounts += (int64_t)*out_new;
    (void)snprintf(l->cursor, sizeof(l->cursor), "%.*s", STR_ARG(result->next));
    return true;
}

/* Read to the end: is it all? A criterion that no account shows cannot be looked up here. */
static bool is_complete(const struct list *l)
{
    return (l->total < 0 || l->accounts >= l->total) &&
           (l->accounts == 0 || l->criteria == all_criteria(l->m));
}

static int64_t wanted(const struct list *l)
{
    return l->wanted > l->asked ? l->wanted : l->asked;
}

/* Is it dearer than asking? Then it is thought about again when so many were asked for. */
static bool is_too_dear(struct list *l, size_t page)
{
    int64_t pages = l->pages + 1;

    if (l->run->settings.listing == LISTING_ALWAYS)
        return false;
    if (l->total >= 0 && page > 0)
        pages = (l->total + (int64_t)page - 1) / (int64_t)page;
    if (pages * LISTING_PAGE_COST <= wanted(l))
        return false;
    l->worth_at = pages * LISTING_PAGE_COST;
    return true;
}

/* Called by a walk that waited in the name of all. */
static void page_again(struct walk *w)
{
    struct list *l = &w->run->listing->kinds[w->entry.kind];

    w->next = l->waiting;
    l->waiting = w;
    send_page(l);
}

static bool wait_and_repeat(struct list *l, const struct target_result *result)
{
    bool later = result->class_ == TARGET_THROTTLED || result->class_ == TARGET_TRANSIENT;
    struct walk *w = l->waiting;

    if (!later || !w || l->tries++ >= (result->class_ == TARGET_THROTTLED ? TRIES_MAX : 2))
        return false;
    l->waiting = w->next;
    w->tries = 0; /* the page's count: if this walk failed, nobody would read on for the others */
    export_failed(w, result, STEP_MATCHING, "EntrySynchronizationMatch", page_again);
    return true;
}

static void on_page(void *ctx, const struct target_result *result)
{
    struct list *l = ctx;
    size_t fresh;

    l->called = false;
    l->run->cycle.counters.requests++;
    if (l->run->stopping)
        return; /* listing_turn lets go who waits */
    if (result->status != TARGET_OK) {
        if (!wait_and_repeat(l, result))
            release(l, UNUSED);
        return;
    }
    l->tries = 0;
    if (!take_page(l, result, &fresh)) {
        release(l, UNUSED);
        return;
    }
    l->pages++;
    if (l->pages == 1 || l->total < 0) {
        if (is_too_dear(l, result->record_count)) {
            release(l, l->pages == 1 ? UNDECIDED : UNUSED);
            return;
        }
    }
    if (l->cursor[0] && fresh > 0) {
        send_page(l);
    } else {
        release(l, is_complete(l) ? READY : UNUSED);
    }
}

static void send_page(struct list *l)
{
    struct target *t = l->run->target;
    struct target_page page = {.cursor = str_from_z(l->cursor), .count = LISTING_PAGE};

    l->called = true;
    t->ops->list(t, l->m, &page, on_page, l);
}

static void begin_reading(struct list *l, struct walk *w)
{
    struct err err;

    if (!diskmap_new((size_t)wanted(l), &l->map, &err)) {
        log_error("listing_not_kept", &err);
        l->state = UNUSED;
        return;
    }
    l->state = READING;
    l->total = -1;
    l->accounts = l->pages = 0;
    l->tries = l->criteria = 0;
    l->cursor[0] = '\0';
    l->waiting = NULL;
    (void)w;
    send_page(l);
}

/* --- deciding --- */

/* How many objects have no connection: known beforehand when all are looked at. */
static void count_wanted(struct list *l, const struct walk *w)
{
    struct run *r = l->run;
    struct source *s = r->source;
    int64_t objects, connected;
    struct err ignored;

    l->counted = true;
    l->wanted = 0;
    if (r->cycle.kind == CYCLE_INITIAL && s->ops->count &&
        s->ops->count(s, w->entry.kind, r->walk_job.scope, &objects, &ignored) &&
        connection_count(r->db, r->job.no, w->entry.kind, &connected, &ignored))
        l->wanted = objects - connected;
}

static struct listing *open_listing(struct run *r)
{
    struct listing *l = mem_alloc(sizeof(*l));

    for (size_t i = 0; i < SOURCE_KIND_COUNT; i++)
        l->kinds[i] = (struct list){.run = r, .worth_at = LISTING_LEAST};
    if (r->resumed)
        l->singly = LISTING_STRETCH + RUN_PAGE_SIZE;
    return l;
}

static bool decides_for_list(struct list *l, const struct walk *w)
{
    if (l->run->settings.listing == LISTING_NEVER || !is_usable(w->mapping))
        return false;
    if (!l->counted)
        count_wanted(l, w);
    return l->run->settings.listing == LISTING_ALWAYS || wanted(l) >= l->worth_at;
}

static enum listing_answer look_up(struct list *l, struct walk *w, struct str *out_ids,
                                   size_t *out_count)
{
    struct str key = listing_key(w->arena, &w->criteria[w->criterion]);
    struct err err;

    if (key.len == 0)
        return LISTING_ASK;
    if (!diskmap_find(l->map, w->arena, key, LISTING_FOUND_MAX, out_ids, out_count, &err)) {
        log_error("listing_not_kept", &err);
        release(l, UNUSED);
        return LISTING_ASK;
    }
    return LISTING_KNOWS;
}

void listing_begin(struct walk *w)
{
    struct run *r = w->run;

    /* Rows of a plan are few, and may have been sent by a run that was cut short. */
    if (r->cycle.id.len == 0 || r->cycle.kind == CYCLE_APPLY)
        return;
    if (!r->listing)
        r->listing = open_listing(r);
    r->listing->begun++;
    /* The create of a parked object may have been sent when it failed. */
    w->singly = r->listing->singly > 0 || r->cycle.phase == PHASE_RETRIES;
    r->listing->singly -= r->listing->singly > 0;
}

enum listing_answer listing_ask(struct walk *w, struct str *out_ids, size_t *out_count)
{
    struct run *r = w->run;
    struct list *l;

    if (!r->listing || w->singly || r->send != ENGINE_SEND)
        return LISTING_ASK;
    l = &r->listing->kinds[w->entry.kind];
    l->m = w->mapping;
    if (l->state == UNDECIDED && decides_for_list(l, w))
        begin_reading(l, w);
    switch (l->state) {
    case UNDECIDED:
    case UNUSED:
        l->asked++;
        return LISTING_ASK;
    case READING:
        w->next = l->waiting;
        l->waiting = w;
        return LISTING_WAIT;
    case READY:
        break;
    }
    return look_up(l, w, out_ids, out_count);
}

void listing_add(struct walk *w)
{
    struct run *r = w->run;
    struct mapping_criterion criteria[WALK_CRITERIA_MAX];
    struct list *l;
    size_t count;
    struct err err;

    if (!r->listing)
        return;
    l = &r->listing->kinds[w->entry.kind];
    if (l->state != READING && l->state != READY)
        return;
    count = mapping_criteria(w->mapping, w->values, criteria, ARRAY_LEN(criteria));
    for (size_t i = 0; i < count; i++) {
        struct str key = listing_key(w->arena, &criteria[i]);

        if (key.len && !diskmap_add(l->map, key, w->target_id, &err)) {
            log_error("listing_not_kept", &err);
            release(l, UNUSED);
            return;
        }
    }
}

bool listing_settles(struct run *r)
{
    if (r->listing && r->alive == 0)
        r->listing->begun = 0;
    return r->listing && r->listing->begun >= LISTING_STRETCH;
}

void listing_turn(struct run *r)
{
    if (!r->listing)
        return;
    for (size_t i = 0; r->stopping && i < SOURCE_KIND_COUNT; i++) {
        struct list *l = &r->listing->kinds[i];

        if (l->state != READING || l->called)
            continue;
        l->state = UNUSED;
        while (l->waiting) {
            struct walk *w = l->waiting;

            l->waiting = w->next;
            export_abandon(w);
        }
        diskmap_free(l->map);
        l->map = NULL;
    }
}

void listing_free(struct listing *l)
{
    for (size_t i = 0; l && i < SOURCE_KIND_COUNT; i++)
        diskmap_free(l->kinds[i].map);
    free(l);
}
