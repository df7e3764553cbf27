/* Mail addresses as people write them into settings: a list of addresses, comma-separated, as they
 * stand in an envelope (RFC 5321, 4.1.2) without quoting, comments or names; ASCII only. */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum { NOTIFY_RECIPIENTS_MAX = 50, NOTIFY_ADDRESS_MAX = 254 };

/* Whether the text is one address: local@domain. */
bool notify_address_valid(struct str text);

/* Cuts the next address off the list, without blanks around it; empty ones are passed over. False
 * at the end. */
bool notify_address_next(struct str *list, struct str *out);

/* Checks a whole list; an empty one is fine. ERR_INVALID "badAddress" names the one that is none;
 * ERR_LIMIT "tooManyRecipients". */
MUST_USE bool notify_addresses_check(struct str list, struct err *err);
