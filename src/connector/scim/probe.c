/* Learns how an application behaves by reading (scim.md 10.6). */
#include "connector/scim/probe.h"

#include "base/rng.h"
#include "connector/scim/auth.h"

enum { BODY_SHOWN = 400, RATE_TRIES = 20 };

static bool flag(const struct json *config, const char *name)
{
    const struct json *part = json_get_nocase(config, str_from_z(name));
    const struct json *v = part ? json_get_nocase(part, STR("supported")) : NULL;

    return v && json_is(v, JSON_BOOL) && v->boolean;
}

bool probe_good(const struct http_answer *answer)
{
    return answer->failure == HTTP_OK && answer->status / 100 == 2;
}

bool probe_stopped(const struct probe *p)
{
    return p->stop && *p->stop && !p->cleaning;
}

struct json *probe_ask(struct probe *p, enum http_method method, struct str path, struct str body,
                       struct http_answer *out)
{
    static const struct http_answer unasked = {.failure = HTTP_DROPPED, .reason = "stopped"};
    struct str secrets[SCIM_OWN_SECRETS];
    struct json *exchange = json_new(p->a, JSON_OBJECT);
    struct json *document;
    struct err ignored;

    if (probe_stopped(p)) {
        *out = unasked;
        return NULL;
    }
    scim_target_ask(p->target, p->a, method, path, body, out);
    size_t count = scim_target_secrets(p->target, secrets);
    json_add_str(p->a, exchange, "request",
                 arena_printf(p->a, "%s %.*s%s%.*s", http_method_name(method), STR_ARG(path),
                              body.len ? " " : "", STR_ARG(body)));
    if (out->failure == HTTP_OK) {
        json_add_int(p->a, exchange, "status", out->status);
        json_add_str(p->a, exchange, "answer",
                     scim_excerpt(p->a, out->body, BODY_SHOWN, secrets, count));
    } else {
        json_add_str(p->a, exchange, "failure", str_from_z(out->reason));
    }
    json_append(p->exchanges, exchange);
    if (out->failure != HTTP_OK || !json_parse(p->a, out->body, NULL, &document, NULL, &ignored) ||
        !json_is(document, JSON_OBJECT))
        return NULL;
    return document;
}

struct str probe_filter(struct probe *p, const char *endpoint, struct str filter)
{
    CLEANUP(buf_done) struct buf out;

    buf_init(&out, SCIM_URL_MAX);
    buf_addf(&out, "%s?filter=", endpoint);
    http_url_encode(&out, filter);
    return arena_str(p->a, buf_str(&out));
}

/* Resources in an answer; NULL: none. */
static size_t found_count(const struct json *document)
{
    struct scim_list list;

    return document && scim_read_list(document, &list) ? list.count : 0;
}

void probe_conclude(struct probe *p, const char *what, const char *result, const char *setting,
                    const char *value)
{
    struct json *finding = json_new(p->a, JSON_OBJECT);

    json_add_z(p->a, finding, "what", what);
    json_add_z(p->a, finding, "result", result);
    if (setting) {
        json_add_str(p->a, finding, "setting", arena_printf(p->a, "%s=%s", setting, value));
        json_set(p->a, p->settings, str_from_z(setting), json_string(p->a, str_from_z(value)));
    }
    json_set(p->a, finding, STR("exchanges"), p->exchanges);
    json_append(p->findings, finding);
    p->exchanges = json_new(p->a, JSON_ARRAY);
}

/* --- Questions --- */

static void discovery(struct probe *p)
{
    static const struct {
        const char *path;
        const char *what;
    } documents[] = {
        {"/ResourceTypes", "ResourceTypes"},
        {"/Schemas", "Schemas"},
    };
    struct http_answer answer;
    struct json *config = probe_ask(p, HTTP_GET, STR("/ServiceProviderConfig"), STR(""), &answer);

    if (!config || !probe_good(&answer)) {
        probe_conclude(p, "ServiceProviderConfig", "there is none", NULL, NULL);
    } else {
        bool patch = flag(config, "patch");
        struct str says = arena_printf(
            p->a, "patch %s, bulk %s, filter %s, sort %s, etag %s", patch ? "yes" : "no",
            flag(config, "bulk") ? "yes" : "no", flag(config, "filter") ? "yes" : "no",
            flag(config, "sort") ? "yes" : "no", flag(config, "etag") ? "yes" : "no");

        probe_conclude(p, "ServiceProviderConfig", says.ptr, patch ? NULL : "client.updateMethod",
                       "put");
    }
    for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
        const struct json *document =
            probe_ask(p, HTTP_GET, str_from_z(documents[i].path), STR(""), &answer);

        if (i == ARRAY_LEN(documents) - 1 && probe_good(&answer))
            p->schemas = document;
        probe_conclude(p, documents[i].what, probe_good(&answer) ? "there" : "not there", NULL,
                       NULL);
    }
}

static void nobody(struct probe *p)
{
    char id[UUID_TEXT_MAX];
    struct http_answer answer;
    struct str who = uuid_new(rng_system(), id);
    struct json *list = probe_ask(
        p, HTTP_GET,
        probe_filter(p, "/Users", arena_printf(p->a, "userName eq \"%.*s\"", STR_ARG(who))),
        STR(""), &answer);

    if (answer.failure == HTTP_OK && answer.status == 404) {
        probe_conclude(p, "a query that nobody matches", "is answered 404", "client.emptyIs404",
                       "true");
    } else if (!probe_good(&answer)) {
        probe_conclude(p, "a query that nobody matches", "is refused", NULL, NULL);
    } else if (found_count(list) > 0) {
        probe_conclude(p, "a query that nobody matches", "the filter is ignored",
                       "client.scanWhenFilterIgnored", "true");
    } else {
        probe_conclude(p, "a query that nobody matches", "an empty list", "client.emptyIs404",
                       "false");
    }
}

static struct str other_case(struct arena *a, struct str text)
{
    struct str copy = arena_str(a, text);
    char *p = arena_alloc(a, copy.len + 1);

    for (size_t i = 0; i < copy.len; i++) {
        char c = copy.ptr[i];

        if (ascii_is_alpha(c))
            c = (char)(c ^ 0x20);
        p[i] = c;
    }
    return (struct str){p, copy.len};
}

bool probe_finds(struct probe *p, const char *attribute, struct str value)
{
    CLEANUP(buf_done) struct buf filter;
    struct http_answer answer;

    buf_init(&filter, SCIM_URL_MAX);
    buf_addf(&filter, "%s eq ", attribute);
    json_write(&filter, json_string(p->a, value));
    return found_count(probe_ask(p, HTTP_GET, probe_filter(p, "/Users", buf_str(&filter)), STR(""),
                                 &answer)) == 1;
}

static void filters(struct probe *p, const struct json *user)
{
    struct str name = json_get_text(user, "userName");
    struct str external = json_get_text(user, "externalId");
    struct http_answer answer;

    if (name.len == 0) {
        probe_conclude(p, "filters", "the account in the list has no userName", NULL, NULL);
        return;
    }
    bool percent = probe_finds(p, "userName", name);
    if (percent) {
        json_append(p->matching, json_string(p->a, STR("userName")));
        probe_conclude(p, "userName eq", "finds it", "client.filterEncoding", "percent20");
    } else {
        CLEANUP(buf_done) struct buf path;

        buf_init(&path, SCIM_URL_MAX);
        buf_add_z(&path, "/Users?filter=userName+eq+%22");
        http_url_encode(&path, name);
        buf_add_z(&path, "%22");
        bool plus = found_count(probe_ask(p, HTTP_GET, buf_str(&path), STR(""), &answer)) == 1;
        probe_conclude(p, "userName eq", plus ? "with '+' for a blank only" : "does not find it",
                       plus ? "client.filterEncoding" : NULL, "plus");
    }
    probe_conclude(p, "userName eq in other letters",
                   probe_finds(p, "userName", other_case(p->a, name))
                       ? "finds it: case does not matter"
                       : "does not find it: case matters",
                   NULL, NULL);
    probe_conclude(p, "attribute name in other letters",
                   probe_finds(p, "USERNAME", name) ? "finds it" : "does not find it", NULL, NULL);
    if (external.len) {
        bool found = probe_finds(p, "externalId", external);

        if (found)
            json_append(p->matching, json_string(p->a, STR("externalId")));
        probe_conclude(p, "externalId eq", found ? "finds it" : "does not find it", NULL, NULL);
    }
    (void)probe_ask(p, HTTP_GET, probe_filter(p, "/Users", STR("userName zz 1")), STR(""), &answer);
    probe_conclude(p, "a filter that is none",
                   answer.status == 400 ? "is refused" : "is not refused with 400", NULL, NULL);
}

/* The forms in which an element can be asked for: which of them may be matching attributes. */
static void value_paths(struct probe *p, const struct json *user)
{
    static const struct {
        const char *name, *before, *behind;
    } forms[] = {
        {"emails.value eq", "emails.value eq ", ""},
        {"emails[value eq]", "emails[value eq ", "]"},
        {"emails[type eq \"work\"].value eq", "emails[type eq \"work\"].value eq ", ""},
    };
    struct str mail = STR(""), type = STR("");

    JSON_EACH(one, json_get_nocase(user, STR("emails")))
    {
        if (str_eq_ascii_nocase(json_get_text(one, "type"), STR("work")) || mail.len == 0) {
            mail = json_get_text(one, "value");
            type = json_get_text(one, "type");
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(forms) && mail.len > 0; i++) {
        CLEANUP(buf_done) struct buf filter;
        struct str value = json_text(p->a, json_string(p->a, mail));
        struct http_answer answer;
        bool of_work = i == ARRAY_LEN(forms) - 1;

        if (of_work && !str_eq_ascii_nocase(type, STR("work")))
            continue;
        buf_init(&filter, SCIM_URL_MAX);
        buf_addf(&filter, "%s%.*s%s", forms[i].before, STR_ARG(value), forms[i].behind);
        size_t found = found_count(
            probe_ask(p, HTTP_GET, probe_filter(p, "/Users", buf_str(&filter)), STR(""), &answer));
        if (found > 0 && of_work)
            json_append(p->matching, json_string(p->a, STR("emails[type eq \"work\"].value")));
        probe_conclude(p, arena_printf(p->a, "filter %s", forms[i].name).ptr,
                       found > 0              ? "finds it"
                       : answer.status == 400 ? "is refused"
                                              : "does not find it",
                       NULL, NULL);
    }
}

/* /users in place of /Users, and an account that is not there. */
static void endpoints(struct probe *p, const struct json *user)
{
    CLEANUP(buf_done) struct buf path;
    struct http_answer answer;

    (void)probe_ask(p, HTTP_GET, STR("/users?startIndex=1&count=1"), STR(""), &answer);
    probe_conclude(p, "/users for /Users", probe_good(&answer) ? "is the same" : "is not there",
                   NULL, NULL);
    (void)probe_ask(p, HTTP_GET, STR("/Users/usher-probe-nobody"), STR(""), &answer);
    probe_conclude(p, "reading an account that is not there",
                   answer.failure == HTTP_OK && answer.status == 404 ? "is answered 404"
                                                                     : "is not answered 404",
                   NULL, NULL);
    buf_init(&path, SCIM_URL_MAX);
    buf_add_z(&path, "/Users/");
    http_url_encode(&path, json_get_text(user, "id"));
    (void)probe_ask(p, HTTP_GET, buf_str(&path), STR(""), &answer);
    probe_conclude(p, "reading an account",
                   !probe_good(&answer) ? "does not work"
                   : answer.etag.len    ? "works, with an ETag"
                                        : "works, without an ETag",
                   NULL, NULL);
}

static void groups(struct probe *p)
{
    struct http_answer answer;
    struct json *list =
        probe_ask(p, HTTP_GET, STR("/Groups?excludedAttributes=members&startIndex=1&count=1"),
                  STR(""), &answer);
    struct scim_list read;
    bool kept = false;

    if (!list || !probe_good(&answer) || !scim_read_list(list, &read)) {
        probe_conclude(p, "groups", "cannot be read", NULL, NULL);
        return;
    }
    JSON_EACH(one, read.resources)
    {
        kept |= json_get_nocase(one, STR("members")) != NULL;
    }
    p->groups = true;
    probe_conclude(p, "groups",
                   kept ? "are read with their members, though not asked for" : "are read", NULL,
                   NULL);
}

static void rate(struct probe *p)
{
    int64_t slowest = 0;
    int throttled = 0;

    for (int i = 0; i < RATE_TRIES && throttled == 0; i++) {
        struct http_answer answer;

        p->exchanges = json_new(p->a, JSON_ARRAY); /* the last will do */
        (void)probe_ask(p, HTTP_GET, STR("/Users?startIndex=1&count=1"), STR(""), &answer);
        throttled += answer.failure == HTTP_OK && answer.status == 429;
        slowest = answer.duration_us > slowest ? answer.duration_us : slowest;
    }
    probe_conclude(p, "20 requests one after the other",
                   arena_printf(p->a, "%s; the slowest took %lld ms",
                                throttled ? "throttled" : "answered", (long long)slowest / 1000)
                       .ptr,
                   NULL, NULL);
}

/* The members of a profile (apps.md 1) that can be known by asking. */
static void describe(struct probe *p, struct json *profile)
{
    struct json *matching = json_new(p->a, JSON_OBJECT);

    json_set(p->a, matching, STR("user"), p->matching);
    json_add_z(p->a, profile, "protocol", "scim2");
    json_add_bool(p->a, profile, "supportsGroups", p->groups);
    json_set(p->a, profile, STR("matching"), matching);
    json_set(p->a, profile, STR("userAttributes"),
             probe_attributes(p, "urn:ietf:params:scim:schemas:core:2.0:User", true));
    json_set(p->a, profile, STR("groupAttributes"),
             probe_attributes(p, "urn:ietf:params:scim:schemas:core:2.0:Group", false));
}

bool target_probe_scim(struct target *target, struct arena *a, enum probe_with with,
                       const atomic_bool *stop, struct json **out, struct err *err)
{
    struct probe p = {
        .target = scim_of(target),
        .a = a,
        .settings = json_new(a, JSON_OBJECT),
        .findings = json_new(a, JSON_ARRAY),
        .exchanges = json_new(a, JSON_ARRAY),
        .made = json_new(a, JSON_ARRAY),
        .matching = json_new(a, JSON_ARRAY),
        .stop = stop,
    };
    struct http_answer answer;
    struct json *profile = json_new(a, JSON_OBJECT);
    const struct json *user;

    scim_target_ask(p.target, a, HTTP_GET, STR("/Users?startIndex=1&count=1"), STR(""), &answer);
    if ((answer.failure != HTTP_OK || answer.status == 401 || answer.status == 403) &&
        !target->ops->test(target, err))
        return false;
    discovery(&p);
    nobody(&p);
    user = probe_lists(&p);
    if (user) {
        filters(&p, user);
        value_paths(&p, user);
        endpoints(&p, user);
    }
    groups(&p);
    rate(&p);
    if (with == PROBE_WRITE)
        probe_write(&p);
    if (probe_stopped(&p)) {
        return err_set(err, ERR_UNAVAILABLE, "stopped", "stopped: %s%.*s",
                       p.left.len            ? "this could not be removed: "
                       : with == PROBE_WRITE ? "what was made is removed"
                                             : "nothing was written",
                       STR_ARG(p.left));
    }
    describe(&p, profile);
    json_set(a, profile, STR("settings"), p.settings);
    json_set(a, profile, STR("findings"), p.findings);
    *out = profile;
    return true;
}
