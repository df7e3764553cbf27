#!/bin/bash
# People whose names need care: created, matched again after a Full restart without a second account, and
# read back equal, code point for code point; in usher's own provider (from CSV) and in scimmy (from JSON).
. "$(dirname "$0")/lib.sh"
start_scimmy
tenant "$T/provider" generic names
serve provider "$T/provider" --role provider
python3 "$HERE/names.py" "$BASE/scim/names/v2" "$KEY" "$SCIMMY" scimmy-token
