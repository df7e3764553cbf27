/* `usher notify ...`: what people are told of an application. */
#include "cli/sending.h"
#include "job/settings.h"
#include "journal/audit.h"
#include "notify/address.h"

enum { LIST_DEFAULT = 50, LIST_MAX = 10000 };

/* --- notify list --- */

static struct str recipient_of(struct arena *a, const struct notify_delivery *d)
{
    return d->channel == NOTIFY_WEBHOOK ? audit_masked_url(a, d->recipient) : d->recipient;
}

static void add_time(struct arena *a, struct json *v, const char *name, int64_t us)
{
    char text[TIME_TEXT_MAX];

    if (us > 0) {
        json_add_str(a, v, name, time_write(us, text));
    } else {
        json_add_null(a, v, name);
    }
}

static struct json *delivery_json(struct arena *a, const struct notify_delivery *d)
{
    struct json *v = json_new(a, JSON_OBJECT);

    json_add_str(a, v, "id", d->event_id);
    json_add_str(a, v, "messageId", d->message_id);
    json_add_z(a, v, "kind", notify_kind_name(d->kind));
    add_time(a, v, "at", d->at_us);
    json_add_z(a, v, "channel", notify_channel_name(d->channel));
    json_add_str(a, v, "recipient", recipient_of(a, d));
    json_add_z(a, v, "state", notify_state_name(d->state));
    json_add_int(a, v, "attempts", d->attempts);
    add_time(a, v, "nextAttempt", d->state == NOTIFY_WAITS ? d->next_us : 0);
    add_time(a, v, "ended", d->ended_us);
    json_add_str(a, v, "error", d->error);
    return v;
}

static void add_row(struct cli *c, struct cli_table *table, const struct notify_delivery *d)
{
    char at[TIME_TEXT_MAX];
    struct str state = str_from_z(notify_state_name(d->state));

    if (d->error.len)
        state = arena_printf(c->arena, "%.*s: %.*s", STR_ARG(state), STR_ARG(d->error));
    cli_table_row(table, (struct str[]){
                             time_write(d->at_us, at),
                             str_from_z(notify_kind_name(d->kind)),
                             recipient_of(c->arena, d),
                             arena_printf(c->arena, "%lld", (long long)d->attempts),
                             state,
                         });
}

static int run_list(struct cli *c, const struct cli_args *args)
{
    static const char *const headers[] = {"TIME", "EVENT", "TO", "TRIES", "STATE"};
    struct cli_table *table = cli_table_new(c, headers, ARRAY_LEN(headers));
    struct json *array = json_new(c->arena, JSON_ARRAY);
    struct err err = {.kind = ERR_NONE};
    struct notify_delivery *list;
    int64_t limit = LIST_DEFAULT;
    struct job job;
    size_t count;

    if (!cli_value_int(args, "--limit", 1, LIST_MAX, &limit, &err) ||
        !cli_job(c, cli_arg(args, 0), &job, &err) ||
        !notify_list(c->db_handle, c->arena, job.no, (size_t)limit, &list, &count, &err))
        return cli_fail(c, &err);
    for (size_t i = 0; i < count; i++) {
        json_append(array, delivery_json(c->arena, &list[i]));
        add_row(c, table, &list[i]);
    }
    if (c->json) {
        cli_print_json(c, array);
    } else if (count) {
        cli_table_print(table);
    } else {
        cli_say(c,
                "nothing was told yet; 'usher app set %.*s --notification-mail ADDRESS' says to "
                "whom",
                STR_ARG(job.name));
    }
    return 0;
}

/* --- notify test --- */

struct test {
    struct cli *cli;
    struct cli_wire wire;
    struct cli_sending sending;
    struct job job;
    struct json *results;
    unsigned sent, failed;
    struct err err; /* of the last that failed */
};

static void test_one(struct test *t, enum notify_channel channel, struct str recipient)
{
    struct cli *c = t->cli;
    char *id = arena_alloc(c->arena, UUID_TEXT_MAX);
    struct json *v = json_new(c->arena, JSON_OBJECT);
    struct notify_event event = {
        .kind = NOTIFY_TEST,
        .at_us = clock_now(c->clock),
        .job_no = t->job.no,
        .job_id = t->job.id,
        .job_name = t->job.name,
    };
    struct str shown =
        channel == NOTIFY_WEBHOOK ? audit_masked_url(c->arena, recipient) : recipient;
    struct err err = {.kind = ERR_NONE};
    bool ok;

    event.id = arena_printf(c->arena, "test-%.*s", STR_ARG(uuid_new(c->rng, id)));
    ok = notify_send_now(&t->sending.how, c->db_handle, channel, recipient, &event, &err);
    json_add_z(c->arena, v, "channel", notify_channel_name(channel));
    json_add_str(c->arena, v, "recipient", shown);
    json_add_bool(c->arena, v, "sent", ok);
    json_add_str(c->arena, v, "error", ok ? STR("") : str_from_z(err.message));
    json_append(t->results, v);
    if (ok) {
        t->sent++;
        cli_say(c, "sent to %.*s", STR_ARG(shown));
    } else {
        t->failed++;
        t->err = err;
        cli_say(c, "not sent to %.*s: %s", STR_ARG(shown), err.message);
    }
}

/* To everybody who is told of this application, or to those of --to. */
static bool test_all(struct test *t, const struct cli_args *args, struct err *err)
{
    const char *to = cli_value(args, "--to");
    struct str mails = to ? str_from_z(to) : t->job.notification_mail;
    struct job_settings settings;
    struct str mail;

    if (!notify_addresses_check(mails, err) ||
        !job_settings_load(t->cli->db_handle, t->cli->arena, t->job.no, &settings, err))
        return false;
    while (notify_address_next(&mails, &mail))
        test_one(t, NOTIFY_MAIL, mail);
    if (!to && settings.notify_webhook.len)
        test_one(t, NOTIFY_WEBHOOK, settings.notify_webhook);
    if (t->sent + t->failed > 0)
        return true;
    return err_set(err, ERR_INVALID, "noRecipient",
                   "nobody is told of '%.*s': usher app set %.*s --notification-mail ADDRESS, or "
                   "--to ADDRESS here",
                   STR_ARG(t->job.name), STR_ARG(t->job.name));
}

static int run_test(struct cli *c, const struct cli_args *args)
{
    struct test t = {.cli = c, .wire = {.cli = c}, .results = json_new(c->arena, JSON_ARRAY)};
    struct err err = {.kind = ERR_NONE};
    bool ok = cli_wire_begin(&t.wire, c, &err) && cli_job(c, cli_arg(args, 0), &t.job, &err) &&
              cli_sending_init(&t.sending, &t.wire, args, &err) && test_all(&t, args, &err);

    cli_sending_done(&t.sending);
    cli_wire_end(&t.wire);
    if (!ok)
        return cli_fail(c, &err);
    if (c->json)
        cli_print_json(c, t.results);
    return t.failed > 0 ? 1 : 0;
}

/* --- notify flush --- */

static bool flush(struct cli_wire *w, struct cli_sending *sending, const struct cli_args *args,
                  struct notify_sent out[NOTIFY_CHANNEL_COUNT], struct err *err)
{
    struct cli *c = w->cli;
    struct job job = {0};

    if (!cli_wire_begin(w, c, err) ||
        (cli_arg_count(args) > 0 && !cli_job(c, cli_arg(args, 0), &job, err)) ||
        !cli_sending_init(sending, w, args, err) ||
        !notify_retry_all(c->db_handle, job.no, clock_now(c->clock), NULL, err))
        return false;
    cli_interrupt_begin();
    for (int i = 0; i < NOTIFY_CHANNEL_COUNT; i++) {
        if (!notify_send_due(&sending->how, c->db_handle, (enum notify_channel)i, job.no,
                             cli_interrupted(), &out[i], err))
            return false;
    }
    return true;
}

static int run_flush(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    CLEANUP(cli_sending_done) struct cli_sending sending = {0};
    struct notify_sent n[NOTIFY_CHANNEL_COUNT] = {0};
    struct json *v = json_new(c->arena, JSON_OBJECT);
    struct err err = {.kind = ERR_NONE};
    int64_t failed;

    if (!flush(&w, &sending, args, n, &err))
        return cli_fail(c, &err);
    failed = n[NOTIFY_MAIL].failed + n[NOTIFY_WEBHOOK].failed;
    json_add_int(c->arena, v, "sent", n[NOTIFY_MAIL].sent + n[NOTIFY_WEBHOOK].sent);
    json_add_int(c->arena, v, "failed", failed);
    for (int i = 0; i < NOTIFY_CHANNEL_COUNT; i++) {
        cli_say(c, "%s: %lld sent, %lld failed%s%s", notify_channel_name((enum notify_channel)i),
                (long long)n[i].sent, (long long)n[i].failed, n[i].failed ? ": " : "",
                n[i].failed ? n[i].err.message : "");
    }
    if (c->json)
        cli_print_json(c, v);
    return failed > 0 ? 1 : 0;
}

/* --- Tables --- */

static const struct cli_option list_options[] = {
    {"--limit", "N", "how many, newest first (default 50)"},
};
static const struct cli_option test_options[] = {
    {"--to", "ADDRESS", "to this address only, instead of the application's"},
    CLI_MAIL_OPTIONS,
};
static const struct cli_option flush_options[] = {CLI_MAIL_OPTIONS};

static const struct cli_command commands[] = {
    {
        .name = "notify list",
        .usage = "N [--limit N]",
        .summary = "list what people were told of an application, and what waits",
        .help = "  usher notify list demo\n",
        .options = list_options,
        .option_count = ARRAY_LEN(list_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_list,
    },
    {
        .name = "notify test",
        .usage = "N [--to ADDRESS]",
        .summary = "send a test notice now, and say what is wrong",
        .help =
            "Sends to everybody who is told of the application, or to ADDRESS. What the mail\n"
            "server answers is shown when it does not take the mail.\n\n"
            "  usher notify test demo --to ada@example.com --smtp-url smtp://localhost --smtp-tls "
            "none \\\n"
            "      --smtp-from usher@example.com\n",
        .options = test_options,
        .option_count = ARRAY_LEN(test_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_test,
    },
    {
        .name = "notify flush",
        .usage = "[N]",
        .summary = "send what waits or was given up now, without the service",
        .help = "The service does it by itself; this does not wait for the next attempt.\n\n"
                "  usher notify flush\n",
        .options = flush_options,
        .option_count = ARRAY_LEN(flush_options),
        .min_args = 0,
        .max_args = 1,
        .run = run_flush,
    },
};

const struct cli_commands notify_commands = {commands, ARRAY_LEN(commands)};
