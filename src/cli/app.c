/* `usher app add|set|remove|test`: applications, each with one job that keeps its accounts;
 * app_show.c shows them. */
#include "cli/app.h"

#include "base/unicode.h"
#include "cli/author.h"
#include "cli/credential.h"
#include "cli/probe.h"
#include "cli/sending.h"
#include "cli/wire.h"
#include "directory/assignment.h"
#include "engine/note.h"
#include "gallery/gallery.h"
#include "job/job.h"
#include "job/settings.h"
#include "mapping/document.h"
#include "notify/address.h"

#include <string.h>

enum { PAGE = 500, SETTINGS_MAX = 64 };

/* --- app add --- */

static void leave_groups_out(struct cli *c, struct json *document)
{
    struct json *mapping = mapping_document_object(document, SOURCE_GROUP);

    if (mapping)
        json_set(c->arena, mapping, STR("enabled"), json_bool(c->arena, false));
}

static bool new_job(struct cli *c, const struct cli_args *args, struct job *job, struct str *schema,
                    struct err *err)
{
    struct gallery_template template;
    struct json *document;
    char *id = arena_alloc(c->arena, UUID_TEXT_MAX);

    if (!cli_value(args, "--name") || !cli_value(args, "--url")) {
        return err_set(err, ERR_INVALID, "usage", "--name and --url are needed: usher app add %s",
                       "TEMPLATE --name N --url U --token T");
    }
    if (!gallery_load(c->arena, str_from_z(cli_arg(args, 0)), &template, err) ||
        !gallery_schema(c->arena, &template, c->rng, &document, err))
        return false;
    if (cli_flag(args, "--no-groups"))
        leave_groups_out(c, document);
    *job = (struct job){
        .id = uuid_new(c->rng, id),
        .template_id = template.id,
        .state = JOB_DISABLED,
        .interval_us = JOB_INTERVAL_DEFAULT_US,
        .created_us = clock_now(c->clock),
    };
    job_scope_from_name(template.scope_default, &job->scope);
    *schema = json_text(c->arena, document);
    return cli_app_options(args, job, err);
}

/* Tests and saves. The test comes first: what is refused leaves nothing behind. */
static bool save_job(struct cli_wire *w, struct job *job, struct str schema,
                     const struct cli_credential *credential, bool test, struct err *err)
{
    struct cli *c = w->cli;

    if (test && !engine_test_new(&w->engine, job, &credential->secret, credential->settings,
                                 credential->count, schema, err)) {
        if (strcmp(err->code, "noGroups") == 0)
            return err_wrap(err, "nothing was saved (--no-groups adds it for people only)");
        return err_wrap(err,
                        "the connection test failed and nothing was saved (--no-test skips it)");
    }
    if (!db_begin(c->db_handle, DB_WRITE, err))
        return false;
    if (job_insert(c->db_handle, job, schema, err) &&
        job_secret_save(c->db_handle, &w->key, job->no, STR("SecretToken"), &credential->secret,
                        err) &&
        cli_credential_save(c, job, credential, err) && cli_app_note_added(c, job, err))
        return db_commit(c->db_handle, err);
    db_rollback(c->db_handle);
    return false;
}

static bool add(struct cli_wire *w, const struct cli_args *args, struct job *job, struct err *err)
{
    CLEANUP(cli_credential_done) struct cli_credential credential = {0};
    struct cli *c = w->cli;
    struct str schema;

    return new_job(c, args, job, &schema, err) &&
           cli_credential_read(args, CLI_CREDENTIAL_NEW, &credential, err) &&
           cli_wire_begin(w, c, err) &&
           save_job(w, job, schema, &credential, !cli_flag(args, "--no-test"), err);
}

/* What the application's set-up guide says, and where the job departs from it. */
static void say_hints(struct cli *c, const struct job *job)
{
    struct gallery_template template;

    if (!gallery_load(c->arena, job->template_id, &template, NULL))
        return;
    if (!template.supports_groups && job->scope != JOB_SCOPE_ASSIGNED) {
        cli_say(c,
                "hint: %.*s takes users only, so assign users and groups and let their members be "
                "provisioned: usher app set '%.*s' --scope assigned",
                STR_ARG(template.display_name), STR_ARG(job->name));
    }
    JSON_EACH(note, json_get(template.document, STR("notes")))
    cli_say(c, "hint: %.*s", STR_ARG(note->text));
    if (json_get_bool(json_get(template.document, STR("switches")), "ownNotifications", false)) {
        cli_say(c,
                "hint: %.*s tells its own administrators of failures, so --notification-mail "
                "is optional",
                STR_ARG(template.display_name));
    }
}

static int run_add(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    struct err err = {.kind = ERR_NONE};
    struct job job;

    if (!add(&w, args, &job, &err))
        return cli_fail(c, &err);
    if (c->json) {
        cli_print_json(c, cli_app_json(c, &job));
        return 0;
    }
    cli_say(c, "added application '%.*s' (%.*s)", STR_ARG(job.name), STR_ARG(job.template_id));
    if (job.scope == JOB_SCOPE_ASSIGNED)
        cli_say(c, "who gets an account: usher assignment add '%.*s' WHO", STR_ARG(job.name));
    cli_say(c, "what would happen:   usher plan '%.*s'", STR_ARG(job.name));
    cli_say(c, "make it happen:      usher start '%.*s' --wait", STR_ARG(job.name));
    say_hints(c, &job);
    return 0;
}

/* --- app set, remove, test --- */

/* The new URL or token is tried before it replaces the old one (engine.md 10). */
static bool test_changed(struct cli_wire *w, const struct cli_args *args, const struct job *job,
                         const struct cli_credential *credential, struct err *err)
{
    CLEANUP(secret_done) struct secret saved = {0};
    const struct secret *secret = &credential->secret;
    struct cli *c = w->cli;
    struct str schema;

    if (cli_flag(args, "--no-test") ||
        (!credential->has_secret && credential->count == 0 && !cli_value(args, "--url")))
        return true;
    if (!credential->has_secret) {
        secret = &saved;
        if (!job_secret_load(c->db_handle, &w->key, job->no, STR("SecretToken"), &saved, err))
            return false;
    }
    if (!job_schema_load(c->db_handle, c->arena, job->no, 0, &schema, err))
        return false;
    return engine_test_new(&w->engine, job, secret, credential->settings, credential->count, schema,
                           err) ||
           err_wrap(err, "the connection test failed and nothing was saved (--no-test skips it)");
}

static bool save_settings(struct cli_wire *w, const struct cli_args *args, const struct job *job,
                          struct err *err)
{
    struct engine_setting list[SETTINGS_MAX];
    const char *text;
    size_t count = 0;

    while ((text = cli_value_at(args, "--setting", count))) {
        struct str value = str_from_z(text);

        if (count == SETTINGS_MAX)
            return err_set(err, ERR_INVALID, "usage", "at most %d settings at once", SETTINGS_MAX);
        if (!str_cut(&value, '=', &list[count].name)) {
            return err_set(err, ERR_INVALID, "usage",
                           "--setting takes NAME=VALUE, not '%s' ('usher app settings' lists them)",
                           text);
        }
        list[count++].value = value;
    }
    return count == 0 || engine_set(&w->engine, job->no, list, count, w->engine.author, err);
}

static bool save_credential(struct cli_wire *w, const struct job *job,
                            const struct cli_credential *credential, struct err *err)
{
    struct cli *c = w->cli;
    bool had_one;

    if (!credential->has_secret)
        return cli_credential_apply(w, job, credential, err);
    if (!db_begin(c->db_handle, DB_WRITE, err))
        return false;
    if (job_has_secrets(c->db_handle, job->no, &had_one, err) &&
        job_secret_save(c->db_handle, &w->key, job->no, STR("SecretToken"), &credential->secret,
                        err) &&
        cli_credential_save(c, job, credential, err) && cli_app_note_token(c, job, had_one, err) &&
        /* What the job is in quarantine for may be mended: it is tried at once (engine.md 9.5). */
        (!job->quarantined || job_set_next_cycle(c->db_handle, job->no, 0, err)))
        return db_commit(c->db_handle, err);
    db_rollback(c->db_handle);
    return false;
}

/* What was loaded stays beside it, so that only what was asked for is saved. */
static bool apply_to_copy(const struct cli_args *args, const struct job *loaded, struct job *job,
                          struct err *err)
{
    *job = *loaded;
    return cli_app_options(args, job, err);
}

static bool set(struct cli_wire *w, const struct cli_args *args, struct job *job, struct err *err)
{
    CLEANUP(cli_credential_done) struct cli_credential credential = {0};
    struct cli *c = w->cli;
    struct job loaded;

    return cli_wire_begin(w, c, err) && cli_job(c, cli_arg(args, 0), &loaded, err) &&
           apply_to_copy(args, &loaded, job, err) &&
           cli_credential_read(args, CLI_CREDENTIAL_CHANGED, &credential, err) &&
           test_changed(w, args, job, &credential, err) &&
           save_credential(w, job, &credential, err) &&
           cli_webhook_secret_save(w, args, job, err) &&
           engine_update_since(&w->engine, &loaded, job, w->engine.author, err) &&
           cli_profile_apply(w, args, job, err) && save_settings(w, args, job, err);
}

static int run_set(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    struct err err = {.kind = ERR_NONE};
    struct job job;

    if (!set(&w, args, &job, &err))
        return cli_fail(c, &err);
    return c->quiet ? 0 : cli_app_show(c, &job);
}

/* Who was assigned to the application is nobody's any more. */
static bool unassign_everybody(struct cli *c, struct str app_id, struct err *err)
{
    struct directory_assignment *page;
    struct directory_tx tx;
    bool changed;
    bool ok = true;
    size_t count;

    if (!directory_begin(c->db_handle, c->clock, c->rng, &tx, err))
        return false;
    do {
        CLEANUP(arena_freep) struct arena *tmp = arena_new();

        ok = directory_assignments(c->db_handle, tmp, app_id, STR(""), STR(""), PAGE, &page, &count,
                                   err);
        for (size_t i = 0; ok && i < count; i++)
            ok = directory_unassign(&tx, app_id, page[i].principal_id, STR(""), &changed, err);
    } while (ok && count == PAGE);
    if (ok)
        return directory_commit(&tx, err);
    directory_rollback(&tx);
    return false;
}

static bool remove_job(struct cli *c, const struct job *job, struct err *err)
{
    const struct audit_change change = {
        .activity = AUDIT_DELETE,
        .app_id = job->id,
        .app_name = job->name,
        .subject = STR("application"),
        .before = engine_note_job(c->arena, job),
    };

    if (!db_begin(c->db_handle, DB_WRITE, err))
        return false;
    if (job_remove(c->db_handle, job->no, err) && cli_note(c, &change, err))
        return db_commit(c->db_handle, err);
    db_rollback(c->db_handle);
    return false;
}

static int run_remove(struct cli *c, const struct cli_args *args)
{
    struct err err = {.kind = ERR_NONE};
    struct job job;

    if (!cli_job(c, cli_arg(args, 0), &job, &err) || !unassign_everybody(c, job.id, &err) ||
        !remove_job(c, &job, &err))
        return cli_fail(c, &err);
    if (c->json) {
        cli_print_json(c, cli_app_json(c, &job));
    } else {
        cli_say(c, "removed application '%.*s'; the accounts in it stay as they are",
                STR_ARG(job.name));
    }
    return 0;
}

static int run_test(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_wire_end) struct cli_wire w = {.cli = c};
    struct err err = {.kind = ERR_NONE};
    struct job job;

    if (!cli_job(c, cli_arg(args, 0), &job, &err) || !cli_wire_begin(&w, c, &err) ||
        !engine_test(&w.engine, job.no, &err))
        return cli_fail(c, &err);
    if (c->json) {
        struct json *v = json_new(c->arena, JSON_OBJECT);

        json_add_bool(c->arena, v, "ok", true);
        cli_print_json(c, v);
    }
    cli_say(c, "the connection works: %.*s answers and accepts the token", STR_ARG(job.base_url));
    return 0;
}

/* --- Tables --- */

#define NAME                                                    \
    {                                                           \
        "--name", "N", "the name that every other command uses" \
    }
#define URL                                                         \
    {                                                               \
        "--url", "U", "tenant URL: the application's SCIM endpoint" \
    }
#define SCOPE                                                                             \
    {                                                                                     \
        "--scope", "assigned|all", "who should have an account (default: the template's)" \
    }
#define INTERVAL                                                            \
    {                                                                       \
        "--interval", "PT40M", "pause between cycles, an ISO 8601 duration" \
    }
#define MAIL                                                                        \
    {                                                                               \
        "--notification-mail", "ADDRESS,...", "who is told when something is wrong" \
    }

static const struct cli_option add_options[] = {
    NAME,
    URL,
    CLI_CREDENTIAL_OPTIONS,
    SCOPE,
    INTERVAL,
    MAIL,
    {"--no-groups", NULL, "people only: the application knows no groups"},
    {"--no-test", NULL, "save without testing the connection"},
    CLI_RECORD_OPTION,
};
static const struct cli_option set_options[] = {
    NAME,
    URL,
    CLI_CREDENTIAL_OPTIONS,
    SCOPE,
    INTERVAL,
    MAIL,
    {"--webhook-secret", "S",
     "signs what goes to notify.webhook; '-' reads it from standard input"},
    {"--profile", "FILE", "the settings of a profile that 'usher app probe' has written"},
    {"--setting", "NAME=VALUE", "one of 'usher app settings N'; may be repeated"},
    {"--no-test", NULL, "save without testing the connection"},
    CLI_RECORD_OPTION,
};
static const struct cli_option test_options[] = {
    CLI_RECORD_OPTION,
};
static const struct cli_command commands[] = {
    {
        .name = "app add",
        .makes_data = true,
        .usage = "TEMPLATE --name N --url U --token T [--scope assigned|all]"
                 " [--no-groups] [--no-test]",
        .summary = "add an application whose accounts usher is to keep",
        .help =
            "Tests the connection first; nothing is saved when that fails. TEMPLATE is what the\n"
            "application is (joynfsm, scim, ...): it brings the attribute mappings.\n\n"
            "  usher app add scim --name Plant --url https://plant.example/scim/v2 --token -\n\n"
            "Instead of --token: --basic-user U --password - for HTTP Basic, or for OAuth 2.0 client\n"
            "credentials --oauth-token-url U --client-id I --client-secret - [--oauth-scope S].\n",
        .options = add_options,
        .option_count = ARRAY_LEN(add_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_add,
    },
    {
        .name = "app set",
        .usage = "N [--name N] [--url U] [--token T] [--scope assigned|all] [--interval PT40M]"
                 " [--setting NAME=VALUE ...]",
        .summary = "change an application's settings",
        .help =
            "A changed scope takes effect with the next cycle, which looks at everybody whom it\n"
            "concerns; accounts stay connected.\n\n"
            "  usher app set demo --interval PT10M\n",
        .options = set_options,
        .option_count = ARRAY_LEN(set_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_set,
    },
    {
        .name = "app remove",
        .usage = "N",
        .summary = "forget an application, its job and its log; accounts stay",
        .help = "  usher app remove Plant\n",
        .min_args = 1,
        .max_args = 1,
        .run = run_remove,
    },
    {
        .name = "app test",
        .usage = "N",
        .summary = "test the connection to an application",
        .help =
            "Asks for one user by the matching attribute and says what is wrong, if anything.\n\n"
            "  usher app test demo\n",
        .options = test_options,
        .option_count = ARRAY_LEN(test_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_test,
    },
};

const struct cli_commands app_commands = {commands, ARRAY_LEN(commands)};
