#include "base/unicode.h"
#include "scim/match_work.h"
#include "scim/value.h"

bool matcher_takes_absent(const struct scim_matcher *m)
{
    if (m->op == SCIM_EQ)
        return m->is_null;
    return m->op == SCIM_NE && !m->is_null;
}

static bool order_holds(enum scim_filter_op op, int order)
{
    switch (op) {
    case SCIM_EQ:
        return order == 0;
    case SCIM_NE:
        return order != 0;
    case SCIM_GT:
        return order > 0;
    case SCIM_GE:
        return order >= 0;
    case SCIM_LT:
        return order < 0;
    case SCIM_LE:
        return order <= 0;
    case SCIM_AND:
    case SCIM_OR:
    case SCIM_NOT:
    case SCIM_VALUE_PATH:
    case SCIM_PR:
    case SCIM_CO:
    case SCIM_SW:
    case SCIM_EW:
        break;
    }
    return false;
}

static bool test_text(struct arena *a, const struct scim_matcher *m, struct str text)
{
    size_t at;

    if (!m->leaf->case_exact && m->leaf->type != SCIM_DATETIME)
        text = str_fold(a, text);
    if (m->op == SCIM_CO)
        return str_find(text, m->folded, &at);
    if (m->op == SCIM_SW)
        return str_starts(text, m->folded);
    if (m->op == SCIM_EW)
        return str_ends(text, m->folded);
    return order_holds(m->op, str_cmp(text, m->folded));
}

static bool test_instant(struct arena *a, const struct scim_matcher *m, struct str text)
{
    int64_t instant;

    if (m->op == SCIM_CO || m->op == SCIM_SW || m->op == SCIM_EW || !scim_instant(text, &instant))
        return test_text(a, m, text);
    return order_holds(m->op, (instant > m->instant) - (instant < m->instant));
}

static bool test_number(const struct scim_matcher *m, const struct json *v)
{
    double number;
    int64_t whole;

    if (m->is_whole && str_to_int(v->text, INT64_MIN, INT64_MAX, &whole))
        return order_holds(m->op, (whole > m->whole) - (whole < m->whole));
    if (!json_to_double(v, &number))
        return m->op == SCIM_NE;
    return order_holds(m->op, (number > m->number) - (number < m->number));
}

/* A present simple value against the operand. */
static bool test_value(struct arena *a, const struct scim_matcher *m, const struct json *v)
{

    if (m->op == SCIM_PR)
        return true;
    if (m->is_null)
        return m->op == SCIM_NE;
    switch (m->leaf->type) {
    case SCIM_BOOLEAN:
        return (m->op == SCIM_EQ) == (v->boolean == m->boolean);
    case SCIM_INTEGER:
    case SCIM_DECIMAL:
        return test_number(m, v);
    case SCIM_DATETIME:
        return test_instant(a, m, v->text);
    case SCIM_STRING:
    case SCIM_REFERENCE:
    case SCIM_BINARY:
    case SCIM_COMPLEX:
    case SCIM_TYPE_COUNT:
        break;
    }
    return test_text(a, m, v->text);
}

/* One value of the attribute, or NULL; goes down to the sub-attribute if one is compared. */
static bool test_one(struct arena *a, const struct scim_matcher *m, const struct json *v)
{
    if (v && m->ref.sub)
        v = json_get(v, m->ref.sub->name);
    if (!v || scim_unassigned(v) || (v->type == JSON_OBJECT && v->count == 0))
        return matcher_takes_absent(m);
    return test_value(a, m, v);
}

static const struct json *attribute_value(const struct scim_matcher *m, const struct json *doc)
{
    if (m->ref.extension)
        doc = json_get(doc, m->ref.extension->urn);
    return m->ref.attribute ? json_get(doc, m->ref.attribute->name) : NULL;
}

/* Any element of the attribute that satisfies the brackets, if there are some. */
static bool test_elements(struct arena *a, const struct scim_matcher *m, const struct json *v)
{
    bool any = false;

    JSON_EACH(element, v)
    {
        if (m->inner && !scim_match_element(a, m->inner, element))
            continue;
        if (m->op == SCIM_VALUE_PATH || test_one(a, m, element))
            return true;
        any = true;
    }
    return !any && m->op != SCIM_VALUE_PATH && matcher_takes_absent(m);
}

bool scim_match(struct arena *a, const struct scim_matcher *m, const struct json *doc)
{
    const struct json *v;

    if (m->op == SCIM_AND)
        return scim_match(a, m->left, doc) && scim_match(a, m->right, doc);
    if (m->op == SCIM_OR)
        return scim_match(a, m->left, doc) || scim_match(a, m->right, doc);
    if (m->op == SCIM_NOT)
        return !scim_match(a, m->left, doc);
    v = attribute_value(m, doc);
    if (m->ref.attribute && m->ref.attribute->multi)
        return test_elements(a, m, v);
    return m->op != SCIM_VALUE_PATH && test_one(a, m, v);
}

bool scim_match_element(struct arena *a, const struct scim_matcher *m, const struct json *element)
{
    if (m->op == SCIM_AND)
        return scim_match_element(a, m->left, element) && scim_match_element(a, m->right, element);
    if (m->op == SCIM_OR)
        return scim_match_element(a, m->left, element) || scim_match_element(a, m->right, element);
    if (m->op == SCIM_NOT)
        return !scim_match_element(a, m->left, element);
    return test_one(a, m, m->ref.attribute ? element : NULL);
}
