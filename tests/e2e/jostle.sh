#!/bin/bash
# The administrator's walk with Jostle: the tenant with its automation user and key on one side, the application in
# usher on the other; jostle.py says what is expected.
. "$(dirname "$0")/lib.sh"
serve provider "$T/jostle" --role provider
export BASE
python3 "$HERE/jostle.py"
stop "$PID"
check_eq "exit code of the provider" 0 "$CODE"
