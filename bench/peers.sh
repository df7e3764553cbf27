# shellcheck shell=bash
# Part (i), read by bench/run after provider.sh: the SCIM provider beside two servers in Node.js, over keep-alive connections from
# another process. The server, with the database it has, is kept on one core and the client on another.

cores=$(taskset -cp $$ | sed 's/.*: //' | tr ',' '\n' | awk -F- '{for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i}')
server_core=$(echo "$cores" | head -1)
client_core=$(echo "$cores" | tail -1) # the same one where there is no other

# pin PID: with the processes that it has started; a server is filled before, on all cores
pin() {
    local pid
    for pid in "$1" $(ps -o pid= --ppid "$1"); do taskset -acp "$server_core" "$pid" >/dev/null; done
}

# start_postgres: sets $pg_pid, $pg_url; it does not run as root
start_postgres() {
    local bin as
    bin=$(find /usr/lib/postgresql -name postgres -path '*/bin/*' | sort -V | tail -1)
    [ -n "$bin" ] || { echo "this part needs PostgreSQL: tools/install-deps" >&2; exit 1; }
    bin=$(dirname "$bin")
    pg_dir=$(mktemp -d /tmp/usher-bench-pg.XXXXXX)
    as=
    [ "$(id -u)" = 0 ] && { as="setpriv --reuid=postgres --regid=postgres --clear-groups"; chown postgres "$pg_dir"; }
    pg_url="postgresql://bench@127.0.0.1:$pg_port/postgres?sslmode=disable"
    (cd "$pg_dir" && $as "$bin/initdb" -D data -U bench -A trust --locale=C --encoding=UTF8 --no-sync >/dev/null) || exit 1
    # shellcheck disable=SC2086 # words
    (cd "$pg_dir" && exec $as "$bin/postgres" -D data -k "$pg_dir" -p "$pg_port" \
        -c listen_addresses=127.0.0.1 >log 2>&1) &
    pg_pid=$!
    pg_bin=$bin
    psql() { "$pg_bin/psql" -qAt -h "$pg_dir" -p "$pg_port" -U bench -d postgres -c "$1" >/dev/null; }
    for _ in $(seq 200); do
        "$bin/pg_isready" -q -h "$pg_dir" -p "$pg_port" && return
        sleep 0.05
    done
    cat "$pg_dir/log" >&2
    exit 1
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# start_peer NAME FILE ARGUMENTS...: sets ${NAME}_pid; it fills itself, all of them at the same time
start_peer() {
    local name=$1 file=$2
    shift 2
    : >"$data/$name.out"
    node "bench/peers/$file.mjs" --ids "$data/ids.$name" "$@" >"$data/$name.out" 2>"$data/$name.log" &
    declare -g "${name}_pid=$!"
}

# await_peer NAME: until it is filled and listens; sets ${NAME}_at ("PORT TOKEN BASE")
await_peer() {
    local name=$1 pid=${1}_pid port base token
    until grep -q '^listening ' "$data/$name.out"; do
        kill -0 "${!pid}" 2>/dev/null || { cat "$data/$name.log" >&2; exit 1; }
        sleep 0.2
    done
    read -r _ port base token <"$data/$name.out"
    declare -g "${name}_at=$port $token $base"
}

stop_peer() {
    local pid=${1}_pid
    kill "${!pid}" && wait "${!pid}"
    unset "$pid"
}

# ask_peer NAME OPERATION COUNT: as ask_usher
ask_peer() {
    local at=${1}_at pid=${1}_pid ids=$data/ids.$1 port token base
    read -r port token base <<<"${!at}"
    [ "$2" = create ] && ids=$data/more.$1
    taskset -c "$client_core" "$build/bench_provider" "$2" "$port" "${!pid}" "$token" "$ids" "$first" "$3" account "$base"
}

# beside OPERATION COUNT PEER_COUNT: three turns of each; the better of the peers counts
beside() {
    local name=$1 ids=$data/ids one other file=$data/beside.$1
    [ "$name" = create ] && ids=$data/more
    rm -f "$file"
    for _ in 1 2 3; do
        taskset -c "$client_core" "$build/bench_provider" "$name" "$usher_port" "$usher_pid" "$key" "$ids" "$first" "$2" account >"$data/one" || exit 1
        for other in scimmy jackson memory; do
            ask_peer "$other" "$name" "$3" >"$data/$other.one" || exit 1
        done
        cat "$data/one" "$data/scimmy.one" "$data/jackson.one" "$data/memory.one" | tr '\n' ' ' >>"$file"
        echo >>"$file"
        first=$((first + $2))
    done
    awk '{print $1 / ($4 > $7 ? $4 : $7)}' "$file" >"$data/ratio"
    one="$(column 1 "$file") requests/s, scimmy $(column 4 "$file"), jackson $(column 7 "$file"), in memory $(column 10 "$file");"
    row "(i) $name at $users, beside Node.js" "$(printf '%.1f' "$(median <"$data/ratio")")" ratio ">=" 10 \
        "$one $(column 2 "$file"), $(column 5 "$file"), $(column 8 "$file"), $(column 11 "$file") us of CPU"
}

# peers_at USERS: all servers filled with so many
peers_at() {
    local peer
    users=$1
    rm -rf "$data"
    start_postgres
    psql "ALTER SYSTEM SET synchronous_commit = off"
    psql "SELECT pg_reload_conf()"
    mkdir -p "$data"
    start_peer jackson jackson --database "$pg_url" --fill "$users"
    start_peer memory jackson --fill "$users"
    start_peer scimmy scimmy --fill "$users" --log "$data/scimmy.records"
    start_usher
    first=0
    ask_usher create "$users" >/dev/null || exit 1
    first=$users
    for peer in scimmy memory jackson; do await_peer "$peer"; done
    psql "ALTER SYSTEM RESET synchronous_commit"
    psql "SELECT pg_reload_conf()"
    psql "VACUUM ANALYZE"
    for peer in "$usher_pid" "$scimmy_pid" "$memory_pid" "$jackson_pid" "$pg_pid"; do pin "$peer"; done
    beside get 20000 2000
    beside filter 20000 2000
    beside list 1000 100
    beside patch 10000 1000
    beside create 10000 1000
    for peer in scimmy memory jackson; do stop_peer "$peer"; done
    kill "$pg_pid" && wait "$pg_pid"
    rm -rf "$pg_dir"
    stop_usher
}

peers() {
    local peer
    for peer in scimmy jackson; do
        [ -d "tests/e2e/$peer/node_modules" ] || { echo "this part needs the npm packages of the tests: tools/install-deps" >&2; exit 1; }
    done
    pg_port=$(free_port)
    peers_at 10000
    peers_at "${BENCH_PEERS:-100000}"
}
