/* A filter that parses is written back as text that parses to the same; not (f) is the opposite of
 * f; and a comparison that an index is chosen by holds for every resource that matches. */
#include "base/unicode.h"
#include "scim/match.h"

#include <assert.h>

static const struct scim_schema *const extensions[] = {&scim_enterprise_schema};
static const struct scim_resource_type user = {.name = STR_INIT("User"),
                                               .core = &scim_user_schema,
                                               .extensions = extensions,
                                               .extension_count = 1};

static const char *const docs[] = {
    "{}",
    "{\"id\":\"i\",\"userName\":\"Ada\",\"externalId\":\"E\",\"title\":\"x\",\"active\":true,"
    "\"emails\":[{\"type\":\"work\",\"value\":\"a@n\",\"primary\":true},{\"type\":\"home\","
    "\"value\":\"a@s\"}],\"name\":{\"givenName\":\"\xC3\x89\"},"
    "\"meta\":{\"created\":\"2026-03-01T10:15:30Z\"},"
    "\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":{\"department\":\"D\","
    "\"manager\":{\"value\":\"m\"}}}",
};

static struct str written(struct arena *a, const struct scim_filter *f)
{
    CLEANUP(buf_done) struct buf out;

    buf_init(&out, 1 << 20);
    scim_filter_write(&out, f);
    assert(!out.overflowed);
    return arena_str(a, buf_str(&out));
}

static struct str text_of(const struct json *doc, const struct scim_ref *ref)
{
    const struct json *v = json_get(doc, ref->attribute->name);

    return v && v->type == JSON_STRING ? v->text : (struct str){0};
}

static void check_matching(struct arena *a, const struct scim_filter *f)
{
    struct scim_filter negated = {.op = SCIM_NOT, .left = f};
    const struct scim_matcher *m, *not_m;
    struct scim_equality e;
    struct err err;

    if (!scim_matcher_compile(a, &user, NULL, f, &m, &err))
        return;
    assert(scim_matcher_compile(a, &user, NULL, &negated, &not_m, &err));
    for (size_t i = 0; i < ARRAY_LEN(docs); i++) {
        struct json *doc;
        bool match;

        assert(json_parse(a, str_from_z(docs[i]), NULL, &doc, NULL, NULL));
        match = scim_match(a, m, doc);
        assert(scim_match(a, not_m, doc) != match);
        for (size_t k = 0; match && scim_matcher_equality(m, k, &e); k++)
            if (!e.ref.extension && !e.ref.sub && !e.ref.attribute->multi)
                assert(str_eq_fold(text_of(doc, &e.ref), e.text));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct scim_filter *f, *again;
    struct err err = {0};
    struct str one, two;

    if (!scim_filter_parse(a, text, &f, &err)) {
        assert(err.kind == ERR_INVALID && strcmp(err.code, "invalidFilter") == 0);
        return 0;
    }
    if (!f)
        return 0;
    one = written(a, f);
    if (one.len <= SCIM_FILTER_MAX_BYTES) {
        assert(scim_filter_parse(a, one, &again, &err));
        two = written(a, again);
        assert(str_eq(one, two));
    }
    check_matching(a, f);
    return 0;
}
