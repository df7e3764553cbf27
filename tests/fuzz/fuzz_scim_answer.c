/* What a SCIM server answers, read by the client that asked: lists and their pages, single
 * resources, creations, changes, bulk requests. An input is a letter for what is asked (see
 * `asked`) and the answers in turn, the last for all that follow:
 *
 *     b200
 *     {"Operations":[...
 *     ---
 *     404
 *
 * What must hold: each call ends once; a success has what it promises; ids fit a database; a
 * failure has its code and says why in UTF-8, without the token. */
#include "base/unicode.h"
#include "connector/scim/call.h"
#include "job/settings.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#define ANSWERS_MAX 8
#define PAGES_MAX   6
#define TOKEN       "t0ken-that-nobody-guesses"

static struct {
    pthread_mutex_t lock; /* guards all below */
    struct {
        int status;
        struct str body;
    } list[ANSWERS_MAX];
    size_t count, next;
} answers = {.lock = PTHREAD_MUTEX_INITIALIZER};

#define TEXT(target_) .target = STR_INIT(target_), .type = ATTRIBUTE_STRING
static struct mapping_attribute attributes[] = {
    {TEXT("userName"), .matching_priority = 1},
    {.target = STR_INIT("active"), .type = ATTRIBUTE_BOOLEAN},
    {TEXT("emails[type eq \"work\"].value")},
    {TEXT("entitlements"), .multivalued = true},
    {.target = STR_INIT("level"), .type = ATTRIBUTE_INTEGER},
    {.target = STR_INIT("members"),
     .type = ATTRIBUTE_REFERENCE,
     .is_reference = true,
     .multivalued = true},
};
static struct mapping_object object = {.name = STR_INIT("users"),
                                       .kind = SOURCE_USER,
                                       .enabled = true,
                                       .attributes = attributes,
                                       .attribute_count = ARRAY_LEN(attributes)};
static const struct mapping_program program = {&object, 1};

static struct target *target;

static void answer(struct http_exchange *x, void *ctx)
{
    (void)ctx;
    pthread_mutex_lock(&answers.lock);
    size_t i = answers.next < answers.count ? answers.next : answers.count - 1;
    answers.next++;
    int status = answers.list[i].status;
    struct str body = arena_str(http_arena(x), answers.list[i].body);
    pthread_mutex_unlock(&answers.lock);
    http_reply(x, status, "application/scim+json", body);
}

static void start(void)
{
    static char bytes[] = TOKEN;
    static struct secret token = {.bytes = bytes, .len = sizeof(bytes) - 1};
    static const struct http_route route = {.path = "/*",
                                            .methods = (1u << HTTP_METHOD_COUNT) - 1,
                                            .max_body = 1 << 20,
                                            .handle = answer};
    struct http_server_config config = {.address = "127.0.0.1", .routes = &route, .route_count = 1};
    struct job_settings settings;
    struct http_server *server;
    struct err err = {0};
    char url[64];

    if (!http_server_start(&config, &server, &err))
        abort();
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", (unsigned)http_server_port(server));
    job_settings_default(&settings);
    if (!target_open_scim(&program,
                          &(struct target_scim_config){.base_url = str_from_z(url),
                                                       .token = &token,
                                                       .concurrency = 1,
                                                       .settings = &settings},
                          &target, &err))
        abort();
}

/* --- What must hold --- */

enum ask { ASK_FIND, ASK_LIST, ASK_READ, ASK_CREATE, ASK_UPDATE, ASK_MEMBERS, ASK_REMOVE };

struct ended {
    enum ask ask;
    bool done, ok;
    struct str next; /* of a list; in the arena */
    struct arena *a;
};

static void check_record(const struct target_record *record, bool must_have_id)
{
    assert(record->id.len <= SCIM_ID_MAX && utf8_valid(record->id, NULL));
    assert(!must_have_id || record->id.len > 0);
    assert(json_is(record->values, JSON_OBJECT));
    JSON_EACH(value, record->values)
    assert(value->type != JSON_NULL && value->name.len > 0);
}

static void ended(void *ctx, const struct target_result *result)
{
    struct ended *e = ctx;
    size_t at;

    assert(!e->done);
    e->done = true;
    e->ok = result->status == TARGET_OK;
    if (!e->ok) {
        assert(result->code && result->code[0]);
        assert(utf8_valid(result->message, NULL) && result->message.len > 0);
        assert(!str_find(result->message, STR(TOKEN), &at));
        return;
    }
    for (size_t i = 0; i < result->record_count; i++)
        check_record(&result->records[i], e->ask != ASK_LIST);
    assert(result->record_count == 1 || (e->ask != ASK_READ && e->ask != ASK_CREATE));
    e->next = arena_str(e->a, result->next);
}

static void wait_for(struct ended *e)
{
    while (!e->done)
        target->ops->run(target, 1000);
}

/* --- What is asked --- */

static struct mapping_changes named(struct arena *a, const char *name)
{
    struct mapping_change *change = ARENA_NEW(a, struct mapping_change);

    *change = (struct mapping_change){.attribute = &attributes[0],
                                      .after = json_string(a, str_from_z(name))};
    return (struct mapping_changes){.items = change, .count = 1};
}

static void find(struct arena *a)
{
    struct ended e = {.ask = ASK_FIND, .a = a};
    const struct mapping_criterion by = {
        .attributes = {&attributes[0]}, .values = {json_string(a, STR("ada"))}, .count = 1};

    target->ops->find(target, &object, &by, ended, &e);
    wait_for(&e);
}

static void list(struct arena *a)
{
    struct str cursor = STR("");

    for (int page = 0; page < PAGES_MAX; page++) {
        struct ended e = {.ask = ASK_LIST, .a = a};

        target->ops->list(target, &object, &(struct target_page){.cursor = cursor, .count = 4},
                          ended, &e);
        wait_for(&e);
        if (!e.ok || e.next.len == 0)
            return;
        cursor = e.next;
    }
}

static void one(struct arena *a, enum ask ask)
{
    struct ended e = {.ask = ask, .a = a};
    struct mapping_changes changes = named(a, "ada");
    struct str members[] = {STR("1"), STR("2"), STR("3")};

    if (ask == ASK_READ) {
        target->ops->read(target, &object, STR("1"), ended, &e);
    } else if (ask == ASK_CREATE) {
        target->ops->create(target, &object, &changes, ended, &e);
    } else if (ask == ASK_UPDATE) {
        target->ops->update(target, &object, STR("1"), &changes, ended, &e);
    } else if (ask == ASK_MEMBERS) {
        const struct target_members change = {.attribute = &attributes[5],
                                              .add = members,
                                              .add_count = 3,
                                              .remove = members,
                                              .remove_count = 2};

        target->ops->change_members(target, &object, STR("1"), &change, ended, &e);
    } else {
        target->ops->remove(target, &object, STR("1"), ended, &e);
    }
    wait_for(&e);
}

static void bulk(struct arena *a)
{
    struct ended e[3];
    struct mapping_changes want[3];
    struct target_creation creations[3];

    for (size_t i = 0; i < ARRAY_LEN(e); i++) {
        e[i] = (struct ended){.ask = ASK_CREATE, .a = a};
        want[i] = named(a, i == 0 ? "ada" : i == 1 ? "bob" : "eve");
        creations[i] =
            (struct target_creation){.m = &object, .want = &want[i], .done = ended, .ctx = &e[i]};
    }
    target->ops->create_many(target, creations, ARRAY_LEN(creations));
    for (size_t i = 0; i < ARRAY_LEN(e); i++)
        wait_for(&e[i]);
}

static void ask(struct arena *a, char what)
{
    static const struct {
        char letter;
        enum ask ask;
    } asked[] = {{'r', ASK_READ},
                 {'c', ASK_CREATE},
                 {'u', ASK_UPDATE},
                 {'m', ASK_MEMBERS},
                 {'d', ASK_REMOVE}};

    if (what == 'f') {
        find(a);
    } else if (what == 'l') {
        list(a);
    } else if (what == 'b') {
        bulk(a);
    }
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        if (asked[i].letter == what)
            one(a, asked[i].ask);
    }
}

/* "200\n{...": the status, and the body behind the line. */
static void take_answer(struct arena *a, struct str text)
{
    struct str line;
    int64_t status = 200;

    (void)str_cut(&text, '\n', &line);
    if (!str_to_int(str_trim(line), 200, 599, &status))
        status = 200;
    answers.list[answers.count].status = (int)status;
    answers.list[answers.count++].body = arena_str(a, text);
}

static void take_answers(struct arena *a, struct str rest)
{
    size_t at;

    pthread_mutex_lock(&answers.lock);
    answers.count = answers.next = 0;
    while (answers.count < ANSWERS_MAX - 1 && str_find(rest, STR("\n---\n"), &at)) {
        take_answer(a, str_sub(rest, 0, at));
        rest = str_from(rest, at + 5);
    }
    take_answer(a, rest);
    pthread_mutex_unlock(&answers.lock);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct str input = {(const char *)data, size};
    struct scim_target *t;
    struct arena *a;

    if (size < 2)
        return 0;
    if (!target)
        start();
    t = scim_of(target);
    /* What an earlier input has taught is forgotten. */
    t->service = (struct scim_service_traits){
        .asked = true, .known = true, .patch = true, .bulk_operations = 3, .bulk_bytes = 1 << 20};
    for (size_t i = 0; i < t->object_count; i++)
        t->objects[i].no_patch = t->objects[i].patched = false;
    t->list_at_once = 0;
    t->members_at_once = 2;
    t->probed_well_us = 0;
    object.kind = SOURCE_USER;
    a = arena_new();
    take_answers(a, str_from(input, 1));
    ask(a, input.ptr[0]);
    arena_free(a);
    return 0;
}
