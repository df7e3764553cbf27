#!/bin/bash
# What usher makes of an application that refuses what is its right to refuse: seats, lookup tables, names that others have,
# domains, roles of members, busy users, keys that end (apps.md 5). The tenants of its own provider are the applications.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
serve provider "$T/vendor" --role provider
export BASE
python3 "$HERE/refusals.py"
stop "$PID"
check_eq "exit code of the provider" 0 "$CODE"
