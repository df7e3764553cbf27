/* A record of the provisioning log for people: its steps and what changed. */
#pragma once

#include "cli/cli.h"
#include "journal/journal.h"

/* "mail  old -> new", one line each; a value longer than the line is cut on a terminal. */
void cli_properties_print(struct cli *c, const struct journal_property *p, size_t count,
                          const char *indent);
/* Steps with their outcome and details, then the properties. */
void cli_record_print(struct cli *c, const struct journal_record *r);
/* A value as one line of text; "-" for none. */
struct str cli_value_text(struct arena *a, const struct json *v);
