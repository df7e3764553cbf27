#!/bin/bash
# Hostile clients of the SCIM provider, over raw sockets: filters, JSON, numbers, text, paths and heads that are made to
# hurt, bodies that drip, answers that nobody takes, 10,000 connections that do nothing. Each gets the right error,
# memory stays bounded, and another client is served all the while.  IDLE=N: so many idle connections.
. "$(dirname "$0")/lib.sh"
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:quarantine_size_mb=8" # or memory is what the sanitizer keeps
ulimit -n "$(ulimit -H -n)" 2>/dev/null || true
tenant "$T/data" generic target
(ulimit -S -n 1024 # as services usually have: the server raises it itself
    exec "$USHER" --data "$T/data" serve --listen 127.0.0.1:0 --role provider) >"$T/provider.log" 2>&1 &
PID=$!
PIDS=$PID
wait_for 30 grep -q 'listens on http' "$T/provider.log"
PORT=$(sed -n 's/^usher listens on .*:\([0-9]*\)$/\1/p' "$T/provider.log")
python3 "$HERE/hostile.py" "$PORT" "$PID" "$KEY"
stop "$PID"
check_eq "exit code of the provider" 0 "$CODE"
