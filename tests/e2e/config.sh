#!/bin/bash
# What an administrator does with the mapping: look at it, draft a change, see what it would mean, save it, see it arrive
# in the application, and go back. What is refused changes nothing.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

tenant "$T/provider" joynfsm plant
serve provider "$T/provider" --role provider

cat >people.csv <<'CSV'
userPrincipalName,displayName,givenName,surname,mail,department,city
ada@plant.example,Ada Lovelace,Ada,Lovelace,ada@plant.example,Research,London
bob@plant.example,Bob Stone,Bob,Stone,bob@plant.example,Sales,Berlin
eve@plant.example,Eve Novak,Eve,Novak,eve@plant.example,Sales,Praha
CSV
"$USHER" import people.csv >/dev/null
"$USHER" app add joynfsm --name Plant --url "$BASE/scim/plant/v2" --token "$KEY" --scope all >/dev/null
"$USHER" start Plant --wait >/dev/null

# account WHO: the application's side of a person
account() {
    curl -s -H "Authorization: Bearer $KEY" -G "$BASE/scim/plant/v2/Users" \
        --data-urlencode "filter=userName eq \"$1@plant.example\""
}
version() { "$USHER" config history Plant --json | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))'; }

step "an exported schema comes back unchanged"
"$USHER" config export Plant before.json
"$USHER" config import Plant before.json >same.out
check_eq "versions after importing what was exported" 1 "$(version)"

step "a draft is tried before it is saved"
python3 - <<'PY'
import json
schema = json.load(open("before.json"))
for rule in schema["synchronizationRules"]:
    for mapping in rule["objectMappings"]:
        for attribute in mapping["attributeMappings"]:
            if attribute["targetAttributeName"] == "displayName":
                attribute["source"] = {"expression": "ToUpper([displayName], )"}
json.dump(schema, open("draft.json", "w"))
PY
out=$("$USHER" config try Plant draft.json)
check_has "config try" "$out" "3 people" displayName case
check_eq "versions after a try" 1 "$(version)"
check_has "before" "$(account ada)" '"displayName":"Ada Lovelace"'

step "saved, the next cycle brings it to everybody, to the same accounts"
id=$(account ada | grep -o '"id":"[^"]*"' | head -1)
"$USHER" config import Plant draft.json --comment "capitals" >/dev/null
"$USHER" start Plant --wait >/dev/null
check_has "after" "$(account ada)" '"displayName":"ADA LOVELACE"' "$id"
check_has "history" "$("$USHER" config history Plant)" capitals
check_has "diff" "$("$USHER" config diff Plant 1 2)" displayName ToUpper

step "golden cases run at every save"
"$USHER" config golden Plant ada@plant.example --attribute displayName >/dev/null
check_has "config test" "$("$USHER" config test Plant)" "1 passed"
code=0
"$USHER" config map Plant displayName --attribute displayName >refused.out 2>&1 || code=$?
check_eq "exit code of a save that breaks a golden case" 1 "$code"
check_has "which case" "$(cat refused.out)" "Ada Lovelace"

step "a filter narrows the scope; who leaves is disabled"
"$USHER" config filter Plant "department EQUALS 'Research'" >/dev/null
"$USHER" start Plant --wait >/dev/null
check_has "bob" "$(account bob)" '"active":false'
check_has "ada" "$(account ada)" '"active":true'

step "what is refused is told whole, and changes nothing"
versions=$(version)
python3 - <<'PY'
import json
schema = json.load(open("before.json"))
mapping = schema["synchronizationRules"][0]["objectMappings"][0]
mapping["attributeMappings"][0]["source"] = {"expression": "Nonsense([mail])"}
mapping["attributeMappings"][1]["targetAttributeName"] = "id"
mapping["attributeMappings"][2]["flowType"] = "Sometimes"
json.dump(schema, open("bad.json", "w"))
PY
code=0
"$USHER" config import Plant bad.json >refused.out 2>&1 || code=$?
check_eq "exit code of a bad schema" 1 "$code"
check_has "all findings with their places" "$(cat refused.out)" Nonsense Sometimes \
    /synchronizationRules/0/objectMappings/0/attributeMappings/0 \
    /synchronizationRules/0/objectMappings/0/attributeMappings/2
check_eq "versions after a refusal" "$versions" "$(version)"

step "back to the first version"
"$USHER" config rollback Plant 1 --force >/dev/null
"$USHER" start Plant --wait >/dev/null
check_has "ada again" "$(account ada)" '"displayName":"Ada Lovelace"' "$id"
check_has "bob again" "$(account bob)" '"active":true'

echo "$CHECKS checks"
