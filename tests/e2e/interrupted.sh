#!/bin/bash
# Ctrl-C while an application is probed or read: nothing stays there, no half file here, and the exit code says it.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
python3 "$HERE/interrupted.py"
