/* From a person to the request: the default mappings of the templates, evaluated and written. Each
 * case is compared with its file in golden/. */
#include "base/file.h"
#include "connector/target.h"
#include "frame/frame.h"
#include "gallery/gallery.h"

#include <stdlib.h>

enum { GOLDEN_MAX = 1 << 20 };

static const char ada[] =
    "{\"objectId\":\"0b7d0000-0000-4000-8000-000000000001\","
    "\"userPrincipalName\":\"ada.o'neil+lab@contoso.test\",\"displayName\":\"Ada \\\"Countess\\\" "
    "O'Neil \\ud83d\\ude00\",\"givenName\":\"Ada\",\"surname\":\"O'Neil\",\"mail\":\"ada@contoso.test\","
    "\"mailNickname\":\"ada.oneil\",\"jobTitle\":\"Analyst\",\"department\":\"R\\u00e6rch \\\\ Labs\","
    "\"city\":\"Troms\\u00f8\",\"country\":\"NO\",\"postalCode\":\"9008\",\"state\":\"Troms\","
    "\"streetAddress\":\"Storgata 1\\nInngang B\",\"physicalDeliveryOfficeName\":\"1/42\","
    "\"telephoneNumber\":\"+47 1\",\"mobile\":\"+47 2\",\"employeeId\":\"701984\","
    "\"preferredLanguage\":\"nb-NO\",\"accountEnabled\":true,"
    "\"manager\":\"0b7d0000-0000-4000-8000-000000000009\"}";

/* Required and nothing else. */
static const char bare[] =
    "{\"objectId\":\"0b7d0000-0000-4000-8000-000000000002\","
    "\"userPrincipalName\":\"bob@contoso.test\",\"mail\":\"bob@contoso.test\","
    "\"accountEnabled\":true}";

static const char crew[] = "{\"objectId\":\"0b7d0000-0000-4000-8000-000000000003\","
                           "\"displayName\":\"Field Crew \\u05d0\\u05d1\"}";

/* Ada has moved, has no mobile phone any more, and is disabled in the second case. */
static const char ada_moved[] = "{\"userPrincipalName\":\"ada@contoso.test\","
                                "\"city\":\"Oslo\",\"department\":null,\"jobTitle\":\"Head\"}";

static struct json *parse(struct arena *a, struct str text)
{
    struct json *v;
    struct err err = {0};

    CHECK(json_parse(a, text, NULL, &v, NULL, &err), "%.*s: %s", STR_ARG(text), err.message);
    return v;
}

static struct target *open_template(struct arena *a, const char *id,
                                    const struct mapping_program **out_program)
{
    static char bytes[] = "token";
    static struct secret token = {.bytes = bytes, .len = sizeof(bytes) - 1};
    struct target_scim_config config = {.base_url = STR("https://app.example/scim/v2"),
                                        .token = &token};
    struct mapping_finding *findings;
    struct gallery_template t;
    struct rng_seeded rng;
    struct target *target;
    struct json *schema;
    struct err err = {0};

    rng_seeded_init(&rng, 1);
    CHECK(gallery_load(a, str_from_z(id), &t, &err) &&
              gallery_schema(a, &t, &rng.rng, &schema, &err) &&
              mapping_compile(a, schema, out_program, &findings, &err) &&
              target_open_scim(*out_program, &config, &target, &err),
          "%s: %s", id, err.message);
    return target;
}

static void evaluate(struct arena *a, const struct mapping_object *m, struct json *attributes,
                     bool soft_deleted, struct mapping_value *out)
{
    struct rng_seeded rng;
    struct mapping_context context = {.now_us = 0, .rng = &rng.rng};
    struct mapping_source source = {
        .kind = m->kind, .attributes = attributes, .is_soft_deleted = soft_deleted};
    struct err err = {0};

    rng_seeded_init(&rng, 1);
    CHECK(mapping_evaluate(m, &source, &context, a, out, &err), "%s", err.message);
}

/* request: "METHOD path" and, on the next line, the body. The file has the body indented. */
static void check_golden(struct arena *a, struct str request, const char *name)
{
    CLEANUP(buf_done) struct buf got;
    struct str body = request;
    struct str head;
    struct str want;
    struct err err = {0};

    buf_init(&got, GOLDEN_MAX);
    str_cut(&body, '\n', &head);
    buf_add(&got, head);
    buf_add_char(&got, '\n');
    json_write_pretty(&got, parse(a, body));
    buf_add_char(&got, '\n');
    struct str path = arena_printf(a, TESTS_DIR "/integration/connector/golden/%s.txt", name);
    if (getenv("UPDATE_GOLDEN"))
        CHECK(file_write(path.ptr, buf_str(&got), 0644, &err), "%s", err.message);
    CHECK(file_read(a, path.ptr, GOLDEN_MAX, &want, &err), "%s", err.message);
    CHECK_STR(buf_str(&got), arena_z(a, want), "%s", name);
}

static void creates(void **state)
{
    static const struct {
        const char *name;
        const char *template_id;
        enum source_kind kind;
        const char *attributes;
    } cases[] = {
        {"joynfsm_create", "joynfsm", SOURCE_USER, ada},
        {"joynfsm_create_bare", "joynfsm", SOURCE_USER, bare},
        {"scim_create", "scim", SOURCE_USER, ada},
        {"scim_create_bare", "scim", SOURCE_USER, bare},
        {"scim_create_group", "scim", SOURCE_GROUP, crew},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const struct mapping_program *program;
        CLEANUP(target_closep)
        struct target *t = open_template(a, cases[i].template_id, &program);
        const struct mapping_object *m = mapping_for(program, cases[i].kind);
        struct mapping_value *values = ARENA_ARRAY(a, struct mapping_value, m->attribute_count);
        struct mapping_changes changes;
        struct err err = {0};

        evaluate(a, m, parse(a, str_from_z(cases[i].attributes)), false, values);
        CHECK(mapping_create(m, values, a, &changes, &err), "%s: %s", cases[i].name, err.message);
        check_golden(a, t->ops->preview(t, m, STR(""), &changes, a), cases[i].name);
    }
}

static void updates(void **state)
{
    static const struct {
        const char *name;
        const char *template_id;
        const char *changed; /* members over those of ada */
        bool soft_deleted;
    } cases[] = {
        {"joynfsm_update", "joynfsm", ada_moved, false},
        {"joynfsm_disable", "joynfsm", "{}", true},
        {"scim_update", "scim", ada_moved, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const struct mapping_program *program;
        CLEANUP(target_closep)
        struct target *t = open_template(a, cases[i].template_id, &program);
        const struct mapping_object *m = mapping_for(program, SOURCE_USER);
        struct mapping_value *values = ARENA_ARRAY(a, struct mapping_value, m->attribute_count);
        struct json *attributes = parse(a, str_from_z(ada));
        struct mapping_changes changes;
        struct err err = {0};

        evaluate(a, m, attributes, false, values);
        CHECK(mapping_create(m, values, a, &changes, &err), "%s", err.message);
        struct json *exported = mapping_exported(NULL, &changes, a);
        JSON_EACH(v, parse(a, str_from_z(cases[i].changed)))
        json_set(a, attributes, v->name, json_clone(a, v));
        evaluate(a, m, attributes, cases[i].soft_deleted, values);
        mapping_update(m, values, exported, UPDATE_ALL, a, &changes);
        check_golden(a, t->ops->preview(t, m, STR("2819c223"), &changes, a), cases[i].name);
    }
}

TEST_GROUP(templates, cmocka_unit_test(creates), cmocka_unit_test(updates))
