#include "provider/provider.h"

#include "provider/changes/change.h"
#include "provider/changes/hooks.h"
#include "provider/imitation/delay.h"
#include "provider/lists/cursor.h"
#include "provider/tenant.h"

static bool is_read(const struct call *c)
{
    return c->method == HTTP_GET || c->method == HTTP_HEAD;
}

/* application/scim+json, application/json or nothing, with any parameters (scim.md 2.3). */
static bool media_type_ok(const struct call *c)
{
    struct str header = http_request_header(c->x, "Content-Type");
    struct str type;

    str_cut(&header, ';', &type);
    type = str_trim(type);
    return type.len == 0 || str_eq_ascii_nocase(type, STR("application/scim+json")) ||
           str_eq_ascii_nocase(type, STR("application/json"));
}

static bool has_body(const struct call *c)
{
    return c->method == HTTP_POST || c->method == HTTP_PUT || c->method == HTTP_PATCH;
}

static bool is_group(const struct call *c)
{
    return c->endpoint == ENDPOINT_GROUPS || c->endpoint == ENDPOINT_GROUP ||
           c->endpoint == ENDPOINT_GROUPS_SEARCH;
}

/* Who may come at all, and how often (apps.md 3.2, scim.md 15). */
static bool gate_key(struct call *c, enum provider_key_state state)
{
    const struct provider_settings *s = &c->tenant->profile->settings;
    int64_t wait_us = 0;

    if (s->rate > 0)
        wait_us = auth_take_request(&c->provider->auth, call_token(c), s->rate);
    if (wait_us == 0 && s->class_rates)
        wait_us = rate_classes_take(s->class_rates, &c->tenant->state->rates, c);
    if (wait_us > 0) {
        reply_slow_down(c, wait_us, "too many requests with this key: wait a little");
    } else if (s->feature_off) {
        reply_status(c, 403, NULL, "user provisioning is not part of this subscription");
    } else if (state == PROVIDER_KEY_NOT_ACTIVATED) {
        reply_status(c, 403, NULL, "automation user is not activated");
    } else if (state == PROVIDER_KEY_DISABLED) {
        reply_status(c, 403, NULL, "automation user is disabled");
    } else {
        return true;
    }
    return false;
}

/* What the path, the method and the headers decide. False when it has answered. */
static bool gate(struct call *c, enum provider_key_state state)
{
    unsigned methods = endpoint_methods(c->endpoint);

    if (!gate_key(c, state))
        return false;
    if (c->endpoint == ENDPOINT_ME && (c->user_id.len == 0 || c->method == HTTP_POST)) {
        reply_status(c, 501, NULL,
                     c->user_id.len == 0 ? "this key belongs to the tenant, not to a user"
                                         : "a user is made at /Users");
        return false;
    }
    if (c->endpoint == ENDPOINT_ME) { /* from here on it is the user (RFC 7644 section 3.11) */
        c->endpoint = ENDPOINT_USER;
        c->id = c->user_id;
        c->me = true;
        methods = endpoint_methods(c->endpoint);
    }
    if (!switches_gate(c)) {
        return false;
    }
    if (c->bad_url) {
        reply_status(c, 400, "invalidSyntax", "the URL is not well encoded");
    } else if (c->bad_version) {
        reply_status(c, 400, "invalidVers", "the one version of SCIM here is 2.0, at .../v2");
    } else if (methods == 0 || (is_group(c) && !c->tenant->profile->has_groups) ||
               (c->endpoint == ENDPOINT_ROOT && !is_read(c))) {
        reply_status(c, 404, NULL, "there is no such endpoint");
    } else if (!(methods & 1u << c->method)) {
        reply_not_allowed(c, methods);
    } else if (has_body(c) && !media_type_ok(c)) {
        reply_status(c, 415, NULL, "send application/scim+json or application/json");
    } else {
        return true;
    }
    return false;
}

/* Refuses before the body is read what can be refused from memory; the rest waits for the worker.
 * The call it makes, with the tenant if that is known, is what the others go on with. */
static bool admit(struct http_exchange *x, void *ctx)
{
    struct call *c = ARENA_NEW(http_arena(x), struct call);
    struct provider *p = ctx;
    struct grant grant;
    int64_t wait_us;

    call_init(c, p, x);
    http_set_admission(x, c);
    if (c->endpoint == ENDPOINT_CONFIG && is_read(c))
        return true;
    switch (auth_check_cached(&p->auth, c->tenant_name, call_token(c), &grant)) {
    case AUTH_OK:
        c->tenant = grant.tenant;
        c->user_id = grant.user_id;
        return gate(c, grant.state);
    case AUTH_REFUSED:
        reply_unauthorized(c);
        return false;
    case AUTH_UNKNOWN:
        wait_us =
            guesses_wait(p->guesses, http_request_peer(x), c->tenant_name, clock_monotonic_us());
        if (wait_us > 0) {
            reply_unauthorized(c); /* unseen: whether it is right is not told */
            return false;
        }
        break;
    case AUTH_STALE:
        break;
    }
    return true;
}

static void answer_config(struct call *c, const struct provider_profile *profile)
{
    struct grant grant;
    struct err err = {0};

    if (!profile->settings.public_config &&
        !auth_check(c->provider, c->tenant_name, call_token(c), &grant, &err)) {
        reply_error(c, &err);
    } else if (profile->settings.feature_off) {
        reply_status(c, 403, NULL, "user provisioning is not part of this subscription");
    } else {
        discovery_handle(c, profile);
    }
}

/* ServiceProviderConfig may be read without credentials, unless the tenant says otherwise; then it
 * cannot be told from one that does not exist. */
static void handle_config(struct call *c)
{
    const struct provider_profile *profile;
    struct provider_tenant tenant;
    struct grant grant;
    struct err err = {0};
    struct db *db;
    bool ok;

    if (!pool_take(&c->provider->pool, &db, &err)) {
        reply_error(c, &err);
        return;
    }
    ok = provider_tenant_load(db, c->arena, c->tenant_name, &tenant, &err);
    pool_give(&c->provider->pool, db);
    if (ok && provider_tenant_profile(c->arena, &tenant, &profile, &err)) {
        answer_config(c, profile);
    } else if (!ok && err.kind == ERR_NOT_FOUND &&
               auth_check(c->provider, c->tenant_name, call_token(c), &grant, &err)) {
        reply_status(c, 404, NULL, "there is no such endpoint"); /* removed just now */
    } else {
        reply_error(c, &err);
    }
}

static bool is_resource(const struct call *c)
{
    return c->endpoint == ENDPOINT_USERS || c->endpoint == ENDPOINT_USER ||
           c->endpoint == ENDPOINT_GROUPS || c->endpoint == ENDPOINT_GROUP;
}

static bool is_search(const struct call *c)
{
    return c->endpoint == ENDPOINT_SEARCH || c->endpoint == ENDPOINT_USERS_SEARCH ||
           c->endpoint == ENDPOINT_GROUPS_SEARCH;
}

static void begin_resource(struct call *c)
{
    bool group = is_group(c);

    c->kind = group ? RESOURCE_GROUP : RESOURCE_USER;
    c->type = group ? &c->tenant->profile->group : &c->tenant->profile->user;
}

/* A list is asked for by GET, or by POST of a SearchRequest. */
static bool is_list(const struct call *c)
{
    return c->endpoint == ENDPOINT_ROOT || is_search(c) ||
           (is_read(c) && (c->endpoint == ENDPOINT_USERS || c->endpoint == ENDPOINT_GROUPS));
}

static void handle_list(struct call *c)
{
    struct err err = {0};

    if (is_search(c) && !search_read(c, &err)) {
        reply_error(c, &err);
        return;
    }
    if (c->endpoint == ENDPOINT_ROOT || c->endpoint == ENDPOINT_SEARCH)
        c->kind = RESOURCE_ANY;
    list_handle(c);
}

static void handle_one(struct call *c)
{
    struct provider *provider = c->provider;
    struct err err = {0};
    struct db *db;

    if (!pool_take(&provider->pool, &db, &err)) {
        reply_error(c, &err);
        return;
    }
    read_handle(c, db);
    pool_give(&provider->pool, db); /* c ended with the answer */
}

/* On the loop: reading one user from a file, and reading the body of a write, which then waits in
 * the writer's queue. */
static bool quick(struct http_exchange *x, void *ctx)
{
    const struct provider *p = ctx;
    struct call *c = http_admission(x);

    c->admitted = true;
    if (!c->tenant || !is_resource(c) || !call_query(c, &(struct err){0}))
        return false;
    begin_resource(c);
    if (!is_read(c)) {
        if (http_request_body(x).len > PROVIDER_QUICK_MAX)
            return false;
        write_handle(c);
        return true;
    }
    if (!db_is_embedded(p->config.db))
        return false;
    if (c->endpoint != ENDPOINT_USER)
        return c->has_filter && list_quick(c);
    handle_one(c);
    return true;
}

static void handle(struct http_exchange *x, void *ctx)
{
    struct call *c = http_admission(x);
    struct provider *p = ctx;
    struct err err = {0};

    c->admitted = true;
    if (!call_query(c, &err)) {
        reply_error(c, &err);
        return;
    }
    if (c->endpoint == ENDPOINT_CONFIG && is_read(c)) {
        handle_config(c);
        return;
    }
    if (!c->tenant) {
        struct grant grant;

        if (!auth_check(p, c->tenant_name, call_token(c), &grant, &err)) {
            reply_error(c, &err);
            return;
        }
        c->tenant = grant.tenant;
        c->user_id = grant.user_id;
        if (!gate(c, grant.state))
            return;
    }
    if (c->endpoint == ENDPOINT_CHANGES) {
        feed_handle(c);
        return;
    }
    begin_resource(c);
    if (is_list(c)) {
        handle_list(c);
    } else if (c->endpoint == ENDPOINT_BULK) {
        bulk_handle(c);
    } else if (!is_resource(c)) {
        discovery_handle(c, c->tenant->profile);
    } else if (is_read(c)) {
        handle_one(c);
    } else {
        write_handle(c);
    }
}

static void refuse(struct http_exchange *x, int status, const char *reason, void *ctx)
{
    struct call c;

    call_init(&c, ctx, x);
    reply_status(&c, status, NULL, reason);
}

static bool load_cursor_key(struct provider *p, struct err *err)
{
    struct db *db;
    bool ok;

    if (!pool_take(&p->pool, &db, err))
        return false;
    ok = cursor_key_load(db, p->config.rng, p->cursor_key, err);
    pool_give(&p->pool, db);
    return ok;
}

bool provider_open(const struct provider_config *config, struct provider **out, struct err *err)
{
    struct provider *p = mem_alloc(sizeof(*p));

    p->config = *config;
    if (!p->config.clock)
        p->config.clock = clock_system();
    if (!p->config.rng)
        p->config.rng = rng_system();
    ids_init(&p->ids, p->config.rng);
    p->writer = config->writer;
    p->own_writer = !config->writer;
    if (p->own_writer && !db_writer_open(config->db, NULL, &p->writer, err)) {
        free(p);
        return false;
    }
    p->changes = mem_alloc(sizeof(*p->changes));
    changes_init(p->changes, p->writer);
    pool_init(&p->pool, config->db);
    auth_init(&p->auth);
    p->guesses = mem_alloc(sizeof(*p->guesses));
    guesses_init(p->guesses);
    p->feed = mem_alloc(sizeof(*p->feed));
    feed_init(p->feed, p);
    p->delay = mem_alloc(sizeof(*p->delay));
    delay_init(p->delay);
    p->hooks = mem_alloc(sizeof(*p->hooks));
    if (!scans_start(&p->scans, err) || !load_cursor_key(p, err) ||
        !hooks_start(p->hooks, p, err)) {
        provider_close(p);
        return false;
    }
    p->route = (struct http_route){.path = "/scim/*",
                                   .methods = (1u << HTTP_METHOD_COUNT) - 1,
                                   .max_body = PROVIDER_BODY_MAX,
                                   .run = HTTP_ON_WORKER,
                                   .admit = admit,
                                   .quick = quick,
                                   .handle = handle,
                                   .refuse = refuse,
                                   .ctx = p};
    *out = p;
    return true;
}

void provider_close(struct provider *p)
{
    if (!p)
        return;
    scans_stop(&p->scans);
    hooks_stop(p->hooks);
    free(p->hooks);
    if (p->own_writer)
        db_writer_close(p->writer);
    changes_done(p->changes);
    free(p->changes);
    feed_done(p->feed);
    free(p->feed);
    delay_done(p->delay);
    free(p->delay);
    pool_done(&p->pool);
    auth_done(&p->auth);
    guesses_done(p->guesses);
    free(p->guesses);
    free(p);
}

const struct http_route *provider_routes(struct provider *p, size_t *out_count)
{
    *out_count = 1;
    return &p->route;
}
