#!/bin/bash
# As provider_killed.sh, with the accounts in PostgreSQL.  KILLS=N: default 25.
. "$(dirname "$0")/lib.sh"
export KILLS="${KILLS:-25}"
python3 "$HERE/provider_killed.py" postgresql
