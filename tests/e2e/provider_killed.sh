#!/bin/bash
# The SCIM provider killed with SIGKILL under write load, again and again: every write that was acknowledged is
# there afterwards, to the version and the time of its change, and none that was refused; what was under way is
# there wholly or not at all.  SEED=N repeats a run's delays, KILLS=N (default 50) and WRITERS=N make it longer.
. "$(dirname "$0")/lib.sh"
python3 "$HERE/provider_killed.py" sqlite
