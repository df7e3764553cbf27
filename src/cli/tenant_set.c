/* `usher tenant set`, `tenant show`, `tenant automation-user`: what an administrator of the
 * application decides. */
#include "cli/author.h"
#include "notify/address.h"
#include "provider/access/automation.h"
#include "provider/notice.h"
#include "provider/profile.h"
#include "provider/tenant.h"

#include <string.h>

/* --- set --- */

static bool note_change(struct cli *c, struct str tenant, struct json *after, struct err *err)
{
    const struct audit_change change = {
        .activity = AUDIT_SETTING,
        .subject = arena_printf(c->arena, "tenant %.*s", STR_ARG(tenant)),
        .after = after,
    };

    return cli_note(c, &change, err);
}

static bool set_one(struct cli *c, struct str tenant, const char *name, struct str text,
                    struct json *after, struct err *err)
{
    if (!provider_tenant_set(c->db_handle, tenant, str_from_z(name), text, err))
        return false;
    json_set(c->arena, after, str_from_z(name), json_string(c->arena, text));
    return true;
}

/* The setting that a tolerance is: booleanText is lenient.booleanText. */
static struct str tolerance_name(struct cli *c, struct str name)
{
    if (str_eq_ascii_nocase(name, STR("createOnNoMatch")))
        return STR("patch.createOnNoMatch");
    return arena_printf(c->arena, "lenient.%.*s", STR_ARG(name));
}

/* Every "NAME=VALUE" of an option that can be repeated. */
static bool set_pairs(struct cli *c, const struct cli_args *args, const char *option,
                      struct str tenant, struct json *after, struct err *err)
{
    const char *pair;

    for (size_t i = 0; (pair = cli_value_at(args, option, i)); i++) {
        struct str value = str_from_z(pair), name;

        if (!str_cut(&value, '=', &name) || name.len == 0) {
            return err_set(err, ERR_INVALID, "usage", "%s takes NAME=VALUE, not '%s'", option,
                           pair);
        }
        if (strcmp(option, "--tolerance") == 0)
            name = tolerance_name(c, name);
        if (!set_one(c, tenant, arena_z(c->arena, name), value, after, err))
            return false;
    }
    return true;
}

static bool set_provisioning(struct cli *c, const char *value, struct str tenant,
                             struct json *after, struct err *err)
{
    bool on = value && strcmp(value, "on") == 0;

    if (!value)
        return true;
    if (!on && strcmp(value, "off") != 0)
        return err_set(err, ERR_INVALID, "usage", "--provisioning is on or off, not '%s'", value);
    return set_one(c, tenant, "featureOff", on ? STR("off") : STR("on"), after, err);
}

static bool set_mail(struct cli *c, const char *value, struct str tenant, struct json *after,
                     struct err *err)
{
    return !value || (notify_addresses_check(str_from_z(value), err) &&
                      set_one(c, tenant, "notification.mail", str_from_z(value), after, err));
}

static bool set_all(struct cli *c, const struct cli_args *args, struct err *err)
{
    struct str tenant = str_from_z(cli_arg(args, 0));
    struct json *after = json_new(c->arena, JSON_OBJECT);

    if (!db_begin(c->db_handle, DB_WRITE, err))
        return false;
    if (set_provisioning(c, cli_value(args, "--provisioning"), tenant, after, err) &&
        set_mail(c, cli_value(args, "--notification-mail"), tenant, after, err) &&
        set_pairs(c, args, "--tolerance", tenant, after, err) &&
        set_pairs(c, args, "--limit", tenant, after, err) &&
        set_pairs(c, args, "--switch", tenant, after, err) && note_change(c, tenant, after, err))
        return db_commit(c->db_handle, err);
    db_rollback(c->db_handle);
    return false;
}

static int show(struct cli *c, struct str name, struct err *err);

static int run_set(struct cli *c, const struct cli_args *args)
{
    struct err err = {.kind = ERR_NONE};

    if (!cli_value(args, "--provisioning") && !cli_value(args, "--notification-mail") &&
        !cli_value(args, "--tolerance") && !cli_value(args, "--limit") &&
        !cli_value(args, "--switch"))
        return cli_usage(c, "say what to set: usher tenant set --help");
    if (!cli_db_open(c, &err) || !set_all(c, args, &err))
        return cli_fail(c, &err);
    if (!c->json)
        cli_say(c, "set; a running service follows at once");
    return c->json ? show(c, str_from_z(cli_arg(args, 0)), &err) : 0;
}

/* --- show --- */

static struct json *value_json(struct arena *a, const struct provider_setting *setting,
                               const struct provider_settings *s)
{
    const void *at = (const char *)s + setting->offset;
    const struct json *list;

    switch (setting->kind) {
    case SETTING_BOOL:
        return json_bool(a, *(const bool *)at);
    case SETTING_INT:
        return json_int(a, *(const int64_t *)at);
    case SETTING_TEXT:
        return json_string(a, *(const struct str *)at);
    case SETTING_JSON:
        list = *(const struct json *const *)at;
        return list ? json_clone(a, list) : json_null(a);
    case SETTING_SWITCH:
        list = *(const struct json *const *)at;
        return list ? json_clone(a, list) : json_bool(a, false);
    }
    return json_null(a);
}

static void print_settings(struct cli *c, const struct provider_profile *profile,
                           const struct json *set)
{
    static const char *const headers[] = {"SETTING", "VALUE", "", "WHAT IT IS"};
    struct cli_table *table = cli_table_new(c, headers, ARRAY_LEN(headers));

    for (size_t i = 0; i < provider_setting_count; i++) {
        const struct provider_setting *setting = &provider_setting_table[i];
        struct json *value = value_json(c->arena, setting, &profile->settings);
        bool is_set = json_get_nocase(set, str_from_z(setting->name)) != NULL;
        struct str text = json_text(c->arena, value);

        if (value->type == JSON_BOOL)
            text = value->boolean ? STR("on") : STR("off");
        if (value->type == JSON_NULL || str_eq(text, STR("\"\"")))
            text = STR("-");
        cli_table_row(table,
                      (struct str[]){str_from_z(setting->name), text, is_set ? STR("set") : STR(""),
                                     str_from_z(setting->help)});
    }
    cli_table_print(table);
}

static int show(struct cli *c, struct str name, struct err *err)
{
    const struct provider_profile *profile;
    struct provider_tenant tenant;
    struct json *set, *out, *all;

    if (!provider_tenant_load(c->db_handle, c->arena, name, &tenant, err) ||
        !provider_tenant_profile(c->arena, &tenant, &profile, err) ||
        !json_parse(c->arena, tenant.settings, NULL, &set, NULL, err))
        return cli_fail(c, err);
    if (!c->json) {
        print_settings(c, profile, set);
        return 0;
    }
    out = json_new(c->arena, JSON_OBJECT);
    all = json_new(c->arena, JSON_OBJECT);
    json_add_str(c->arena, out, "name", tenant.name);
    json_add_str(c->arena, out, "kind", tenant.kind);
    json_add_bool(c->arena, out, "provisioning", !profile->settings.feature_off);
    json_add_bool(c->arena, out, "groups", profile->has_groups);
    for (size_t i = 0; i < provider_setting_count; i++) {
        json_add(c->arena, all, str_from_z(provider_setting_table[i].name),
                 value_json(c->arena, &provider_setting_table[i], &profile->settings));
    }
    json_add(c->arena, out, STR("settings"), all);
    json_add(c->arena, out, STR("set"), set);
    cli_print_json(c, out);
    return 0;
}

static int run_show(struct cli *c, const struct cli_args *args)
{
    struct err err = {.kind = ERR_NONE};

    if (!cli_db_open(c, &err))
        return cli_fail(c, &err);
    return show(c, str_from_z(cli_arg(args, 0)), &err);
}

/* --- automation users --- */

static struct str time_text(struct cli *c, int64_t us)
{
    char text[TIME_TEXT_MAX];

    return us ? arena_str(c->arena, time_write(us, text)) : STR("never");
}

static int list_automation(struct cli *c, struct str tenant)
{
    static const char *const headers[] = {"NAME", "STATE", "CREATED", "FIRST SIGN-IN", "KEYS"};
    struct provider_automation_user *users;
    struct err err = {.kind = ERR_NONE};
    struct cli_table *table;
    struct json *list;
    size_t count;

    if (!provider_automation_list(c->db_handle, c->arena, tenant, &users, &count, &err))
        return cli_fail(c, &err);
    list = json_new(c->arena, JSON_ARRAY);
    table = cli_table_new(c, headers, ARRAY_LEN(headers));
    for (size_t i = 0; i < count; i++) {
        const char *state = !users[i].active        ? "disabled"
                            : users[i].activated_us ? "activated"
                                                    : "notActivated";
        struct json *user = json_new(c->arena, JSON_OBJECT);

        json_add_str(c->arena, user, "name", users[i].name);
        json_add_str(c->arena, user, "id", users[i].id);
        json_add_z(c->arena, user, "state", state);
        json_add_int(c->arena, user, "keys", users[i].keys);
        json_append(list, user);
        cli_table_row(table,
                      (struct str[]){users[i].name, str_from_z(state),
                                     time_text(c, users[i].created_us),
                                     time_text(c, users[i].activated_us),
                                     arena_printf(c->arena, "%lld", (long long)users[i].keys)});
    }
    if (c->json) {
        cli_print_json(c, list);
    } else if (count > 0) {
        cli_table_print(table);
    } else {
        cli_say(c, "no automation users yet; usher tenant automation-user add %.*s NAME",
                STR_ARG(tenant));
    }
    return 0;
}

static const struct {
    const char *name, *said;
} actions[] = {
    {"add", "is made; a key that belongs to it works after its first sign-in"},
    {"activate", "has signed in: its keys work"},
    {"remove", "is gone, and its keys are refused"},
};

static bool act(struct cli *c, size_t action, struct str tenant, struct str user, struct err *err)
{
    struct db *db = c->db_handle;

    if (action == 0)
        return provider_automation_add(db, tenant, user, c->clock, c->rng, err);
    return action == 1 ? provider_automation_activate(db, tenant, user, c->clock, err)
                       : provider_automation_remove(db, tenant, user, c->clock, err);
}

static bool act_and_note(struct cli *c, size_t action, struct str tenant, struct str user,
                         struct err *err)
{
    struct json *after = json_new(c->arena, JSON_OBJECT);

    json_add_str(c->arena, after, "automationUser", user);
    json_add_z(c->arena, after, "action", actions[action].name);
    if (!db_begin(c->db_handle, DB_WRITE, err))
        return false;
    if (act(c, action, tenant, user, err) && note_change(c, tenant, after, err))
        return db_commit(c->db_handle, err);
    db_rollback(c->db_handle);
    return false;
}

static int run_automation(struct cli *c, const struct cli_args *args)
{
    const char *name = cli_arg(args, 0);
    struct str tenant = str_from_z(cli_arg(args, 1)), user = str_from_z(cli_arg(args, 2));
    struct err err = {.kind = ERR_NONE};
    size_t action = 0;

    if (!cli_db_open(c, &err))
        return cli_fail(c, &err);
    if (strcmp(name, "list") == 0)
        return list_automation(c, tenant);
    while (action < ARRAY_LEN(actions) && strcmp(name, actions[action].name) != 0)
        action++;
    if (action == ARRAY_LEN(actions))
        return cli_usage(c, "'%s' is not add, list, activate or remove", name);
    if (user.len == 0)
        return cli_usage(c, "say which automation user");
    if (!act_and_note(c, action, tenant, user, &err))
        return cli_fail(c, &err);
    if (c->json) {
        struct json *out = json_new(c->arena, JSON_OBJECT);

        json_add_str(c->arena, out, "tenant", tenant);
        json_add_str(c->arena, out, "automationUser", user);
        cli_print_json(c, out);
    }
    cli_say(c, "%.*s %s", STR_ARG(user), actions[action].said);
    return 0;
}

/* --- notices --- */

static struct json *notice_json(struct arena *a, const struct provider_notice *n)
{
    struct json *v = json_new(a, JSON_OBJECT);
    char at[TIME_TEXT_MAX];

    json_add_str(a, v, "at", time_write(n->at_us, at));
    json_add_str(a, v, "method", n->method);
    json_add_str(a, v, "target", n->target);
    json_add_str(a, v, "attribute", n->attribute);
    json_add_str(a, v, "reason", n->reason);
    json_add_int(a, v, "status", n->status);
    json_add_int(a, v, "more", n->more);
    return v;
}

static int run_notices(struct cli *c, const struct cli_args *args)
{
    static const char *const headers[] = {"TIME", "REQUEST", "WHO", "ATTRIBUTE", "REASON"};
    struct err err = {.kind = ERR_NONE};
    struct provider_notice *notices;
    int64_t limit = 50;
    struct cli_table *table;
    struct json *list;
    size_t count;

    if (!cli_value_int(args, "--limit", 1, 10000, &limit, &err) || !cli_db_open(c, &err) ||
        !provider_notices(c->db_handle, c->arena, str_from_z(cli_arg(args, 0)), (size_t)limit,
                          &notices, &count, &err))
        return cli_fail(c, &err);
    list = json_new(c->arena, JSON_ARRAY);
    table = cli_table_new(c, headers, ARRAY_LEN(headers));
    for (size_t i = 0; i < count; i++) {
        const struct provider_notice *n = &notices[i];
        char at[TIME_TEXT_MAX];

        json_append(list, notice_json(c->arena, n));
        cli_table_row(table, (struct str[]){time_write(n->at_us, at),
                                            arena_printf(c->arena, "%.*s: %lld", STR_ARG(n->method),
                                                         (long long)n->status),
                                            n->target, n->attribute, n->reason});
    }
    if (c->json) {
        cli_print_json(c, list);
    } else if (count > 0) {
        cli_table_print(table);
    } else {
        cli_say(c, "no failed writes are recorded; the setting ownNotifications records them");
    }
    return 0;
}

static const struct cli_option notices_options[] = {
    {"--limit", "N", "how many, newest first (default 50)"},
};

static const struct cli_option set_options[] = {
    {"--provisioning", "on|off", "off: every request is answered 403"},
    {"--notification-mail", "A", "who is told of failed writes, comma-separated; '' for nobody"},
    {"--tolerance", "NAME=on|off",
     "booleanText, roleText, jsonText, bareWords, createOnNoMatch or all"},
    {"--limit", "NAME=N", "rate.perToken, limits.maxBody, list.maxPageSize, ..."},
    {"--switch", "NAME=VALUE", "any setting of usher tenant show; empty: as the kind has it"},
};

static const struct cli_command commands[] = {
    {
        .name = "tenant set",
        .usage = "NAME [--provisioning on|off] [--notification-mail A] [--tolerance NAME=on|off] "
                 "[--limit NAME=N] [--switch NAME=VALUE]",
        .summary = "set what a tenant accepts, how much, and whom it tells",
        .help =
            "What is not set is as the kind of the tenant has it; usher tenant show lists all "
            "settings.\nA running service follows at once.\n\n"
            "  usher tenant set field-crew --limit rate.perToken=50 --tolerance bareWords=off\n",
        .options = set_options,
        .option_count = ARRAY_LEN(set_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_set,
    },
    {
        .name = "tenant show",
        .usage = "NAME",
        .summary = "show all settings of a tenant",
        .help = "  usher tenant show field-crew\n",
        .min_args = 1,
        .max_args = 1,
        .run = run_show,
    },
    {
        .name = "tenant notices",
        .usage = "NAME [--limit N]",
        .summary = "show the writes that a tenant has refused",
        .help = "For kinds that tell of failures themselves (Jostle), or with\n"
                "--switch ownNotifications=on. Whom they are mailed to, those of an hour in one, "
                "says\nusher tenant set NAME --notification-mail A.\n\n"
                "  usher tenant notices intranet\n",
        .options = notices_options,
        .option_count = ARRAY_LEN(notices_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_notices,
    },
    {
        .name = "tenant automation-user",
        .usage = "add|list|activate|remove NAME [USER]",
        .summary = "the accounts of a tenant that keys can belong to",
        .help = "Jostle wants a key to belong to an automation user, and that it has signed in "
                "once before\nthe key works; `activate` is that first sign-in.\n\n"
                "  usher tenant automation-user add intranet azure-bot\n"
                "  usher tenant automation-user activate intranet azure-bot\n"
                "  usher key add intranet --automation-user azure-bot --description Azure\n",
        .min_args = 2,
        .max_args = 3,
        .run = run_automation,
    },
};

extern const struct cli_commands tenant_set_commands;
const struct cli_commands tenant_set_commands = {commands, ARRAY_LEN(commands)};
