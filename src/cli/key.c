/* `usher key ...`: the keys of the SCIM provider's tenants. */
#include "provider/access/key.h"

#include "cli/author.h"

#include <string.h>

static bool note_key(struct cli *c, const char *tenant, struct json *before, struct json *after,
                     struct err *err)
{
    const struct audit_change change = {
        .activity = AUDIT_SETTING,
        .subject = arena_printf(c->arena, "key of tenant %s", tenant),
        .before = before,
        .after = after,
    };

    return cli_note(c, &change, err);
}

static bool add_key(struct cli *c, const char *tenant, const struct provider_key_order *order,
                    char *out_id, struct secret *out_key, struct err *err)
{
    struct json *after = json_new(c->arena, JSON_OBJECT);

    if (!cli_db_open(c, err) || !db_begin(c->db_handle, DB_WRITE, err))
        return false;
    if (provider_key_make(c->db_handle, order, c->clock, c->rng, out_id, out_key, err)) {
        json_add_z(c->arena, after, "id", out_id);
        json_add_str(c->arena, after, "description", order->description);
        if (order->automation_user.len > 0)
            json_add_str(c->arena, after, "automationUser", order->automation_user);
        if (order->created_by.len > 0)
            json_add_str(c->arena, after, "createdBy", order->created_by);
        json_add_z(c->arena, after, "key", AUDIT_MASK);
        if (note_key(c, tenant, NULL, after, err))
            return db_commit(c->db_handle, err);
    }
    db_rollback(c->db_handle);
    return false;
}

static bool revoke_key(struct cli *c, const char *tenant, struct str id, struct err *err)
{
    struct json *before = json_new(c->arena, JSON_OBJECT);

    json_add_str(c->arena, before, "id", id);
    if (!cli_db_open(c, err) || !db_begin(c->db_handle, DB_WRITE, err))
        return false;
    if (provider_key_revoke(c->db_handle, str_from_z(tenant), id, err) &&
        note_key(c, tenant, before, NULL, err))
        return db_commit(c->db_handle, err);
    db_rollback(c->db_handle);
    return false;
}

static int run_add(struct cli *c, const struct cli_args *args)
{
    CLEANUP(secret_done) struct secret key = {0};
    const char *description = cli_value(args, "--description");
    struct err err = {.kind = ERR_NONE};
    struct provider_key_order order;
    char id[PROVIDER_KEY_ID_MAX];
    struct json *out;

    if (!description || !*description)
        return cli_usage(c, "say what the key is for: --description D");
    order = (struct provider_key_order){
        .tenant = str_from_z(cli_arg(args, 0)),
        .description = str_from_z(description),
        .automation_user = str_from_z(cli_value(args, "--automation-user")),
        .created_by = str_from_z(cli_value(args, "--created-by")),
    };
    if (!add_key(c, cli_arg(args, 0), &order, id, &key, &err))
        return cli_fail(c, &err);
    if (c->json) {
        out = json_new(c->arena, JSON_OBJECT);
        json_add_z(c->arena, out, "id", id);
        json_add_z(c->arena, out, "description", description);
        if (order.automation_user.len > 0)
            json_add_str(c->arena, out, "automationUser", order.automation_user);
        json_add_str(c->arena, out, "key", secret_reveal(&key));
        cli_print_json(c, out);
        return 0;
    }
    fprintf(c->out, "%.*s\n", STR_ARG(secret_reveal(&key)));
    if (!c->quiet)
        fprintf(c->err, "this is key %s, shown only now: keep it where secrets belong\n", id);
    return 0;
}

static struct str time_text(struct cli *c, int64_t us)
{
    char text[TIME_TEXT_MAX];

    return us ? arena_str(c->arena, time_write(us, text)) : STR("never");
}

static struct str user_text(struct cli *c, const struct provider_key *key)
{
    if (!key->has_user)
        return STR("-");
    if (key->user_name.len == 0)
        return STR("(gone)");
    return key->usable ? key->user_name
                       : arena_printf(c->arena, "%.*s (not usable)", STR_ARG(key->user_name));
}

static int run_list(struct cli *c, const struct cli_args *args)
{
    static const char *const headers[] = {"ID",      "DESCRIPTION", "AUTOMATION USER",
                                          "CREATED", "LAST USED",   "EXPIRES"};
    struct err err = {.kind = ERR_NONE};
    struct provider_key *keys;
    struct cli_table *table;
    struct json *list;
    size_t count;

    if (!cli_db_open(c, &err) ||
        !provider_key_list(c->db_handle, c->arena, str_from_z(cli_arg(args, 0)), &keys, &count,
                           &err))
        return cli_fail(c, &err);
    if (c->json) {
        list = json_new(c->arena, JSON_ARRAY);
        for (size_t i = 0; i < count; i++) {
            struct json *key = json_new(c->arena, JSON_OBJECT);

            json_add_str(c->arena, key, "id", keys[i].id);
            json_add_str(c->arena, key, "description", keys[i].description);
            if (keys[i].has_user) {
                json_add_str(c->arena, key, "automationUser", keys[i].user_name);
                json_add_bool(c->arena, key, "usable", keys[i].usable);
            }
            if (keys[i].has_owner)
                json_add_str(c->arena, key, "createdBy", keys[i].owner_name);
            if (keys[i].expires_us)
                json_add_str(c->arena, key, "expires", time_text(c, keys[i].expires_us));
            json_add_str(c->arena, key, "created", time_text(c, keys[i].created_us));
            if (keys[i].used_us)
                json_add_str(c->arena, key, "lastUsed", time_text(c, keys[i].used_us));
            json_append(list, key);
        }
        cli_print_json(c, list);
        return 0;
    }
    if (count == 0) {
        cli_say(c, "no keys yet");
        return 0;
    }
    table = cli_table_new(c, headers, ARRAY_LEN(headers));
    for (size_t i = 0; i < count; i++) {
        cli_table_row(table, (struct str[]){keys[i].id, keys[i].description, user_text(c, &keys[i]),
                                            time_text(c, keys[i].created_us),
                                            time_text(c, keys[i].used_us),
                                            time_text(c, keys[i].expires_us)});
    }
    cli_table_print(table);
    return 0;
}

static int run_revoke(struct cli *c, const struct cli_args *args)
{
    struct str id = str_from_z(cli_arg(args, 1));
    struct err err = {.kind = ERR_NONE};
    struct json *out;

    if (!revoke_key(c, cli_arg(args, 0), id, &err))
        return cli_fail(c, &err);
    if (c->json) {
        out = json_new(c->arena, JSON_OBJECT);
        json_add_str(c->arena, out, "revoked", id);
        cli_print_json(c, out);
    }
    cli_say(c, "key %.*s is no longer accepted", STR_ARG(id));
    return 0;
}

static const struct cli_option add_options[] = {
    {"--description", "D", "what the key is for; shown in lists"},
    {"--automation-user", "U", "the automation user it belongs to (Jostle)"},
    {"--created-by", "U", "the user who makes it, for a tenant with tokenBoundToUser"},
};

static const struct cli_command commands[] = {
    {
        .name = "key add",
        .usage = "NAME --description D [--automation-user U] [--created-by U]",
        .summary = "make a key for a tenant of the SCIM provider",
        .help =
            "Prints the key, once: only a hash of it is stored. Clients send it as\n"
            "\"Authorization: Bearer KEY\". A tenant may have several keys, so that they can be "
            "changed\nwithout a gap, unless its switch singleToken is on.\n\n"
            "  usher key add field-crew --description \"my connector\"\n",
        .options = add_options,
        .option_count = ARRAY_LEN(add_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_add,
    },
    {
        .name = "key list",
        .usage = "NAME",
        .summary = "list a tenant's keys, without the keys themselves",
        .help = "  usher key list field-crew\n",
        .min_args = 1,
        .max_args = 1,
        .run = run_list,
    },
    {
        .name = "key revoke",
        .usage = "NAME ID",
        .summary = "revoke a key",
        .help = "A running service refuses the key at once.\n\n"
                "  usher key revoke field-crew 1f0c9a8b7d6e\n",
        .min_args = 2,
        .max_args = 2,
        .run = run_revoke,
    },
};

extern const struct cli_commands key_commands;
const struct cli_commands key_commands = {commands, ARRAY_LEN(commands)};
