#!/bin/bash
# What a new user sees: the demo makes its organisation, runs the first cycle, keeps serving, and every line
# that it prints works when pasted. A second run goes on and makes nothing twice.
. "$(dirname "$0")/lib.sh"

count() { "$USHER" --json tenant list | tr -d ' \n' | grep -o '"users":[0-9]*' | head -1; }

"$USHER" demo --listen 127.0.0.1:0 >demo.out 2>demo.err &
demo=$!
PIDS=$demo
wait_for 120 grep -q 'keeps serving' demo.out
has 'the directory has 1000 people and 40 groups' demo.out
has 'initial cycle done' demo.out

# The lines to paste stand alone, under a comment.
grep -E "^(${USHER//\//\\/}|curl) " demo.out >lines
[ "$(wc -l <lines)" -ge 8 ] || { cat demo.out; fail "the demo printed too few lines to try"; }
while read -r line; do
    code=0
    timeout 5 bash -c "$line" >line.out 2>line.err </dev/null || code=$?
    case $line in
    *" watch "*) [ "$code" = 124 ] || fail "$line ended with $code: $(cat line.err)" ;;
    *) [ "$code" = 0 ] || fail "$line ended with $code: $(cat line.err)" ;;
    esac
    [ -s line.out ] || fail "$line printed nothing"
done <lines

"$USHER" status demo --json >status.json
has '"state": "Active"' status.json
before=$(count)

kill -TERM "$demo"
code=0
wait "$demo" || code=$?
[ "$code" = 0 ] || { cat demo.err; fail "the demo ended with $code"; }

# The port of another program is an error that says what to do.
"$USHER" demo --listen 127.0.0.1:0 >again.out 2>again.err &
again=$!
PIDS=$again
wait_for 60 grep -q 'keeps serving' again.out
port=$(grep -o 'serving on http://127.0.0.1:[0-9]*' again.out | grep -o '[0-9]*$')
code=0
"$USHER" --data other demo --listen "127.0.0.1:$port" >third.out 2>third.err || code=$?
[ "$code" = 1 ] || fail "a port in use gave $code"
has '--listen' third.err

[ "$(count)" = "$before" ] || fail "the second run has $(count), the first had $before"
"$USHER" user list --json --limit 2000 | grep -c userPrincipalName >people || true
echo "demo: $before, as pasted $(wc -l <lines) lines"
