/* Lines for a syslog receiver (RFC 5424): the one of this machine ("syslog:"), or another over TCP
 * with octet counting (RFC 6587, 3.4.1), "syslog:HOST:PORT". The protocol has no answer: taken is
 * what the connection has taken. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum syslog_severity { SYSLOG_ERROR = 3, SYSLOG_WARNING = 4, SYSLOG_INFO = 6 };

/* ERR_INVALID "badSyslog" when the text is none of both forms. */
MUST_USE bool syslog_check(struct str to, struct err *err);

/* Adds a message of facility local0 as the receiver wants it; text is one line of UTF-8. Of the
 * local one each message ends with a zero byte. */
void syslog_add(struct buf *out, struct str to, enum syslog_severity severity, int64_t at_us,
                struct str job, struct str text);

/* Sends what was added; takes at most 10 seconds. ERR_UNAVAILABLE "syslogFailed". */
MUST_USE bool syslog_send(struct str to, struct str messages, struct err *err);
