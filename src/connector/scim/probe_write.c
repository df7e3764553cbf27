/* What can be learned by writing only: with accounts of the probe's own, whose names are always the
 * same, so that a later probe finds what an interrupted one has left. */
#include "connector/scim/probe.h"

#define USER_URN  "urn:ietf:params:scim:schemas:core:2.0:User"
#define GROUP_URN "urn:ietf:params:scim:schemas:core:2.0:Group"
#define PATCH_URN "urn:ietf:params:scim:api:messages:2.0:PatchOp"
#define BULK_URN  "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
#define USER_NAME "usher-probe-1@example.com"
#define BULK_NAME "usher-probe-2@example.com"
#define GROUP     "usher-probe-group"
#define NEW_USER(name)                                                                      \
    "{\"schemas\":[\"" USER_URN "\"],\"userName\":\"" name "\",\"externalId\":\"" name      \
    "\",\"active\":true,\"displayName\":\"Usher Probe\",\"name\":{\"givenName\":\"Usher\"," \
    "\"familyName\":\"Probe\"},\"emails\":[{\"type\":\"work\",\"value\":\"" name            \
    "\",\"primary\":true}]}"

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

/* Only what bears one of our names goes, whatever a server that ignores filters returns. */
static void remove_named(struct probe *p, const char *endpoint, const char *attribute,
                         const char *name)
{
    struct http_answer answer;
    struct scim_list list;
    struct json *found = probe_ask(
        p, HTTP_GET, probe_filter(p, endpoint, arena_printf(p->a, "%s eq \"%s\"", attribute, name)),
        STR(""), &answer);

    if (!found || !probe_good(&answer) || !scim_read_list(found, &list))
        return;
    JSON_EACH(one, list.resources)
    {
        struct str id = id_of(one);

        if (id.len && str_eq_ascii_nocase(json_get_text(one, attribute), str_from_z(name)))
            (void)probe_ask(p, HTTP_DELETE, place_of(p, endpoint, id), STR(""), &answer);
    }
}

static void clean(struct probe *p)
{
    remove_named(p, "/Groups", "displayName", GROUP);
    remove_named(p, "/Users", "userName", USER_NAME);
    remove_named(p, "/Users", "userName", BULK_NAME);
    p->exchanges = json_new(p->a, JSON_ARRAY);
}

static struct str create(struct probe *p, const char *endpoint, const char *body, int *out_status)
{
    struct http_answer answer;
    struct json *made = probe_ask(p, HTTP_POST, str_from_z(endpoint), str_from_z(body), &answer);
    struct str id = id_of(made);

    *out_status = answer.failure == HTTP_OK ? answer.status : 0;
    if (!probe_good(&answer))
        return STR("");
    return id.len ? id : scim_read_location(p->a, answer.location);
}

static bool patch(struct probe *p, struct str place, const char *operation)
{
    struct http_answer answer;

    (void)probe_ask(
        p, HTTP_PATCH, place,
        arena_printf(p->a, "{\"schemas\":[\"" PATCH_URN "\"],\"Operations\":[%s]}", operation),
        &answer);
    return probe_good(&answer);
}

static struct str value_of(struct probe *p, struct str place, const char *attribute)
{
    struct http_answer answer;
    struct json *now = probe_ask(p, HTTP_GET, place, STR(""), &answer);
    const struct json *v = now ? json_get_nocase(now, str_from_z(attribute)) : NULL;

    return !v                      ? STR("")
           : json_is(v, JSON_BOOL) ? (v->boolean ? STR("true") : STR("false"))
                                   : v->text;
}

static bool patch_takes(struct probe *p, struct str place, const char *operation,
                        const char *attribute, const char *want)
{
    return patch(p, place, operation) &&
           str_eq_ascii_nocase(value_of(p, place, attribute), str_from_z(want));
}

static void put(struct probe *p, struct str place)
{
    struct http_answer answer;
    struct json *now = probe_ask(p, HTTP_GET, place, STR(""), &answer);

    if (now) {
        json_set(p->a, now, STR("displayName"), json_string(p->a, STR("By Put")));
        (void)probe_ask(p, HTTP_PUT, place, json_text(p->a, now), &answer);
        p->put = probe_good(&answer) && str_eq_z(value_of(p, place, "displayName"), "By Put");
    }
    probe_conclude(p, "PUT", p->put ? "works" : "does not work", NULL, NULL);
}

/* The first dialect that does what it says; PUT when none does. */
static bool dialects(struct probe *p, struct str place)
{
    static const struct {
        const char *dialect;
        const char *operation;
        const char *value;
    } forms[] = {
        {"rfc", "{\"op\":\"replace\",\"path\":\"displayName\",\"value\":\"By Path\"}", "By Path"},
        {"entraLegacy", "{\"op\":\"Replace\",\"path\":\"displayName\",\"value\":\"In Capitals\"}",
         "In Capitals"},
        {"entra2020", "{\"op\":\"replace\",\"value\":{\"displayName\":\"Without Path\"}}",
         "Without Path"},
    };
    const char *first = NULL;

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        bool works = patch_takes(p, place, forms[i].operation, "displayName", forms[i].value);
        bool chosen = works && !first;

        first = chosen ? forms[i].dialect : first;
        probe_conclude(p, arena_z(p->a, arena_printf(p->a, "PATCH as in %s", forms[i].dialect)),
                       works ? "works" : "does not work", chosen ? "client.patchDialect" : NULL,
                       forms[i].dialect);
    }
    probe_conclude(p, "changes of accounts",
                   first    ? "by PATCH"
                   : p->put ? "by PUT"
                            : "not at all",
                   "client.updateMethod", first || !p->put ? "auto" : "put");
    return first != NULL;
}

static void clearing(struct probe *p, struct str place)
{
    bool added = patch_takes(p, place, "{\"op\":\"add\",\"path\":\"title\",\"value\":\"Probe\"}",
                             "title", "Probe");

    if (!added) {
        probe_conclude(p, "clearing a value", "unknown: title is not kept", NULL, NULL);
    } else if (patch_takes(p, place, "{\"op\":\"remove\",\"path\":\"title\"}", "title", "")) {
        probe_conclude(p, "clearing a value", "by remove", "client.removeStyle", "remove");
    } else if (patch_takes(p, place, "{\"op\":\"replace\",\"path\":\"title\",\"value\":\"\"}",
                           "title", "")) {
        probe_conclude(p, "clearing a value", "by an empty text", "client.removeStyle",
                       "emptyReplace");
    } else {
        probe_conclude(p, "clearing a value", "neither remove nor an empty text does it", NULL,
                       NULL);
    }
}

static bool disables(struct probe *p, struct str place)
{
    bool works =
        patch_takes(p, place, "{\"op\":\"replace\",\"path\":\"active\",\"value\":false}", "active",
                    "false") ||
        patch_takes(p, place, "{\"op\":\"Replace\",\"path\":\"active\",\"value\":\"False\"}",
                    "active", "false");

    if (!works && p->put) {
        struct http_answer answer;
        struct json *now = probe_ask(p, HTTP_GET, place, STR(""), &answer);

        if (now) {
            json_set(p->a, now, STR("active"), json_bool(p->a, false));
            (void)probe_ask(p, HTTP_PUT, place, json_text(p->a, now), &answer);
            works = str_eq_z(value_of(p, place, "active"), "false");
        }
    }
    probe_conclude(p, "disabling", works ? "by active" : "not possible", "client.disableVia",
                   works ? "active" : "none");
    return works;
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

    if (!patch(p, group, add.ptr) || !is_member(p, group, id)) {
        probe_conclude(p, "members", "cannot be added, or are not shown", NULL, NULL);
        return;
    }
    probe_conclude(p, "members", "are added by PATCH", NULL, NULL);
    if (patch(p, group, by_filter.ptr) && !is_member(p, group, id)) {
        probe_conclude(p, "taking members out", "by a filter", "client.memberRemoveStyle",
                       "filter");
    } else if (patch(p, group, by_list.ptr) && !is_member(p, group, id)) {
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
        return;
    }
    probe_conclude(p, "making an account", arena_printf(p->a, "works, answered %d", status).ptr,
                   NULL, NULL);
    struct str place = place_of(p, "/Users", id);
    (void)create(p, "/Users", NEW_USER(USER_NAME), &status);
    probe_conclude(p, "the same name again",
                   status == 409 ? "is refused with 409" : "is not refused with 409", NULL, NULL);
    put(p, place);
    if (dialects(p, place))
        clearing(p, place);
    groups(p, id);
    bulk(p);
    bool can_disable = disables(p, place);
    deleting(p, place, can_disable);
    clean(p);
}
