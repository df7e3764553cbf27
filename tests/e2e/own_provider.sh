#!/bin/bash
# The same life as in scimmy.sh, in tenants of usher's own provider: one as it is made, and one with every tolerance off.
. "$(dirname "$0")/lib.sh"

tenant "$T/provider" generic plain
PLAIN=$KEY
tenant "$T/provider" generic strict
STRICT=$KEY
"$USHER" --data "$T/provider" --quiet tenant set strict --tolerance all=off
serve provider "$T/provider" --role provider
for name in plain strict; do
    echo "--- $name"
    mkdir "$T/$name"
    key=$PLAIN
    [ "$name" = plain ] || key=$STRICT
    T=$T/$name python3 "$HERE/full_life.py" "$BASE/scim/$name/v2" "$key"
done
