#!/bin/bash
# Killed with SIGKILL at random moments, at least 200 times, during an initial cycle of 2,000 people against
# a real SCIM server, and started again each time: at the end every person has exactly one account, and the
# provisioning log has no gap.  SEED=N repeats a run's delays, KILLS=N and PEOPLE=N make it longer.
. "$(dirname "$0")/lib.sh"
tenant "$T/provider" joynfsm plant
serve provider "$T/provider" --role provider
python3 "$HERE/killed.py" "$BASE" /scim/plant/v2 "$KEY"
stop "$PID"
check_eq "exit code of the provider" 0 "$CODE"
