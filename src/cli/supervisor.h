/* Tells whoever started the service how it is, by the protocol of systemd's sd_notify(3). */
#pragma once

#include "base/compiler.h"

/* Sends a state such as "READY=1" to the socket that NOTIFY_SOCKET names. Nothing happens when it
 * names none; a supervisor that does not listen is not our failure. */
void supervisor_tell(const char *state);
