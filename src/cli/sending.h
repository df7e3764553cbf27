/* How this installation sends notices: the mail server of the configuration, the secrets of
 * webhooks.
 */
#pragma once

#include "cli/wire.h"
#include "notify/sender.h"

struct cli_sending {
    struct notify_sending how;
    struct secret password;
};

/* From the options, the environment and the configuration file. ERR_INVALID when a mail server is
 * configured wrongly; none at all is fine. w outlives it. */
MUST_USE bool cli_sending_init(struct cli_sending *s, struct cli_wire *w,
                               const struct cli_args *args, struct err *err);
void cli_sending_done(struct cli_sending *s); /* for CLEANUP */

/* The settings that may be options, for the tables of commands. The password may not: others see
 * command lines. */
#define CLI_MAIL_OPTIONS                                                                       \
    {"--smtp-url", "URL", "mail server for notices: smtp://HOST:587 or smtps://HOST"},         \
        {"--smtp-user", "NAME", "user there, with smtp-password (USHER_SMTP_PASSWORD)"},       \
        {"--smtp-from", "ADDRESS", "sender of the notices"},                                   \
    {                                                                                          \
        "--smtp-tls", "required|opportunistic|none", "STARTTLS on smtp:// (default: required)" \
    }

/* Saves what --webhook-secret says for a job, in a transaction of its own with its audit record;
 * nothing when it is not given. In webhook.c. */
MUST_USE bool cli_webhook_secret_save(struct cli_wire *w, const struct cli_args *args,
                                      const struct job *job, struct err *err);
/* A secret of an option's text; "-" reads a line of standard input. The caller frees it. */
MUST_USE bool cli_webhook_secret_read(const char *option, const char *text, struct secret *out,
                                      struct err *err);
