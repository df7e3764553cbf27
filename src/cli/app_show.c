/* `usher app list|show|settings`: what is known of applications. */
#include "cli/app.h"
#include "job/settings.h"

struct json *cli_app_json(struct cli *c, const struct job *job)
{
    struct arena *a = c->arena;
    struct json *v = json_new(a, JSON_OBJECT);
    char text[TIME_TEXT_MAX];

    json_add_str(a, v, "id", job->id);
    json_add_str(a, v, "name", job->name);
    json_add_str(a, v, "template", job->template_id);
    json_add_str(a, v, "url", job->base_url);
    json_add_z(a, v, "scope", job_scope_name(job->scope));
    json_add_z(a, v, "schedule", job_state_name(job->state));
    json_add_str(a, v, "interval", duration_write(job->interval_us, text));
    json_add_str(a, v, "notificationMail", job->notification_mail);
    json_add_int(a, v, "schemaVersion", job->schema_version);
    json_add_str(a, v, "created", time_write(job->created_us, text));
    json_add_bool(a, v, "quarantined", job->quarantined);
    return v;
}

static void print_app(struct cli *c, const struct job *job)
{
    char interval[TIME_TEXT_MAX];
    char created[TIME_TEXT_MAX];

    duration_write(job->interval_us, interval);
    time_write(job->created_us, created);
    fprintf(c->out,
            "name        %.*s\n"
            "id          %.*s\n"
            "template    %.*s\n"
            "tenant URL  %.*s\n"
            "scope       %s\n"
            "schedule    %s, every %s\n"
            "schema      version %lld\n"
            "created     %s\n",
            STR_ARG(job->name), STR_ARG(job->id), STR_ARG(job->template_id), STR_ARG(job->base_url),
            job_scope_name(job->scope), job_state_name(job->state), interval,
            (long long)job->schema_version, created);
    if (job->notification_mail.len)
        fprintf(c->out, "notices to  %.*s\n", STR_ARG(job->notification_mail));
    if (job->quarantined)
        fprintf(c->out, "quarantine  %.*s\n", STR_ARG(job->quarantine_message));
}

static int run_list(struct cli *c, const struct cli_args *args)
{
    static const char *const headers[] = {"NAME", "TEMPLATE", "SCOPE", "SCHEDULE", "TENANT URL"};
    struct err err = {.kind = ERR_NONE};
    struct json *array = json_new(c->arena, JSON_ARRAY);
    struct cli_table *table = cli_table_new(c, headers, ARRAY_LEN(headers));
    struct job *jobs;
    size_t count;

    (void)args;
    if (!cli_db_open(c, &err) || !job_list(c->db_handle, c->arena, &jobs, &count, &err))
        return cli_fail(c, &err);
    for (size_t i = 0; i < count; i++) {
        const struct job *j = &jobs[i];
        const char *state = j->quarantined ? "Quarantine" : job_state_name(j->state);

        json_append(array, cli_app_json(c, j));
        cli_table_row(table,
                      (struct str[]){j->name, j->template_id, str_from_z(job_scope_name(j->scope)),
                                     str_from_z(state), j->base_url});
    }
    if (c->json) {
        cli_print_json(c, array);
    } else if (count) {
        cli_table_print(table);
    } else {
        cli_say(c, "no applications yet; 'usher app add --help' shows how to add one");
    }
    return 0;
}

int cli_app_show(struct cli *c, const struct job *job)
{
    if (c->json) {
        cli_print_json(c, cli_app_json(c, job));
    } else {
        print_app(c, job);
    }
    return 0;
}

static int run_show(struct cli *c, const struct cli_args *args)
{
    struct err err = {.kind = ERR_NONE};
    struct job job;

    if (!cli_job(c, cli_arg(args, 0), &job, &err))
        return cli_fail(c, &err);
    return cli_app_show(c, &job);
}

static int run_settings(struct cli *c, const struct cli_args *args)
{
    static const char *const headers[] = {"SETTING", "VALUE", "WHAT IT DOES"};
    struct err err = {.kind = ERR_NONE};
    struct json *array = json_new(c->arena, JSON_ARRAY);
    struct cli_table *table = cli_table_new(c, headers, ARRAY_LEN(headers));
    struct job_setting *list;
    struct job job;
    size_t count;

    if (!cli_job(c, cli_arg(args, 0), &job, &err) ||
        !job_settings_list(c->db_handle, c->arena, job.no, &list, &count, &err))
        return cli_fail(c, &err);
    for (size_t i = 0; i < count; i++) {
        struct json *v = json_new(c->arena, JSON_OBJECT);

        if (cli_flag(args, "--changed") && !list[i].set)
            continue;
        json_add_str(c->arena, v, "name", list[i].name);
        json_add_str(c->arena, v, "value", list[i].value);
        json_add_str(c->arena, v, "default", list[i].initial);
        json_add_z(c->arena, v, "allowed", list[i].allowed);
        json_add_z(c->arena, v, "help", list[i].help);
        json_append(array, v);
        cli_table_row(table, (struct str[]){list[i].name,
                                            arena_printf(c->arena, "%.*s%s", STR_ARG(list[i].value),
                                                         list[i].set ? " *" : ""),
                                            str_from_z(list[i].help)});
    }
    if (c->json) {
        cli_print_json(c, array);
    } else {
        cli_table_print(table);
        cli_say(c, "* set by an administrator; 'usher app set %.*s --setting NAME=VALUE' sets one,",
                STR_ARG(job.name));
        cli_say(c, "  an empty value puts it back");
    }
    return 0;
}

static const struct cli_option settings_options[] = {
    {"--changed", NULL, "only those that are not at their default"},
};

static const struct cli_command commands[] = {
    {
        .name = "app list",
        .usage = "",
        .summary = "list the applications",
        .run = run_list,
    },
    {
        .name = "app show",
        .usage = "N",
        .summary = "show an application's settings (never its token)",
        .help = "  usher app show demo\n",
        .min_args = 1,
        .max_args = 1,
        .run = run_show,
    },
    {
        .name = "app settings",
        .usage = "N [--changed]",
        .summary = "list everything else that can be set of an application",
        .help =
            "How accounts are removed, what the guard holds back, how hard the application may\n"
            "be asked, what its client does.\n\n"
            "  usher app settings demo\n"
            "  usher app set demo --setting guard.count=50 --setting client.rate=10\n",
        .options = settings_options,
        .option_count = ARRAY_LEN(settings_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_settings,
    },
};

const struct cli_commands app_show_commands = {commands, ARRAY_LEN(commands)};
