#!/bin/bash
# People's accounts in a SCIM server that nobody of usher wrote: first cycle, changes, leaving and coming
# back, groups, managers, a Full restart. After each step the accounts are read back and compared with
# what the mapping table of the template says.
. "$(dirname "$0")/lib.sh"
start_scimmy
python3 "$HERE/full_life.py" "$SCIMMY" scimmy-token "${SCIMMY%/scim/v2}/log"
