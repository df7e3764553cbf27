/* Templates and SCIM schemas of a tenant: what is refused says where and why; what is accepted
 * makes a profile. */
#include "provider/profile.h"
#include "provider/template.h"

#include <assert.h>

static void count(void *ctx, const char *place, const char *what)
{
    size_t *findings = ctx;

    assert(place[0] == '\0' || place[0] == '/');
    assert(what[0]);
    ++*findings;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str text = {(const char *)data, size};
    const struct provider_profile_source source = {.kind = STR("generic"), .template = text};
    const struct provider_profile *profile;
    size_t findings = 0;
    struct err err = {0};

    if (!provider_template_check(text, count, &findings, &err)) {
        assert(err.message[0]);
        return 0;
    }
    assert(findings == 0);
    if (text.len > 0) {
        assert(provider_profile_load(a, &source, &profile, &err));
        assert(profile->user.core->count > 0);
    }
    return 0;
}
