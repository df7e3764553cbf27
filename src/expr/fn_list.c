/* Functions over lists and role assignments (expressions.md 5). */
#include "expr/function.h"
#include "expr/utf16.h"

#include <assert.h>

static struct expr_list values_of(const struct expr_value *v)
{
    if (v->type == EXPR_NULL)
        return (struct expr_list){NULL, 0};
    if (v->type == EXPR_LIST)
        return v->list;
    return (struct expr_list){v, 1};
}

static bool give_list(struct expr_value *out, const struct expr_value *items, size_t count)
{
    if (count == 0)
        return give_null(out);
    *out = (struct expr_value){.type = EXPR_LIST, {.list = {items, count}}};
    return true;
}

bool fn_count(struct call *c, struct expr_value *out)
{
    return give_integer(out, (int64_t)values_of(&c->args[0]).count);
}

/* Whether there is a value number n; an index that is no number is an error. */
static bool item(struct call *c, bool *out_found, struct expr_value *out)
{
    struct expr_list list = values_of(&c->args[0]);
    int64_t n = c->args[1].integer;

    if (value_is_null(&c->args[1]))
        return call_fail(c, EXPR_TYPE, 1, "the index needs to be a number, but is null");
    *out_found = n >= 1 && (uint64_t)n <= list.count;
    if (*out_found)
        *out = list.items[n - 1];
    return true;
}

bool fn_item(struct call *c, struct expr_value *out)
{
    bool found = false;

    if (!item(c, &found, out))
        return false;
    if (!found) {
        return call_fail(c, EXPR_OUT_OF_RANGE, 1, "there is no value number %lld; there %s %zu",
                         (long long)c->args[1].integer,
                         values_of(&c->args[0]).count == 1 ? "is" : "are",
                         values_of(&c->args[0]).count);
    }
    return true;
}

bool fn_item_or_null(struct call *c, struct expr_value *out)
{
    bool found = false;

    if (!item(c, &found, out))
        return false;
    return found || give_null(out);
}

bool fn_contains(struct call *c, struct expr_value *out)
{
    struct expr_list list = values_of(&c->args[0]);
    struct str kind = call_given(c, 2) ? c->args[2].text : STR("CaseSensitive");
    bool fold = str_eq_z(kind, "CaseInsensitive");
    struct call one = *c;
    struct expr_value args[2] = {{.type = EXPR_STRING}, {.type = EXPR_NULL}};

    one.args = args;
    one.count = 1;
    if (!fold && !str_eq_z(kind, "CaseSensitive")) {
        return call_fail(c, EXPR_INVALID_ARGUMENT, 2,
                         "the case type of Contains is CaseSensitive or CaseInsensitive");
    }
    for (size_t i = 0; i < list.count; i++) {
        struct str what = c->args[1].text;
        struct str s;
        size_t at;
        bool hit;

        if (!call_text(c, 0, &list.items[i], &s))
            return false;
        if (fold) {
            struct expr_value lower;

            args[0].text = s;
            if (!fn_to_lower(&one, &lower))
                return false;
            s = lower.text;
            args[0].text = what;
            if (!fn_to_lower(&one, &lower))
                return false;
            what = lower.text;
        }
        hit = list.items[i].type == EXPR_REFERENCE ? str_eq(s, what) : str_find(s, what, &at);
        if (hit)
            return give_integer(out, (int64_t)i + 1);
    }
    return give_integer(out, 0);
}

static bool same(struct arena *a, const struct expr_value *x, const struct expr_value *y)
{
    struct str s;
    struct str t;

    if (x->type == EXPR_COMPLEX || y->type == EXPR_COMPLEX)
        return x->type == y->type && json_equal(x->record, y->record);
    return x->type == y->type && expr_value_text(a, x, &s) && expr_value_text(a, y, &t) &&
           str_eq(s, t);
}

/* Equal values have equal hashes; records all have the same. */
static uint64_t hash_of(struct arena *a, const struct expr_value *v)
{
    struct str s;

    return expr_value_text(a, v, &s) ? str_hash(s) : 0;
}

bool fn_remove_duplicates(struct call *c, struct expr_value *out)
{
    struct expr_list list = values_of(&c->args[0]);
    struct expr_value *items;
    uint64_t *hashes;
    size_t n = 0;

    if (c->args[0].type != EXPR_LIST) {
        *out = c->args[0];
        return true;
    }
    items = call_alloc_list(c, list.count);
    if (!items)
        return false;
    hashes = ARENA_ARRAY(call_arena(c), uint64_t, list.count);
    for (size_t i = 0; i < list.count; i++) {
        uint64_t hash = hash_of(call_arena(c), &list.items[i]);
        bool seen = false;

        for (size_t k = 0; k < n && !seen; k++)
            seen = hashes[k] == hash && same(call_arena(c), &items[k], &list.items[i]);
        if (seen)
            continue;
        hashes[n] = hash;
        items[n++] = list.items[i];
    }
    return give_list(out, items, n);
}

/* Parts between delimiters, trimmed; empty ones do not count. Fills items if it is not NULL. */
static size_t split(struct str s, struct str delimiter, struct expr_value *items)
{
    size_t n = 0;
    bool more = true;

    while (more) {
        struct str part = s;
        size_t at;

        more = str_find(s, delimiter, &at);
        if (more) {
            part = str_sub(s, 0, at);
            s = str_from(s, at + delimiter.len);
        }
        part = str_trim(part);
        if (part.len == 0)
            continue;
        if (items)
            give_text(&items[n], part);
        n++;
    }
    return n;
}

bool fn_split(struct call *c, struct expr_value *out)
{
    struct str delimiter = c->args[1].text;
    struct expr_value *items;
    size_t n;

    if (delimiter.len == 0)
        return call_fail(c, EXPR_INVALID_ARGUMENT, 1, "the delimiter of Split is empty");
    n = split(c->args[0].text, delimiter, NULL);
    items = call_alloc_list(c, n);
    if (!items)
        return false;
    split(c->args[0].text, delimiter, items);
    return give_list(out, items, n);
}

/* Default access is an assignment to no role: its id is all zeros. */
static bool is_role(const struct expr_value *v)
{
    struct str id;

    if (v->type != EXPR_COMPLEX)
        return false;
    id = json_get_text(v->record, "id");
    for (size_t i = 0; i < id.len; i++) {
        if (id.ptr[i] != '0' && id.ptr[i] != '-')
            return true;
    }
    return id.len == 0;
}

bool fn_role_assignments(struct call *c, struct expr_value *out)
{
    struct expr_list list = values_of(&c->args[0]);
    struct expr_value *items = call_alloc_list(c, list.count);
    size_t n = 0;

    if (!items)
        return false;
    for (size_t i = 0; i < list.count; i++) {
        if (is_role(&list.items[i]))
            items[n++] = list.items[i];
    }
    return give_list(out, items, n);
}

static struct str role_name(const struct expr_value *v)
{
    struct str name = json_get_text(v->record, "displayName");

    return name.len > 0 ? name : json_get_text(v->record, "value");
}

bool fn_role_names(struct call *c, struct expr_value *out)
{
    struct expr_list list;
    struct expr_value *items;

    if (!fn_role_assignments(c, out))
        return false;
    list = values_of(out);
    items = call_alloc_list(c, list.count);
    if (!items)
        return false;
    for (size_t i = 0; i < list.count; i++)
        give_text(&items[i], role_name(&list.items[i]));
    return give_list(out, items, list.count);
}

bool fn_single_role_assignment(struct call *c, struct expr_value *out)
{
    struct expr_list list;
    struct str name;

    if (!fn_role_assignments(c, out))
        return false;
    if (value_is_null(out))
        return true;
    list = values_of(out);
    if (list.count > 1) {
        return call_fail(c, EXPR_INVALID_ARGUMENT, 0,
                         "SingleAppRoleAssignment needs at most one role, but %zu are assigned",
                         list.count);
    }
    assert(list.count == 1); /* an empty list is null */
    name = role_name(&list.items[0]);
    return name.len > 0 ? give_text(out, name) : give_null(out);
}
