#!/bin/bash
# Killed with SIGKILL when an account is created and not yet recorded; then some of those people leave scope, before
# the next cycle runs. Nobody who has left keeps an active account, nobody has two, and accounts that were there
# before are left alone.  SEED=N repeats a run, ROUNDS=N makes it longer.
. "$(dirname "$0")/lib.sh"
tenant "$T/provider" generic plant
serve provider "$T/provider" --role provider
python3 "$HERE/killed_leavers.py" "$BASE" /scim/plant/v2 "$KEY"
stop "$PID"
check_eq "exit code of the provider" 0 "$CODE"
