#include "frame/frame.h"
#include "gallery/gallery.h"
#include "mapping/program.h"

static void compiles(struct arena *a, const struct gallery_template *t)
{
    const struct mapping_program *program;
    struct mapping_finding *findings = NULL;
    struct rng_seeded rng;
    struct json *schema;
    struct err err = {0};

    rng_seeded_init(&rng, 7);
    CHECK(gallery_schema(a, t, &rng.rng, &schema, &err), "%.*s: %s", STR_ARG(t->id), err.message);
    CHECK(mapping_compile(a, schema, &program, &findings, &err), "%.*s: %s at %s", STR_ARG(t->id),
          err.message, err.place);
    CHECK(mapping_for(program, SOURCE_USER), "%.*s maps users", STR_ARG(t->id));
    CHECK((mapping_for(program, SOURCE_GROUP) != NULL) == t->supports_groups,
          "%.*s maps groups if it supports them", STR_ARG(t->id));
    CHECK(mapping_for(program, SOURCE_USER)->matching_count > 0, "%.*s matches", STR_ARG(t->id));
    CHECK(mapping_for(program, SOURCE_USER)->unmapped_required_count == 0,
          "%.*s: every required attribute has a default mapping", STR_ARG(t->id));
}

static void every_template_gives_a_schema_that_compiles(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct gallery_template *all;
    struct err err = {0};
    size_t count;

    (void)state;
    CHECK(gallery_list(a, &all, &count, &err), "%s", err.message);
    CHECK(count >= 3, "joynfsm, jostle and scim are there");
    for (size_t i = 0; i < count; i++) {
        CHECK(i == 0 || str_cmp(all[i - 1].id, all[i].id) < 0, "sorted by id");
        compiles(a, &all[i]);
    }
}

static void joynfsm_has_its_attribute_table(void **state)
{
    static const struct {
        const char *target;
        const char *type;
        bool filterable, required;
    } want[] = {
        {"userName", "String", true, true},
        {"emails[type eq \"work\"].value", "String", false, true},
        {"active", "Boolean", false, false},
        {"name.formatted", "String", false, false},
        {"displayName", "String", false, false},
        {"externalId", "String", false, false},
        {"name.givenName", "String", false, false},
        {"name.familyName", "String", false, false},
        {"addresses[type eq \"work\"].formatted", "String", false, false},
        {"addresses[type eq \"work\"].streetAddress", "String", false, false},
        {"addresses[type eq \"work\"].locality", "String", false, false},
        {"addresses[type eq \"work\"].region", "String", false, false},
        {"addresses[type eq \"work\"].postalCode", "String", false, false},
        {"addresses[type eq \"work\"].country", "String", false, false},
        {"phoneNumbers[type eq \"mobile\"].value", "String", false, false},
        {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "String", false,
         false},
        {"urn:ietf:params:scim:schemas:extension:joynfsm:2.0:User:xid", "String", false, false},
        {"urn:ietf:params:scim:schemas:extension:joynfsm:2.0:User:joynFieldId", "String", false,
         false},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct gallery_template t;
    struct err err = {0};
    const struct json *attribute;

    (void)state;
    CHECK(gallery_load(a, STR("joynfsm"), &t, &err), "%s", err.message);
    CHECK_STR(t.display_name, "Joyn FSM", "name");
    CHECK_STR(t.scope_default, "assigned", "scope");
    CHECK(!t.supports_groups, "Joyn FSM has no groups");
    CHECK(json_get(t.document, STR("userAttributes"))->count == ARRAY_LEN(want), "18 attributes");
    attribute = json_get(t.document, STR("userAttributes"))->first;
    for (size_t i = 0; i < ARRAY_LEN(want); i++, attribute = attribute->next) {
        CHECK_STR(json_get_text(attribute, "target"), want[i].target, "row %zu", i);
        CHECK_STR(json_get_text(attribute, "type"), want[i].type, "row %zu", i);
        CHECK(json_get_bool(attribute, "filterable", false) == want[i].filterable, "row %zu", i);
        CHECK(json_get_bool(attribute, "required", false) == want[i].required, "row %zu", i);
    }
}

/* Rows of attribute-mappings.md 7 whose target Joyn FSM has, in their order. */
static void joynfsm_has_the_default_mappings(void **state)
{
    static const char *const want[][2] = {
        {"userName", "[userPrincipalName]"},
        {"active", "Switch([IsSoftDeleted], , \"False\", \"True\", \"True\", \"False\")"},
        {"displayName", "[displayName]"},
        {"emails[type eq \"work\"].value", "[mail]"},
        {"name.givenName", "[givenName]"},
        {"name.familyName", "[surname]"},
        {"name.formatted", "Join(\" \", [givenName], [surname])"},
        {"addresses[type eq \"work\"].formatted", "[physicalDeliveryOfficeName]"},
        {"addresses[type eq \"work\"].streetAddress", "[streetAddress]"},
        {"addresses[type eq \"work\"].locality", "[city]"},
        {"addresses[type eq \"work\"].region", "[state]"},
        {"addresses[type eq \"work\"].postalCode", "[postalCode]"},
        {"addresses[type eq \"work\"].country", "[country]"},
        {"phoneNumbers[type eq \"mobile\"].value", "[mobile]"},
        {"externalId", "[mailNickname]"},
        {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "[department]"},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct mapping_program *program;
    struct mapping_finding *findings;
    const struct mapping_object *m;
    struct gallery_template t;
    struct err err = {0};
    struct json *schema;

    (void)state;
    CHECK(gallery_load(a, STR("joynfsm"), &t, &err), "%s", err.message);
    CHECK(gallery_schema(a, &t, rng_system(), &schema, &err), "%s", err.message);
    CHECK(mapping_compile(a, schema, &program, &findings, &err), "%s", err.message);
    m = mapping_for(program, SOURCE_USER);
    CHECK(m->attribute_count == ARRAY_LEN(want), "%zu mappings", m->attribute_count);
    CHECK(m->maps_soft_deleted, "active follows IsSoftDeleted");
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        CHECK_STR(m->attributes[i].target, want[i][0], "row %zu", i);
        CHECK_STR(m->attributes[i].source_text, want[i][1], "row %zu", i);
        CHECK(m->attributes[i].matching_priority == (i == 0), "userName alone matches");
    }
    CHECK(m->attributes[1].type == ATTRIBUTE_BOOLEAN, "active is a Boolean");
    CHECK(m->attributes[3].required, "the work address is required");
}

static void an_unknown_template_names_the_known_ones(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct gallery_template t;
    struct err err = {0};
    size_t at;

    (void)state;
    CHECK(!gallery_load(a, STR("joyn"), &t, &err), "an id is not a prefix");
    CHECK(err.kind == ERR_NOT_FOUND, "kind");
    CHECK_STR(str_from_z(err.code), "unknownTemplate", "code");
    CHECK(str_find(str_from_z(err.message), STR("jostle, joynfsm"), &at), "%s", err.message);
    CHECK(!gallery_load(a, STR(""), &t, &err), "the empty id");
}

TEST_GROUP(gallery, cmocka_unit_test(every_template_gives_a_schema_that_compiles),
           cmocka_unit_test(joynfsm_has_its_attribute_table),
           cmocka_unit_test(joynfsm_has_the_default_mappings),
           cmocka_unit_test(an_unknown_template_names_the_known_ones));
