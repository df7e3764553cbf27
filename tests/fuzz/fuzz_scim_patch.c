/* The input is a document and a PATCH body, one after the other with a NUL between. Whatever the
 * body does, the document it is applied to stays as it was; a result is what reading it as a whole
 * would give, has its required attributes, and a single replace applied to its own result changes
 * nothing. */
#include "scim/patch.h"

#include <assert.h>

static const struct scim_schema *const extensions[] = {&scim_enterprise_schema};
static const struct scim_resource_type user = {.name = STR_INIT("User"),
                                               .core = &scim_user_schema,
                                               .extensions = extensions,
                                               .extension_count = 1};
static const struct scim_rules lenient = {0};
static const struct json_limits limits = {.max_depth = 32, .names_ignore_case = true};

static void check_result(struct arena *a, const struct scim_patch *patch, const struct json *out)
{
    struct json *again;
    struct err err;

    assert(scim_resource_require(&user, out, &err));
    assert(scim_resource_read(a, &user, &lenient, out, &again, &err));
    assert(json_equal(out, again));
    if (patch->count == 1 && patch->ops[0].kind == SCIM_PATCH_REPLACE && !patch->ops[0].filter) {
        assert(scim_patch_apply(a, patch, out, &again, &err));
        assert(json_equal(out, again));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str body_text = {(const char *)data, size};
    struct str doc_text;
    struct json *body, *raw, *doc, *before, *out;
    struct scim_patch patch;
    struct err err = {0};

    if (!str_cut(&body_text, '\0', &doc_text) ||
        !json_parse(a, doc_text, &limits, &raw, NULL, NULL) || raw->type != JSON_OBJECT ||
        !scim_resource_read(a, &user, &lenient, raw, &doc, NULL) ||
        !scim_resource_require(&user, doc, NULL) ||
        !json_parse(a, body_text, &limits, &body, NULL, NULL) || body->type != JSON_OBJECT)
        return 0;
    before = json_clone(a, doc);
    if (!scim_patch_parse(a, &user, &lenient, body, &patch, &err)) {
        assert(err.kind != ERR_NONE && err.kind != ERR_INTERNAL);
        return 0;
    }
    if (scim_patch_apply(a, &patch, doc, &out, &err))
        check_result(a, &patch, out);
    else
        assert(err.kind == ERR_INVALID);
    assert(json_equal(doc, before));
    return 0;
}
