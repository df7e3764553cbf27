/* What is set for a tenant: limits, tolerances and the switches that make it behave like a
 * particular application (scim.md 9 and 15, apps.md 5). The kind brings its own values; what the
 * administrator sets goes before them. One table has every name, type, range and default. */
#pragma once

#include "base/json.h"

enum setting_kind {
    SETTING_BOOL,
    SETTING_INT,
    SETTING_TEXT,
    SETTING_JSON,
    SETTING_SWITCH /* off, on, or more: a number of its range, a list, an object */
};

struct provider_settings {
    /* The subscription. */
    bool feature_off, automation_user, own_notifications;
    struct str notification_mail;
    /* Tolerances; all are on by default. */
    bool lenient_all, boolean_text, role_text, json_text, bare_words, create_on_no_match;
    bool public_config, change_feed;
    int64_t change_days, change_pending,
        webhook_tries; /* how long the feed is kept; how much for a webhook */
    /* Limits. */
    int64_t rate; /* requests a second for each key; 0: none */
    int64_t max_body, bulk_max, patch_max, patch_work, page_default, page_max;
    int64_t cursor_s, json_depth, value_bytes, members_max;
    int64_t patch_user_status, patch_group_status; /* 200 or 204 */
    int64_t filter_bytes, filter_nodes, filter_depth, filter_scan;
    int64_t max_users, max_groups, max_members_per_patch; /* 0: none */
    /* What there is. */
    bool groups_enabled, unique_groups;
    bool groups_off, no_group_create, no_group_delete, no_group_rename;
    bool no_put, no_bulk, no_sort, no_etag, no_active;
    struct str no_delete, delete_on_disable, patch_status;
    bool no_replace_members, no_remove_all_members, delete_refused;
    const struct json *seat_limit;       /* n; true: no seat is free */
    const struct json *activation_delay; /* seconds; true: until accepted */
    struct str group_members_role;
    /* What is accepted. */
    const struct json *require_paths, *filter_listed, *filter_ops, *single_valued, *value_pattern;
    const struct json *allowed_values, *immutable;
    const struct json *verified_domains; /* a list; true: none is */
    const struct json *linked, *reference_lookup, *lookup_table, *global_unique;
    struct str forbidden_chars;
    bool filter_ignored, not_found_for_empty, require_user_agent, test_mode;
    bool id_is_external_id, case_sensitive_endpoints, separator_dot;
    /* Its keys. */
    bool token_bound_to_user, single_token;
    int64_t token_days; /* 0: without end */
    /* How it is answered. */
    int64_t create_status, wrong_total;
    bool no_body, no_location, no_meta, cursor_only, booleans_as_text, manager_as_text;
    struct str content_type, redirect;
    const struct json *faults, *class_rates;
    const struct json *latency; /* milliseconds, or [least, most] */
    int64_t drop_after_write;   /* every so many writes; 0: none */
};

struct provider_setting {
    const char *name;
    enum setting_kind kind;
    size_t offset;
    int64_t standard, min, max; /* SETTING_INT; standard also of SETTING_BOOL, the others of
                                   SETTING_SWITCH; max 0: it takes no number */
    enum json_type more;        /* SETTING_SWITCH: what it takes besides; JSON_NULL: nothing */
    const char *help;
};
extern const struct provider_setting provider_setting_table[];
extern const size_t provider_setting_count;

/* NULL when there is none of that name; some have a second one, that of apps.md 5. */
const struct provider_setting *provider_setting_find(struct str name);

/* The defaults, then the switches of a kind, then what was set; either may be NULL. What does not
 * fit is an error: ERR_INVALID "badSetting". Texts and lists point into the documents. */
MUST_USE bool provider_settings_read(const struct json *switches, const struct json *set,
                                     struct provider_settings *out, struct err *err);
/* Turns the text of a command line into a value: on, off, true, false; a number; JSON. ERR_INVALID
 * "badSetting" with what the setting takes. */
MUST_USE bool provider_setting_parse(struct arena *a, const struct provider_setting *setting,
                                     struct str text, struct json **out, struct err *err);
