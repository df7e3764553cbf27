#include "world.h"

#include "base/unicode.h"
#include "gallery/gallery.h"

#include <unistd.h>

/* --- the target in memory --- */

struct answer {
    enum call call;
    const struct mapping_object *m;
    struct account *account; /* read, create, update */
    struct account *found[4];
    size_t found_count;
    enum target_status status;
    enum target_class class_;
    const char *code;
    int64_t retry_after_ms;
    target_done *done;
    void *ctx;
    /* list */
    size_t page_from, page_count;
    bool references;
    int64_t total;
    char cursor[24];
    bool shared;
    struct answer *next;
};

struct fake {
    struct target target; /* first */
    struct world *world;
    struct answer *first, *last;
};

static struct fake *fake_of(struct target *t)
{
    return (struct fake *)t;
}

/* Whether the call is to fail; *out_after when it is to be carried out all the same. */
static bool faulty(struct world *w, enum call call, struct str who, struct answer *out,
                   bool *out_after)
{
    struct fault *f = &w->fault;

    *out_after = false;
    w->calls[call]++;
    if (w->before_call)
        w->before_call(w, call);
    if (f->times == 0 || f->call != call ||
        (f->who && !str_find(who, str_from_z(f->who), &(size_t){0})))
        return false;
    f->times--;
    out->status = f->status;
    out->class_ = f->class_;
    out->code = f->code;
    out->retry_after_ms = f->retry_after_ms;
    *out_after = f->after;
    return true;
}

static struct answer *queue(struct target *t, enum call call, const struct mapping_object *m,
                            target_done *done, void *ctx)
{
    struct fake *f = fake_of(t);
    struct answer *a = mem_alloc(sizeof(*a));

    *a = (struct answer){.call = call, .m = m, .done = done, .ctx = ctx, .retry_after_ms = -1};
    if (f->last)
        f->last->next = a;
    else
        f->first = a;
    f->last = a;
    return a;
}

static bool matches(const struct account *a, const struct mapping_criterion *by)
{
    for (size_t i = 0; i < by->count; i++) {
        const struct json *have = json_get(a->values, by->attributes[i]->target);

        if (!have || !str_eq_fold(have->text, by->values[i]->text))
            return false;
    }
    return true;
}

static void fake_find(struct target *t, const struct mapping_object *m,
                      const struct mapping_criterion *by, target_done *done, void *ctx)
{
    struct world *w = fake_of(t)->world;
    struct answer *a = queue(t, CALL_FIND, m, done, ctx);
    bool after;

    if (faulty(w, CALL_FIND, by->values[0]->text, a, &after))
        return;
    for (size_t i = 0; i < w->account_count; i++) {
        if (w->accounts[i].used && w->accounts[i].kind == m->kind && matches(&w->accounts[i], by) &&
            a->found_count < 4)
            a->found[a->found_count++] = &w->accounts[i];
    }
}

static struct account *by_id(struct world *w, struct str id)
{
    for (size_t i = 0; i < w->account_count; i++) {
        if (w->accounts[i].used && str_eq_z(id, w->accounts[i].id))
            return &w->accounts[i];
    }
    return NULL;
}

static void fake_read(struct target *t, const struct mapping_object *m, struct str id,
                      target_done *done, void *ctx)
{
    struct world *w = fake_of(t)->world;
    struct answer *a = queue(t, CALL_READ, m, done, ctx);
    bool after;

    if (faulty(w, CALL_READ, id, a, &after))
        return;
    a->account = by_id(w, id);
    a->status = a->account ? TARGET_OK : TARGET_NOT_FOUND;
}

static void apply(struct world *w, struct account *a, const struct mapping_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct mapping_change *c = &changes->items[i];

        if (c->after)
            json_set(w->target_arena, a->values, arena_str(w->target_arena, c->attribute->target),
                     json_clone(w->target_arena, c->after));
        else
            json_remove(a->values, c->attribute->target);
    }
}

static struct str name_of(const struct mapping_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        if (changes->items[i].attribute->matching_priority == 1 && changes->items[i].after)
            return changes->items[i].after->text;
    }
    return STR("");
}

static bool name_taken(struct world *w, const struct mapping_object *m, struct str name)
{
    const char *key = m->kind == SOURCE_USER ? "userName" : "displayName";

    for (size_t i = 0; i < w->account_count; i++) {
        if (w->accounts[i].used && w->accounts[i].kind == m->kind &&
            str_eq_fold(json_get_text(w->accounts[i].values, key), name))
            return true;
    }
    return false;
}

static void create(struct target *t, const struct target_creation *c, struct answer *a, bool lost)
{
    struct world *w = fake_of(t)->world;
    struct account *account;
    bool after = false;

    if (w->stop_after > 0 && --w->stop_after == 0)
        atomic_store(&w->stop, true);
    if (faulty(w, CALL_CREATE, name_of(c->want), a, &after) && !after)
        return;
    if (name_taken(w, c->m, name_of(c->want))) {
        a->status = TARGET_CONFLICT;
        a->code = "EntryConflict";
        return;
    }
    assert(w->account_count < ACCOUNTS_MAX);
    account = &w->accounts[w->account_count++];
    account->used = true;
    account->kind = c->m->kind;
    account->created_us = w->clock.now;
    account->values = json_new(w->target_arena, JSON_OBJECT);
    snprintf(account->id, sizeof(account->id), "t%d", ++w->next_account);
    apply(w, account, c->want);
    if (!lost)
        a->account = account;
}

static void fake_create(struct target *t, const struct mapping_object *m,
                        const struct mapping_changes *want, target_done *done, void *ctx)
{
    struct target_creation c = {m, want, done, ctx};

    create(t, &c, queue(t, CALL_CREATE, m, done, ctx), false);
}

static void fake_create_many(struct target *t, const struct target_creation *creations,
                             size_t count)
{
    struct world *w = fake_of(t)->world;
    struct answer whole = {0};
    bool after;
    bool fails = faulty(w, CALL_BULK, STR(""), &whole, &after);

    for (size_t i = 0; i < count; i++) {
        const struct target_creation *c = &creations[i];
        struct answer *a = queue(t, CALL_CREATE, c->m, c->done, c->ctx);

        if (!fails || after)
            create(t, c, a, fails);
        if (fails) {
            a->status = whole.status;
            a->class_ = whole.class_;
            a->code = whole.code;
        }
        a->shared = i > 0;
    }
}

static void fake_describe(struct target *t, struct target_traits *out)
{
    *out = (struct target_traits){
        .known = true, .patch = true, .bulk_operations = fake_of(t)->world->bulk_max};
}

static void fake_list(struct target *t, const struct mapping_object *m,
                      const struct target_page *page, target_done *done, void *ctx)
{
    struct world *w = fake_of(t)->world;
    struct answer *a = queue(t, CALL_LIST, m, done, ctx);
    size_t count = w->page_max && w->page_max < page->count ? w->page_max : page->count;
    int64_t from = 0;
    bool after;

    if (faulty(w, CALL_LIST, page->cursor, a, &after))
        return;
    (void)str_to_int(page->cursor, 0, INT64_MAX, &from);
    a->page_from = (size_t)from;
    a->page_count = count;
    a->references = page->references && !w->members_hidden;
    a->total = (int64_t)world_accounts(w, m->kind) + w->total_false + (from ? w->total_off : 0);
    if ((size_t)from + count < world_accounts(w, m->kind))
        snprintf(a->cursor, sizeof(a->cursor), "%zu", (size_t)from + count);
}

static void note_order(struct world *w, char what)
{
    size_t at = strlen(w->order);

    if (at + 1 < sizeof(w->order) && (at == 0 || w->order[at - 1] != what))
        w->order[at] = what;
}

static void member_set(struct world *w, struct account *a, struct str id, bool present)
{
    for (size_t i = 0; i < a->member_count; i++) {
        if (str_eq_z(id, a->members[i])) {
            if (!present)
                memmove(a->members[i], a->members[--a->member_count], sizeof(a->members[0]));
            return;
        }
    }
    if (!present)
        return;
    if (a->member_count == a->member_cap) {
        char(*larger)[40] =
            arena_alloc_array(w->target_arena, a->member_cap * 2 + 16, sizeof(*larger));

        if (a->member_count > 0)
            memcpy(larger, a->members, a->member_count * sizeof(*larger));
        a->members = larger;
        a->member_cap = a->member_cap * 2 + 16;
    }
    snprintf(a->members[a->member_count++], sizeof(a->members[0]), "%.*s", STR_ARG(id));
}

/* What a target that does not see the members of a group sends back of it. */
static void put_known(struct target *t, struct account *a)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    struct target_membership there;
    struct err err;

    if (!fake_of(t)->world->puts_unseen || a->kind != SOURCE_GROUP)
        return;
    CHECK(t->known->members(t->known, str_from_z(a->id), 10000, tmp, &there, &err), "%s",
          err.message);
    CHECK(there.ours && !there.more, "all that there were");
    a->member_count = 0;
    for (size_t i = 0; i < there.count; i++)
        member_set(fake_of(t)->world, a, there.ids[i], true);
}

static void fake_update(struct target *t, const struct mapping_object *m, struct str id,
                        const struct mapping_changes *changes, target_done *done, void *ctx)
{
    struct world *w = fake_of(t)->world;
    struct answer *a = queue(t, CALL_UPDATE, m, done, ctx);
    bool after;

    note_order(w, 'u');
    if (faulty(w, CALL_UPDATE, id, a, &after))
        return;
    a->account = by_id(w, id);
    a->status = a->account ? TARGET_OK : TARGET_NOT_FOUND;
    if (a->account) {
        put_known(t, a->account);
        apply(w, a->account, changes);
    }
}

/* Whether the list has an account that the target does not take. */
static bool refuses(const struct world *w, const struct str *ids, size_t count)
{
    for (size_t i = 0; w->refuses && i < count; i++) {
        if (strcmp(w->refuses, "*") == 0 || str_eq_z(ids[i], w->refuses))
            return true;
    }
    return false;
}

static void fake_members(struct target *t, const struct mapping_object *m, struct str id,
                         const struct target_members *change, target_done *done, void *ctx)
{
    const struct str *add = change->add, *remove = change->remove;
    size_t add_count = change->add_count, remove_count = change->remove_count;
    struct world *w = fake_of(t)->world;
    struct answer *a = queue(t, CALL_MEMBERS, m, done, ctx);
    bool after;

    if (w->stop_after_members > 0 && --w->stop_after_members == 0)
        atomic_store(&w->stop, true);
    w->members_sent += add_count + remove_count;
    note_order(w, add_count > 0 ? 'j' : 'l');
    if (faulty(w, CALL_MEMBERS, id, a, &after) && !after)
        return;
    if (refuses(w, add, add_count) || refuses(w, remove, remove_count) ||
        (w->members_most && add_count + remove_count > w->members_most)) {
        a->status = w->refusal.status;
        a->class_ = w->refusal.class_;
        a->code = w->refusal.code;
        return;
    }
    a->account = by_id(w, id);
    if (!after)
        a->status = a->account ? TARGET_OK : TARGET_NOT_FOUND;
    if (a->account)
        put_known(t, a->account);
    for (size_t i = 0; a->account && i < add_count; i++)
        member_set(w, a->account, add[i], true);
    for (size_t i = 0; a->account && i < remove_count; i++)
        member_set(w, a->account, remove[i], false);
}

static void fake_remove(struct target *t, const struct mapping_object *m, struct str id,
                        target_done *done, void *ctx)
{
    struct world *w = fake_of(t)->world;
    struct answer *a = queue(t, CALL_REMOVE, m, done, ctx);
    struct account *account;
    bool after;

    if (faulty(w, CALL_REMOVE, id, a, &after))
        return;
    account = by_id(w, id);
    a->status = account ? TARGET_OK : TARGET_NOT_FOUND;
    if (account)
        account->used = false;
}

static struct str fake_preview(struct target *t, const struct mapping_object *m, struct str id,
                               const struct mapping_changes *changes, struct arena *a)
{
    (void)t;
    (void)m;
    return arena_printf(a, "%.*s: %zu attributes", STR_ARG(id), changes ? changes->count : 0);
}

static struct str fake_preview_members(struct target *t, const struct mapping_object *m,
                                       struct str id, const struct target_members *change,
                                       struct arena *a)
{
    struct str first = change->add_count      ? change->add[0]
                       : change->remove_count ? change->remove[0]
                                              : STR("");

    (void)t;
    (void)m;
    return arena_printf(a, "%.*s: %zu join, %zu leave, first %.*s", STR_ARG(id), change->add_count,
                        change->remove_count, STR_ARG(first));
}

static struct target_record record_of(const struct world *w, struct account *a)
{
    const char *key = a->kind == SOURCE_USER ? "userName" : "displayName";

    return (struct target_record){
        .id = str_from_z(a->id),
        .values = a->values,
        .created_us = w->created_hidden ? 0 : a->created_us,
        .is_protected = w->protect[0] && str_find(json_get_text(a->values, key),
                                                  str_from_z(w->protect), &(size_t){0}),
    };
}

static struct target_record with_members(struct arena *a, const struct world *w,
                                         struct account *account)
{
    struct target_record r = record_of(w, account);
    struct json *values = json_clone(a, account->values);
    struct json *list = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < account->member_count; i++)
        json_append(list, json_string(a, str_from_z(account->members[i])));
    if (account->kind == SOURCE_GROUP && account->member_count > 0)
        json_add(a, values, STR("members"), list);
    r.values = values;
    return r;
}

static void complete_list(struct fake *f, struct answer *a, struct target_result *result)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    struct target_record *records = ARENA_ARRAY(tmp, struct target_record, a->page_count + 1);
    struct world *w = f->world;
    size_t at = 0;

    for (size_t i = 0; a->status == TARGET_OK && i < w->account_count; i++) {
        if (!w->accounts[i].used || w->accounts[i].kind != a->m->kind)
            continue;
        if (at >= a->page_from && at < a->page_from + a->page_count)
            records[result->record_count++] = a->references ? with_members(tmp, w, &w->accounts[i])
                                                            : record_of(w, &w->accounts[i]);
        at++;
    }
    result->records = records;
    result->total = a->total;
    result->next = str_from_z(a->cursor);
    a->done(a->ctx, result);
    free(a);
}

static void complete(struct fake *f, struct answer *a)
{
    struct target_record records[4];
    struct target_result result = {
        .status = a->status,
        .class_ = a->class_,
        .code = a->code,
        .message = str_from_z(a->status == TARGET_OK ? "" : "the fake target says no"),
        .retry_after_ms = a->retry_after_ms,
        .records = records,
        .total = -1,
        .shared = a->shared,
    };

    if (a->call == CALL_LIST) {
        complete_list(f, a, &result);
        return;
    }
    for (size_t i = 0; i < a->found_count; i++)
        records[result.record_count++] = record_of(f->world, a->found[i]);
    if (a->account && a->status == TARGET_OK)
        records[result.record_count++] = record_of(f->world, a->account);
    a->done(a->ctx, &result);
    free(a);
}

static unsigned fake_run(struct target *t, int64_t max_wait_ms)
{
    struct fake *f = fake_of(t);
    struct answer *ready = f->first;
    unsigned n = 0;

    f->first = f->last = NULL; /* what is called from inside done waits for the next run */
    while (ready) {
        struct answer *a = ready;

        ready = a->next;
        complete(f, a);
        n++;
    }
    if (n == 0 && max_wait_ms > 0)
        usleep(200); /* what is waited for is another thread's commit, or a time to come */
    return n;
}

static bool fake_test(struct target *t, struct err *err)
{
    struct answer a = {0};
    bool after;

    if (!faulty(fake_of(t)->world, CALL_TEST, STR(""), &a, &after))
        return true;
    return err_set(err, ERR_DENIED, a.code, "the fake target refuses the token");
}

static void fake_wake(struct target *t)
{
    (void)t;
}

static void fake_close(struct target *t)
{
    struct fake *f = fake_of(t);

    while (f->first) {
        struct answer *a = f->first;

        f->first = a->next;
        free(a);
    }
    free(f);
}

static const struct target_ops fake_ops = {
    .kind = "fake",
    .test = fake_test,
    .find = fake_find,
    .read = fake_read,
    .create = fake_create,
    .create_many = fake_create_many,
    .describe = fake_describe,
    .list = fake_list,
    .update = fake_update,
    .change_members = fake_members,
    .remove = fake_remove,
    .preview = fake_preview,
    .preview_members = fake_preview_members,
    .run = fake_run,
    .wake = fake_wake,
    .close = fake_close,
};

/* --- the world --- */

static bool open_target(void *ctx, const struct job *job, const struct job_settings *settings,
                        const struct secret *token, const struct mapping_program *program,
                        struct target **out, struct err *err)
{
    struct fake *f = mem_alloc(sizeof(*f));

    (void)job;
    (void)token;
    f->target.ops = &fake_ops;
    f->target.program = program;
    f->world = ctx;
    snprintf(f->world->protect, sizeof(f->world->protect), "%.*s",
             STR_ARG(settings->protected_filter));
    if (f->world->protect[0] == '(') {
        free(f);
        return err_set(err, ERR_INVALID, "invalidFilter", "the fake target's filters have no (");
    }
    *out = &f->target;
    return true;
}

static bool open_source(struct db *db, const struct job *job, struct source **out, struct err *err)
{
    return source_open_directory(db, job->id, out, err);
}

#define OK(call)                                                           \
    do {                                                                   \
        struct err err_ = {0};                                             \
        struct err *err = &err_;                                           \
        CHECK((call), "%s: %s", err_.code ? err_.code : "", err_.message); \
    } while (0)

void world_init(struct world *w, const struct db_config *config, const char *template_id)
{
    struct gallery_template template;
    struct json *schema;
    char id[UUID_TEXT_MAX];
    struct secret token;

    memset(w, 0, sizeof(*w));
    w->config = config;
    w->arena = arena_new();
    w->target_arena = arena_new();
    clock_fixed_init(&w->clock, INT64_C(1767225600000000));
    rng_seeded_init(&w->rng, 7);
    OK(db_open(config, &w->db, err));
    OK(gallery_load(w->arena, str_from_z(template_id), &template, err));
    OK(gallery_schema(w->arena, &template, &w->rng.rng, &schema, err));
    w->job = (struct job){
        .id = arena_str(w->arena, uuid_new(&w->rng.rng, id)),
        .name = STR("App"),
        .template_id = str_from_z(template_id),
        .base_url = STR("https://app.example/scim"),
        .state = JOB_ACTIVE,
        .scope = JOB_SCOPE_ASSIGNED,
        .interval_us = JOB_INTERVAL_DEFAULT_US,
        .created_us = w->clock.now,
    };
    OK(job_insert(w->db, &w->job, json_text(w->arena, schema), err));
    memset(&w->key, 7, sizeof(w->key));
    OK(secret_init(&token, STR("the token"), err));
    OK(job_secret_save(w->db, &w->key, w->job.no, STR("SecretToken"), &token, err));
    secret_done(&token);
    w->engine = (struct engine){
        .db = config,
        .key = &w->key,
        .clock = &w->clock.clock,
        .rng = &w->rng.rng,
        .open_source = open_source,
        .open_target = open_target,
        .target_ctx = w,
    };
}

void world_done(struct world *w)
{
    db_close(w->db);
    arena_free(w->arena);
    arena_free(w->target_arena);
}

static void begin(struct world *w, struct directory_tx *tx)
{
    OK(directory_begin(w->db, &w->clock.clock, &w->rng.rng, tx, err));
}

static struct directory_object load(struct world *w, struct str id)
{
    struct directory_object o;
    bool found = false;

    OK(directory_load(w->db, w->arena, id, &o, &found, err));
    CHECK(found, "%.*s is in the directory", STR_ARG(id));
    return o;
}

static struct str insert(struct world *w, enum source_kind kind, struct str patch_text)
{
    struct directory_tx tx;
    struct json *patch;
    struct str id;

    OK(json_parse(w->arena, patch_text, NULL, &patch, NULL, err));
    begin(w, &tx);
    OK(directory_insert(&tx, w->arena, kind, STR(""), patch, &id, err));
    id = arena_str(w->arena, id);
    OK(directory_commit(&tx, err));
    return id;
}

struct str world_person(struct world *w, const char *name)
{
    return insert(
        w, SOURCE_USER,
        arena_printf(w->arena,
                     "{\"userPrincipalName\":\"%s@example.com\",\"mail\":\"%s@example.com\","
                     "\"displayName\":\"%s\",\"givenName\":\"%s\",\"surname\":\"Test\","
                     "\"mailNickname\":\"%s\"}",
                     name, name, name, name, name));
}

struct str world_group(struct world *w, const char *name)
{
    return insert(
        w, SOURCE_GROUP,
        arena_printf(w->arena, "{\"displayName\":\"%s\",\"securityEnabled\":true}", name));
}

void world_set(struct world *w, struct str id, const char *attribute, const char *json)
{
    struct directory_object o = load(w, id);
    struct directory_tx tx;
    struct json *patch;
    bool changed;

    OK(json_parse(w->arena, arena_printf(w->arena, "{\"%s\":%s}", attribute, json), NULL, &patch,
                  NULL, err));
    begin(w, &tx);
    OK(directory_update(&tx, w->arena, &o, patch, &changed, err));
    OK(directory_commit(&tx, err));
}

void world_assign(struct world *w, struct str id, bool assigned)
{
    struct directory_object o = load(w, id);
    struct directory_role role = {0};
    struct directory_tx tx;
    bool changed;

    begin(w, &tx);
    if (assigned)
        OK(directory_assign(&tx, w->job.id, &o, &role, &changed, err));
    else
        OK(directory_unassign(&tx, w->job.id, id, STR(""), &changed, err));
    OK(directory_commit(&tx, err));
}

void world_member(struct world *w, struct str group, struct str member, bool present)
{
    struct directory_tx tx;
    bool changed;

    begin(w, &tx);
    if (present)
        OK(directory_member_add(&tx, group, member, &changed, err));
    else
        OK(directory_member_remove(&tx, group, member, &changed, err));
    OK(directory_commit(&tx, err));
}

void world_delete(struct world *w, struct str id, enum world_deletion how)
{
    struct directory_object o = load(w, id);
    struct directory_tx tx;
    bool changed;

    begin(w, &tx);
    switch (how) {
    case WORLD_SOFT:
        OK(directory_soft_delete(&tx, w->arena, &o, &changed, err));
        break;
    case WORLD_RESTORE:
        OK(directory_restore(&tx, w->arena, &o, &changed, err));
        break;
    case WORLD_HARD:
        OK(directory_remove(&tx, w->arena, &o, err));
        break;
    }
    OK(directory_commit(&tx, err));
}

void world_setting(struct world *w, const char *name, const char *value)
{
    struct engine_setting setting = {str_from_z(name), str_from_z(value)};

    OK(engine_set(&w->engine, w->job.no, &setting, 1, STR("tester"), err));
}

void world_schema(struct world *w, const char *from, const char *to)
{
    struct str schema;
    struct buf edited;
    int64_t version;
    size_t at;

    OK(job_schema_load(w->db, w->arena, w->job.no, 0, &schema, err));
    buf_init(&edited, 1 << 20);
    CHECK(str_find(schema, str_from_z(from), &at), "%s is in %.*s", from, STR_ARG(schema));
    while (str_find(schema, str_from_z(from), &at)) {
        buf_add(&edited, str_sub(schema, 0, at));
        buf_add_z(&edited, to);
        schema = str_from(schema, at + strlen(from));
    }
    buf_add(&edited, schema);
    OK(job_schema_save(w->db, w->job.no, buf_str(&edited), STR("tester"), STR("changed"),
                       w->clock.now, &version, err));
    OK(watermark_save(w->db, w->job.no, STR(""), err));
    buf_done(&edited);
}

bool world_try_cycle(struct world *w, struct cycle *out, struct err *err)
{
    w->clock.now += US_PER_MINUTE;
    memset(w->calls, 0, sizeof(w->calls));
    memset(w->order, 0, sizeof(w->order));
    w->members_sent = 0;
    return engine_cycle(&w->engine, w->job.no, NULL, &w->stop, w->arena, out, err);
}

struct cycle world_cycle(struct world *w)
{
    struct cycle c = {0};

    OK(world_try_cycle(w, &c, err));
    return c;
}

struct account *world_account(struct world *w, const char *name)
{
    struct account *found = NULL;

    for (size_t i = 0; i < w->account_count; i++) {
        struct account *a = &w->accounts[i];
        const char *key = a->kind == SOURCE_USER ? "userName" : "displayName";
        struct str have;

        if (!a->used)
            continue;
        have = json_get_text(a->values, key);
        if (str_eq_z(have, name) || str_eq(have, arena_printf(w->arena, "%s@example.com", name))) {
            CHECK(!found, "only one account is called %s", name);
            found = a;
        }
    }
    return found;
}

struct str world_value(const struct account *a, const char *target_attribute)
{
    const struct json *v = json_get(a->values, str_from_z(target_attribute));

    if (json_is(v, JSON_BOOL))
        return v->boolean ? STR("true") : STR("false");
    return v ? v->text : STR("");
}

size_t world_accounts(const struct world *w, enum source_kind kind)
{
    size_t n = 0;

    for (size_t i = 0; i < w->account_count; i++)
        n += w->accounts[i].used && w->accounts[i].kind == kind;
    return n;
}

size_t world_journal(struct world *w, const struct journal_query *q, struct journal_record **out)
{
    struct journal_query all = {.limit = 1000};
    size_t count = 0;

    OK(journal_list(w->db, w->arena, w->job.no, q ? q : &all, out, &count, err));
    return count;
}
