#!/bin/bash
# Plans: saved, shown and applied exactly as they were reviewed; refused when they or the world have changed; a
# cycle undone and held; and why somebody has an account or none. The application is a tenant of the program's own.
. "$(dirname "$0")/lib.sh"

D=$T/data
usher() { "$USHER" --data "$D" "$@"; }
field() { python3 -c 'import json, sys; v = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"; }
# accounts: what the application has, one a line
accounts() {
    curl -s -H "Authorization: Bearer $KEY" "$BASE/scim/plant/v2/Users?count=100" |
        field '"\n".join(sorted("%s %s %s" % (u["userName"], u.get("title", "-"), u["active"]) for u in v.get("Resources", [])))'
}
refused() { # WHAT CODE COMMAND...: exit code 1, the code on standard error, nothing changed at the application
    local what=$1 code=$2 was
    shift 2
    was=$(accounts)
    usher --json "$@" >"$T/out" 2>"$T/err" && fail "$what went through: $(cat "$T/out")"
    check_has "$what" "$(cat "$T/err")" "$code"
    check_eq "accounts after $what" "$was" "$(accounts)"
}

cat >people.csv <<'CSV'
userPrincipalName,displayName,givenName,surname,mail,jobTitle
ada@example.com,Ada Lovelace,Ada,Lovelace,ada@example.com,Analyst
bob@example.com,Bob Babbage,Bob,Babbage,bob@example.com,Builder
eve@example.com,Eve Else,Eve,Else,eve@example.com,Editor
CSV

step "an application and three people"
usher --quiet import people.csv
tenant "$D" generic plant
serve provider "$D" --role provider
printf '%s\n' "$KEY" | usher --quiet app add scim --name plant --url "$BASE/scim/plant/v2" --token - --scope all

step "a plan of the first cycle: saved, shown, applied in part, then whole"
usher plan plant --save first.plan >"$T/saved"
check_has "plan --save" "$(cat "$T/saved")" "3 to create or match" "nothing was sent"
check_eq "mode of the plan" 600 "$(stat -c %a first.plan)"
check_eq "nothing was sent" "" "$(accounts)"
check_eq "every line is JSON" 4 "$(python3 -c 'import json; print(len([json.loads(l) for l in open("first.plan")]))')"
check_has "show" "$(usher show first.plan)" "3 people: create or match an account" "Ada Lovelace" '"Analyst"'
usher apply first.plan --only ada@example.com >"$T/out" || fail "$(cat "$T/out")"
check_eq "ada alone" "ada@example.com Analyst True" "$(accounts)"
usher --json apply first.plan >"$T/out"
check_eq "the others" "2 1 0" "$(field '"%d %d %d" % (v["done"], v["already"], v["refused"])' <"$T/out")"
check_eq "accounts" 3 "$(accounts | wc -l)"
usher --quiet start plant --wait
check_eq "the cycle after it writes nothing" "0 0" "$(usher --json status plant |
    field '"%d %d" % (v["lastCycle"]["counts"]["created"], v["lastCycle"]["counts"]["updated"])')"
usher --quiet pause plant

step "an edited plan, a foreign one, an old one"
usher --quiet user set bob@example.com jobTitle=Baker
usher --quiet plan plant --save bob.plan
python3 - <<'PY'
text = open("bob.plan").read()
assert text.count("Baker") == 1
open("edited.plan", "w").write(text.replace("Baker", "Boxer"))
open("cut.plan", "w").write(text[:-2])
head, rest = text.split("\n", 1)
open("head.plan", "w").write(head.replace('"configuration":1', '"configuration":2') + "\n" + rest)
PY
refused "an edited row" planEdited apply edited.plan
refused "a cut plan" planEdited apply cut.plan
refused "an edited head" planEdited apply head.plan
refused "no plan at all" planUnreadable apply people.csv
refused "a plan that is not there" fileNotFound apply nowhere.plan
refused "a selection that fits nothing" noSuchRow apply bob.plan --only eve@example.com
"$USHER" --data "$T/other" --quiet import people.csv
"$USHER" --data "$T/other" --json apply bob.plan >"$T/out" 2>"$T/err" && fail "a foreign database took the plan"
check_has "a foreign database" "$(cat "$T/err")" planOfAnotherDatabase

step "a changed person is refused, and only that one"
usher --quiet user set eve@example.com jobTitle=Engineer
usher --quiet plan plant --save both.plan
usher --quiet user set eve@example.com jobTitle=Explorer
code=0
usher --json apply both.plan >"$T/out" || code=$?
check_eq "exit code" 1 "$code"
check_eq "one done, one refused" "1 1 PlanSourceChanged" \
    "$(field '"%d %d %s" % (v["done"], v["refused"], v["notDone"][0]["code"])' <"$T/out")"
check_eq "exactly that" "ada@example.com Analyst True
bob@example.com Baker True
eve@example.com Editor True" "$(accounts)"

step "an account changed by hand is refused"
usher --quiet plan plant --save eve.plan
id=$(curl -s -H "Authorization: Bearer $KEY" "$BASE/scim/plant/v2/Users?filter=userName%20eq%20%22eve@example.com%22" | field 'v["Resources"][0]["id"]')
curl -s -o /dev/null -X PATCH -H "Authorization: Bearer $KEY" -H 'Content-Type: application/scim+json' "$BASE/scim/plant/v2/Users/$id" \
    -d '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"title","value":"By Hand"}]}'
usher --json apply eve.plan >"$T/out" && fail "an account that says otherwise was written"
check_eq "why" PlanTargetChanged "$(field 'v["notDone"][0]["code"]' <"$T/out")"

step "a cycle undone"
usher --quiet start plant --wait
check_eq "the cycle writes eve" "eve@example.com Explorer True" "$(accounts | grep eve)"
usher --quiet pause plant
refused "an unknown cycle" cycleNotFound undo plant 00000000-0000-4000-8000-000000000000
refused "too few letters" cycleNotFound undo plant abc
newest=$(usher --json cycles plant --limit 1 | field 'v[0]["id"]')
check_has "cycles" "$(usher cycles plant)" "$(printf %.8s "$newest")"
check_eq "of one cycle, by its first letters" "$(usher logs plant --cycle last)" "$(usher logs plant --cycle "$(printf %.8s "$newest")")"
usher undo plant last --save undo.plan >"$T/out"
check_has "undo" "$(usher show undo.plan)" "undo of cycle" "Explorer" "By Hand"
code=0
usher apply undo.plan --only action=foo >/dev/null 2>"$T/err" || code=$?
check_eq "an action that there is not is a mistake of the call" 2 "$code"
usher --quiet apply undo.plan
check_eq "put back" "eve@example.com By Hand True" "$(accounts | grep eve)"
check_eq "held" 1 "$(usher --json status plant | field 'v["counts"]["undone"]')"
check_has "listed" "$(usher release plant --list)" "Eve Else"
usher --quiet user set eve@example.com jobTitle=Explorer2
usher --quiet start plant --wait
check_eq "the next cycle leaves it" "eve@example.com By Hand True" "$(accounts | grep eve)"
check_has "explained" "$(usher explain plant eve@example.com)" "stays as an undo left it" "usher release plant"
usher --quiet release plant eve@example.com
usher --quiet start plant --wait
check_eq "released" "eve@example.com Explorer2 True" "$(accounts | grep eve)"

step "a creation undone"
usher --quiet pause plant
usher --quiet user add zoe@example.com displayName="Zoe Zed" givenName=Zoe surname=Zed mail=zoe@example.com
usher --quiet plan plant --save zoe.plan
cycle=$(usher --json apply zoe.plan | field 'v["cycle"]')
usher --quiet undo plant "$cycle" --save unzoe.plan
usher --quiet apply unzoe.plan
check_eq "what an apply created is disabled" "zoe@example.com - False" "$(accounts | grep zoe)"

step "why"
check_has "an account" "$(usher explain plant bob@example.com)" "has account" "says what it should" "Baker"
check_eq "as JSON" True "$(usher --json explain plant bob@example.com | field 'v["scope"]["inScope"]')"
check_has "long ago" "$(usher explain plant bob@example.com --at 2020-01-01)" "nothing had been done"
refused "an unknown person" "nobody" explain plant nobody
echo "passed: $CHECKS checks"
