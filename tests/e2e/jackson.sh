#!/bin/bash
# People's accounts in saml-jackson's directory sync, a server in wide use that keeps to little of the RFC: the
# life of users and groups, read back after each step; and its deviations as `usher scim check` finds them.
. "$(dirname "$0")/lib.sh"
start_jackson
python3 "$HERE/jackson/scenario.py" "$JACKSON" "$SECRET"

step "saml-jackson: known deviations"
"$USHER" --json scim check "$JACKSON" --token "$SECRET" --write >report.json && fail "saml-jackson passes every check"
python3 "$HERE/scim_failures.py" report.json >found.txt
diff -u "$HERE/jackson/deviations.txt" found.txt >&2 || fail "saml-jackson deviates in another way than deviations.txt says"
