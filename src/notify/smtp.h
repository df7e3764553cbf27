/* Sends one mail to one recipient by SMTP (RFC 5321) on libcurl: STARTTLS or TLS from the start,
 * AUTH (PLAIN, LOGIN and what else the server offers), certificates always verified. Any thread;
 * each call is a connection of its own. */
#pragma once

#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"

#include <stdatomic.h>

enum notify_tls {
    NOTIFY_TLS_REQUIRED, /* STARTTLS, or nothing is sent */
    NOTIFY_TLS_OPPORTUNISTIC,
    NOTIFY_TLS_NONE,
    NOTIFY_TLS_COUNT
};
bool notify_tls_from_name(struct str name, enum notify_tls *out); /* "required", ... */

/* The mail server. Texts are borrowed for as long as it is used. */
struct notify_smtp {
    const char *url;               /* smtp://host:587 or smtps://host; NULL: there is none */
    const char *user;              /* NULL: without authentication */
    const struct secret *password; /* with user */
    const char *from;              /* address of the sender */
    enum notify_tls tls;           /* of smtp:// */
    const char *ca_file;           /* PEM of a private authority beside the system's; NULL */
};

/* Checks what was configured: ERR_INVALID "badMailServer" with the setting that is wrong. A
 * password is sent without TLS to this machine only. */
MUST_USE bool notify_smtp_check(const struct notify_smtp *s, struct err *err);

enum notify_smtp_result {
    NOTIFY_SMTP_SENT,        /* the server has taken it on */
    NOTIFY_SMTP_LATER,       /* this mail not now */
    NOTIFY_SMTP_REFUSED,     /* this recipient or mail not at all, says the server */
    NOTIFY_SMTP_UNREACHABLE, /* no mail can be sent now: connection, TLS, authentication */
};
/* Sends a whole message (message.h). Takes at most 90 seconds; *stop (may be NULL) ends it earlier,
 * as long as the server has not got all of it. err is filled unless it was sent, with what the
 * server answered to what. */
enum notify_smtp_result notify_smtp_send(const struct notify_smtp *s, struct str to,
                                         struct str message, const atomic_bool *stop,
                                         struct err *err);
