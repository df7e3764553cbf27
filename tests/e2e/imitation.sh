#!/bin/bash
# usher's engine against usher's provider while it imitates applications and their faults (apps.md 5): for each switch the
# whole life of people and a group, read back out of the store. imitation.py says what is expected.
#
#     ONLY=cursorOnly tests/e2e/imitation.sh      one of them
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
serve provider "$T/vendor" --role provider
export BASE
python3 "$HERE/imitation.py"
stop "$PID"
check_eq "exit code of the provider" 0 "$CODE"
