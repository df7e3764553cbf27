/* What must hold for any object and any schema: the flow of a difference gives what was wanted,
 * planning twice gives nothing the second time, evaluation leaves its input alone; a document says
 * the same after it was written, and differs from itself in nothing. */
#include "base/rng.h"
#include "frame/frame.h"
#include "mapping/document.h"
#include "schemas.h"

enum { ROUNDS = 3000 };

#define GATES                                                                                   \
    "{'name': 'Azure Active Directory', 'objects': [{'name': 'User', 'attributes': [{'name': "  \
    "'jobTitle', 'flowNullValues': true}, {'name': 'otherMails', 'multivalued': true, "         \
    "'flowNullValues': true}]}]}, {'name': 'T', 'objects': [{'name': 'U', 'attributes': "       \
    "[{'name': 'tags', 'multivalued': true}, {'name': 'more', 'multivalued': true}, {'name': "  \
    "'exact', 'caseExact': true}, {'name': 'userName'}, {'name': 'title'}, {'name': 'active', " \
    "'type': 'Boolean'}, {'name': 'first'}, {'name': 'fixed'}, {'name': 'number', 'type': "     \
    "'Integer'}, {'name': 'rest'}]}]}"
#define MAPPINGS                                                                                  \
    "{'targetAttributeName': 'userName', 'matchingPriority': 1, 'source': {'name': "              \
    "'userPrincipalName'}}, {'targetAttributeName': 'title', 'flowNullValues': true, 'source': "  \
    "{'name': 'jobTitle'}}, {'targetAttributeName': 'tags', 'flowNullValues': true, 'source': "   \
    "{'name': 'otherMails'}}, {'targetAttributeName': 'more', 'flowType': 'MultiValueAddOnly', "  \
    "'source': {'name': 'otherMails'}}, {'targetAttributeName': 'exact', 'source': {'name': "     \
    "'city'}}, {'targetAttributeName': 'active', 'source': {'expression': "                       \
    "'Not([IsSoftDeleted])'}}, {'targetAttributeName': 'first', 'flowType': 'AttributeAddOnly', " \
    "'source': {'name': 'city'}}, {'targetAttributeName': 'fixed', 'flowType': 'ObjectAddOnly', " \
    "'source': {'name': 'city'}}, {'targetAttributeName': 'number', 'source': {'expression': "    \
    "'Len([city])'}}, {'targetAttributeName': 'rest', 'defaultValue': 'd'}"

static struct json *any_text(struct arena *a, struct rng *rng)
{
    static const char *const texts[] = {"", "a", "A", "b", "straße", "STRASSE", "x y", "a"};

    return rng_below(rng, 5) == 0 ? json_null(a)
                                  : json_string(a, str_from_z(texts[rng_below(rng, 8)]));
}

static struct json *any_person(struct arena *a, struct rng *rng)
{
    struct json *person = json_new(a, JSON_OBJECT);
    struct json *mails = json_new(a, JSON_ARRAY);

    json_add_z(a, person, "userPrincipalName", "a@b");
    json_add(a, person, STR("jobTitle"), any_text(a, rng));
    json_add(a, person, STR("city"), any_text(a, rng));
    for (uint64_t n = rng_below(rng, 4); n > 0; n--) {
        struct json *mail = any_text(a, rng);

        if (mail->type == JSON_STRING)
            json_append(mails, mail);
    }
    if (rng_below(rng, 3) > 0)
        json_add(a, person, STR("otherMails"), mails);
    return person;
}

static bool evaluate(struct arena *a, const struct mapping_object *m, const struct json *person,
                     struct rng *rng, struct mapping_value *out)
{
    struct mapping_source source = {
        .kind = SOURCE_USER, .attributes = person, .is_soft_deleted = rng_below(rng, 4) == 0};
    struct mapping_context context = {.rng = rng};
    struct err err = {0};

    CHECK(mapping_evaluate(m, &source, &context, a, out, &err), "%s: %s", err.place, err.message);
    return source.is_soft_deleted;
}

static void flow(void **state)
{
    CLEANUP(arena_freep) struct arena *keep = arena_new();
    const struct mapping_object *m = object_from(keep, MAPPINGS, "", GATES);
    struct rng_seeded rng;

    (void)state;
    rng_seeded_init(&rng, 42);
    for (int round = 0; round < ROUNDS; round++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct mapping_value *values = ARENA_ARRAY(a, struct mapping_value, m->attribute_count);
        struct json *person = any_person(a, &rng.rng);
        struct mapping_changes changes;
        struct json *account;
        struct str before;
        struct err err = {0};

        evaluate(a, m, person, &rng.rng, values);
        CHECK(mapping_create(m, values, a, &changes, &err), "%s", err.message);
        account = mapping_exported(NULL, &changes, a);
        person = any_person(a, &rng.rng);
        before = json_text(a, person);
        evaluate(a, m, person, &rng.rng, values);
        mapping_update(m, values, account, UPDATE_ALL, a, &changes);
        for (size_t i = 0; i < changes.count; i++)
            CHECK(changes.items[i].attribute->flow_type != FLOW_OBJECT_ADD_ONLY, "created only");
        account = mapping_exported(account, &changes, a);
        for (size_t i = 0; i < m->attribute_count; i++) {
            const struct mapping_attribute *attribute = &m->attributes[i];
            const struct json *have = json_get(account, attribute->target);

            if (attribute->flow_type == FLOW_ALWAYS && values[i].outcome == MAPPING_VALUE)
                CHECK(mapping_equal(attribute, have, values[i].value), "round %d: %.*s is wanted",
                      round, STR_ARG(attribute->target));
            if (attribute->flow_null && values[i].outcome == MAPPING_NULL)
                CHECK(mapping_equal(attribute, have, NULL), "round %d: %.*s is cleared", round,
                      STR_ARG(attribute->target));
        }
        mapping_update(m, values, account, UPDATE_ALL, a, &changes);
        CHECK(changes.count == 0, "round %d: planned twice, %.*s again", round,
              STR_ARG(changes.items[0].attribute->target));
        CHECK(str_eq(json_text(a, person), before), "the input is as it was");
    }
}

/* --- Documents --- */

/* Takes members away and puts others in, anywhere. */
static void shake(struct arena *a, struct json *v, struct rng *rng)
{
    static const char *const texts[] = {"ObjectAddOnly", "Group", "[mail]", "None", "x", "1"};
    struct json *child = v->first;

    while (child) {
        struct json *next = child->next;
        uint64_t what = rng_below(rng, 60);

        if (what == 0) {
            json_unlink(v, child);
        } else if (what == 1 && child->type == JSON_STRING) {
            child->text = str_from_z(texts[rng_below(rng, ARRAY_LEN(texts))]);
        } else if (what == 2 && child->type == JSON_BOOL) {
            child->boolean = !child->boolean;
        } else if (what == 3 && child->type == JSON_OBJECT && !json_get(child, STR("extra"))) {
            json_add_int(a, child, "extra", (int64_t)rng_below(rng, 3));
        } else {
            shake(a, child, rng);
        }
        child = next;
    }
}

static void documents(void **state)
{
    struct rng_seeded rng;
    size_t accepted = 0;

    (void)state;
    rng_seeded_init(&rng, 4711);
    for (int round = 0; round < ROUNDS; round++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct json *base = mapping_document_complete(a, schema_from(a, MAPPINGS, "", GATES));
        struct json *given = json_clone(a, base);
        struct mapping_finding *findings = NULL;
        struct mapping_difference *list;
        struct json *document;
        struct json *again;
        struct str text;
        struct err err = {0};
        size_t count;

        shake(a, given, &rng.rng);
        if (!mapping_document_check(a, given, &document, NULL, &findings, &err)) {
            CHECK(findings, "refused with a finding: %s", err.message);
            for (const struct mapping_finding *f = findings; f; f = f->next)
                CHECK(f->message.len > 0 && (f->pointer.len == 0 || f->pointer.ptr[0] == '/'),
                      "a finding says what and where");
            continue;
        }
        accepted++;
        text = mapping_document_text(a, document);
        CHECK(mapping_document_parse(a, text, &again, NULL, &err), "%s", err.message);
        CHECK(mapping_document_check(a, again, &again, NULL, &findings, &err), "%s: %s", err.place,
              err.message);
        CHECK(str_eq(mapping_document_text(a, again), text), "round %d: byte-stable", round);
        mapping_document_compare(a, document, again, 0, &list, &count);
        CHECK(count == 0, "nothing differs from itself");
        mapping_document_compare(a, base, document, 0, &list, &count);
        CHECK((count == 0) == mapping_document_same(base, document),
              "round %d: a difference is said", round);
    }
    CHECK(accepted > ROUNDS / 20, "some are accepted: %zu", accepted);
}

TEST_GROUP(properties, cmocka_unit_test(flow), cmocka_unit_test(documents));
