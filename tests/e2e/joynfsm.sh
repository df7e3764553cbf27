#!/bin/bash
# The administrator's walk with Joyn FSM: the tenant and its key on one side, the application in usher on the other;
# joynfsm.py says what is expected (apps.md 3.1).
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
serve provider "$T/vendor" --role provider
export BASE
python3 "$HERE/joynfsm.py"
stop "$PID"
check_eq "exit code of the provider" 0 "$CODE"
