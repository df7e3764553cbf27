#!/bin/bash
# The SCIM provider when its surroundings fail: the database may not grow, is locked by another program, the process is
# stopped and goes on, is killed with a full disk. Errors are clear (503 with Retry-After), reading goes on, what was
# acknowledged is there, and it recovers without a restart.
. "$(dirname "$0")/lib.sh"
tenant "$T/data" generic plant
python3 "$HERE/provider_outage.py" "$KEY"
