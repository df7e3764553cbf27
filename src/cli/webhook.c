/* The secret that signs the webhook of an application (usher app set N --webhook-secret). */
#include "cli/author.h"
#include "cli/sending.h"

#include <stdio.h>
#include <string.h>

enum { LEAST = 16 };

bool cli_webhook_secret_read(const char *option, const char *text, struct secret *out,
                             struct err *err)
{
    char line[SECRET_MAX + 2];
    bool ok;

    if (strcmp(text, "-") == 0) {
        if (!fgets(line, sizeof(line), stdin)) {
            return err_set(err, ERR_INVALID, "usage", "%s -: standard input is empty", option);
        }
        line[strcspn(line, "\r\n")] = '\0';
        text = line;
    }
    ok = strlen(text) >= LEAST
             ? secret_init(out, str_from_z(text), err)
             : err_set(err, ERR_INVALID, "usage",
                       "%s takes at least %d characters: openssl rand -hex 32", option, LEAST);
    explicit_bzero(line, sizeof(line));
    return ok;
}

/* That it was set, never what it is. */
static bool note(struct cli *c, const struct job *job, struct err *err)
{
    struct json *value = json_new(c->arena, JSON_OBJECT);
    const struct audit_change change = {
        .activity = AUDIT_SETTING,
        .app_id = job->id,
        .app_name = job->name,
        .subject = STR("secret WebhookSecret"),
        .after = value,
    };

    json_add_z(c->arena, value, "WebhookSecret", AUDIT_MASK);
    return cli_note(c, &change, err);
}

bool cli_webhook_secret_save(struct cli_wire *w, const struct cli_args *args, const struct job *job,
                             struct err *err)
{
    CLEANUP(secret_done) struct secret secret = {0};
    const char *text = cli_value(args, "--webhook-secret");
    struct cli *c = w->cli;

    if (!text)
        return true;
    if (!cli_webhook_secret_read("--webhook-secret", text, &secret, err) ||
        !db_begin(c->db_handle, DB_WRITE, err))
        return false;
    if (job_secret_save(c->db_handle, &w->key, job->no, STR("WebhookSecret"), &secret, err) &&
        note(c, job, err))
        return db_commit(c->db_handle, err);
    db_rollback(c->db_handle);
    return false;
}
