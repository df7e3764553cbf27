# shellcheck shell=bash
# Part (e), read by bench/run: the SCIM provider as `usher serve` runs it, beside a bare server that answers a constant of the
# same size to the same requests on the same HTTP layer.

usher=$build/../usher
data=$dir/provider
people=10000
first=$people # the next person to be created; also what makes each patch a change

# start_usher: a tenant with a key, served; sets $usher_pid, $usher_port, $key
start_usher() {
    mkdir -p "$data"
    "$usher" --data "$data" tenant add generic bench >/dev/null || exit 1
    key=$("$usher" --data "$data" --json key add bench --description bench | sed -n 's/.*"key": *"\([^"]*\)".*/\1/p')
    "$usher" --data "$data" serve --listen 127.0.0.1:0 --role provider >"$data/out" 2>"$data/log" &
    usher_pid=$!
    usher_port=
    for _ in $(seq 200); do
        usher_port=$(sed -n 's/^usher listens on .*:\([0-9]*\)$/\1/p' "$data/out")
        [ -n "$usher_port" ] && return
        sleep 0.05
    done
    echo "usher serve does not start:" >&2
    cat "$data/log" >&2
    exit 1
}

stop_usher() {
    kill "$usher_pid" && wait "$usher_pid"
    usher_pid=
}

# start_bare BYTES: sets $bare_pid, $bare_port
start_bare() {
    rm -f "$data/bare.in" "$data/bare.out"
    mkfifo "$data/bare.in" "$data/bare.out"
    "$build/bench_bare" "$1" <"$data/bare.in" >"$data/bare.out" &
    bare_pid=$!
    exec 7>"$data/bare.in"
    read -r bare_port <"$data/bare.out"
}

stop_bare() {
    exec 7>&-
    wait "$bare_pid"
    bare_pid=
}

# ask_usher OPERATION COUNT [IDS]; ask_bare likewise: requests per second, CPU microseconds per request, bytes of an answer
ask_usher() { "$build/bench_provider" "$1" "$usher_port" "$usher_pid" "$key" "${3:-$data/ids}" "$first" "$2" account; }
ask_bare() { "$build/bench_provider" "$1" "$bare_port" "$bare_pid" "$key" "$data/ids" "$first" "$2" constant; }

# start_receiver: takes whatever is sent to it and answers at once; sets $other_pid, $receiver_port
start_receiver() {
    rm -f "$data/receiver.in" "$data/receiver.out"
    mkfifo "$data/receiver.in" "$data/receiver.out"
    "$build/bench_bare" 2 <"$data/receiver.in" >"$data/receiver.out" &
    other_pid=$!
    exec 9>"$data/receiver.in"
    read -r receiver_port <"$data/receiver.out"
}

stop_receiver() {
    exec 9>&-
    wait "$other_pid"
    other_pid=
}

column() { awk -v n="$1" '{print $n}' "$2" | median; }

# operation NAME COUNT LIMIT [WHERE]
operation() {
    local name=$1 count=$2 limit=$3 where=${4:-} ids=$data/ids note
    rm -f "$data/$name"
    [ "$name" = create ] && ids=$data/more
    for _ in 1 2 3 4 5; do
        ask_usher "$name" "$count" "$ids" >"$data/one" || exit 1
        [ -n "${bare_pid:-}" ] || start_bare "$(awk '{print $3}' "$data/one")"
        ask_bare "$name" "$count" >"$data/other" || exit 1
        paste -d ' ' "$data/one" "$data/other" >>"$data/$name"
        first=$((first + count))
    done
    stop_bare
    awk '{print $2 / $5}' "$data/$name" >"$data/ratio"
    note="$(column 2 "$data/$name") and $(column 5 "$data/$name") us; $(column 1 "$data/$name") and $(column 4 "$data/$name") requests/s"
    row "(e) provider $name$where, CPU beside bare" "$(printf '%.2f' "$(median <"$data/ratio")")" ratio "<=" "$limit" "$note"
}

provider() {
    start_usher
    first=0
    ask_usher create "$people" >/dev/null || exit 1
    first=$people
    operation get 20000 2.5
    operation filter 20000 3
    operation list 500 60
    operation patch 10000 8
    operation create 5000 8
    start_receiver
    "$usher" --data "$data" tenant webhook set bench "http://127.0.0.1:$receiver_port/" >"$data/webhook" || exit 1
    sleep 2 # until the service follows
    operation patch 10000 8 " with a webhook"
    operation create 5000 8 " with a webhook"
    "$usher" --data "$data" --json tenant webhook show bench | grep -q '"delivered": *"2' || { echo "the webhook was told nothing" >&2; exit 1; }
    stop_receiver
    stop_usher
}
