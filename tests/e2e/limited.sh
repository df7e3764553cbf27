#!/bin/bash
# An application that limits how often it may be asked.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

python3 "$HERE/limited.py"
