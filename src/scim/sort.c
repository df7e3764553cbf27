#include "scim/sort.h"

#include "base/clock.h"
#include "base/unicode.h"
#include "scim/value.h"

#include <string.h>

/* The first byte of a key. */
#define HAS_VALUE '\1'
#define NO_VALUE  STR("\2")

#define SIGN_BIT (UINT64_C(1) << 63)

void scim_sort_compile(struct arena *a, const struct scim_resource_type *type, struct str path,
                       struct scim_sort *out)
{
    struct scim_path parsed;

    *out = (struct scim_sort){.leaf = NULL};
    if (!scim_path_parse(a, str_trim(path), &parsed, NULL) || parsed.filter ||
        !scim_resolve(type, &parsed, &out->ref) || !out->ref.attribute)
        return;
    out->leaf = out->ref.sub ? out->ref.sub : out->ref.attribute;
    if (out->leaf->type == SCIM_COMPLEX)
        out->leaf = out->ref.sub = scim_sub_attribute(out->ref.attribute, STR("value"));
    if (out->ref.attribute->returned == SCIM_NEVER ||
        (out->leaf && out->leaf->returned == SCIM_NEVER))
        out->leaf = NULL;
}

bool scim_sort_uses(const struct scim_sort *sort, struct str attribute)
{
    return sort->leaf && !sort->ref.extension && str_eq(sort->ref.attribute->name, attribute);
}

/* The primary element, else the first. */
static const struct json *leading(const struct json *array)
{
    JSON_EACH(element, array)
    if (element->type == JSON_OBJECT && scim_is_primary(element))
        return element;
    return array ? array->first : NULL;
}

static const struct json *value_of(const struct scim_sort *sort, const struct json *doc)
{
    const struct json *v;

    if (!sort->leaf)
        return NULL;
    if (sort->ref.extension)
        doc = json_get(doc, sort->ref.extension->urn);
    v = json_get(doc, sort->ref.attribute->name);
    if (json_is(v, JSON_ARRAY))
        v = leading(v);
    if (v && sort->ref.sub)
        v = json_get(v, sort->ref.sub->name);
    return v && !scim_unassigned(v) ? v : NULL;
}

static struct str bytes_key(struct arena *a, struct str bytes)
{
    size_t len = bytes.len < SCIM_SORT_KEY_MAX - 1 ? bytes.len : SCIM_SORT_KEY_MAX - 1;
    char *key = arena_alloc(a, len + 1);

    key[0] = HAS_VALUE;
    if (len > 0)
        memcpy(key + 1, bytes.ptr, len);
    return (struct str){key, len + 1};
}

static struct str number_key(struct arena *a, uint64_t n)
{
    char bytes[8];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(n >> (56 - 8 * i) & 0xff);
    return bytes_key(a, (struct str){bytes, sizeof(bytes)});
}

/* The bits of a double rise with its value once the sign is dealt with. */
static uint64_t ordered_bits(double number)
{
    uint64_t bits;

    number += 0.0; /* -0 is 0 */
    memcpy(&bits, &number, sizeof(bits));
    return bits & SIGN_BIT ? ~bits : bits | SIGN_BIT;
}

struct str scim_sort_key(struct arena *a, const struct scim_sort *sort, const struct json *doc)
{
    const struct json *v = value_of(sort, doc);
    int64_t instant;
    double number;

    if (!v)
        return NO_VALUE;
    switch (sort->leaf->type) {
    case SCIM_BOOLEAN:
        return bytes_key(a, v->boolean ? STR("1") : STR("0"));
    case SCIM_INTEGER:
    case SCIM_DECIMAL:
        return json_to_double(v, &number) ? number_key(a, ordered_bits(number)) : NO_VALUE;
    case SCIM_DATETIME:
        return scim_instant(v->text, &instant) ? number_key(a, (uint64_t)instant ^ SIGN_BIT)
                                               : NO_VALUE;
    case SCIM_STRING:
    case SCIM_REFERENCE:
    case SCIM_BINARY:
    case SCIM_COMPLEX:
    case SCIM_TYPE_COUNT:
        break;
    }
    return bytes_key(a, sort->leaf->case_exact ? v->text : str_fold(a, v->text));
}
