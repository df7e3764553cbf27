/* Whether the files of certificates that the client is given can be used: said when it is made, not
 * with the first request. */
#pragma once

#include "base/err.h"

MUST_USE bool certificate_check_ca(const char *path, struct err *err);
/* What the client shows of itself, and that the key is its own; key_file NULL: it is in
 * cert_file. */
MUST_USE bool certificate_check_own(const char *cert_file, const char *key_file, struct err *err);
