#include "directory/check.h"

#include "base/clock.h"

/* Attributes of the table that have a value of their own and are still not to be written. */
static const struct {
    struct str name;
    const char *why;
} refused[] = {
    {STR_INIT("passwordProfile.password"),
     "passwords are not kept in the directory: map one made by a function instead"},
    {STR_INIT("deletionTimestamp"), "it is set by removing and cleared by restoring"},
    {STR_INIT("IsSoftDeleted"), "it is computed for each application"},
    {STR_INIT("originalUserPrincipalName"),
     "it is computed from userPrincipalName: write that one in full"},
    {STR_INIT("memberOf"), "it is computed: write the members of the groups"},
    {STR_INIT("appRoleAssignments"), "it is computed: use 'usher assignment add'"},
};

static bool fail_unknown(enum source_kind kind, struct str name, struct err *err)
{
    const struct source_attribute *near = source_attribute_nearest(kind, name);
    struct str shown = str_sub(name, 0, 100);

    if (near) {
        return err_set(err, ERR_INVALID, "unknownAttribute",
                       "'%.*s' is not an attribute of a %s; did you mean '%.*s'?", STR_ARG(shown),
                       kind == SOURCE_USER ? "user" : "group", STR_ARG(near->name));
    }
    return err_set(err, ERR_INVALID, "unknownAttribute", "'%.*s' is not an attribute of a %s",
                   STR_ARG(shown), kind == SOURCE_USER ? "user" : "group");
}

bool directory_attribute_named(enum source_kind kind, struct str name,
                               struct directory_attribute *out, struct err *err)
{
    const struct source_attribute *known = source_attribute_find(kind, name);

    if (!known && source_attribute_is_extension(name)) {
        *out = (struct directory_attribute){.name = name, .type = ATTRIBUTE_STRING};
        return true;
    }
    if (!known)
        return fail_unknown(kind, name, err);
    *out = (struct directory_attribute){
        .name = known->name,
        .type = known->type,
        .multivalued = known->multivalued,
        .is_id = str_eq(known->name, STR("objectId")),
        .is_manager = kind == SOURCE_USER && str_eq(known->name, STR("manager")),
        .is_members = kind == SOURCE_GROUP && str_eq(known->name, STR("members")),
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        if (str_eq(known->name, refused[i].name)) {
            return err_set(err, ERR_INVALID, "computedAttribute", "'%.*s' cannot be written: %s",
                           STR_ARG(known->name), refused[i].why);
        }
    }
    if (known->computed && !out->is_members) {
        return err_set(err, ERR_INVALID, "computedAttribute",
                       "'%.*s' cannot be written: it is computed", STR_ARG(known->name));
    }
    return true;
}

static bool fail_value(const struct directory_attribute *at, struct str text, const char *wanted,
                       struct err *err)
{
    return err_set(err, ERR_INVALID, "badValue", "'%.*s' is not a value for %.*s: %s",
                   STR_ARG(str_sub(text, 0, 80)), STR_ARG(at->name), wanted);
}

static bool check_text(const struct directory_attribute *at, struct str text, struct err *err)
{
    if (text.len > DIRECTORY_TEXT_MAX) {
        return err_set(err, ERR_LIMIT, "valueTooLong",
                       "the value of %.*s has %zu bytes, and %d is the most", STR_ARG(at->name),
                       text.len, DIRECTORY_TEXT_MAX);
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\0') {
            return err_set(err, ERR_INVALID, "badValue", "the value of %.*s holds a NUL character",
                           STR_ARG(at->name));
        }
    }
    return true;
}

/* alias@domain. Names need care, so nothing more is asked of the two parts than to be there. */
static bool check_upn(const struct directory_attribute *at, struct str text, struct err *err)
{
    size_t sign;

    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] <= ' ')
            return fail_value(at, text, "it holds a blank", err);
    }
    if (!str_find_last_char(text, '@', &sign) || sign == 0 || sign + 1 == text.len)
        return fail_value(at, text, "it is not of the form alias@domain", err);
    return true;
}

static bool string_value(const struct directory_attribute *at, struct str text, struct arena *a,
                         struct json **out, struct err *err)
{
    if (!check_text(at, text, err))
        return false;
    if (str_eq(at->name, STR("userPrincipalName")) && !check_upn(at, text, err))
        return false;
    if (str_eq(at->name, STR("userType")) && !str_eq(text, STR("Member")) &&
        !str_eq(text, STR("Guest")))
        return fail_value(at, text, "it is Member or Guest", err);
    *out = json_string(a, text);
    return true;
}

static bool boolean_value(const struct directory_attribute *at, struct str text, struct arena *a,
                          struct json **out, struct err *err)
{
    static const struct {
        struct str word;
        bool value;
    } words[] = {
        {STR_INIT("true"), true}, {STR_INIT("false"), false}, {STR_INIT("1"), true},
        {STR_INIT("0"), false},   {STR_INIT("yes"), true},    {STR_INIT("no"), false},
    };

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eq_ascii_nocase(text, words[i].word)) {
            *out = json_bool(a, words[i].value);
            return true;
        }
    }
    return fail_value(at, text, "it is true or false", err);
}

static bool integer_value(const struct directory_attribute *at, struct str text, struct arena *a,
                          struct json **out, struct err *err)
{
    int64_t n;

    if (!str_to_int(text, INT64_MIN, INT64_MAX, &n))
        return fail_value(at, text, "it is a whole number", err);
    *out = json_int(a, n);
    return true;
}

static bool time_value(const struct directory_attribute *at, struct str text, struct arena *a,
                       struct json **out, struct err *err)
{
    char canonical[TIME_TEXT_MAX];
    int64_t us;

    if (!time_parse(text, &us)) {
        return fail_value(at, text,
                          "it is a date or a time such as 2026-03-01 or "
                          "2026-03-01T10:15:00Z",
                          err);
    }
    *out = json_string(a, time_write(us, canonical));
    return true;
}

static bool one_value(const struct directory_attribute *at, struct str text, struct arena *a,
                      struct json **out, struct err *err)
{
    switch (at->type) {
    case ATTRIBUTE_STRING:
    case ATTRIBUTE_REFERENCE:
    case ATTRIBUTE_BINARY:
        return string_value(at, text, a, out, err);
    case ATTRIBUTE_BOOLEAN:
        return boolean_value(at, text, a, out, err);
    case ATTRIBUTE_INTEGER:
        return integer_value(at, text, a, out, err);
    case ATTRIBUTE_DATETIME:
        return time_value(at, text, a, out, err);
    case ATTRIBUTE_TYPE_COUNT:
        break;
    }
    return err_set(err, ERR_INTERNAL, "badType", "%.*s has no type", STR_ARG(at->name));
}

/* Appends one more value unless it is there already. */
static bool add_value(const struct directory_attribute *at, struct json *list, struct str text,
                      struct arena *a, struct err *err)
{
    struct json *v;

    if (!one_value(at, text, a, &v, err))
        return false;
    JSON_EACH(other, list)
    {
        if (json_equal(other, v))
            return true;
    }
    if (list->count == DIRECTORY_VALUES_MAX) {
        return err_set(err, ERR_LIMIT, "valueTooLong", "%.*s has more than %d values",
                       STR_ARG(at->name), DIRECTORY_VALUES_MAX);
    }
    json_append(list, v);
    return true;
}

bool directory_value_from_text(const struct directory_attribute *at, struct str text,
                               struct arena *a, struct json **out, struct err *err)
{
    struct json *list;
    bool more = true;

    if (text.len == 0) {
        *out = json_null(a);
        return true;
    }
    if (!at->multivalued)
        return one_value(at, text, a, out, err);
    list = json_new(a, JSON_ARRAY);
    while (more) {
        struct str part;

        more = str_cut(&text, ';', &part);
        part = str_trim(part);
        if (part.len > 0 && !add_value(at, list, part, a, err))
            return false;
    }
    *out = list->count ? list : json_null(a);
    return true;
}

/* The text of a scalar, as a cell would have it. */
static bool scalar_text(const struct directory_attribute *at, const struct json *v, struct str *out,
                        struct err *err)
{
    switch (v->type) {
    case JSON_STRING:
    case JSON_NUMBER:
        *out = v->text;
        return true;
    case JSON_BOOL:
        *out = v->boolean ? STR("true") : STR("false");
        return true;
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return err_set(err, ERR_INVALID, "badValue", "%.*s takes %s", STR_ARG(at->name),
                   at->multivalued ? "a list of single values" : "a single value");
}

bool directory_value(const struct directory_attribute *at, const struct json *v, struct arena *a,
                     struct json **out, struct err *err)
{
    struct json *list;
    struct str text;

    if (v->type == JSON_NULL) {
        *out = json_null(a);
        return true;
    }
    if (!at->multivalued || v->type != JSON_ARRAY) {
        if (!scalar_text(at, v, &text, err))
            return false;
        if (at->multivalued && text.len > 0) {
            list = json_new(a, JSON_ARRAY);
            *out = list;
            return add_value(at, list, text, a, err);
        }
        return directory_value_from_text(at, text, a, out, err);
    }
    list = json_new(a, JSON_ARRAY);
    JSON_EACH(item, v)
    {
        if (!scalar_text(at, item, &text, err) ||
            (text.len > 0 && !add_value(at, list, text, a, err)))
            return false;
    }
    *out = list->count ? list : json_null(a);
    return true;
}

bool directory_check_id(struct str id, struct err *err)
{
    bool ok = id.len >= 1 && id.len <= 64;

    for (size_t i = 0; ok && i < id.len; i++)
        ok = id.ptr[i] > ' ' && id.ptr[i] < 0x7F;
    if (ok)
        return true;
    return err_set(err, ERR_INVALID, "badValue",
                   "'%.*s' is not an id: it has 1 to 64 visible ASCII characters without blanks",
                   STR_ARG(str_sub(id, 0, 80)));
}
