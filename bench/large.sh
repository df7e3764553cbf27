# shellcheck shell=bash
# Parts (j) and (k), read by bench/run after provider.sh: large groups and a large tenant of the SCIM provider.

# turn OPERATION COUNT [GROUP]: CPU microseconds per request
turn() {
    "$build/bench_provider" "$1" "$usher_port" "$usher_pid" "$key" "$data/ids" "$first" "$2" account /scim/bench/v2 "${3:-}" >"$data/turn" || return 1
    awk '{print $2}' "$data/turn"
}

# new_group NAME MEMBERS: prints its id; the members are the first of all
new_group() {
    local id
    id=$(curl -sf -H "Authorization: Bearer $key" -H 'Content-Type: application/scim+json' \
        -d "{\"displayName\":\"$1\"}" "http://127.0.0.1:$usher_port/scim/bench/v2/Groups" | sed -n 's/.*"id":"\([^"]*\)".*/\1/p')
    [ -n "$id" ] || { echo "no group" >&2; exit 1; }
    first=0
    [ "$2" -lt 500 ] || turn enroll $(($2 / 500)) "$id" >/dev/null || exit 1
    first=$(($2 / 500 * 500))
    [ "$first" -eq "$2" ] || turn join $(($2 - first)) "$id" >/dev/null || exit 1
    echo "$id"
}

memory() { awk -v name="$2:" '$1 == name {print $2}' "/proc/$1/status"; }

# One member more or less by PATCH, and a group read without its members: a group of 100 and one of many, in one tenant.
groups() {
    local many=${BENCH_MEMBERS:-100000} spare=1000 small large what before began
    rm -rf "$data"
    start_usher
    first=0
    ask_usher create "$many" >/dev/null || exit 1
    small=$(new_group small 100) || exit 1
    large=$(new_group large $((many - spare))) || exit 1
    for _ in 1 2 3 4 5; do
        first=$((many - spare))
        for what in join leave; do
            turn "$what" "$spare" "$small" >>"$data/$what.small" || exit 1
            turn "$what" "$spare" "$large" >>"$data/$what.large" || exit 1
        done
        turn group "$spare" "$small" >>"$data/group.small" || exit 1
        turn group "$spare" "$large" >>"$data/group.large" || exit 1
    done
    for what in join leave group; do
        row "(j) $what, group of $many beside 100" "$(divide "$(median <"$data/$what.large")" "$(median <"$data/$what.small")")" ratio "<=" 1.2 \
            "$(median <"$data/$what.large") and $(median <"$data/$what.small") us of CPU"
    done
    before=$(memory "$usher_pid" VmHWM)
    curl -sf -o "$data/whole" -H "Authorization: Bearer $key" "http://127.0.0.1:$usher_port/scim/bench/v2/Groups/$large" || exit 1
    row "(j) reading all members, memory" "$(divide "$((($(memory "$usher_pid" VmHWM) - before) * 1024))" "$(stat -c %s "$data/whole")" 1)" \
        "ratio" "<=" 4 "of an answer of $(($(stat -c %s "$data/whole") / 1048576)) MiB"
    began=$(date +%s%N)
    curl -sf -X DELETE -H "Authorization: Bearer $key" "http://127.0.0.1:$usher_port/scim/bench/v2/Groups/$large" || exit 1
    row "(j) removing a group of $many" "$((($(date +%s%N) - began) / 1000000))" ms "<=" 5000
    stop_usher
}

# tenant_of USERS: a served tenant of so many; as start_usher
tenant_of() {
    data=$dir/of$1
    start_usher
    first=0
    ask_usher create "$1" >/dev/null || exit 1
}

# A filter by userName in a tenant of many and in one of 1,000, each a server of its own.
users() {
    local many=${BENCH_USERS:-1000000} small_data small_pid small_port small_key large
    tenant_of 1000
    small_data=$data small_pid=$usher_pid small_port=$usher_port small_key=$key
    other_pid=$usher_pid
    tenant_of "$many"
    large=$data
    for _ in 1 2 3 4 5 6 7; do
        turn filter 20000 >>"$large/filter" || exit 1
        "$build/bench_provider" filter "$small_port" "$small_pid" "$small_key" "$small_data/ids" 0 20000 account | awk '{print $2}' >>"$small_data/filter"
    done
    row "(k) filter at $many beside 1000" "$(divide "$(median <"$large/filter")" "$(median <"$small_data/filter")")" ratio "<=" 1.2 \
        "$(median <"$large/filter") and $(median <"$small_data/filter") us of CPU"
    row "(k) memory at $many" "$(($(memory "$usher_pid" VmHWM) / 1024))" MiB "<=" 100 "$(($(memory "$small_pid" VmHWM) / 1024)) MiB at 1000"
    stop_usher
    usher_pid=$small_pid
    stop_usher
    other_pid=
    data=$dir/provider
}
