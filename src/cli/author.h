/* Who runs this command, and what the audit log is told of it. */
#pragma once

#include "cli/cli.h"
#include "journal/audit.h"

/* The user of the operating system; behind sudo the one who called it. In c->arena. */
struct str cli_author(struct cli *c);

/* Appends to the audit log, in the transaction that is open on c->db_handle. */
MUST_USE bool cli_note(struct cli *c, const struct audit_change *change, struct err *err);
