#include "peer.h"

#include <pthread.h>

enum { WRONG_MAX = 4000, BODY_MAX = 1 << 20 };

struct peer {
    struct http_route route;
    struct http_server *server;
    char url[64];
    pthread_mutex_t lock; /* of what follows: handlers run on other threads */
    const struct exchange *script;
    size_t count;
    size_t at;
    char wrong[WRONG_MAX];
};

static void complain(struct peer *p, const char *what, const char *want, struct str got)
{
    if (p->wrong[0] == '\0')
        snprintf(p->wrong, sizeof(p->wrong), "exchange %zu: %s\n  got:  %.*s\n  want: %s",
                 p->at + 1, what, STR_ARG(got), want);
}

static void check(struct peer *p, struct http_exchange *x, const struct exchange *e)
{
    struct str method = str_from_z(http_method_name(http_request_method(x)));

    if (!str_eq_z(method, e->method))
        complain(p, "method", e->method, method);
    if (!str_eq_z(http_request_target(x), e->target))
        complain(p, "target", e->target, http_request_target(x));
    if (!str_eq_z(http_request_body(x), e->body ? e->body : ""))
        complain(p, "body", e->body ? e->body : "(none)", http_request_body(x));
    if (!str_eq_z(http_request_header(x, "Authorization"), "Bearer " PEER_TOKEN))
        complain(p, "token", "Bearer " PEER_TOKEN, http_request_header(x, "Authorization"));
    if (e->body && !str_eq_z(http_request_header(x, "Content-Type"), "application/scim+json"))
        complain(p, "content type", "application/scim+json",
                 http_request_header(x, "Content-Type"));
    if (!uuid_valid(http_request_header(x, "X-Request-Id")))
        complain(p, "request id", "a UUID", http_request_header(x, "X-Request-Id"));
}

static void answer(struct http_exchange *x, const struct exchange *e)
{
    struct str lines = str_from_z(e->headers);
    bool more = lines.len > 0;

    while (more) {
        struct str value;
        struct str name;

        more = str_cut(&lines, '\n', &value);
        str_cut(&value, ':', &name);
        http_reply_header(x, arena_z(http_arena(x), name), str_trim(value));
    }
    http_reply(x, e->status, e->reply ? "application/scim+json" : NULL, str_from_z(e->reply));
}

static void handle(struct http_exchange *x, void *ctx)
{
    static const struct exchange unexpected = {.status = 500};
    struct peer *p = ctx;
    const struct exchange *e = &unexpected;

    pthread_mutex_lock(&p->lock);
    if (p->at < p->count) {
        e = &p->script[p->at];
        check(p, x, e);
    } else {
        complain(p, "one more request", "(end of the script)", http_request_target(x));
    }
    p->at++;
    pthread_mutex_unlock(&p->lock);
    answer(x, e);
}

struct peer *peer_new(const struct exchange *script, size_t count)
{
    struct peer *p = mem_alloc(sizeof(*p));
    struct err err = {0};

    p->script = script;
    p->count = count;
    pthread_mutex_init(&p->lock, NULL);
    p->route = (struct http_route){
        .path = "/*", .methods = ~0u, .max_body = BODY_MAX, .handle = handle, .ctx = p};
    struct http_server_config config = {
        .address = "127.0.0.1", .workers = 1, .routes = &p->route, .route_count = 1};
    CHECK(http_server_start(&config, &p->server, &err), "%s", err.message);
    snprintf(p->url, sizeof(p->url), "http://127.0.0.1:%u", http_server_port(p->server));
    return p;
}

const char *peer_url(const struct peer *p)
{
    return p->url;
}

void peer_free(struct peer *p, const char *label)
{
    http_server_stop(p->server);
    CHECK(p->wrong[0] == '\0', "%s: %s", label, p->wrong);
    CHECK(p->at == p->count, "%s: %zu of %zu exchanges", label, p->at, p->count);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

#define ENTERPRISE    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:"
#define TEXT(target_) .target = STR_INIT(target_), .type = ATTRIBUTE_STRING

static struct mapping_attribute user_attributes[] = {
    [U_USER_NAME] = {TEXT("userName"), .matching_priority = 1},
    [U_EXTERNAL_ID] = {TEXT("externalId"), .matching_priority = 2, .case_exact = true},
    [U_ACTIVE] = {.target = STR_INIT("active"), .type = ATTRIBUTE_BOOLEAN},
    [U_GIVEN_NAME] = {TEXT("name.givenName")},
    [U_FAMILY_NAME] = {TEXT("urn:ietf:params:scim:schemas:core:2.0:User:name.familyName")},
    [U_WORK_MAIL] = {TEXT("emails[type eq \"work\"].value"), .matching_priority = 3},
    [U_STREET] = {TEXT("addresses[type eq \"work\"].streetAddress")},
    [U_CITY] = {TEXT("addresses[type eq \"work\"].locality")},
    [U_MOBILE] = {TEXT("phoneNumbers[type eq \"mobile\"].value")},
    [U_ROLE] = {TEXT("roles[primary eq \"True\"].value")},
    [U_TAGS] = {TEXT("entitlements"), .multivalued = true},
    [U_LEVEL] = {.target = STR_INIT("level"), .type = ATTRIBUTE_INTEGER},
    [U_PASSWORD] = {TEXT("password"), .secret = true},
    [U_DEPARTMENT] = {TEXT(ENTERPRISE "department")},
    [U_MANAGER] = {.target = STR_INIT(ENTERPRISE "manager"),
                   .type = ATTRIBUTE_REFERENCE,
                   .is_reference = true},
    [U_XID] = {TEXT("urn:ietf:params:scim:schemas:extension:joynfsm:2.0:User:xid")},
};
static_assert(ARRAY_LEN(user_attributes) == U_COUNT, "every place has its attribute");

static struct mapping_attribute group_attributes[] = {
    [G_DISPLAY_NAME] = {TEXT("displayName"), .matching_priority = 1},
    [G_EXTERNAL_ID] = {TEXT("externalId")},
    [G_MEMBERS] = {.target = STR_INIT("members"),
                   .type = ATTRIBUTE_REFERENCE,
                   .is_reference = true,
                   .reference = STR_INIT("members"),
                   .multivalued = true},
};
static_assert(ARRAY_LEN(group_attributes) == G_COUNT, "every place has its attribute");

static struct mapping_object objects[] = {
    {.name = STR_INIT("users"),
     .kind = SOURCE_USER,
     .enabled = true,
     .attributes = user_attributes,
     .attribute_count = U_COUNT},
    {.name = STR_INIT("groups"),
     .kind = SOURCE_GROUP,
     .enabled = true,
     .attributes = group_attributes,
     .attribute_count = G_COUNT},
};
const struct mapping_program peer_program = {objects, ARRAY_LEN(objects)};

const struct mapping_object *peer_users(void)
{
    return &objects[0];
}

const struct mapping_object *peer_groups(void)
{
    return &objects[1];
}

void call_init(struct call *c)
{
    *c = (struct call){.a = arena_new()};
}

void call_done(struct call *c)
{
    arena_free(c->a);
}

void call_ended(void *ctx, const struct target_result *result)
{
    struct call *c = ctx;
    struct target_record *records = ARENA_ARRAY(c->a, struct target_record, result->record_count);

    CHECK(!c->done, "done is called once");
    c->done = true;
    c->result = *result;
    c->result.message = arena_str(c->a, result->message);
    for (size_t i = 0; i < result->record_count; i++)
        records[i] = (struct target_record){
            .id = arena_str(c->a, result->records[i].id),
            .version = arena_str(c->a, result->records[i].version),
            .created_us = result->records[i].created_us,
            .values = json_clone(c->a, result->records[i].values),
        };
    c->result.records = records;
}

void call_wait(struct target *t, struct call *c)
{
    CHECK(!c->done, "never from inside the call");
    while (!c->done)
        t->ops->run(t, 1000);
}

struct target *peer_target(struct str url)
{
    return peer_target_with(url, NULL);
}

static void apply(struct job_settings *s, struct arena *a, const char *text)
{
    struct str rest = str_from_z(text);
    struct err err = {0};

    while (rest.len) {
        struct str value, name;

        str_cut(&rest, ';', &value);
        str_cut(&value, '=', &name);
        CHECK(job_settings_apply(s, a, str_trim(name), str_trim(value), &err), "%s", err.message);
    }
}

struct target *peer_target_with(struct str url, const char *settings)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct job_settings s;
    static char bytes[] = PEER_TOKEN;
    static struct secret token = {.bytes = bytes, .len = sizeof(bytes) - 1};
    struct target_scim_config config = {
        .base_url = url, .token = &token, .concurrency = 1, .settings = &s};
    struct target *t;
    struct err err = {0};

    job_settings_default(&s);
    apply(&s, a, settings);
    CHECK(target_open_scim(&peer_program, &config, &t, &err), "%s", err.message);
    return t;
}

static struct json *parse(struct arena *a, const char *text)
{
    struct json *v;
    struct err err = {0};

    CHECK(json_parse(a, str_from_z(text), NULL, &v, NULL, &err), "%s: %s", text, err.message);
    return v;
}

struct mapping_changes peer_changes(struct arena *a, const struct mapping_object *m,
                                    const char *before, const char *after)
{
    const struct json *old = before ? parse(a, before) : NULL;
    const struct json *new = parse(a, after);
    struct mapping_changes changes = {
        .items = ARENA_ARRAY(a, struct mapping_change, m->attribute_count)};
    size_t known = 0;

    for (size_t i = 0; i < m->attribute_count; i++) {
        const struct json *v = json_get(new, m->attributes[i].target);

        if (!v)
            continue;
        known++;
        changes.items[changes.count++] = (struct mapping_change){
            .attribute = &m->attributes[i],
            .before = json_get(old, m->attributes[i].target),
            .after = v->type == JSON_NULL ? NULL : v,
        };
    }
    CHECK(known == new->count, "an attribute of %s is not mapped", after);
    return changes;
}

struct mapping_criterion peer_criterion(struct arena *a, const struct mapping_object *m,
                                        size_t place, const char *value)
{
    return (struct mapping_criterion){
        .attributes = {&m->attributes[place]},
        .values = {json_string(a, str_from_z(value))},
        .count = 1,
    };
}
