/* What can be learned by writing only: with accounts of the probe's own, whose names are always the
 * same, so that a later probe finds what an interrupted one has left. */
#include "connector/scim/probe.h"

#define USER_URN  "urn:ietf:params:scim:schemas:core:2.0:User"
#define GROUP_URN "urn:ietf:params:scim:schemas:core:2.0:Group"
#define BULK_URN  "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
#define USER_NAME "usher-probe-1@example.com"
#define BULK_NAME "usher-probe-2@example.com"
#define GROUP     "usher-probe-group"
#define NEW_USER(name)                                                                      \
    "{\"schemas\":[\"" USER_URN "\"],\"userName\":\"" name "\",\"externalId\":\"" name      \
    "\",\"active\":true,\"displayName\":\"Usher Probe\",\"name\":{\"givenName\":\"Usher\"," \
    "\"familyName\":\"Probe\"},\"emails\":[{\"type\":\"work\",\"value\":\"" name            \
    "\",\"primary\":true}]}"

enum { REMOVE_TRIES = 5 };

/* The id of a resource, made safe for a path. */
static struct str place_of(struct probe *p, const char *endpoint, struct str id)
{
    CLEANUP(buf_done) struct buf out;

    buf_init(&out, SCIM_URL_MAX);
    buf_add_z(&out, endpoint);
    buf_add_char(&out, '/');
    http_url_encode(&out, id);
    return arena_str(p->a, buf_str(&out));
}

static struct str id_of(const struct json *resource)
{
    const struct json *id = resource ? json_get_nocase(resource, STR("id")) : NULL;

    return id && (json_is(id, JSON_STRING) || json_is(id, JSON_NUMBER)) ? id->text : STR("");
}

static bool is_there_no_more(const struct http_answer *answer)
{
    return probe_good(answer) ||
           (answer->failure == HTTP_OK && (answer->status == 404 || answer->status == 410));
}

/* A server that fails now and then is asked again: nothing of the probe's is to stay. */
static bool remove_place(struct probe *p, struct str place)
{
    struct http_answer answer;

    for (int i = 0; i < REMOVE_TRIES; i++) {
        (void)probe_ask(p, HTTP_DELETE, place, STR(""), &answer);
        if (is_there_no_more(&answer)) {
            (void)probe_ask(p, HTTP_GET, place, STR(""), &answer);
            return !probe_good(&answer); /* some disable in place of it */
        }
        if (answer.failure == HTTP_OK && (answer.status == 405 || answer.status == 501))
            return false;
    }
    return false;
}

/* Only what bears one of our names goes, whatever a server that ignores filters returns. */
static void remove_named(struct probe *p, const char *endpoint, const char *attribute,
                         const char *name)
{
    struct str path =
        probe_filter(p, endpoint, arena_printf(p->a, "%s eq \"%s\"", attribute, name));
    struct http_answer answer;
    struct scim_list list;
    struct json *found = NULL;

    for (int i = 0; i < REMOVE_TRIES; i++) {
        found = probe_ask(p, HTTP_GET, path, STR(""), &answer);
        if (answer.failure == HTTP_OK && answer.status < 500 && answer.status != 429)
            break;
    }
    if (!found || !probe_good(&answer) || !scim_read_list(found, &list))
        return;
    JSON_EACH(one, list.resources)
    {
        struct str id = id_of(one);

        if (id.len && str_eq_ascii_nocase(json_get_text(one, attribute), str_from_z(name)))
            (void)remove_place(p, place_of(p, endpoint, id));
    }
}

/* By what was made, then by the names, for what an earlier probe or a lost answer has left. What
 * stays is told. */
static void clean(struct probe *p)
{
    CLEANUP(buf_done) struct buf left;

    buf_init(&left, SCIM_URL_MAX * 4);
    p->cleaning = true;
    JSON_EACH(place, p->made)
    {
        if (!remove_place(p, place->text))
            buf_addf(&left, "%s%.*s", left.len ? ", " : "", STR_ARG(place->text));
    }
    p->made = json_new(p->a, JSON_ARRAY);
    remove_named(p, "/Groups", "displayName", GROUP);
    remove_named(p, "/Users", "userName", USER_NAME);
    remove_named(p, "/Users", "userName", BULK_NAME);
    p->left = arena_str(p->a, buf_str(&left));
    if (left.len > 0)
        probe_conclude(p, "left behind", arena_z(p->a, buf_str(&left)), NULL, NULL);
    p->exchanges = json_new(p->a, JSON_ARRAY);
    p->cleaning = false;
}

static struct str create(struct probe *p, const char *endpoint, const char *body, int *out_status)
{
    struct http_answer answer;
    struct json *made = probe_ask(p, HTTP_POST, str_from_z(endpoint), str_from_z(body), &answer);
    struct str id = id_of(made);

    *out_status = answer.failure == HTTP_OK ? answer.status : 0;
    if (!probe_good(&answer))
        return STR("");
    id = id.len ? id : scim_read_location(p->a, answer.location);
    if (id.len)
        json_append(p->made, json_string(p->a, place_of(p, endpoint, id)));
    return id;
}

static void put(struct probe *p, struct str place)
{
    struct http_answer answer;
    struct json *now = probe_ask(p, HTTP_GET, place, STR(""), &answer);

    if (now) {
        json_set(p->a, now, STR("displayName"), json_string(p->a, STR("By Put")));
        (void)probe_ask(p, HTTP_PUT, place, json_text(p->a, now), &answer);
        p->put = probe_good(&answer) && str_eq_z(probe_value(p, place, "displayName"), "By Put");
    }
    probe_conclude(p, "PUT", p->put ? "works" : "does not work", NULL, NULL);
}

static bool disables(struct probe *p, struct str place)
{
    bool works =
        probe_takes(p, place, "{\"op\":\"replace\",\"path\":\"active\",\"value\":false}", "active",
                    "false") ||
        probe_takes(p, place, "{\"op\":\"Replace\",\"path\":\"active\",\"value\":\"False\"}",
                    "active", "false");

    if (!works && p->put) {
        struct http_answer answer;
        struct json *now = probe_ask(p, HTTP_GET, place, STR(""), &answer);

        if (now) {
            json_set(p->a, now, STR("active"), json_bool(p->a, false));
            (void)probe_ask(p, HTTP_PUT, place, json_text(p->a, now), &answer);
            works = str_eq_z(probe_value(p, place, "active"), "false");
        }
    }
    probe_conclude(p, "disabling", works ? "by active" : "not possible", "client.disableVia",
                   works ? "active" : "none");
    return works;
}

/* Whether a read without members leaves them out. */
static void excluded(struct probe *p, struct str group)
{
    struct http_answer answer;
    struct json *now = probe_ask(
        p, HTTP_GET, arena_printf(p->a, "%.*s?excludedAttributes=members", STR_ARG(group)), STR(""),
        &answer);

    probe_conclude(p, "reading a group without its members",
                   !now                                   ? "does not work"
                   : json_get_nocase(now, STR("members")) ? "gives them all the same"
                                                          : "works",
                   NULL, NULL);
}

static bool is_member(struct probe *p, struct str group, struct str id)
{
    struct http_answer answer;
    struct json *now = probe_ask(p, HTTP_GET, group, STR(""), &answer);
    const struct json *members = now ? json_get_nocase(now, STR("members")) : NULL;
    bool found = false;

    if (json_is(members, JSON_ARRAY)) {
        JSON_EACH(one, members)
        {
            found |= str_eq(json_get_text(one, "value"), id);
        }
    }
    return found;
}

static void members(struct probe *p, struct str group, struct str id)
{
    struct str value = json_text(p->a, json_string(p->a, id));
    struct str add = arena_printf(
        p->a, "{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":%.*s}]}", STR_ARG(value));
    struct str quoted = json_text(
        p->a, json_string(p->a, arena_printf(p->a, "members[value eq %.*s]", STR_ARG(value))));
    struct str by_filter = arena_printf(p->a, "{\"op\":\"remove\",\"path\":%.*s}", STR_ARG(quoted));
    struct str by_list =
        arena_printf(p->a, "{\"op\":\"remove\",\"path\":\"members\",\"value\":[{\"value\":%.*s}]}",
                     STR_ARG(value));

    if (!probe_patched(p, group, add.ptr) || !is_member(p, group, id)) {
        probe_conclude(p, "members", "cannot be added, or are not shown", NULL, NULL);
        return;
    }
    probe_conclude(p, "members", "are added by PATCH", NULL, NULL);
    excluded(p, group);
    if (probe_patched(p, group, by_filter.ptr) && !is_member(p, group, id)) {
        probe_conclude(p, "taking members out", "by a filter", "client.memberRemoveStyle",
                       "filter");
    } else if (probe_patched(p, group, by_list.ptr) && !is_member(p, group, id)) {
        probe_conclude(p, "taking members out", "by a list", "client.memberRemoveStyle",
                       "valueArray");
    } else {
        probe_conclude(p, "taking members out", "is not possible", NULL, NULL);
    }
}

static bool is_gone(struct probe *p, struct str place)
{
    struct http_answer answer;

    (void)probe_ask(p, HTTP_DELETE, place, STR(""), &answer);
    if (!probe_good(&answer))
        return false;
    (void)probe_ask(p, HTTP_GET, place, STR(""), &answer);
    return answer.failure == HTTP_OK && (answer.status == 404 || answer.status == 410);
}

static void groups(struct probe *p, struct str user_id)
{
    int status;
    struct str id = create(
        p, "/Groups", "{\"schemas\":[\"" GROUP_URN "\"],\"displayName\":\"" GROUP "\"}", &status);

    probe_conclude(p, "making groups", id.len ? "works" : "does not work", "client.groupCreate",
                   id.len ? "true" : "false");
    if (!id.len)
        return;
    struct str place = place_of(p, "/Groups", id);
    members(p, place, user_id);
    bool gone = is_gone(p, place);
    probe_conclude(p, "deleting groups", gone ? "works" : "does not work", "client.groupDelete",
                   gone ? "true" : "false");
}

static void bulk(struct probe *p)
{
    struct http_answer answer;
    struct json *whole =
        probe_ask(p, HTTP_POST, STR("/Bulk"),
                  STR("{\"schemas\":[\"" BULK_URN
                      "\"],\"Operations\":[{\"method\":\"POST\",\"path\":\"/Users\","
                      "\"bulkId\":\"1\",\"data\":" NEW_USER(BULK_NAME) "}]}"),
                  &answer);
    const struct json *list = whole ? json_get_nocase(whole, STR("Operations")) : NULL;
    bool works = false;

    if (probe_good(&answer) && json_is(list, JSON_ARRAY)) {
        JSON_EACH(one, list)
        {
            const struct json *status = json_get_nocase(one, STR("status"));

            works |= status && str_starts(status->text, STR("20"));
        }
    }
    remove_named(p, "/Users", "userName", BULK_NAME);
    probe_conclude(p, "bulk requests", works ? "work" : "do not work", "client.bulk",
                   works ? "auto" : "off");
}

static void deleting(struct probe *p, struct str place, bool can_disable)
{
    bool gone = is_gone(p, place);

    probe_conclude(p, "deleting accounts",
                   gone          ? "works"
                   : can_disable ? "does not work, but disabling does"
                                 : "does not work: the account of the probe stays",
                   "client.deleteVia",
                   gone          ? "delete"
                   : can_disable ? "active"
                                 : "none");
}

void probe_write(struct probe *p)
{
    int status;

    clean(p);
    struct str id = create(p, "/Users", NEW_USER(USER_NAME), &status);
    if (!id.len) {
        probe_conclude(p, "making an account", "does not work: nothing more was tried", NULL, NULL);
        clean(p); /* the answer may have been lost alone */
        return;
    }
    probe_conclude(p, "making an account", arena_printf(p->a, "works, answered %d", status).ptr,
                   NULL, NULL);
    struct str place = place_of(p, "/Users", id);
    (void)create(p, "/Users", NEW_USER(USER_NAME), &status);
    probe_conclude(p, "the same name again",
                   status == 409 ? "is refused with 409" : "is not refused with 409", NULL, NULL);
    put(p, place);
    probe_patch(p, place, id);
    groups(p, id);
    bulk(p);
    bool can_disable = disables(p, place);
    deleting(p, place, can_disable);
    clean(p);
}
