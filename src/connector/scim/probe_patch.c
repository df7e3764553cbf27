/* In which forms accounts can be changed: the dialects, clearing, elements by a value path,
 * managers (scim.md 10.6, 11.3, 11.4). */
#include "connector/scim/probe.h"

#define PATCH_URN  "urn:ietf:params:scim:api:messages:2.0:PatchOp"
#define ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define MOBILE     "phoneNumbers[type eq \\\"mobile\\\"]"

bool probe_patched(struct probe *p, struct str place, const char *operation)
{
    struct http_answer answer;

    (void)probe_ask(
        p, HTTP_PATCH, place,
        arena_printf(p->a, "{\"schemas\":[\"" PATCH_URN "\"],\"Operations\":[%s]}", operation),
        &answer);
    return probe_good(&answer);
}

struct str probe_value(struct probe *p, struct str place, const char *attribute)
{
    struct http_answer answer;
    struct json *now = probe_ask(p, HTTP_GET, place, STR(""), &answer);
    const struct json *v = now ? json_get_nocase(now, str_from_z(attribute)) : NULL;

    return !v                      ? STR("")
           : json_is(v, JSON_BOOL) ? (v->boolean ? STR("true") : STR("false"))
                                   : v->text;
}

bool probe_takes(struct probe *p, struct str place, const char *operation, const char *attribute,
                 const char *want)
{
    return probe_patched(p, place, operation) &&
           str_eq_ascii_nocase(probe_value(p, place, attribute), str_from_z(want));
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
        bool works = probe_takes(p, place, forms[i].operation, "displayName", forms[i].value);
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
    bool added = probe_takes(p, place, "{\"op\":\"add\",\"path\":\"title\",\"value\":\"Probe\"}",
                             "title", "Probe");

    if (!added) {
        probe_conclude(p, "clearing a value", "unknown: title is not kept", NULL, NULL);
    } else if (probe_takes(p, place, "{\"op\":\"remove\",\"path\":\"title\"}", "title", "")) {
        probe_conclude(p, "clearing a value", "by remove", "client.removeStyle", "remove");
    } else if (probe_takes(p, place, "{\"op\":\"replace\",\"path\":\"title\",\"value\":\"\"}",
                           "title", "")) {
        probe_conclude(p, "clearing a value", "by an empty text", "client.removeStyle",
                       "emptyReplace");
    } else {
        probe_conclude(p, "clearing a value", "neither remove nor an empty text does it", NULL,
                       NULL);
    }
}

/* The value of the element of that type, "" if there is none. */
static struct str element_value(struct probe *p, struct str place, const char *attribute,
                                const char *type)
{
    struct http_answer answer;
    struct json *now = probe_ask(p, HTTP_GET, place, STR(""), &answer);

    JSON_EACH(one, now ? json_get_nocase(now, str_from_z(attribute)) : NULL)
    {
        if (str_eq_ascii_nocase(json_get_text(one, "type"), str_from_z(type)))
            return json_get_text(one, "value");
    }
    return STR("");
}

/* The client reads an account whose element is missing and adds it as a whole, so nothing has to be
 * set: what is found tells what to expect of others. */
static void value_paths(struct probe *p, struct str place)
{
    static const struct {
        const char *what, *operation, *attribute, *type, *want;
    } forms[] = {
        {"PATCH of an element by its type",
         "{\"op\":\"replace\",\"path\":\"emails[type eq \\\"work\\\"].value\",\"value\":"
         "\"usher-probe-3@example.com\"}",
         "emails", "work", "usher-probe-3@example.com"},
        {"PATCH of an element that is not there",
         "{\"op\":\"replace\",\"path\":\"" MOBILE ".value\",\"value\":\"+1 555 0100\"}",
         "phoneNumbers", "mobile", "+1 555 0100"},
        {"adding an element",
         "{\"op\":\"add\",\"path\":\"phoneNumbers\",\"value\":[{\"type\":\"mobile\",\"value\":"
         "\"+1 555 0101\"}]}",
         "phoneNumbers", "mobile", "+1 555 0101"},
        {"taking an element out by its type", "{\"op\":\"remove\",\"path\":\"" MOBILE "\"}",
         "phoneNumbers", "mobile", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        bool taken = probe_patched(p, place, forms[i].operation);
        struct str now = element_value(p, place, forms[i].attribute, forms[i].type);

        probe_conclude(p, forms[i].what,
                       !taken                         ? "is refused"
                       : str_eq_z(now, forms[i].want) ? "works"
                                                      : "is accepted without effect",
                       NULL, NULL);
        if (i == 1 && now.len > 0) /* the next form begins without it */
            (void)probe_patched(p, place, forms[ARRAY_LEN(forms) - 1].operation);
    }
}

/* The names of several attributes in one operation without a path. */
static void combined(struct probe *p, struct str place)
{
    bool works = probe_takes(p, place,
                             "{\"op\":\"replace\",\"value\":{\"displayName\":\"Both\","
                             "\"name.familyName\":\"Of Them\"}}",
                             "displayName", "Both");
    struct http_answer answer;
    struct json *now = probe_ask(p, HTTP_GET, place, STR(""), &answer);

    works = works && now &&
            str_eq_z(json_get_text(json_get_nocase(now, STR("name")), "familyName"), "Of Them");
    probe_conclude(p, "PATCH without a path, with dotted names", works ? "works" : "does not work",
                   works ? NULL : "client.combineReplace", "false");
}

static struct str manager_of(struct probe *p, struct str place)
{
    struct http_answer answer;
    struct json *now = probe_ask(p, HTTP_GET, place, STR(""), &answer);
    const struct json *extension = now ? json_get_nocase(now, STR(ENTERPRISE)) : NULL;
    const struct json *manager = json_get_nocase(extension, STR("manager"));

    return json_is(manager, JSON_OBJECT)   ? json_get_text(manager, "value")
           : json_is(manager, JSON_STRING) ? manager->text
                                           : STR("");
}

/* The account becomes its own manager, which is as good as any other. */
static void managers(struct probe *p, struct str place, struct str id)
{
    static const struct {
        const char *style, *before, *behind;
    } forms[] = {
        {"object", "{\"value\":", "}"},
        {"id", "", ""},
        {"array", "[{\"value\":", "}]"},
    };
    struct str value = json_text(p->a, json_string(p->a, id));

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct str operation = arena_printf(
            p->a, "{\"op\":\"add\",\"path\":\"" ENTERPRISE ":manager\",\"value\":%s%.*s%s}",
            forms[i].before, STR_ARG(value), forms[i].behind);

        if (!probe_patched(p, place, operation.ptr) || !str_eq(manager_of(p, place), id))
            continue;
        probe_conclude(p, "managers", arena_printf(p->a, "as an %s", forms[i].style).ptr,
                       "client.managerStyle", forms[i].style);
        (void)probe_patched(p, place, "{\"op\":\"remove\",\"path\":\"" ENTERPRISE ":manager\"}");
        p->exchanges = json_new(p->a, JSON_ARRAY);
        return;
    }
    probe_conclude(p, "managers", "are not kept", NULL, NULL);
}

void probe_patch(struct probe *p, struct str place, struct str id)
{
    if (!dialects(p, place))
        return;
    clearing(p, place);
    value_paths(p, place);
    combined(p, place);
    managers(p, place, id);
}
