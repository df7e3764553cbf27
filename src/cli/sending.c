#include "cli/sending.h"

#include "provider/changes/webhook.h"

static bool webhook_secret(void *ctx, struct db *db, int64_t job_no, struct secret *out,
                           struct err *err)
{
    const struct cli_wire *w = ctx;

    if (job_no < 0) /* of a tenant (notify_tenant) */
        return provider_webhook_secret(db, &w->key, -job_no, out, err);
    if (job_secret_load(db, &w->key, job_no, STR("WebhookSecret"), out, err))
        return true;
    if (err->kind == ERR_NOT_FOUND) {
        err_fill(err, ERR_NOT_FOUND, "secretNotSet",
                 "the webhook has no secret: usher app set N --webhook-secret -");
    }
    return false;
}

static bool take_tls(const char *text, enum notify_tls *out, struct err *err)
{
    if (!text || notify_tls_from_name(str_from_z(text), out))
        return true;
    return err_set(err, ERR_INVALID, "usage",
                   "smtp-tls is required, opportunistic or none, not '%s'", text);
}

bool cli_sending_init(struct cli_sending *s, struct cli_wire *w, const struct cli_args *args,
                      struct err *err)
{
    const char *password = cli_setting(args, "--smtp-password");
    const char *link = cli_setting(args, "--public-url");
    const char *ca_file = cli_setting(args, "--ca-file");
    struct notify_smtp smtp = {
        .url = cli_setting(args, "--smtp-url"),
        .user = cli_setting(args, "--smtp-user"),
        .from = cli_setting(args, "--smtp-from"),
        .ca_file = ca_file,
    };

    if (!take_tls(cli_setting(args, "--smtp-tls"), &smtp.tls, err) ||
        (password && !secret_init(&s->password, str_from_z(password), err)))
        return false;
    smtp.password = password ? &s->password : NULL;
    if (smtp.url && !notify_smtp_check(&smtp, err))
        return false;
    s->how = (struct notify_sending){
        .db = w->engine.db,
        .clock = w->engine.clock,
        .rng = w->engine.rng,
        .smtp = smtp,
        .ca_file = ca_file,
        .link = str_from_z(link),
        .webhook_secret = webhook_secret,
        .ctx = w,
    };
    return true;
}

void cli_sending_done(struct cli_sending *s)
{
    secret_done(&s->password);
}
