#!/bin/bash
# Servers to which usher must not talk, and answers without an end (scim.md 10.2, 11.6, 12): weak_tls.py is the servers.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
python3 -W ignore "$HERE/weak_tls.py"
