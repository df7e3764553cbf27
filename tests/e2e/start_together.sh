#!/bin/bash
# Two processes start the same job at once, again and again, on SQLite and on PostgreSQL: one runs the cycle,
# the other follows it or comes after it, and takes over when the first is killed. Everybody has one account.
. "$(dirname "$0")/lib.sh"
tenant "$T/provider" joynfsm plant
serve provider "$T/provider" --role provider
python3 "$HERE/start_together.py" "$BASE/scim/plant/v2" "$KEY"
stop "$PID"
check_eq "exit code of the provider" 0 "$CODE"
