#!/bin/bash
# Each check of `usher scim check` is seen to fail: a server that is right is spoilt in one thing at a time
# (scim_mutants.py), and exactly the checks of scim_mutants.txt fail then.
#
#     UPDATE=1 tests/e2e/scim_mutants.sh      writes scim_mutants.txt anew, to be read over
#     ONLY=no_tags tests/e2e/scim_mutants.sh  one mutant
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

tenant data generic plant
serve service data --role provider
URL=$BASE/scim/plant/v2
scim() { curl -sf -H "Authorization: Bearer $KEY" -H 'Content-Type: application/scim+json' "$@" >/dev/null; }
for name in cleo Bob ada; do # whose order is another than that of their creation
    scim "$URL/Users" -d '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"'$name'@plant.test"}'
done
scim "$URL/Groups" -d '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Plant"}'
before=$("$USHER" --data data --json tenant export plant)

start mutants '^that is all' python3 "$HERE/scim_mutants.py" "$URL" "$KEY"
PORT=$(sed -n 's/^listening //p' mutants.log)

# check MUTANT: lines "MUTANT: name of a check that failed" in found.txt
check() {
    local code=0
    "$USHER" --json scim check "http://127.0.0.1:$PORT/$1" --token "$KEY" --write >"report.json" 2>error.txt || code=$?
    [ -s report.json ] || fail "$1: $(cat error.txt)"
    python3 - "$1" "$code" report.json >>found.txt <<'END'
import json, sys
name, code, report = sys.argv[1].replace("_", " "), int(sys.argv[2]), json.load(open(sys.argv[3]))
failed = [c for c in report["checks"] if c["verdict"] == "failed"]
for c in failed:
    print(f"{name}: {c['name']}")
    assert c["why"] and c["expected"] and c["sent"], c
assert len(failed) == report["failed"] + report["advice"], report["failed"]
assert code == (1 if report["failed"] or report["left"] else 0), (name, code)
with open("names.txt", "w", encoding="utf-8") as out:
    out.writelines(c["name"] + "\n" for c in report["checks"])
END
}

step "nothing is spoilt: all checks pass"
: >found.txt
check none
check_eq "failures" "" "$(cat found.txt)"
step "one thing at a time"
for name in $(sed -n 's/^mutant //p' mutants.log); do
    [ -z "${ONLY:-}" ] || [ "$ONLY" = "$name" ] || continue
    before_lines=$(wc -l <found.txt)
    check "$name"
    [ "$(wc -l <found.txt)" -gt "$before_lines" ] || fail "no check notices: $name"
    CHECKS=$((CHECKS + 1))
done
if grep -q Traceback mutants.log; then fail "a mutant is broken in itself"; fi
if [ -n "${ONLY:-}" ]; then cat found.txt; exit; fi
[ -z "${UPDATE:-}" ] || cp found.txt "$HERE/scim_mutants.txt"
diff -u "$HERE/scim_mutants.txt" found.txt >&2 || fail "other checks than those of scim_mutants.txt fail"

step "every check can fail"
sed 's/^[^:]*: //' found.txt | sort -u >failing.txt
check_eq "checks that nothing makes fail" "" "$(sort -u names.txt | comm -23 - failing.txt)"

echo "$CHECKS checks"
