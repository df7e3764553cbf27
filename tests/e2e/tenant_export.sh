#!/bin/bash
# The users and groups of a tenant as CSV: chosen columns, all of the schema with extensions, several values of one
# attribute; and back into a directory with usher import.
. "$(dirname "$0")/lib.sh"
tenant "$T/data" generic plant
serve provider "$T/data" --role provider
python3 "$HERE/tenant_export.py" "$BASE" "$KEY"
