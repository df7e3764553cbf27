/* A mail as it is sent: headers and a text in UTF-8 (RFC 5322, 2045, 2047, 3834). Lines end with
 * CRLF; only 7-bit characters; no line has over 76 characters but a long word of a subject that
 * cannot be cut. Nothing that stands in a subject can begin another header. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

struct notify_mail {
    struct str from; /* an address (address.h) */
    struct str to;   /* an address */
    struct str subject;
    struct str text;
    struct str message_id; /* what stands before the '@' */
    int64_t date_us;
};

#define NOTIFY_MAIL_MAX (1024 * 1024) /* bytes */

/* out is initialised here and freed by the caller with buf_done. */
void notify_mail_write(const struct notify_mail *m, struct buf *out);
