#!/bin/bash
# Random changes of groups, members, managers and people against usher's own provider; after each cycle every
# group there has the members that it should, by name, and every manager is right.  SEED=N repeats a run,
# ROUNDS=N makes it longer.
. "$(dirname "$0")/lib.sh"
tenant "$T/provider" generic plant
serve provider "$T/provider" --role provider
python3 "$HERE/members.py" "$BASE/scim/plant/v2" "$KEY"
stop "$PID"
check_eq "exit code of the provider" 0 "$CODE"
