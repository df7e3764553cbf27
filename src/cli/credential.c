#include "cli/credential.h"

#include "cli/author.h"
#include "job/settings.h"

#include <string.h>

/* The option that has the secret, and what it then is. */
static const struct {
    const char *option;
    const char *auth;
} kinds[] = {
    {"--token", "bearer"},
    {"--password", "basic"},
    {"--client-secret", "oauth"},
};

static const struct {
    const char *option;
    const char *auth;
    const char *setting;
} details[] = {
    {"--basic-user", "basic", "client.auth.user"},
    {"--oauth-token-url", "oauth", "client.auth.tokenUrl"},
    {"--client-id", "oauth", "client.auth.clientId"},
    {"--oauth-scope", "oauth", "client.auth.scope"},
};

static void add(struct cli_credential *out, const char *name, const char *value)
{
    assert(out->count < CLI_CREDENTIAL_SETTINGS);
    out->settings[out->count++] = (struct engine_setting){str_from_z(name), str_from_z(value)};
}

/* As given, or the first line of standard input, so that it need not stand on a command line that
 * others can see. */
static bool read_secret(const char *option, const char *text, struct secret *out, struct err *err)
{
    char line[SECRET_MAX + 2];
    bool ok;

    if (strcmp(text, "-") == 0) {
        if (!fgets(line, sizeof(line), stdin))
            return err_set(err, ERR_INVALID, "usage", "%s -: standard input is empty", option);
        line[strcspn(line, "\r\n")] = '\0';
        text = line;
    }
    if (!*text)
        return err_set(err, ERR_INVALID, "usage", "%s is empty", option);
    ok = secret_init(out, str_from_z(text), err);
    if (text == line)
        explicit_bzero(line, sizeof(line));
    return ok;
}

/* What the options together say the secret is; NULL: nothing. */
static bool find_auth(const struct cli_args *args, const char **out, struct err *err)
{
    const char *auth = NULL;
    const char *by = NULL;

    for (size_t i = 0; i < ARRAY_LEN(kinds) + ARRAY_LEN(details); i++) {
        bool detail = i >= ARRAY_LEN(kinds);
        const char *option = detail ? details[i - ARRAY_LEN(kinds)].option : kinds[i].option;
        const char *is = detail ? details[i - ARRAY_LEN(kinds)].auth : kinds[i].auth;

        if (!cli_value(args, option))
            continue;
        if (auth && strcmp(auth, is) != 0)
            return err_set(err, ERR_INVALID, "usage", "%s and %s do not go together", by, option);
        auth = is;
        by = option;
    }
    *out = auth;
    return true;
}

static bool read_secrets(const struct cli_args *args, struct cli_credential *out, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const char *text = cli_value(args, kinds[i].option);

        if (text && !read_secret(kinds[i].option, text, &out->secret, err))
            return false;
        out->has_secret |= text != NULL;
    }
    return true;
}

bool cli_credential_read(const struct cli_args *args, enum cli_credential_of of,
                         struct cli_credential *out, struct err *err)
{
    const char *token = cli_setting(args, "--token");
    const char *auth;

    if (!find_auth(args, &auth, err) || !read_secrets(args, out, err))
        return false;
    if (of == CLI_CREDENTIAL_NEW && !auth && token) {
        if (!read_secret("--token", token, &out->secret, err))
            return false;
        out->has_secret = true;
    }
    if (of == CLI_CREDENTIAL_NEW && !out->has_secret) {
        return err_set(err, ERR_INVALID, "usage",
                       "the application's secret token is missing: --token T, or --token - to read "
                       "it from standard input (or --password with --basic-user, --client-secret "
                       "with --oauth-token-url)");
    }
    if (auth)
        add(out, "client.auth", auth);
    for (size_t i = 0; i < ARRAY_LEN(details); i++) {
        const char *value = cli_value(args, details[i].option);

        if (value)
            add(out, details[i].setting, value);
    }
    return true;
}

bool cli_credential_save(struct cli *c, const struct job *job,
                         const struct cli_credential *credential, struct err *err)
{
    struct json *was = json_new(c->arena, JSON_OBJECT);
    struct json *is = json_new(c->arena, JSON_OBJECT);
    const struct audit_change change = {
        .activity = AUDIT_SETTING,
        .app_id = job->id,
        .app_name = job->name,
        .subject = STR("settings"),
        .before = was,
        .after = is,
    };

    for (size_t i = 0; i < credential->count; i++) {
        const struct engine_setting *s = &credential->settings[i];
        struct str before;

        if (!job_setting_save(c->db_handle, c->arena, job->no, s->name, s->value, &before, err))
            return false;
        if (!str_eq(before, s->value)) {
            json_add_str(c->arena, was, s->name.ptr, before);
            json_add_str(c->arena, is, s->name.ptr, s->value);
        }
    }
    return is->count == 0 || cli_note(c, &change, err);
}

bool cli_credential_apply(struct cli_wire *w, const struct job *job,
                          const struct cli_credential *credential, struct err *err)
{
    return credential->count == 0 || engine_set(&w->engine, job->no, credential->settings,
                                                credential->count, w->engine.author, err);
}

void cli_credential_done(struct cli_credential *credential)
{
    secret_done(&credential->secret);
}
