/* What the server says of itself before the checks begin: which of them apply, and what an account
 * must have there. */
#include "conformance/run.h"

static const struct {
    const char *place;
    unsigned trait;
    bool otherwise; /* when the server does not say */
} traits[] = {
    {"/patch/supported", NEEDS_PATCH, true}, {"/filter/supported", NEEDS_FILTER, true},
    {"/sort/supported", NEEDS_SORT, false},  {"/etag/supported", NEEDS_ETAG, false},
    {"/bulk/supported", NEEDS_BULK, false},  {"/pagination/cursor", NEEDS_CURSOR, false},
};

static const struct json *get(struct check_run *run, const char *path)
{
    check_send(run, &(struct check_request){.method = HTTP_GET, .target = str_from_z(path)});
    return run->answer.status == 200 ? run->answer.json : NULL;
}

static void learn_service(struct check_run *run)
{
    const struct json *service = get(run, "/ServiceProviderConfig");

    for (size_t i = 0; i < ARRAY_LEN(traits); i++) {
        const struct json *v =
            service ? check_at(run->tmp, &run->answer, str_from_z(traits[i].place)) : NULL;

        if (v && v->type == JSON_BOOL ? v->boolean : traits[i].otherwise)
            run->traits |= traits[i].trait;
    }
}

static void learn_type(struct check_run *run, const struct json *type)
{
    struct str schema = json_get_text(type, "schema"), endpoint = json_get_text(type, "endpoint");

    if (!str_starts(endpoint, STR("/")))
        return;
    if (str_eq_ascii_nocase(schema, STR(CORE "User"))) {
        check_value_set(&run->set, STR("users"), endpoint);
        JSON_EACH(extension, json_get_nocase(type, STR("schemaExtensions")))
        {
            if (str_eq_ascii_nocase(json_get_text(extension, "schema"), STR(ENT)))
                run->traits |= NEEDS_ENTERPRISE | NEEDS_MANAGER;
        }
    } else if (str_eq_ascii_nocase(schema, STR(CORE "Group"))) {
        check_value_set(&run->set, STR("groups"), endpoint);
        run->traits |= NEEDS_GROUPS;
    }
}

/* --- What an account must have --- */

static struct str plain_value(struct check_run *run, const struct json *attribute)
{
    struct str type = json_get_text(attribute, "type");
    const struct json *canonical = json_get(attribute, STR("canonicalValues"));

    if (canonical && canonical->first)
        return json_text(run->tmp, canonical->first);
    if (str_eq(type, STR("boolean")))
        return STR("false");
    if (str_eq(type, STR("integer")) || str_eq(type, STR("decimal")))
        return STR("1");
    if (str_eq(type, STR("dateTime")))
        return STR("\"2026-01-01T00:00:00Z\"");
    return STR("\"usher-check\"");
}

/* What is required of a complex value, and its "value". */
static void add_complex(struct check_run *run, const struct json *attribute, struct buf *out)
{
    const char *comma = "";

    buf_add_char(out, '{');
    JSON_EACH(sub, json_get(attribute, STR("subAttributes")))
    {
        struct str name = json_get_text(sub, "name");

        if (json_get_bool(sub, "required", false) || str_eq(name, STR("value"))) {
            buf_addf(out, "%s\"%.*s\":%.*s", comma, STR_ARG(name), STR_ARG(plain_value(run, sub)));
            comma = ",";
        }
    }
    buf_add_char(out, '}');
}

static struct str value_of(struct check_run *run, const struct json *attribute)
{
    bool many = json_get_bool(attribute, "multiValued", false);
    CLEANUP(buf_done) struct buf out;

    buf_init(&out, 1 << 16);
    if (many)
        buf_add_char(&out, '[');
    if (str_eq(json_get_text(attribute, "type"), STR("complex"))) {
        add_complex(run, attribute, &out);
    } else {
        buf_add(&out, plain_value(run, attribute));
    }
    if (many)
        buf_add_char(&out, ']');
    return arena_str(run->tmp, buf_str(&out));
}

static bool is_given(struct str name)
{
    static const char *const given[] = {"id",       "schemas",     "meta",   "externalId",
                                        "userName", "name",        "active", "title",
                                        "emails",   "displayName", "members"};

    for (size_t i = 0; i < ARRAY_LEN(given); i++) {
        if (str_eq_ascii_nocase(name, str_from_z(given[i])))
            return true;
    }
    return false;
}

static void add_required(struct check_run *run, struct buf *out, const struct json *schema,
                         bool core)
{
    CLEANUP(buf_done) struct buf own;

    buf_init(&own, 1 << 16);
    JSON_EACH(attribute, json_get(schema, STR("attributes")))
    {
        struct str name = json_get_text(attribute, "name");

        if (json_get_bool(attribute, "required", false) && !(core && is_given(name)) &&
            !str_eq(json_get_text(attribute, "mutability"), STR("readOnly")))
            buf_addf(&own, ",\"%.*s\":%.*s", STR_ARG(name), STR_ARG(value_of(run, attribute)));
    }
    if (core) {
        buf_add(out, buf_str(&own));
    } else if (own.len > 0) {
        buf_addf(out, ",\"%.*s\":{%.*s}", STR_ARG(json_get_text(schema, "id")),
                 STR_ARG(str_from(buf_str(&own), 1)));
    }
}

static bool has_attribute(const struct json *schema, const char *name)
{
    JSON_EACH(attribute, json_get(schema, STR("attributes")))
    {
        if (str_eq_ascii_nocase(json_get_text(attribute, "name"), str_from_z(name)))
            return true;
    }
    return false;
}

static void learn_schema(struct check_run *run, const struct json *schema, struct buf *user,
                         struct buf *group)
{
    struct str id = json_get_text(schema, "id");

    if (str_eq_ascii_nocase(id, STR(CORE "Group"))) {
        add_required(run, group, schema, true);
    } else if (str_eq_ascii_nocase(id, STR(CORE "User"))) {
        add_required(run, user, schema, true);
        if (has_attribute(schema, "password"))
            run->traits |= NEEDS_PASSWORD;
    } else if (str_ends(id, STR(":User"))) {
        add_required(run, user, schema, false);
        if (str_eq_ascii_nocase(id, STR(ENT)) && !has_attribute(schema, "manager"))
            run->traits &= ~(unsigned)NEEDS_MANAGER;
    }
}

static void learn_schemas(struct check_run *run)
{
    const struct json *list = get(run, "/Schemas");
    CLEANUP(buf_done) struct buf user, group;

    buf_init(&user, 1 << 17);
    buf_init(&group, 1 << 17);
    JSON_EACH(schema, json_get_nocase(list, STR("Resources")))
    learn_schema(run, schema, &user, &group);
    check_value_set(&run->set, STR("required"), buf_str(&user));
    check_value_set(&run->set, STR("grequired"), buf_str(&group));
}

/* Whether it can be asked at all. */
static bool reach(struct check_run *run, struct err *err)
{
    struct str target =
        check_expand(&run->set, run->tmp, STR("<users>?startIndex=1&count=1"), CHECK_IN_URL);

    check_send(run, &(struct check_request){.method = HTTP_GET, .target = target});
    if (run->answer.status == 0)
        return err_set(err, ERR_UNAVAILABLE, "unreachable", "%s", run->answer.reason);
    if (run->answer.status == 401 || run->answer.status == 403) {
        return err_set(err, ERR_DENIED, "credentials",
                       "the server answers %d: the token is not accepted", run->answer.status);
    }
    return true;
}

bool check_prepare(struct check_run *run, struct err *err)
{
    const struct json *types;

    run->traits = run->options->write ? NEEDS_WRITE : 0;
    check_value_set(&run->set, STR("users"), STR("/Users"));
    check_value_set(&run->set, STR("groups"), STR("/Groups"));
    if (!reach(run, err))
        return false;
    learn_service(run);
    types = get(run, "/ResourceTypes");
    if (types) {
        JSON_EACH(type, json_get_nocase(types, STR("Resources")))
        learn_type(run, type);
    } else {
        run->traits |= NEEDS_GROUPS;
    }
    learn_schemas(run);
    return true;
}
