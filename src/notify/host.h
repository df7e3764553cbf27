/* Whether a host of a URL is this machine: what stays on it needs no TLS. */
#pragma once

#include "base/str.h"

/* "localhost", 127.0.0.0/8, "::1". */
bool notify_host_is_local(struct str host);
