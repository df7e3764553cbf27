#include "base/arena.h"
#include "frame/frame.h"
#include "scim/filter.h"
#include "scim/path.h"

#define ENT "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

static void parses(void **state)
{
    static const struct {
        const char *in, *urn, *attribute, *filter, *sub;
    } cases[] = {
        {"title", "", "title", "", ""},
        {" title ", "", "title", "", ""},
        {"name.givenName", "", "name", "", "givenName"},
        {"members.$ref", "", "members", "", "$ref"},
        {"emails[type eq \"work\"].value", "", "emails", "type eq \"work\"", "value"},
        {"emails[ type eq \"work\" ]", "", "emails", " type eq \"work\" ", ""},
        {"emails.[type eq \"work\"].address", "", "emails", "type eq \"work\"", "address"},
        {"emails[value eq \"a]b\"]", "", "emails", "value eq \"a]b\"", ""},
        {"roles[primary eq \"True\"].value", "", "roles", "primary eq \"True\"", "value"},
        {ENT ":department", ENT, "department", "", ""},
        {ENT ":manager.value", ENT, "manager", "", "value"},
        {ENT, ENT, "", "", ""},
        {ENT ":emails[type eq \"work\"].value", ENT, "emails", "type eq \"work\"", "value"},
        {"urn:scim:schemas:extension:enterprise:1.0.department",
         "urn:scim:schemas:extension:enterprise:1.0", "department", "", ""},
        {"urn:scim:schemas:extension:enterprise:1.0", "urn:scim:schemas:extension:enterprise:1.0",
         "", "", ""},
        {"urn:ietf:params:scim:schemas:extension:lucid:2.0:User:productLicenses.Lucidchart",
         "urn:ietf:params:scim:schemas:extension:lucid:2.0:User", "productLicenses", "",
         "Lucidchart"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct scim_path path;
        struct err err = {0};

        CHECK(scim_path_parse(a, str_from_z(cases[i].in), &path, &err), "%s: %s", cases[i].in,
              err.message);
        CHECK_STR(path.urn, cases[i].urn, "urn of %s", cases[i].in);
        CHECK_STR(path.attribute, cases[i].attribute, "attribute of %s", cases[i].in);
        CHECK_STR(path.filter_text, cases[i].filter, "filter of %s", cases[i].in);
        CHECK_STR(path.sub, cases[i].sub, "sub of %s", cases[i].in);
        CHECK((path.filter != NULL) == (cases[i].filter[0] != 0), "%s", cases[i].in);
    }
}

static void refuses(void **state)
{
    static const struct {
        const char *in, *code, *place;
    } cases[] = {
        {"", "invalidPath", "character 1"},
        {"a b", "invalidPath", "character 3"},
        {"a.b.c", "invalidPath", "character 1"},
        {"1a", "invalidPath", "character 1"},
        {".a", "invalidPath", "character 1"},
        {"a.", "invalidPath", "character 1"},
        {"emails[]", "invalidPath", "character 8"},
        {"emails[ ]", "invalidPath", "character 8"},
        {"emails[type eq", "invalidPath", "character 15"},
        {"emails[type eq \"work]", "invalidPath", "character 16"},
        {"emails[type eq \"work\"]value", "invalidPath", "character 23"},
        {"emails[type eq \"work\"].a.b", "invalidPath", "character 23"},
        {"emails[type eq \"work\"].value x", "invalidPath", "character 30"},
        {"emails.value[type eq \"work\"]", "invalidPath", "character 13"},
        {"emails[type xx \"work\"]", "invalidFilter", "character 13"},
        {"emails[type eq \"\xC3\xA9\" and]", "invalidFilter", "character 23"},
        {"emails[type[value pr]]", "invalidFilter", "character 12"},
        {"urn:x:", "invalidPath", "character 1"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct scim_path path;
        struct err err = {0};

        CHECK(!scim_path_parse(a, str_from_z(cases[i].in), &path, &err), "%s", cases[i].in);
        CHECK_STR(str_from_z(err.code), cases[i].code, "%s", cases[i].in);
        CHECK_STR(str_from_z(err.place), cases[i].place, "%s", cases[i].in);
    }
}

TEST_GROUP(path, cmocka_unit_test(parses), cmocka_unit_test(refuses));
