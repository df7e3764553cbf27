#include "frame/frame.h"
#include "mapping/attributes.h"

static void either_spelling_is_found(void **state)
{
    static const struct {
        enum source_kind kind;
        const char *name;
        const char *found; /* NULL: unknown */
    } cases[] = {
        {SOURCE_USER, "mobile", "mobile"},
        {SOURCE_USER, "mobilePhone", "mobile"},
        {SOURCE_USER, "businessPhones[0]", "telephoneNumber"},
        {SOURCE_USER, "id", "objectId"},
        {SOURCE_USER, "officeLocation", "physicalDeliveryOfficeName"},
        {SOURCE_USER, "onPremisesExtensionAttributes.extensionAttribute7", "extensionAttribute7"},
        {SOURCE_USER, "JOBTITLE", "jobTitle"},
        {SOURCE_USER, "userPrincipalName", "userPrincipalName"},
        {SOURCE_USER, "members", NULL},
        {SOURCE_USER, "sAMAccountName", NULL},
        {SOURCE_USER, "", NULL},
        {SOURCE_GROUP, "members", "members"},
        {SOURCE_GROUP, "displayName", "displayName"},
        {SOURCE_GROUP, "surname", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct source_attribute *a =
            source_attribute_find(cases[i].kind, str_from_z(cases[i].name));

        CHECK((a != NULL) == (cases[i].found != NULL), "%s", cases[i].name);
        if (a)
            CHECK_STR(a->name, cases[i].found, "%s", cases[i].name);
    }
}

static void names_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < source_attribute_count; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct source_attribute *a = &source_attributes[i];
            const struct source_attribute *b = &source_attributes[j];

            CHECK(!(a->kinds & b->kinds) || (!str_eq_ascii_nocase(a->name, b->name) &&
                                             !str_eq_ascii_nocase(a->graph_name, b->graph_name)),
                  "%.*s is there twice", STR_ARG(a->name));
        }
    }
}

static void extensions_and_near_names(void **state)
{
    (void)state;
    CHECK(source_attribute_is_extension(STR("extension_0123456789abcdef0123456789ABCDEF_badge")),
          "extension");
    CHECK(!source_attribute_is_extension(STR("extension_0123456789abcdef0123456789ABCDEF_")),
          "no name");
    CHECK(!source_attribute_is_extension(STR("extension_0123_badge")), "short id");
    CHECK(!source_attribute_is_extension(STR("extension_x123456789abcdef0123456789ABCDEF_b")),
          "no hexadecimal id");
    CHECK_STR(source_attribute_nearest(SOURCE_USER, STR("surnme"))->name, "surname", "near");
    CHECK_STR(source_attribute_nearest(SOURCE_USER, STR("mobilPhone"))->name, "mobile",
              "near the other spelling");
    CHECK(!source_attribute_nearest(SOURCE_USER, STR("somethingElse")), "nothing is near");
}

TEST_GROUP(attributes, cmocka_unit_test(either_spelling_is_found),
           cmocka_unit_test(names_are_unique), cmocka_unit_test(extensions_and_near_names));
