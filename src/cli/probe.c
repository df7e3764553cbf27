/* `usher app probe`: learns how an application behaves, and `usher app set --profile`, which uses
 * what was learned (scim.md 10.6). */
#include "cli/probe.h"

#include "base/file.h"
#include "connector/target.h"
#include "job/job.h"
#include "job/settings.h"
#include "mapping/document.h"

enum { PROFILE_MAX_BYTES = 4 << 20 };

static bool open_target(struct cli_wire *w, const struct job *job, const struct secret *token,
                        struct target **out, struct err *err)
{
    struct cli *c = w->cli;
    const struct mapping_program *program;
    struct mapping_finding *findings = NULL;
    struct job_settings settings;
    struct json *schema;
    struct str text;

    return job_settings_load(c->db_handle, c->arena, job->no, &settings, err) &&
           job_schema_load(c->db_handle, c->arena, job->no, 0, &text, err) &&
           mapping_document_parse(c->arena, text, &schema, NULL, err) &&
           mapping_compile(c->arena, schema, &program, &findings, err) &&
           w->engine.open_target(w->engine.target_ctx, job, &settings, token, program, out, err);
}

static bool probe(struct cli_wire *w, const struct cli_args *args, struct job *job,
                  struct json **out, struct err *err)
{
    CLEANUP(secret_done) struct secret token = {0};
    CLEANUP(target_closep) struct target *target = NULL;
    struct cli *c = w->cli;
    struct json *profile = json_new(c->arena, JSON_OBJECT);
    struct json *learned;
    char now[TIME_TEXT_MAX];

    if (!cli_wire_begin(w, c, err) || !cli_job(c, cli_arg(args, 0), job, err) ||
        !job_secret_load(c->db_handle, &w->key, job->no, STR("SecretToken"), &token, err) ||
        !open_target(w, job, &token, &target, err))
        return false;
    cli_interrupt_begin();
    if (!target_probe_scim(target, c->arena, cli_flag(args, "--write") ? PROBE_WRITE : PROBE_READ,
                           cli_interrupted(), &learned, err))
        return false;
    json_add_str(c->arena, profile, "application", job->name);
    json_add_str(c->arena, profile, "url", job->base_url);
    json_add_str(c->arena, profile, "probed", time_write(clock_now(c->clock), now));
    json_add_bool(c->arena, profile, "written", cli_flag(args, "--write"));
    JSON_EACH(member, learned)
    {
        json_set(c->arena, profile, member->name, json_clone(c->arena, member));
    }
    *out = profile;
    return true;
}

static void print(struct cli *c, const struct json *profile)
{
    static const char *const headers[] = {"WHAT", "RESULT", "SETTING"};
    struct cli_table *table = cli_table_new(c, headers, ARRAY_LEN(headers));

    JSON_EACH(finding, json_get(profile, STR("findings")))
    {
        cli_table_row(table, (struct str[]){json_get_text(finding, "what"),
                                            json_get_text(finding, "result"),
                                            json_get_text(finding, "setting")});
    }
    cli_table_print(table);
}

static int run_probe(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    const char *file = cli_value(args, "--save");
    struct err err = {.kind = ERR_NONE};
    struct json *profile;
    struct job job;

    if (!probe(&w, args, &job, &profile, &err) ||
        (file && !file_write(file, json_text(c->arena, profile), 0600, &err)))
        return cli_fail(c, &err);
    if (c->json) {
        cli_print_json(c, profile);
        return 0;
    }
    print(c, profile);
    if (!cli_flag(args, "--write"))
        cli_say(c, "nothing was written; --write also tries what needs accounts of its own");
    if (file)
        cli_say(c, "saved; to use it: usher app set '%.*s' --profile %s", STR_ARG(job.name), file);
    return 0;
}

bool cli_profile_apply(struct cli_wire *w, const struct cli_args *args, const struct job *job,
                       struct err *err)
{
    const char *path = cli_value(args, "--profile");
    struct cli *c = w->cli;
    struct engine_setting *list;
    const struct json *settings;
    struct json *profile;
    struct str text;
    size_t count = 0;

    if (!path)
        return true;
    if (!file_read(c->arena, path, PROFILE_MAX_BYTES, &text, err))
        return false;
    if (!json_parse(c->arena, text, NULL, &profile, NULL, err))
        return err_wrap(err, "%s", path);
    settings = json_get(profile, STR("settings"));
    if (!json_is(settings, JSON_OBJECT)) {
        return err_set(err, ERR_INVALID, "badProfile",
                       "%s is no profile: it has no object \"settings\"", path);
    }
    list = ARENA_ARRAY(c->arena, struct engine_setting, settings->count + 1);
    JSON_EACH(one, settings)
    {
        if (!json_is(one, JSON_STRING) || !str_starts(one->name, STR("client."))) {
            return err_set(err, ERR_INVALID, "badProfile",
                           "%s: '%.*s' is no setting of the client with a text", path,
                           STR_ARG(one->name));
        }
        list[count++] = (struct engine_setting){one->name, one->text};
    }
    return count == 0 || engine_set(&w->engine, job->no, list, count, w->engine.author, err) ||
           err_wrap(err, "%s", path);
}

static const struct cli_option options[] = {
    {"--write", NULL, "also try what needs accounts; they are called usher-probe- and removed"},
    {"--save", "FILE", "the profile: what was learned, with what was asked and answered"},
    CLI_RECORD_OPTION,
};

static const struct cli_command commands[] = {
    {
        .name = "app probe",
        .usage = "N [--write] [--save FILE]",
        .summary = "learn how an application behaves, and which settings suit it",
        .help =
            "Reads only, unless --write is given: then accounts and a group whose names begin with\n"
            "usher-probe- are made and removed, also after a failure and with Ctrl-C. The profile\n"
            "may be edited; app set applies it.\n\n"
            "  usher app probe demo --save demo-profile.json\n",
        .options = options,
        .option_count = ARRAY_LEN(options),
        .min_args = 1,
        .max_args = 1,
        .run = run_probe,
    },
};

const struct cli_commands probe_commands = {commands, ARRAY_LEN(commands)};
