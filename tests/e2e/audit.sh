#!/bin/bash
# The audit log: every command that changes the configuration or the data leaves who did it, and what was before and
# after. One row a command; what changes nothing of its kind is said, too.
. "$(dirname "$0")/lib.sh"

D=$T/data
export USER=auditor LOGNAME=auditor
usher() { "$USHER" --data "$D" "$@"; }
field() { python3 -c 'import json, sys; v = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"; }
newest() { usher --json audit list --limit 1 | field 'v[0]["no"] if v else 0'; }

cat >people.csv <<'CSV'
userPrincipalName,displayName,givenName,surname,mail
ada@example.com,Ada Lovelace,Ada,Lovelace,ada@example.com
bob@example.com,Bob Babbage,Bob,Babbage,bob@example.com
eve@example.com,Eve Else,Eve,Else,eve@example.com
CSV

# audited WHAT-IS-EXPECTED COMMAND...: the command leaves records of this author that say all of it (words apart by
# blanks, "_" stands for a blank in one).
audited() {
    local want=$1 before
    shift
    before=$(newest)
    usher "$@" >"$T/out" 2>"$T/err" || fail "$*: $(cat "$T/err" "$T/out")"
    usher --json audit list --limit 50 >"$T/audit"
    WANT=$want BEFORE=$before python3 - "$*" "$T/audit" <<'PY' || exit 1
import json, os, sys
records = [r for r in json.load(open(sys.argv[2])) if r["no"] > int(os.environ["BEFORE"])]
text = json.dumps(records)
missing = [w for w in os.environ["WANT"].split() if w.replace("_", " ") not in text]
if not records: sys.exit(f"FAILED: '{sys.argv[1]}' left no record")
if missing: sys.exit(f"FAILED: the record of '{sys.argv[1]}' does not say {missing}: {text}")
PY
    CHECKS=$((CHECKS + 1))
}

usher --quiet import people.csv

step "SCIM tenants"
audited "tenant plant generic" tenant add generic plant
audited "key plant" key add plant --description "for the audit"
tenant_key=$(usher --json key list plant | field 'v[0]["id"]')
audited "key $tenant_key" key revoke plant "$tenant_key"
KEY=$(usher --json key add plant --description "again" | field 'v["key"]')
serve provider "$D" --role provider

step "applications and their settings"
export TOKEN=$KEY
token() { printf '%s\n' "$KEY"; }
token >token.txt
before=$(newest)
usher --quiet app add scim --name plant --url "$BASE/scim/plant/v2" --token - <token.txt
check_has "app add" "$(usher --json audit list --limit 9)" plant "$BASE/scim/plant/v2"
audited "scope assigned all" app set plant --scope all
audited "interval PT40M PT20M" app set plant --interval PT20M
audited "guard.count 500 2" app set plant --setting guard.count=2
audited "guard.percent 100" app set plant --setting guard.percent=100
audited "schedule Active" start plant
audited "schedule Paused Active" pause plant
audited "restart" restart plant
usher --quiet start plant --wait

step "the configuration"
usher --quiet config export plant >schema.json
audited "mapping version title" config map plant title --constant Boss
audited "mapping version" config unmap plant title
audited "filter version 1" config filter plant "mail IS NOT NULL"
audited "version" config rollback plant 1
usher --quiet config map plant title --constant Chief --dry-run
usher --quiet start plant --wait

step "people, groups and assignments"
audited "user dan@example.com" user add dan@example.com displayName=Dan mail=dan@example.com
audited "user jobTitle Digger" user set dan@example.com jobTitle=Digger
audited "user dan@example.com" user remove dan@example.com
audited "user dan@example.com" user restore dan@example.com
audited "group Crew" group add Crew
audited "group description of_all" group set Crew "description=of all"
audited "members Crew dan@example.com" group add-member Crew dan@example.com
audited "members Crew dan@example.com" group remove-member Crew dan@example.com
audited "group Crew" group remove Crew
audited "assignment Ada_Lovelace" assignment add plant ada@example.com
audited "assignment Ada_Lovelace" assignment remove plant ada@example.com
printf '%s\n' "userPrincipalName,jobTitle" "ada@example.com,Countess" >change.csv
audited "import change.csv updated" import change.csv

step "what the guard holds, grace periods, retries, quarantine"
usher --quiet start plant --wait
for who in ada bob eve; do usher --quiet user remove $who@example.com; done
usher --quiet start plant --wait
set=$(usher --json held plant | field 'v["set"]')
audited "held_set reject $set" held reject plant ada@example.com --set "$set"
set=$(usher --json held plant | field 'v["set"]')
audited "held_set allow $set" held allow plant --set "$set"
audited "quarantine" quarantine plant --set
audited "quarantine" quarantine plant --lift
usher --quiet app set plant --setting "deprovision.sourceSoftDeleted=disable after P7D"
usher --quiet user remove dan@example.com
usher --quiet start plant --wait
audited "grace_period Dan cancel" grace cancel plant Dan
audited "escrow" retry plant

step "plans, undo, connections, drift, discovery"
usher --quiet user restore eve@example.com
usher --quiet user set eve@example.com jobTitle=Editor
usher --quiet plan plant --save p.plan
digest=$(head -1 p.plan | field 'v["digest"]')
audited "plan_applied $digest" apply p.plan
cycle=$(usher --json cycles plant --limit 1 | field 'v[0]["id"]')
usher --quiet undo plant last --save u.plan
audited "undo_applied undoes $cycle" apply u.plan
audited "released eve@example.com" release plant eve@example.com
account=$(usher --json connection show plant bob@example.com | field 'v["targetId"]')
usher --quiet pause plant
audited "connection $account" connection remove plant bob@example.com
audited "connection $account" connection set plant bob@example.com "$account"
usher --quiet app set plant --setting drift.answer=accept
account=$(usher --json connection show plant eve@example.com | field 'v["targetId"]')
curl -s -o /dev/null -X PATCH -H "Authorization: Bearer $KEY" -H 'Content-Type: application/scim+json' "$BASE/scim/plant/v2/Users/$account" \
    -d '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"displayName","value":"By Hand"}]}'
audited "drift_answered accepted" drift plant
usher --quiet app set plant --scope assigned
audited "assignment" discover plant --assign

step "an application's end"
audited "plant" app remove plant
audited "tenant plant" tenant remove plant
"$USHER" --data demo --quiet demo --no-serve --listen 127.0.0.1:0 >/dev/null 2>demo.log
check_has "the demo, too" "$("$USHER" --data demo audit list)" "tenant demo" "key of tenant demo" application "secret SecretToken"
check_has "the chain" "$(usher audit verify)" intact
echo "$CHECKS checks"
