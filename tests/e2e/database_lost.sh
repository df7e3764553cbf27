#!/bin/bash
# The database is gone in the middle of a cycle, killed or silent, and comes back: the command says so
# clearly, the service goes on by itself, nothing is lost and nobody gets two accounts.  DOWN_S=N: away for longer.
. "$(dirname "$0")/lib.sh"
tenant "$T/provider" joynfsm plant
serve provider "$T/provider" --role provider
python3 "$HERE/database_lost.py" "$BASE/scim/plant/v2" "$KEY"
stop "$PID"
check_eq "exit code of the provider" 0 "$CODE"
