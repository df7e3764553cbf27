#include "provider/settings.h"

#include <stddef.h>

#define AT(member) offsetof(struct provider_settings, member)
#define ON_OFF(n, m, std, h)                            \
    {                                                   \
        n, SETTING_BOOL, AT(m), std, 0, 1, JSON_NULL, h \
    }
#define NUMBER(n, m, std, lo, hi, h)                     \
    {                                                    \
        n, SETTING_INT, AT(m), std, lo, hi, JSON_NULL, h \
    }
#define WORDS(n, m, h)                                \
    {                                                 \
        n, SETTING_TEXT, AT(m), 0, 0, 0, JSON_NULL, h \
    }
#define LISTS(n, m, h)                                \
    {                                                 \
        n, SETTING_JSON, AT(m), 0, 0, 0, JSON_NULL, h \
    }
#define SWITCH(n, m, lo, hi, more, h)                \
    {                                                \
        n, SETTING_SWITCH, AT(m), 0, lo, hi, more, h \
    }

/* clang-format off */
const struct provider_setting provider_setting_table[] = {
    ON_OFF("featureOff", feature_off, 0, "every request is answered 403: not part of the subscription"),
    ON_OFF("automationUser", automation_user, 0, "keys can belong to automation users"),
    ON_OFF("ownNotifications", own_notifications, 0, "failed writes are recorded and told"),
    WORDS("notification.mail", notification_mail, "who is told of failed writes, comma-separated"),

    ON_OFF("lenient.all", lenient_all, 1, "off: all tolerances that can be off"),
    ON_OFF("lenient.booleanText", boolean_text, 1, "\"True\" is a boolean"),
    ON_OFF("lenient.roleText", role_text, 1, "JSON text inside the value of a role is unpacked"),
    ON_OFF("lenient.jsonText", json_text, 1, "JSON text where an object or array belongs"),
    ON_OFF("lenient.bareWords", bare_words, 1, "filters with unquoted words"),
    ON_OFF("patch.createOnNoMatch", create_on_no_match, 1, "a value path without match makes the element"),
    ON_OFF("discovery.publicConfig", public_config, 1, "ServiceProviderConfig needs no key"),

    ON_OFF("changeFeed", change_feed, 1, "writes are recorded for /scim/NAME/changes"),
    NUMBER("changeFeed.days", change_days, 30, 1, 3650, "how long a recorded change is kept"),
    NUMBER("changeFeed.maxPending", change_pending, 1000000, 1000, 1000000000, "changes kept longer for a webhook that does not take them"),

    NUMBER("webhook.tries", webhook_tries, 8, 0, 1000, "refusals of one change alone until it is set aside; 0: never, all others wait"),

    NUMBER("rate.perToken", rate, 0, 0, 100000, "requests a second for each key, bursts of twice that"),
    NUMBER("limits.maxBody", max_body, 1048576, 1024, 1048576, "bytes of a body, more is 413"),
    NUMBER("bulk.maxOperations", bulk_max, 1000, 1, 1000, "operations of a bulk, more is 413"),
    NUMBER("patch.maxOperations", patch_max, 1000, 1, 1000, "operations of a PATCH, more is 413"),
    NUMBER("patch.maxWork", patch_work, 1000000, 1000, 100000000, "elements times comparisons that the PATCHes of a request look at, more is 413"),
    NUMBER("list.defaultPageSize", page_default, 100, 1, 1000, "resources of a page"),
    NUMBER("list.maxPageSize", page_max, 200, 1, 1000, "resources of a page that asks for more"),
    NUMBER("cursor.timeout", cursor_s, 3600, 1, 86400, "seconds that a cursor can be followed"),
    NUMBER("json.maxDepth", json_depth, 32, 4, 32, "nesting of a body, more is 400"),
    NUMBER("value.maxBytes", value_bytes, 65536, 64, 65536, "bytes of a text, more is 400"),
    NUMBER("groups.maxMembers", members_max, 100000, 1, 1000000, "members of a group, more is 400"),
    NUMBER("patch.userResponse", patch_user_status, 200, 200, 204, "200 or 204: the answer to PATCH of a user"),
    NUMBER("patch.groupResponse", patch_group_status, 204, 200, 204, "200 or 204: the answer to PATCH of a group"),
    NUMBER("filter.maxBytes", filter_bytes, 8192, 64, 8192, "bytes of a filter"),
    NUMBER("filter.maxNodes", filter_nodes, 500, 1, 500, "comparisons of a filter"),
    NUMBER("filter.maxDepth", filter_depth, 32, 1, 32, "nesting of the parentheses of a filter"),
    NUMBER("filter.maxScan", filter_scan, 1000000, 100, 100000000, "resources that a filter may look at"),
    NUMBER("maxUsers", max_users, 0, 0, INT64_MAX, "users, beyond 403"),
    NUMBER("maxGroups", max_groups, 0, 0, INT64_MAX, "groups, beyond 403"),
    NUMBER("maxMembersPerPatch", max_members_per_patch, 0, 0, 100000, "members changed by one request"),

    ON_OFF("groups.enabled", groups_enabled, 1, "off: there are no groups, as groupsOff"),
    ON_OFF("groups.uniqueDisplayName", unique_groups, 1, "no two groups have the same displayName"),
    ON_OFF("groupsOff", groups_off, 0, "there are no groups"),
    ON_OFF("groupsNoCreate", no_group_create, 0, "groups cannot be made: 405"),
    ON_OFF("groupsNoDelete", no_group_delete, 0, "groups cannot be deleted: 405"),
    ON_OFF("groupsNoRename", no_group_rename, 0, "a new name of a group is ignored"),
    ON_OFF("putUnsupported", no_put, 0, "PUT is answered 405"),
    WORDS("patchUnsupported", patch_status, "405 or 501: the answer to PATCH"),
    ON_OFF("bulkUnsupported", no_bulk, 0, "Bulk is answered 501"),
    ON_OFF("sortUnsupported", no_sort, 0, "sortBy is ignored"),
    ON_OFF("etagUnsupported", no_etag, 0, "no ETag is sent"),
    ON_OFF("noActive", no_active, 0, "users have no 'active'"),
    WORDS("noDelete", no_delete, "disable, 405 or 204: what DELETE of a user does"),
    WORDS("deleteOnDisable", delete_on_disable, "always, or invited (not accepted yet): a user that becomes inactive is deleted"),
    ON_OFF("deleteRefused", delete_refused, 0, "DELETE of a user marked busy is 409 (usher tenant mark)"),
    SWITCH("activationDelay", activation_delay, 0, 31536000, JSON_NULL, "new users are inactive for so many seconds; on: until accepted (usher tenant mark)"),
    SWITCH("seatLimit", seat_limit, 0, INT64_MAX, JSON_NULL, "active users, beyond 403; on: no seat is free"),
    WORDS("groupMembersRole", group_members_role, "the role that members of groups must have"),
    ON_OFF("noReplaceMembers", no_replace_members, 0, "members of a group cannot be replaced as a whole"),
    ON_OFF("noRemoveAllMembers", no_remove_all_members, 0, "all members cannot be removed at once"),

    LISTS("requirePaths", require_paths, "list of paths at which a user must have a value"),
    LISTS("filterListed", filter_listed, "list of the attributes that can be filtered, besides id"),
    LISTS("filterOps", filter_ops, "list of the operators of filters"),
    LISTS("singleValuedMulti", single_valued, "list of attributes with one element at most"),
    LISTS("valuePattern", value_pattern, "object: path to the regular expression of its value"),
    LISTS("allowedValues", allowed_values, "object: path to the list of its values"),
    LISTS("immutable", immutable, "list of paths that can be set on creation only"),
    SWITCH("verifiedDomains", verified_domains, 0, 0, JSON_ARRAY, "list of mail domains, others are refused: 403; on: none is verified yet"),
    LISTS("linkedAttributes", linked, "list of pairs of paths: writing one writes the other, with '!' before it the opposite"),
    LISTS("referenceLookup", reference_lookup, "list of attributes whose value must be in lookupTable, else 400 InvalidLookupReference"),
    LISTS("lookupTable", lookup_table, "object: attribute to the list of its values; without one: ids of users"),
    LISTS("globalUnique", global_unique, "list of attributes unique over all tenants that list them"),
    WORDS("forbiddenChars", forbidden_chars, "characters that no text may have"),
    ON_OFF("filterIgnored", filter_ignored, 0, "lists ignore the filter"),
    ON_OFF("notFoundForEmpty", not_found_for_empty, 0, "404 in place of an empty list"),
    ON_OFF("requireUserAgent", require_user_agent, 0, "403 without User-Agent"),
    ON_OFF("testMode", test_mode, 0, "writes are checked and answered, not stored"),
    ON_OFF("idIsExternalId", id_is_external_id, 0, "the id is the externalId of the client"),
    ON_OFF("separatorDot", separator_dot, 0, "attributes of extensions are also addressed URI.attribute"),
    ON_OFF("caseSensitiveEndpoints", case_sensitive_endpoints, 0, "/users is 404"),

    ON_OFF("tokenBoundToUser", token_bound_to_user, 0, "a key dies with the user who made it (usher key add --created-by)"),
    ON_OFF("singleToken", single_token, 0, "a new key revokes those before"),
    NUMBER("tokenDays", token_days, 0, 0, 36500, "days that a key is valid, 0: without end"),

    NUMBER("createStatus", create_status, 201, 200, 201, "the answer to POST"),
    NUMBER("wrongTotal", wrong_total, 0, -1000, 1000, "added to totalResults"),
    ON_OFF("noBody", no_body, 0, "writes are answered without a body"),
    ON_OFF("noLocation", no_location, 0, "no Location is sent"),
    ON_OFF("noMeta", no_meta, 0, "resources come without meta"),
    ON_OFF("cursorOnly", cursor_only, 0, "lists by cursor only, without totalResults, as 'resources'"),
    ON_OFF("booleansAsText", booleans_as_text, 0, "booleans are answered as \"True\" and \"False\""),
    ON_OFF("managerAsText", manager_as_text, 0, "the manager is answered as its id"),
    WORDS("contentType", content_type, "the type of all answers"),
    WORDS("redirect", redirect, "a base URL that every request is sent to by 307, or '308 URL'"),
    LISTS("rate", class_rates, "object: class of requests to {requests, seconds, burst}; beyond 429"),
    SWITCH("latency", latency, 0, 60000, JSON_ARRAY, "milliseconds before an answer, or [least, most]"),
    LISTS("faults", faults, "list of {every, status, method, path}: answers that fail"),
    NUMBER("dropAfterWrite", drop_after_write, 0, 0, INT64_MAX, "every so many writes the connection is closed without an answer"),
};
/* clang-format on */
const size_t provider_setting_count = ARRAY_LEN(provider_setting_table);

/* As apps.md 5 calls them. */
static const struct {
    struct str name, known_as;
} also[] = {
    {STR_INIT("filterMaxNodes"), STR_INIT("filter.maxNodes")},
    {STR_INIT("maxPage"), STR_INIT("list.maxPageSize")},
    {STR_INIT("maxBody"), STR_INIT("limits.maxBody")},
};

const struct provider_setting *provider_setting_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(also); i++) {
        if (str_eq_ascii_nocase(name, also[i].name))
            name = also[i].known_as;
    }
    for (size_t i = 0; i < provider_setting_count; i++) {
        if (str_eq_ascii_nocase(name, str_from_z(provider_setting_table[i].name)))
            return &provider_setting_table[i];
    }
    return NULL;
}

static void *place_of(struct provider_settings *s, const struct provider_setting *setting)
{
    return (char *)s + setting->offset;
}

static bool bad(const struct provider_setting *setting, const char *takes, struct err *err)
{
    return err_set(err, ERR_INVALID, "badSetting", "%s takes %s (%s)", setting->name, takes,
                   setting->help);
}

static bool take_int(const struct provider_setting *setting, const struct json *v, int64_t *to,
                     struct err *err)
{
    int64_t n;

    if (json_to_int(v, &n) && n >= setting->min && n <= setting->max) {
        *to = n;
        return true;
    }
    return err_set(err, ERR_INVALID, "badSetting", "%s takes a number from %lld to %lld",
                   setting->name, (long long)setting->min, (long long)setting->max);
}

static bool bad_switch(const struct provider_setting *setting, struct err *err)
{
    const char *more = setting->more == JSON_ARRAY ? ", or a list" : "";

    if (setting->max == 0)
        return bad(setting, *more ? "on, off or a list" : "on or off", err);
    return err_set(err, ERR_INVALID, "badSetting",
                   "%s takes on, off, or a number from %lld to %lld%s (%s)", setting->name,
                   (long long)setting->min, (long long)setting->max, more, setting->help);
}

static bool take_switch(const struct provider_setting *setting, const struct json *v,
                        const struct json **to, struct err *err)
{
    int64_t n;

    if (v->type == JSON_NUMBER) {
        if (setting->max == 0 || !json_to_int(v, &n) || n < setting->min || n > setting->max)
            return bad_switch(setting, err);
    } else if (v->type != JSON_BOOL && (setting->more == JSON_NULL || v->type != setting->more)) {
        return bad_switch(setting, err);
    }
    *to = v->type == JSON_BOOL && !v->boolean ? NULL : v;
    return true;
}

static bool take(struct provider_settings *s, const struct provider_setting *setting,
                 const struct json *v, struct err *err)
{
    void *to = place_of(s, setting);

    switch (setting->kind) {
    case SETTING_BOOL:
        if (v->type != JSON_BOOL)
            return bad(setting, "on or off", err);
        *(bool *)to = v->boolean;
        return true;
    case SETTING_INT:
        return take_int(setting, v, to, err);
    case SETTING_TEXT:
        if (v->type != JSON_STRING)
            return bad(setting, "text", err);
        *(struct str *)to = v->text;
        return true;
    case SETTING_JSON:
        if (v->type != JSON_ARRAY && v->type != JSON_OBJECT)
            return bad(setting, "a list or an object", err);
        *(const struct json **)to = v;
        return true;
    case SETTING_SWITCH:
        return take_switch(setting, v, to, err);
    }
    return false;
}

static bool take_all(struct provider_settings *s, const struct json *document, struct err *err)
{
    JSON_EACH(v, document)
    {
        const struct provider_setting *setting = provider_setting_find(v->name);

        /* A template may name switches that a later version knows. */
        if (setting && v->type != JSON_NULL && !take(s, setting, v, err))
            return false;
    }
    return true;
}

bool provider_settings_read(const struct json *switches, const struct json *set,
                            struct provider_settings *out, struct err *err)
{
    struct provider_settings s = {0};

    for (size_t i = 0; i < provider_setting_count; i++) {
        const struct provider_setting *setting = &provider_setting_table[i];

        if (setting->kind == SETTING_BOOL)
            *(bool *)place_of(&s, setting) = setting->standard != 0;
        if (setting->kind == SETTING_INT)
            *(int64_t *)place_of(&s, setting) = setting->standard;
    }
    if (!take_all(&s, switches, err) || !take_all(&s, set, err))
        return false;
    if (!s.lenient_all) {
        s.boolean_text = s.role_text = s.json_text = s.bare_words = false;
        s.create_on_no_match = false;
    }
    if (s.page_default > s.page_max)
        s.page_default = s.page_max;
    *out = s;
    return true;
}

static bool parse_bool(const struct provider_setting *setting, struct str text, bool *out,
                       struct err *err)
{
    *out = str_eq_ascii_nocase(text, STR("on")) || str_eq_ascii_nocase(text, STR("true"));
    return *out || str_eq_ascii_nocase(text, STR("off")) ||
           str_eq_ascii_nocase(text, STR("false")) || bad(setting, "on or off", err);
}

bool provider_setting_parse(struct arena *a, const struct provider_setting *setting,
                            struct str text, struct json **out, struct err *err)
{
    struct provider_settings ignored;
    struct err problem = {0};
    int64_t n;
    bool on;

    switch (setting->kind) {
    case SETTING_BOOL:
        if (!parse_bool(setting, text, &on, err))
            return false;
        *out = json_bool(a, on);
        return true;
    case SETTING_INT:
        if (!str_to_int(text, setting->min, setting->max, &n)) {
            return err_set(err, ERR_INVALID, "badSetting", "%s takes a number from %lld to %lld",
                           setting->name, (long long)setting->min, (long long)setting->max);
        }
        *out = json_int(a, n);
        return true;
    case SETTING_TEXT:
        *out = json_string(a, text);
        return true;
    case SETTING_JSON:
        if (!json_parse(a, text, NULL, out, NULL, &problem))
            return bad(setting, problem.message, err);
        return take(&ignored, setting, *out, err);
    case SETTING_SWITCH:
        if (parse_bool(setting, text, &on, NULL)) {
            *out = json_bool(a, on);
            return true;
        }
        return json_parse(a, text, NULL, out, NULL, NULL) ? take(&ignored, setting, *out, err)
                                                          : bad_switch(setting, err);
    }
    return false;
}
