#!/bin/bash
# usher against servers that are wrong in one way each (scim.md 10.2, 10.3): faulty.py is the servers and says what is
# expected of each.
#
#     ONLY=StrayTags tests/e2e/faulty.sh      one of them; LIVES, SAID: one kind
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
python3 "$HERE/faulty.py"
