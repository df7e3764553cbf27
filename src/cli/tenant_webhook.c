/* `usher tenant webhook ...`: where the application behind a tenant is told of changes. */
#include "cli/tenant_webhook.h"

#include "cli/author.h"
#include "cli/config_file.h"
#include "cli/sending.h"
#include "notify/webhook.h"
#include "provider/changes/webhook.h"
#include "provider/tenant.h"

#include <string.h>

/* --- What it tells --- */

static const struct {
    const char *name;
    unsigned events;
} kinds[] = {
    {"changes", PROVIDER_WEBHOOK_CHANGES},
    {"failures", PROVIDER_WEBHOOK_FAILURES},
};

static bool parse_events(const char *text, unsigned *out, struct err *err)
{
    struct str rest = str_from_z(text), word;
    bool more = true;

    *out = text ? 0 : PROVIDER_WEBHOOK_CHANGES;
    while (text && more) {
        unsigned known = 0;

        more = str_cut(&rest, ',', &word);
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
            known |= str_eq_z(str_trim(word), kinds[i].name) ? kinds[i].events : 0;
        if (!known) {
            return err_set(err, ERR_INVALID, "usage",
                           "--events takes changes, failures or both, not '%.*s'", STR_ARG(word));
        }
        *out |= known;
    }
    return true;
}

static struct str events_text(struct arena *a, unsigned events)
{
    struct str text = {0};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (events & kinds[i].events) {
            text = text.len ? arena_printf(a, "%.*s,%s", STR_ARG(text), kinds[i].name)
                            : str_from_z(kinds[i].name);
        }
    }
    return text;
}

/* 0: where it stands; -1: with what comes from now on. */
static bool parse_from(const char *text, int64_t *out, struct err *err)
{
    *out = 0;
    if (!text)
        return true;
    if (strcmp(text, "now") == 0) {
        *out = -1;
        return true;
    }
    return str_to_int(str_from_z(text), 1, INT64_MAX - 1, out) ||
           err_set(err, ERR_INVALID, "usage",
                   "--from takes the number of a change, or now, not '%s'", text);
}

/* --- Changing --- */

static bool note(struct cli *c, struct str tenant, struct json *before, struct json *after,
                 struct err *err)
{
    const struct audit_change change = {
        .activity = AUDIT_SETTING,
        .subject = arena_printf(c->arena, "webhook of tenant %.*s", STR_ARG(tenant)),
        .before = before,
        .after = after,
    };

    return cli_note(c, &change, err);
}

struct action {
    struct cli_wire *wire;
    const struct cli_args *args;
    struct str tenant;
    struct secret given, made;
    struct json *before, *after; /* for the audit log */
    struct str said;
};

static bool do_set(struct action *t, struct err *err)
{
    struct cli *c = t->wire->cli;
    struct provider_webhook_order order = {.tenant = t->tenant,
                                           .url = str_from_z(cli_arg(t->args, 2)),
                                           .secret = t->given.bytes ? &t->given : NULL};

    if (order.url.len == 0)
        return err_set(err, ERR_INVALID, "usage", "say where to: an URL");
    if (!parse_events(cli_value(t->args, "--events"), &order.events, err) ||
        !provider_webhook_set(c->db_handle, &t->wire->key, &order, c->rng, &t->made, err))
        return false;
    json_add_str(c->arena, t->after, "events", events_text(c->arena, order.events));
    json_add_z(c->arena, t->after, "url", AUDIT_MASK); /* may be a secret itself */
    if (t->made.bytes || t->given.bytes)
        json_add_z(c->arena, t->after, "secret", AUDIT_MASK);
    t->said = STR("is told from now on; usher tenant webhook test tries it");
    return true;
}

static bool do_secret(struct action *t, struct err *err)
{
    struct cli *c = t->wire->cli;

    json_add_z(c->arena, t->after, "secret", AUDIT_MASK);
    t->said = STR("signs with its new secret from now on");
    return provider_webhook_renew(c->db_handle, &t->wire->key, t->tenant,
                                  t->given.bytes ? &t->given : NULL, c->rng, &t->made, err);
}

static bool do_pause(struct action *t, struct err *err)
{
    json_add_bool(t->wire->cli->arena, t->after, "paused", true);
    t->said = STR("is told nothing until usher tenant webhook resume; changes wait for it");
    return provider_webhook_pause(t->wire->cli->db_handle, t->tenant, err);
}

static bool do_resume(struct action *t, struct err *err)
{
    int64_t from;

    if (!parse_from(cli_value(t->args, "--from"), &from, err))
        return false;
    json_add_bool(t->wire->cli->arena, t->after, "paused", false);
    if (from != 0)
        json_add_z(t->wire->cli->arena, t->after, "from", cli_value(t->args, "--from"));
    t->said = STR("is told what waits");
    return provider_webhook_resume(t->wire->cli->db_handle, t->tenant, from, err);
}

static bool do_remove(struct action *t, struct err *err)
{
    t->before = t->after;
    t->after = NULL;
    t->said = STR("is told nothing any more; changes are recorded until "
                  "usher tenant set NAME --switch changeFeed=off");
    return provider_webhook_remove(t->wire->cli->db_handle, t->tenant, err);
}

static const struct {
    const char *name;
    bool (*act)(struct action *t, struct err *err);
} actions[] = {
    {"set", do_set},       {"secret", do_secret}, {"pause", do_pause},
    {"resume", do_resume}, {"remove", do_remove},
};

static bool act_and_note(struct action *t, size_t action, struct err *err)
{
    struct cli *c = t->wire->cli;
    const char *secret = cli_value(t->args, "--secret");

    t->after = json_new(c->arena, JSON_OBJECT);
    if ((secret && !cli_webhook_secret_read("--secret", secret, &t->given, err)) ||
        !db_begin(c->db_handle, DB_WRITE, err))
        return false;
    if (actions[action].act(t, err) && note(c, t->tenant, t->before, t->after, err))
        return db_commit(c->db_handle, err);
    db_rollback(c->db_handle);
    return false;
}

static void tell_done(struct action *t)
{
    struct cli *c = t->wire->cli;

    if (c->json) {
        struct json *out = json_new(c->arena, JSON_OBJECT);

        json_add_str(c->arena, out, "tenant", t->tenant);
        if (t->made.bytes)
            json_add_str(c->arena, out, "secret", secret_reveal(&t->made));
        cli_print_json(c, out);
    }
    cli_say(c, "the webhook of %.*s %.*s", STR_ARG(t->tenant), STR_ARG(t->said));
    if (t->made.bytes && !c->json) {
        fprintf(c->out, "%s\n", t->made.bytes);
        cli_say(c, "this secret signs what is sent; it is not shown again");
    }
}

/* --- Looking --- */

static struct str time_or(struct cli *c, int64_t us, const char *none)
{
    char text[TIME_TEXT_MAX];

    return us ? arena_str(c->arena, time_write(us, text)) : str_from_z(none);
}

static const char *state_of(const struct provider_webhook *w)
{
    if (w->paused)
        return "paused";
    if (w->error.len > 0)
        return "failing";
    return w->position == w->head ? "upToDate" : "sending";
}

/* Host only: the rest of the URL may be a secret. */
static struct str place_of(struct str url)
{
    struct http_url parts;
    struct err ignored;

    return http_url_parse(url, &parts, &ignored) ? parts.host : STR("?");
}

static int64_t lag_us(struct cli *c, const struct provider_webhook *w)
{
    return w->pending_us ? clock_now(c->clock) - w->pending_us : 0;
}

static struct json *hook_json(struct cli *c, struct str tenant, const struct provider_webhook *w)
{
    struct json *v = json_new(c->arena, JSON_OBJECT);
    struct str next = w->error.len > 0 && !w->paused ? time_or(c, w->next_us, "") : STR("");

    json_add_str(c->arena, v, "tenant", tenant);
    json_add_str(c->arena, v, "host", place_of(w->url));
    json_add_str(c->arena, v, "events", events_text(c->arena, w->events));
    json_add_z(c->arena, v, "state", state_of(w));
    json_add_bool(c->arena, v, "changeFeed", w->feed);
    json_add_int(c->arena, v, "position", w->position);
    json_add_int(c->arena, v, "last", w->head);
    json_add_int(c->arena, v, "waiting", w->head > w->position ? w->head - w->position : 0);
    json_add_int(c->arena, v, "lagSeconds", lag_us(c, w) / US_PER_SECOND);
    json_add_str(c->arena, v, "delivered", time_or(c, w->delivered_us, ""));
    json_add_str(c->arena, v, "failed", time_or(c, w->failed_us, ""));
    json_add_int(c->arena, v, "attempts", w->attempts);
    json_add_str(c->arena, v, "nextAttempt", next);
    json_add_str(c->arena, v, "error", w->error);
    json_add_int(c->arena, v, "lost", w->lost);
    json_add_int(c->arena, v, "failuresWaiting", w->failures);
    json_add_int(c->arena, v, "setAside", w->aside);
    return v;
}

static void print_failure(struct cli *c, const struct provider_webhook *w)
{
    if (w->error.len == 0)
        return;
    fprintf(c->out, "  failed: %.*s: %.*s\n", STR_ARG(time_or(c, w->failed_us, "never")),
            STR_ARG(w->error));
    if (!w->paused) {
        fprintf(c->out, "  tried again: %.*s, the attempt after %lld that failed\n",
                STR_ARG(time_or(c, w->next_us, "now")), (long long)w->attempts);
    }
}

static void print_hook(struct cli *c, struct str tenant, const struct provider_webhook *w)
{
    fprintf(c->out, "%.*s: %s, tells %.*s to %.*s\n", STR_ARG(tenant), state_of(w),
            STR_ARG(events_text(c->arena, w->events)), STR_ARG(place_of(w->url)));
    fprintf(c->out, "  taken: change %lld of %lld", (long long)w->position, (long long)w->head);
    if (w->pending_us) {
        fprintf(c->out, "; the oldest that waits is %lld s old",
                (long long)(lag_us(c, w) / US_PER_SECOND));
    }
    fprintf(c->out, "\n  last taken: %.*s\n", STR_ARG(time_or(c, w->delivered_us, "never")));
    print_failure(c, w);
    if (w->lost > 0) {
        fprintf(c->out,
                "  lost: %lld changes were forgotten before they were taken; the receiver was told "
                "to read everything anew\n",
                (long long)w->lost);
    }
    if (w->aside > 0) {
        fprintf(c->out,
                "  set aside: %lld changes that were refused, or wait behind such: usher tenant "
                "webhook set-aside %.*s\n",
                (long long)w->aside, STR_ARG(tenant));
    }
    if (w->failures > 0)
        fprintf(c->out, "  failed writes that wait to be told: %lld\n", (long long)w->failures);
    if (!w->feed && w->events & PROVIDER_WEBHOOK_CHANGES) {
        fprintf(c->out,
                "  changes are not recorded: usher tenant set %.*s --switch "
                "changeFeed=on\n",
                STR_ARG(tenant));
    }
}

static int show(struct cli *c, struct str tenant, struct err *err)
{
    struct provider_webhook hook;

    if (!provider_webhook_load(c->db_handle, c->arena, tenant, c->clock, &hook, err))
        return cli_fail(c, err);
    if (c->json) {
        cli_print_json(c, hook_json(c, tenant, &hook));
    } else {
        print_hook(c, tenant, &hook);
    }
    return 0;
}

static int list(struct cli *c, struct err *err)
{
    static const char *const headers[] = {"TENANT", "TO", "TELLS", "STATE", "TAKEN", "OF", "ERROR"};
    struct cli_table *table = cli_table_new(c, headers, ARRAY_LEN(headers));
    struct json *all = json_new(c->arena, JSON_ARRAY);
    struct provider_tenant *tenants;
    size_t count;

    if (!provider_tenant_list(c->db_handle, c->arena, &tenants, &count, err))
        return cli_fail(c, err);
    for (size_t i = 0; i < count; i++) {
        struct provider_webhook w;

        if (!provider_webhook_load(c->db_handle, c->arena, tenants[i].name, c->clock, &w, err)) {
            if (err->kind != ERR_NOT_FOUND)
                return cli_fail(c, err);
            continue;
        }
        json_append(all, hook_json(c, tenants[i].name, &w));
        cli_table_row(table,
                      (struct str[]){tenants[i].name, place_of(w.url),
                                     events_text(c->arena, w.events), str_from_z(state_of(&w)),
                                     arena_printf(c->arena, "%lld", (long long)w.position),
                                     arena_printf(c->arena, "%lld", (long long)w.head), w.error});
    }
    if (c->json) {
        cli_print_json(c, all);
    } else if (all->count > 0) {
        cli_table_print(table);
    } else {
        cli_say(c, "no webhooks yet; usher tenant webhook set NAME URL makes one");
    }
    return 0;
}

static bool post_trial(struct cli_wire *w, struct str tenant, const struct provider_webhook *hook,
                       struct err *err)
{
    CLEANUP(secret_done) struct secret secret = {0};
    struct http_client_config config = {.ca_file = cli_file_value(w->cli->file, "--ca-file"),
                                        .max_answer = (size_t)64 * 1024};
    struct cli *c = w->cli;
    struct http_client *client;
    struct str body, signature;
    bool ok;

    if (!provider_webhook_secret(c->db_handle, &w->key, hook->tenant_no, &secret, err) ||
        !http_client_new(&config, &client, err))
        return false;
    body = provider_webhook_trial(c->arena, tenant, clock_now(c->clock));
    signature = notify_webhook_signature(c->arena, &secret, clock_now(c->clock), body);
    ok = notify_webhook_send(client, hook->url, signature, body, err) == NOTIFY_OUTCOME_SENT;
    http_client_free(client);
    return ok;
}

static int test(struct cli_wire *w, struct str tenant, struct err *err)
{
    struct cli *c = w->cli;
    struct provider_webhook hook;

    if (!provider_webhook_load(c->db_handle, c->arena, tenant, c->clock, &hook, err) ||
        !post_trial(w, tenant, &hook, err))
        return cli_fail(c, err);
    if (c->json) {
        struct json *out = json_new(c->arena, JSON_OBJECT);

        json_add_str(c->arena, out, "tenant", tenant);
        json_add_bool(c->arena, out, "taken", true);
        cli_print_json(c, out);
    }
    cli_say(c, "%.*s has taken it", STR_ARG(place_of(hook.url)));
    return 0;
}

/* --- The command --- */

static int run_action(struct cli_wire *w, const struct cli_args *args, size_t action)
{
    struct action t = {.wire = w, .args = args, .tenant = str_from_z(cli_arg(args, 1))};
    struct err err = {.kind = ERR_NONE};
    bool ok = act_and_note(&t, action, &err);

    if (ok)
        tell_done(&t);
    secret_done(&t.given);
    secret_done(&t.made);
    return ok ? 0 : cli_fail(w->cli, &err);
}

static bool is_other(const char *name)
{
    static const char *const others[] = {"list", "show", "test", "set-aside", "retry", "drop"};

    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (strcmp(name, others[i]) == 0)
            return true;
    }
    return false;
}

static int run(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    const char *name = cli_arg(args, 0);
    struct str tenant = str_from_z(cli_arg(args, 1));
    struct err err = {.kind = ERR_NONE};
    size_t action = 0;

    while (action < ARRAY_LEN(actions) && strcmp(name, actions[action].name) != 0)
        action++;
    if (action == ARRAY_LEN(actions) && !is_other(name)) {
        return cli_usage(
            c,
            "'%s' is not set, list, show, test, pause, resume, set-aside, retry, drop, "
            "secret or remove",
            name);
    }
    if (tenant.len == 0 && strcmp(name, "list") != 0)
        return cli_usage(c, "say which tenant");
    if (cli_arg_count(args) > 2 && strcmp(name, "set") != 0 && strcmp(name, "retry") != 0 &&
        strcmp(name, "drop") != 0)
        return cli_usage(c, "'%s' is one word too many", cli_arg(args, 2));
    if (!cli_db_open(c, &err) || !cli_wire_begin(&w, c, &err))
        return cli_fail(c, &err);
    if (action < ARRAY_LEN(actions))
        return run_action(&w, args, action);
    if (strcmp(name, "list") == 0)
        return list(c, &err);
    if (strcmp(name, "set-aside") == 0)
        return cli_webhook_set_aside(c, tenant, &err);
    if (strcmp(name, "retry") == 0 || strcmp(name, "drop") == 0) {
        return cli_webhook_decide(c, tenant, str_from_z(cli_arg(args, 2)),
                                  strcmp(name, "drop") == 0, &err);
    }
    return strcmp(name, "show") == 0 ? show(c, tenant, &err) : test(&w, tenant, &err);
}

static const struct cli_option options[] = {
    {"--events", "KINDS", "set: changes (default), failures (writes that were refused), or both"},
    {"--secret", "S", "set, secret: the secret that signs; '-' reads it from standard input"},
    {"--from", "N", "resume: begin with change N, told again or for the first time, or with now"},
};

static const struct cli_command commands[] = {
    {
        .name = "tenant webhook",
        .usage =
            "set NAME URL [--events KINDS] [--secret S] | show|test|pause|resume|secret|remove|"
            "set-aside NAME [--from N] | retry|drop NAME [ID|all]",
        .summary = "tell the application behind a tenant of each change",
        .help =
            "Every change of users and groups is posted to the URL as signed JSON, at least once "
            "and in\norder; set makes a secret and shows it once, and records changes from then "
            "on. What cannot\nbe delivered waits and is tried again; show says how far it is. URL "
            "is https, or http to\nthis machine. What the receiver refuses again and again is set "
            "aside for that user or group:\nset-aside lists it, retry tells it at once, drop never. "
            "For the receiver:\ndocs/manual/webhooks.md.\n\n"
            "  usher tenant webhook set field-crew https://app.example.com/hooks/usher\n"
            "  usher tenant webhook test field-crew\n"
            "  usher tenant webhook show field-crew\n"
            "  usher tenant webhook set-aside field-crew\n"
            "  usher tenant webhook list\n",
        .options = options,
        .option_count = ARRAY_LEN(options),
        .min_args = 1,
        .max_args = 3,
        .run = run,
    },
};

extern const struct cli_commands tenant_webhook_commands;
const struct cli_commands tenant_webhook_commands = {commands, ARRAY_LEN(commands)};
