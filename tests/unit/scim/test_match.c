#include "frame/frame.h"
#include "scim/match.h"

static const struct scim_schema *const extensions[] = {&scim_enterprise_schema};
static const struct scim_resource_type user = {.name = STR_INIT("User"),
                                               .core = &scim_user_schema,
                                               .extensions = extensions,
                                               .extension_count = 1};

static bool compile(struct arena *a, const char *text, const struct scim_matcher **out,
                    struct err *err)
{
    const struct scim_filter *f;

    return scim_filter_parse(a, str_from_z(text), &f, err) &&
           scim_matcher_compile(a, &user, NULL, f, out, err);
}

/* The users of scim.md 3.6, and D with what else can be compared. */
static const char *const users[] = {
    "{\"id\":\"A\",\"userName\":\"Ada\",\"title\":\"Pilot\",\"emails\":[{\"type\":\"work\","
    "\"value\":\"a@n\"},{\"type\":\"home\",\"value\":\"a@s\"}]}",
    "{\"id\":\"B\",\"userName\":\"bo\",\"title\":\"Nurse\",\"emails\":[{\"type\":\"home\","
    "\"value\":\"b@n\"}]}",
    "{\"id\":\"C\",\"userName\":\"cy\"}",
    "{\"id\":\"D\",\"userName\":\"\xC3\x89lan\",\"externalId\":\"X7\",\"active\":true,"
    "\"name\":{\"givenName\":\"Di\"},\"emails\":[{\"type\":\"work\",\"value\":\"zzz\"}],"
    "\"meta\":{\"created\":\"2026-03-01T10:15:30.250Z\"},"
    "\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":{\"employeeNumber\":\"0042\","
    "\"manager\":{\"value\":\"M\"}}}",
};

static void matches(void **state)
{
    static const struct {
        const char *filter, *want;
    } cases[] = {
        {"title ne \"Pilot\"", "BCD"},
        {"emails.value ne \"a@n\"", "ABCD"},
        {"emails[type eq \"home\" and value ew \"@n\"]", "B"},
        {"emails.type eq \"home\" and emails.value ew \"@n\"", "AB"},
        {"emails[type eq \"work\"].value ne \"zzz\"", "ABC"},
        {"not (emails[type eq \"work\"])", "BC"},
        {"title eq \"Pilot\" or title eq \"Nurse\" and emails pr", "AB"},
        {"not (title pr) or title eq null", "CD"},
        {"shoeSize pr", ""},
        {"not (shoeSize pr)", "ABCD"},
        {"shoeSize ne \"9\"", "ABCD"},
        {"shoes[type eq \"left\"]", ""},
        {"name.shoe eq null", "ABCD"},
        {"USERNAME EQ \"ADA\"", "A"},
        {"userName eq \"\xC3\xA9LAN\"", "D"},
        {"userName gt \"b\"", "BCD"},
        {"userName le \"BO\"", "AB"},
        {"externalId eq \"x7\"", ""},
        {"externalId eq X7", "D"},
        {"active eq \"True\"", "D"},
        {"active ne true", "ABC"},
        {"name pr", "D"},
        {"name.givenName sw \"D\"", "D"},
        {"emails eq \"A@S\"", "A"},
        {"emails eq null", "C"},
        {"emails ne null", "ABD"},
        {"employeeNumber eq 0042", "D"},
        {"employeeNumber eq 42", ""},
        {"manager eq \"M\"", "D"},
        {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq \"M\"", "D"},
        {"urn:ietf:params:scim:schemas:core:2.0:User:userName co \"d\"", "A"},
        {"meta.created eq \"2026-03-01T12:15:30.25+02:00\"", "D"},
        {"meta.created lt \"2026-03-01T10:15:31Z\"", "D"},
        {"meta.created sw \"2026-03\"", "D"},
        {"id eq \"B\" and title eq \"nurse\"", "B"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const struct scim_matcher *m;
        char got[ARRAY_LEN(users) + 1] = "";
        size_t len = 0;
        struct err err = {0};

        CHECK(compile(a, cases[i].filter, &m, &err), "%s: %s", cases[i].filter, err.message);
        for (size_t k = 0; k < ARRAY_LEN(users); k++) {
            struct json *doc;

            CHECK(json_parse(a, str_from_z(users[k]), NULL, &doc, NULL, NULL), "user");
            if (scim_match(a, m, doc))
                got[len++] = (char)('A' + (char)k);
        }
        CHECK_STR(str_from_z(got), cases[i].want, "%s", cases[i].filter);
    }
}

static void refuses(void **state)
{
    static const struct {
        const char *filter, *code;
    } cases[] = {
        {"name eq \"x\"", "invalidFilter"},
        {"meta ne \"x\"", "invalidFilter"},
        {"active gt true", "invalidFilter"},
        {"active co \"t\"", "invalidFilter"},
        {"active eq \"yes\"", "invalidFilter"},
        {"active eq 1", "invalidFilter"},
        {"meta.created gt \"soon\"", "invalidFilter"},
        {"x509Certificates.value lt \"a\"", "invalidFilter"},
        {"title gt null", "invalidFilter"},
        {"name[givenName eq \"x\"]", "invalidFilter"},
        {"title eq \"a\" or active gt true", "invalidFilter"},
        {"emails[primary gt true]", "invalidFilter"},
        {"password pr", "sensitive"},
        {"password eq \"x\"", "sensitive"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const struct scim_matcher *m;
        struct err err = {0};

        CHECK(!compile(a, cases[i].filter, &m, &err), "%s", cases[i].filter);
        CHECK_STR(str_from_z(err.code), cases[i].code, "%s", cases[i].filter);
    }
}

/* Which comparisons an index may be chosen by. */
static void equalities(void **state)
{
    static const struct {
        const char *filter, *want;
        bool whole;
    } cases[] = {
        {"userName eq \"a\"", "userName=a ", true},
        {"userName eq \"a\" and active eq true", "userName=a ", false},
        {"active eq true and (externalId eq \"e\" and id eq \"i\")", "externalId=e id=i ", false},
        {"userName eq \"a\" or id eq \"i\"", "", false},
        {"not (userName eq \"a\")", "", false},
        {"userName ne \"a\"", "", false},
        {"userName eq null", "", false},
        {"emails eq \"a\"", "emails.value=a ", true},
        {"emails.value eq \"a\"", "emails.value=a ", true},
        {"emails[type eq \"work\"].value eq \"a\"", "emails.type=work emails.value=a ", false},
        {"emails[value eq \"a\" and type eq \"work\"]", "emails.value=a emails.type=work ", false},
        {"emails[value eq \"a\"].type ne \"work\"", "", false},
        {"emails[value eq \"a\"].type eq null", "", false},
        {"emails[value eq \"a\" or type eq \"b\"]", "", false},
        {"emails[not (value eq \"a\")]", "", false},
        {"shoeSize eq \"9\"", "", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(buf_done) struct buf got;
        const struct scim_matcher *m;
        struct scim_equality e = {0};
        struct err err = {0};

        buf_init(&got, 1000);
        CHECK(compile(a, cases[i].filter, &m, &err), "%s: %s", cases[i].filter, err.message);
        for (size_t k = 0; scim_matcher_equality(m, k, &e); k++)
            buf_addf(&got, "%.*s%s%.*s=%.*s ", STR_ARG(e.ref.attribute->name), e.ref.sub ? "." : "",
                     STR_ARG(e.ref.sub ? e.ref.sub->name : STR("")), STR_ARG(e.text));
        CHECK_STR(buf_str(&got), cases[i].want, "%s", cases[i].filter);
        CHECK(e.whole == cases[i].whole, "%s", cases[i].filter);
    }
}

/* Which filters hold only where a user is active, or is not; and how often they look at groups. */
static void booleans(void **state)
{
    static const struct {
        const char *filter;
        int want; /* -1: it says nothing of the kind */
        bool whole;
        size_t groups;
    } cases[] = {
        {"active eq true", 1, true, 0},
        {"active eq \"False\"", 0, true, 0},
        {"(active eq false)", 0, true, 0},
        {"active eq true and title eq \"a\"", 1, false, 0},
        {"title eq \"a\" and (userName pr and active eq false)", 0, false, 0},
        {"active eq true or title eq \"a\"", -1, false, 0},
        {"not (active eq true)", -1, false, 0},
        {"active ne true", -1, false, 0},
        {"active pr", -1, false, 0},
        {"active eq null", -1, false, 0},
        {"emails.primary eq true", -1, false, 0},
        {"emails[primary eq true]", -1, false, 0},
        {"groups eq \"g\" and active eq true and groups.value ne \"h\"", 1, false, 2},
        {"groups[value eq \"g\" and type eq \"direct\"]", -1, false, 1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const struct scim_matcher *m;
        bool active = false, whole = false;
        struct err err = {0};

        CHECK(compile(a, cases[i].filter, &m, &err), "%s: %s", cases[i].filter, err.message);
        CHECK(scim_matcher_boolean(m, STR("active"), &active, &whole) == (cases[i].want >= 0), "%s",
              cases[i].filter);
        CHECK(active == (cases[i].want == 1) && whole == cases[i].whole, "%s", cases[i].filter);
        CHECK(scim_matcher_uses_count(m, STR("groups")) == cases[i].groups, "%s", cases[i].filter);
    }
}

TEST_GROUP(match, cmocka_unit_test(matches), cmocka_unit_test(refuses),
           cmocka_unit_test(equalities), cmocka_unit_test(booleans));
