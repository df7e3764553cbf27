#include "frame/frame.h"
#include "scim/patch.h"

#define ENT "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

static const struct scim_schema *const extensions[] = {&scim_enterprise_schema};
static const struct scim_resource_type user = {.name = STR_INIT("User"),
                                               .core = &scim_user_schema,
                                               .extensions = extensions,
                                               .extension_count = 1};
static const struct scim_resource_type group = {.name = STR_INIT("Group"),
                                                .core = &scim_group_schema};
static const struct scim_rules lenient = {0};

/* In the tables below ' stands for " to keep them readable. */
static struct json *parse(struct arena *a, const char *text)
{
    char *copy = arena_z(a, str_from_z(text));
    struct json *value;
    struct err err = {0};

    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
        else if (*c == '`')
            *c = '\\';
    CHECK(json_parse(a, str_from_z(copy), NULL, &value, NULL, &err), "%s: %s", text, err.message);
    return value;
}

static bool patch(struct arena *a, const struct scim_resource_type *type,
                  const struct scim_rules *rules, const char *doc, const char *operations,
                  struct json **out, struct err *err)
{
    struct json *body = parse(a, arena_printf(a, "{'Operations':%s}", operations).ptr);
    struct scim_patch p;

    return scim_patch_parse(a, type, rules, body, &p, err) &&
           scim_patch_apply(a, &p, parse(a, doc), out, err);
}

#define STATE                                                                 \
    "{'userName':'u','emails':[{'type':'work','value':'w@x','primary':true}," \
    "{'type':'home','value':'h@x'}]}"
#define REST \
    ",'emails':[{'type':'work','value':'w@x','primary':true},{'type':'home','value':'h@x'}]"

static void applies(void **state)
{
    static const struct {
        const char *label, *operations, *want;
    } cases[] = {
        {"example 1", "[{'op':'Replace','path':'emails[type eq `'work`'].value','value':'n@x'}]",
         "{'userName':'u','emails':[{'type':'work','value':'n@x','primary':true},"
         "{'type':'home','value':'h@x'}]}"},
        {"example 2",
         "[{'op':'add','path':'emails','value':[{'type':'other','value':'o@x','primary':true}]}]",
         "{'userName':'u','emails':[{'type':'work','value':'w@x','primary':false},{'type':'home',"
         "'value':'h@x'},{'type':'other','value':'o@x','primary':true}]}"},
        {"example 3",
         "[{'op':'replace','path':'emails[type eq `'home`']','value':{'value':'z@x'}}]",
         "{'userName':'u','emails':[{'type':'work','value':'w@x','primary':true},"
         "{'value':'z@x','type':'home'}]}"},
        {"example 4",
         "[{'op':'Replace','path':'phoneNumbers[type eq `'mobile`'].value','value':123}]",
         "{'userName':'u'" REST ",'phoneNumbers':[{'value':'123','type':'mobile'}]}"},
        {"example 5",
         "[{'op':'Replace','path':'addresses[type eq `'work`' and primary eq true].country',"
         "'value':'DE'}]",
         "{'userName':'u'" REST ",'addresses':[{'country':'DE','type':'work','primary':true}]}"},
        {"example 6",
         "[{'op':'replace','value':{'displayName':'D','name.givenName':'G','" ENT
         ":employeeNumber':'7'}}]",
         "{'userName':'u'" REST ",'displayName':'D','name':{'givenName':'G'},'" ENT
         "':{'employeeNumber':'7'}}"},
        {"example 7", "[{'op':'add','path':'title','value':'T'},{'op':'remove','path':'title'}]",
         STATE},
        {"text boolean", "[{'op':'Add','path':'active','value':'False'}]",
         "{'userName':'u'" REST ",'active':false}"},
        {"unassign by empty text",
         "[{'op':'add','path':'title','value':'T'},{'op':'replace','path':'title','value':''}]",
         STATE},
        {"empty list clears", "[{'op':'replace','path':'emails','value':[]}]", "{'userName':'u'}"},
        {"add of nothing", "[{'op':'add','path':'emails','value':[]}]", STATE},
        {"sub-attribute of all", "[{'op':'replace','path':'emails.display','value':'d'}]",
         "{'userName':'u','emails':[{'type':'work','value':'w@x','primary':true,'display':'d'},"
         "{'type':'home','value':'h@x','display':'d'}]}"},
        {"value of all unassigned", "[{'op':'replace','path':'emails.value','value':null}]",
         "{'userName':'u'}"},
        {"same element merges",
         "[{'op':'add','path':'emails','value':{'value':'H@X','type':'HOME','display':'d'}}]",
         "{'userName':'u','emails':[{'type':'work','value':'w@x','primary':true},"
         "{'type':'HOME','value':'H@X','display':'d'}]}"},
        {"remove the element", "[{'op':'remove','path':'emails[type eq `'home`']'}]",
         "{'userName':'u','emails':[{'type':'work','value':'w@x','primary':true}]}"},
        {"remove its value", "[{'op':'remove','path':'emails[type eq `'home`'].value'}]",
         "{'userName':'u','emails':[{'type':'work','value':'w@x','primary':true}]}"},
        {"remove what is listed",
         "[{'op':'remove','path':'emails','value':[{'type':'home','value':'H@x'},"
         "{'value':'nobody'}]}]",
         "{'userName':'u','emails':[{'type':'work','value':'w@x','primary':true}]}"},
        {"remove nothing listed", "[{'op':'remove','path':'emails','value':[]}]", STATE},
        {"no match, nothing to remove", "[{'op':'remove','path':'emails[type eq `'x`']'}]", STATE},
        {"missing element, unassigned",
         "[{'op':'replace','path':'phoneNumbers[type eq `'fax`'].value','value':''}]", STATE},
        {"several paths into one missing element",
         "[{'op':'add','path':'addresses[type eq `'work`'].country','value':'DE'},"
         "{'op':'add','path':'addresses[type eq `'work`'].locality','value':'Ulm'}]",
         "{'userName':'u'" REST ",'addresses':[{'country':'DE','type':'work','locality':'Ulm'}]}"},
        {"hollow element goes",
         "[{'op':'add','path':'addresses[type eq `'work`'].country','value':'DE'},"
         "{'op':'remove','path':'addresses[type eq `'work`'].country'}]",
         STATE},
        {"complex merges",
         "[{'op':'add','path':'name','value':{'givenName':'G','familyName':'F'}},"
         "{'op':'replace','path':'name','value':{'familyName':null,'middleName':'M'}}]",
         "{'userName':'u'" REST ",'name':{'givenName':'G','middleName':'M'}}"},
        {"complex as a whole",
         "[{'op':'add','path':'name.givenName','value':'G'},{'op':'remove','path':'name'}]", STATE},
        {"manager as text", "[{'op':'Add','path':'manager','value':'m1'}]",
         "{'userName':'u'" REST ",'" ENT "':{'manager':{'value':'m1'}}}"},
        {"manager changed drops its $ref",
         "[{'op':'add','path':'manager','value':[{'value':'m1','$ref':'r1'}]},"
         "{'op':'replace','path':'" ENT ":manager.value','value':'m2'}]",
         "{'userName':'u'" REST ",'" ENT "':{'manager':{'value':'m2'}}}"},
        {"manager removed by empty text",
         "[{'op':'add','path':'manager','value':'m1'},"
         "{'op':'replace','path':'" ENT ":manager','value':''}]",
         STATE},
        {"extension as an object",
         "[{'op':'add','path':'" ENT "','value':{'department':'D','shoe':1}}]",
         "{'userName':'u'" REST ",'" ENT "':{'department':'D'}}"},
        {"extension removed",
         "[{'op':'add','path':'department','value':'D'},{'op':'remove','path':'" ENT "'}]", STATE},
        {"core members by URI",
         "[{'op':'add','value':{'urn:ietf:params:scim:schemas:core:2.0:User':{'title':'T'}}}]",
         "{'userName':'u'" REST ",'title':'T'}"},
        {"read-only without path", "[{'op':'replace','value':{'id':'x','groups':[],'title':'T'}}]",
         "{'userName':'u'" REST ",'title':'T'}"},
        {"schemas", "[{'op':'add','path':'schemas','value':['x']}]", STATE},
        {"role as JSON text",
         "[{'op':'Add','path':'roles','value':[{'value':'{`'id`':`'i`',`'value`':`'25`',"
         "`'displayName`':`'R`'}'}]}]",
         "{'userName':'u'" REST ",'roles':[{'value':'25','display':'R'}]}"},
        {"value as JSON text", "[{'op':'add','value':'{`'title`':`'T`'}'}]",
         "{'userName':'u'" REST ",'title':'T'}"},
        {"title that looks like JSON", "[{'op':'add','path':'title','value':'{`'a`':1}'}]",
         "{'userName':'u'" REST ",'title':'{`'a`':1}'}"},
        {"array of one", "[{'op':'replace','path':'title','value':['T']}]",
         "{'userName':'u'" REST ",'title':'T'}"},
        {"primary moves by filter",
         "[{'op':'replace','path':'emails[type eq `'home`'].primary','value':'True'}]",
         "{'userName':'u','emails':[{'type':'work','value':'w@x','primary':false},"
         "{'type':'home','value':'h@x','primary':true}]}"},
        {"text primary in a filter",
         "[{'op':'replace','path':'emails[primary eq `'True`'].value','value':'n@x'}]",
         "{'userName':'u','emails':[{'type':'work','value':'n@x','primary':true},"
         "{'type':'home','value':'h@x'}]}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct json *out;
        struct err err = {0};

        CHECK(patch(a, &user, &lenient, STATE, cases[i].operations, &out, &err), "%s: %s",
              cases[i].label, err.message);
        CHECK(json_equal(out, parse(a, cases[i].want)), "%s: %.*s", cases[i].label,
              STR_ARG(json_text(a, out)));
    }
}

static void refuses(void **state)
{
    static const struct {
        const char *label, *operations, *code;
    } cases[] = {
        {"move", "[{'op':'move','path':'title'}]", "invalidSyntax"},
        {"none", "[]", "invalidSyntax"},
        {"no list", "{}", "invalidSyntax"},
        {"no object", "[1]", "invalidSyntax"},
        {"add without value", "[{'op':'add','path':'title'}]", "invalidValue"},
        {"text without path", "[{'op':'add','value':'x'}]", "invalidValue"},
        {"list without path", "[{'op':'add','value':[]}]", "invalidValue"},
        {"path of another type", "[{'op':'add','path':7,'value':'x'}]", "invalidPath"},
        {"unknown", "[{'op':'add','path':'shoeSize','value':'x'}]", "invalidPath"},
        {"unknown sub", "[{'op':'add','path':'name.shoe','value':'x'}]", "invalidPath"},
        {"unclosed", "[{'op':'add','path':'emails[type eq','value':'x'}]", "invalidPath"},
        {"empty", "[{'op':'add','path':'emails[]','value':'x'}]", "invalidPath"},
        {"single-valued", "[{'op':'add','path':'name[x eq `'y`']','value':'x'}]", "invalidPath"},
        {"blank", "[{'op':'add','path':'a b','value':'x'}]", "invalidPath"},
        {"bad filter", "[{'op':'add','path':'emails[type xx `'work`']','value':'x'}]",
         "invalidFilter"},
        {"id", "[{'op':'replace','path':'id','value':'x'}]", "mutability"},
        {"groups", "[{'op':'add','path':'groups','value':[]}]", "mutability"},
        {"meta", "[{'op':'remove','path':'meta'}]", "mutability"},
        {"manager.displayName", "[{'op':'add','path':'manager.displayName','value':'x'}]",
         "mutability"},
        {"remove required", "[{'op':'remove','path':'userName'}]", "mutability"},
        {"empty required", "[{'op':'replace','path':'userName','value':''}]", "invalidValue"},
        {"number as boolean", "[{'op':'replace','path':'active','value':0}]", "invalidValue"},
        {"yes as boolean", "[{'op':'replace','path':'active','value':'yes'}]", "invalidValue"},
        {"list as text", "[{'op':'replace','path':'title','value':['a','b']}]", "invalidValue"},
        {"boolean as text", "[{'op':'replace','path':'title','value':true}]", "invalidValue"},
        {"object as text", "[{'op':'replace','path':'title','value':{'a':1}}]", "invalidValue"},
        {"text as complex", "[{'op':'replace','path':'name','value':'text'}]", "invalidValue"},
        {"no target", "[{'op':'replace','path':'emails[value co `'q`'].type','value':'x'}]",
         "noTarget"},
        {"no path", "[{'op':'remove'}]", "noTarget"},
        {"two primaries",
         "[{'op':'add','path':'emails','value':[{'value':'1','primary':true},"
         "{'value':'2','primary':true}]}]",
         "invalidValue"},
        {"two primaries by path", "[{'op':'replace','path':'emails.primary','value':true}]",
         "invalidValue"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct json *out;
        struct err err = {0};

        CHECK(!patch(a, &user, &lenient, STATE, cases[i].operations, &out, &err), "%s",
              cases[i].label);
        CHECK_STR(str_from_z(err.code), cases[i].code, "%s: %s", cases[i].label, err.message);
    }
}

static void strict_rules(void **state)
{
    static const struct {
        const char *operations, *code;
        struct scim_rules rules;
    } cases[] = {
        {"[{'op':'add','path':'active','value':'True'}]",
         "invalidValue",
         {.strict_booleans = true}},
        {"[{'op':'add','path':'emails[type eq `'x`'].value','value':'v'}]",
         "noTarget",
         {.no_create_on_no_match = true}},
        {"[{'op':'add','value':'{`'title`':`'T`'}'}]", "invalidValue", {.strict_json_text = true}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct json *out;
        struct err err = {0};

        CHECK(patch(a, &user, &lenient, STATE, cases[i].operations, &out, &err), "%s",
              cases[i].operations);
        CHECK(!patch(a, &user, &cases[i].rules, STATE, cases[i].operations, &out, &err), "%s",
              cases[i].operations);
        CHECK_STR(str_from_z(err.code), cases[i].code, "%s", cases[i].operations);
    }
}

static void members(void **state)
{
    static const struct {
        const char *operations, *want; /* or the code of the error */
    } cases[] = {
        {"[{'op':'Remove','path':'members','value':[{'$ref':null,'value':'u1'}]}]",
         "{'displayName':'g','members':[{'value':'u2'}]}"},
        {"[{'op':'remove','path':'members','value':'u1'}]",
         "{'displayName':'g','members':[{'value':'u2'}]}"},
        {"[{'op':'remove','path':'members[value eq `'U1`']'}]",
         "{'displayName':'g','members':[{'value':'u1'},{'value':'u2'}]}"},
        {"[{'op':'add','path':'members','value':[{'value':'u2','display':'x'},{'value':'u3'}]}]",
         "{'displayName':'g','members':[{'value':'u1'},{'value':'u2'},{'value':'u3'}]}"},
        {"[{'op':'replace','path':'members[value eq `'u1`'].value','value':'u1'}]",
         "{'displayName':'g','members':[{'value':'u1'},{'value':'u2'}]}"},
        {"[{'op':'replace','path':'members[value eq `'u1`'].value','value':'u9'}]", "mutability"},
        {"[{'op':'replace','path':'members[value eq `'u1`']','value':{'value':'u9'}}]",
         "mutability"},
        {"[{'op':'replace','path':'members.display','value':'x'}]", "mutability"},
        {"[{'op':'remove','path':'displayName'}]", "mutability"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct json *out;
        struct err err = {0};
        bool ok = patch(a, &group, &lenient,
                        "{'displayName':'g','members':[{'value':'u1'},{'value':'u2'}]}",
                        cases[i].operations, &out, &err);

        if (cases[i].want[0] != '{')
            CHECK_STR(str_from_z(err.code), cases[i].want, "%s", cases[i].operations);
        else
            CHECK(ok && json_equal(out, parse(a, cases[i].want)), "%s: %s", cases[i].operations,
                  err.message);
    }
}

/* Two elements: an operation looks at each as often as its filter compares, and once itself. */
static void work_is_bounded(void **state)
{
    static const struct {
        const char *operations;
        size_t work;
    } cases[] = {
        {"[{'op':'add','path':'title','value':'T'}]", 0},
        {"[{'op':'add','path':'emails','value':[{'value':'n@x'}]}]", 2},
        {"[{'op':'replace','path':'emails[type eq `'work`'].value','value':'n@x'}]", 4},
        {"[{'op':'remove','path':'emails[type eq `'a`' or type eq `'b`' or not (value pr)]'}]", 8},
        {"[{'op':'remove','path':'emails','value':[{'value':'a'},{'value':'b'},{'value':'c'}]}]",
         6},
        {"[{'op':'replace','path':'emails[type eq `'work`'].value','value':'n@x'},"
         "{'op':'replace','path':'emails[type eq `'home`' and value pr].value','value':'m@x'}]",
         10},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct scim_rules rules = {.max_work = cases[i].work ? cases[i].work : 1};
        struct json *out;
        struct err err = {0};

        CHECK(patch(a, &user, &rules, STATE, cases[i].operations, &out, &err), "%s: %s",
              cases[i].operations, err.message);
        rules.max_work--;
        if (rules.max_work == 0)
            continue;
        CHECK(!patch(a, &user, &rules, STATE, cases[i].operations, &out, &err), "%s",
              cases[i].operations);
        CHECK_STR(str_from_z(err.code), "patchTooCostly", "%s", cases[i].operations);
    }
}

TEST_GROUP(patch, cmocka_unit_test(work_is_bounded), cmocka_unit_test(applies),
           cmocka_unit_test(refuses), cmocka_unit_test(strict_rules), cmocka_unit_test(members));
