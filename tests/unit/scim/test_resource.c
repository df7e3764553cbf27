#include "frame/frame.h"
#include "scim/message.h"
#include "scim/projection.h"
#include "scim/resource.h"

#define ENT "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

static const struct scim_schema *const extensions[] = {&scim_enterprise_schema};
static const struct scim_resource_type user = {.name = STR_INIT("User"),
                                               .endpoint = STR_INIT("/Users"),
                                               .core = &scim_user_schema,
                                               .extensions = extensions,
                                               .extension_count = 1};
static const struct scim_rules lenient = {0};

static struct json *parse(struct arena *a, const char *text)
{
    char *copy = arena_z(a, str_from_z(text));
    struct json *value;

    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
        else if (*c == '`')
            *c = '\\';
    CHECK(json_parse(a, str_from_z(copy), NULL, &value, NULL, NULL), "%s", text);
    return value;
}

static void reads(void **state)
{
    static const struct {
        const char *label, *in, *want; /* or the code of the error */
    } cases[] = {
        {"canonical names", "{'USERNAME':'u','Name':{'GIVENNAME':'G'}}",
         "{'userName':'u','name':{'givenName':'G'}}"},
        {"unassigned", "{'userName':'u','title':null,'nickName':'','roles':[],'name':{}}",
         "{'userName':'u'}"},
        {"read-only and unknown", "{'userName':'u','id':'x','meta':{},'groups':[],'shoe':1}",
         "{'userName':'u'}"},
        {"number as text", "{'title':701984}", "{'title':'701984'}"},
        {"text booleans", "{'active':'TRUE','emails':[{'value':'a','primary':'False'}]}",
         "{'active':true,'emails':[{'value':'a','primary':false}]}"},
        {"scalar elements", "{'emails':'a@x','roles':['r1',{'value':'r2'}]}",
         "{'emails':[{'value':'a@x'}],'roles':[{'value':'r1'},{'value':'r2'}]}"},
        {"same elements",
         "{'emails':[{'value':'A','type':'w'},{'value':'a','type':'W','display':'d'}]}",
         "{'emails':[{'value':'a','type':'W','display':'d'}]}"},
        {"one type, two values", "{'emails':[{'value':'a','type':'w'},{'value':'b','type':'w'}]}",
         "{'emails':[{'value':'a','type':'w'},{'value':'b','type':'w'}]}"},
        {"addresses",
         "{'addresses':[{'type':'w','country':'DE'},{'country':'de','type':'w',"
         "'primary':true}]}",
         "{'addresses':[{'type':'w','country':'de','primary':true}]}"},
        {"hollow", "{'emails':[{'type':'work','primary':true}]}", "{}"},
        {"extension", "{'" ENT "':{'DEPARTMENT':'D','manager':'m'}}",
         "{'" ENT "':{'department':'D','manager':{'value':'m'}}}"},
        {"misspelt extension",
         "{'urn:ietf:params:scim:schemas:extension:enterprise:2.0User':{'department':'D'}}", "{}"},
        {"list as JSON text", "{'emails':'[{`'value`':`'a`'}]'}", "{'emails':[{'value':'a'}]}"},
        {"base64", "{'x509Certificates':[{'value':'QUJD'}]}",
         "{'x509Certificates':[{'value':'QUJD'}]}"},
        {"not base64", "{'x509Certificates':[{'value':'QU!D'}]}", "invalidValue"},
        {"two primaries", "{'emails':[{'value':'a','primary':true},{'value':'b','primary':true}]}",
         "invalidValue"},
        {"object as text", "{'title':{'a':1}}", "invalidValue"},
        {"boolean as text", "{'title':true}", "invalidValue"},
        {"text as complex", "{'name':'x'}", "invalidValue"},
        {"number as address", "{'addresses':7}", "invalidValue"},
        {"text as extension", "{'" ENT "':'x'}", "invalidValue"},
        {"schemas", "{'schemas':'x'}", "invalidSyntax"},
        {"schemas of numbers", "{'schemas':[1]}", "invalidSyntax"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct json *out;
        struct err err = {0};
        bool ok = scim_resource_read(a, &user, &lenient, parse(a, cases[i].in), &out, &err);

        if (cases[i].want[0] != '{')
            CHECK_STR(str_from_z(err.code), cases[i].want, "%s", cases[i].label);
        else
            CHECK(ok && json_equal(out, parse(a, cases[i].want)), "%s: %s %.*s", cases[i].label,
                  err.message, STR_ARG(ok ? json_text(a, out) : STR("")));
    }
}

/* Other types, for attributes that the standard schemas do not have. */
static void other_types(void **state)
{
    static const struct scim_attribute attributes[] = {
        {.name = STR_INIT("when"), .type = SCIM_DATETIME},
        {.name = STR_INIT("count"), .type = SCIM_INTEGER},
        {.name = STR_INIT("size"), .type = SCIM_DECIMAL},
        {.name = STR_INIT("tags"), .multi = true},
        {.name = STR_INIT("born"), .mutability = SCIM_IMMUTABLE},
    };
    static const struct scim_schema schema = {
        .urn = STR_INIT("urn:x"), .attributes = attributes, .count = ARRAY_LEN(attributes)};
    static const struct scim_resource_type type = {.name = STR_INIT("X"), .core = &schema};
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"{'when':'2026-03-01T10:15:30Z'}", "{'when':'2026-03-01T10:15:30Z'}"},
        {"{'when':'soon'}", NULL},
        {"{'count':'42'}", "{'count':42}"},
        {"{'count':-7}", "{'count':-7}"},
        {"{'count':1.5}", NULL},
        {"{'count':true}", NULL},
        {"{'size':'1.5'}", "{'size':1.5}"},
        {"{'size':'big'}", NULL},
        {"{'tags':['a','A','b']}", "{'tags':['a','b']}"},
        {"{'tags':'a'}", "{'tags':['a']}"},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct json *doc;
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool ok = scim_resource_read(a, &type, &lenient, parse(a, cases[i].in), &doc, &err);

        CHECK(ok == (cases[i].want != NULL), "%s", cases[i].in);
        CHECK(!ok || json_equal(doc, parse(a, cases[i].want)), "%s", cases[i].in);
    }
    doc = parse(a, "{'born':'b'}");
    CHECK(!scim_resource_keep(a, &type, parse(a, "{'born':'a'}"), doc, &err), "immutable");
    CHECK_STR(str_from_z(err.code), "mutability", "code");
    doc = parse(a, "{}");
    CHECK(scim_resource_keep(a, &type, parse(a, "{'born':'a'}"), doc, &err), "kept");
    CHECK_STR(json_get_text(doc, "born"), "a", "kept");
}

static void keeps_and_requires(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct json *doc = parse(a, "{'userName':'u','title':'T'}");
    struct err err = {0};

    (void)state;
    CHECK(scim_resource_keep(a, &user, parse(a, "{'userName':'v','active':false,'nickName':'n'}"),
                             doc, &err),
          "%s", err.message);
    CHECK(json_equal(doc, parse(a, "{'userName':'u','title':'T','active':false}")), "%.*s",
          STR_ARG(json_text(a, doc)));
    CHECK(scim_resource_require(&user, doc, &err), "%s", err.message);
    CHECK(!scim_resource_require(&user, parse(a, "{'title':'T'}"), &err), "required");
    CHECK_STR(str_from_z(err.code), "invalidValue", "code");
}

static void writes_and_loads(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_done) struct buf out;
    struct json *doc = parse(a, "{'userName':'u','" ENT "':{'department':'D'}}");
    struct json *back;

    (void)state;
    buf_init(&out, 10000);
    scim_resource_write(&out, &user, STR("i1"), doc);
    CHECK_STR(buf_str(&out),
              "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\",\"" ENT
              "\"],\"id\":\"i1\",\"userName\":\"u\",\"" ENT "\":{\"department\":\"D\"}}",
              "written");
    CHECK(scim_resource_load(a, buf_str(&out), &back, NULL), "load");
    CHECK(json_equal(doc, back), "the same again");
}

static void projects(void **state)
{
#define WHOLE                                                                             \
    "{'schemas':['s'],'id':'i','userName':'u','name':{'givenName':'G','familyName':'F'}," \
    "'emails':[{'type':'work','value':'w'},{'type':'home','value':'h'}],"                 \
    "'meta':{'version':'1'},'" ENT "':{'department':'D','costCenter':'C'}}"
    static const struct {
        const char *attributes, *excluded, *want;
    } cases[] = {
        {"", "", WHOLE},
        {"userName", "", "{'schemas':['s'],'id':'i','userName':'u'}"},
        {"USERNAME, shoeSize", "", "{'schemas':['s'],'id':'i','userName':'u'}"},
        {"nothing", "", "{'schemas':['s'],'id':'i'}"},
        {"name.givenName,emails.value", "",
         "{'schemas':['s'],'id':'i','name':{'givenName':'G'},'emails':[{'value':'w'},{'value':'h'}]}"},
        {ENT ":department", "", "{'schemas':['s'],'id':'i','" ENT "':{'department':'D'}}"},
        {ENT, "", "{'schemas':['s'],'id':'i','" ENT "':{'department':'D','costCenter':'C'}}"},
        {"meta", "", "{'schemas':['s'],'id':'i','meta':{'version':'1'}}"},
        {"", "emails,name,meta," ENT, "{'schemas':['s'],'id':'i','userName':'u'}"},
        {"", "id,schemas,name.givenName,emails.type,meta," ENT ":department",
         "{'schemas':['s'],'id':'i','userName':'u','name':{'familyName':'F'},"
         "'emails':[{'value':'w'},{'value':'h'}],'" ENT "':{'costCenter':'C'}}"},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct scim_projection *p;
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *doc = parse(a, WHOLE);

        CHECK(scim_projection_parse(a, &user, str_from_z(cases[i].attributes),
                                    str_from_z(cases[i].excluded), &p, &err),
              "%s", err.message);
        scim_projection_apply(p, &user, doc);
        CHECK(json_equal(doc, parse(a, cases[i].want)), "%s %s: %.*s", cases[i].attributes,
              cases[i].excluded, STR_ARG(json_text(a, doc)));
    }
    CHECK(!scim_projection_parse(a, &user, STR("a"), STR("b"), &p, &err), "both");
    CHECK_STR(str_from_z(err.code), "invalidValue", "code");
    CHECK(scim_projection_parse(a, &user, STR(""), STR("groups"), &p, &err), "groups");
    CHECK(!scim_projection_wants(p, scim_top_attribute(&user, STR("groups"))), "not to be loaded");
    CHECK(scim_projection_wants(NULL, scim_top_attribute(&user, STR("groups"))), "by default");
    CHECK(!scim_projection_wants(NULL, scim_top_attribute(&user, STR("password"))), "never");
}

static void messages(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(buf_done) struct buf out;
    struct scim_service service = {.patch = true};
    struct json *v;

    (void)state;
    buf_init(&out, 100000);
    scim_error_write(&out, 409, STR("uniqueness"), STR("a \"b\""));
    CHECK_STR(buf_str(&out),
              "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:Error\"],\"status\":\"409\","
              "\"scimType\":\"uniqueness\",\"detail\":\"a \\\"b\\\"\"}",
              "error");
    buf_reset(&out);
    scim_list_begin(&out, 3, 2, 1);
    buf_add_z(&out, "{}");
    scim_list_end(&out);
    CHECK_STR(buf_str(&out),
              "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:ListResponse\"],"
              "\"totalResults\":3,\"startIndex\":2,\"itemsPerPage\":1,\"Resources\":[{}]}",
              "list");
    buf_reset(&out);
    scim_config_write(&out, &service, STR("http://h/v2"));
    CHECK(json_parse(a, buf_str(&out), NULL, &v, NULL, NULL), "%s", buf_z(&out));
    buf_reset(&out);
    scim_resource_type_write(&out, &user, STR("http://h/v2"));
    CHECK(json_parse(a, buf_str(&out), NULL, &v, NULL, NULL), "%s", buf_z(&out));
    CHECK_STR(json_get_text(v, "endpoint"), "/Users", "endpoint");
    buf_reset(&out);
    scim_schema_write(&out, &scim_user_schema, STR("http://h/v2"));
    CHECK(json_parse(a, buf_str(&out), NULL, &v, NULL, NULL), "%s", buf_z(&out));
    CHECK(json_get(v, STR("attributes"))->count == scim_user_schema.count, "all attributes");
}

TEST_GROUP(resource, cmocka_unit_test(reads), cmocka_unit_test(other_types),
           cmocka_unit_test(keeps_and_requires), cmocka_unit_test(writes_and_loads),
           cmocka_unit_test(projects), cmocka_unit_test(messages));
