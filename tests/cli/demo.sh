#!/bin/sh
# The demo by the real programs: its whole story with and without Terraform, what a killed one leaves, its end. Speaks TAP.
set -u
work=$(mktemp -d "${TMPDIR:-/tmp}/berth-demos-XXXXXX")
export XDG_STATE_HOME="$work/state" XDG_CONFIG_HOME="$work/config" TMPDIR="$work" GIT_CONFIG_GLOBAL=/dev/null
unset BERTH_WORKSPACE
number=0
trap 'finish' EXIT
trap 'exit 1' INT TERM
finish() {
    "$BERTH" demo --end >/dev/null 2>&1
    [ ! -e "$work/kept" ] || "$BERTH" demo --end --folder "$work/kept" >/dev/null 2>&1
    rm -rf "$work"
}

# check SENTENCE COMMAND…: one test; its output is shown when it fails, its last line is the reason of a skip (status 77).
check() {
    number=$((number + 1))
    sentence=$1
    shift
    output=$("$@" 2>&1)
    case $? in
    0) echo "ok $number - $sentence" ;;
    77) echo "ok $number - $sentence # SKIP $(echo "$output" | tail -n 1)" ;;
    *)
        echo "not ok $number - $sentence"
        echo "$output" | sed 's/^/# /'
        ;;
    esac
}

# PATH without terraform and tofu: a folder that holds one is replaced by links to all else in it.
path_without_tools() {
    result=
    place=0
    IFS=:
    for folder in $PATH; do
        if [ -e "$folder/terraform" ] || [ -e "$folder/tofu" ]; then
            place=$((place + 1))
            mkdir -p "$work/bin$place"
            for program in "$folder"/*; do
                case ${program##*/} in terraform | tofu) ;; *) ln -sf "$program" "$work/bin$place/" ;; esac
            done
            folder=$work/bin$place
        fi
        result=$result${result:+:}$folder
    done
    unset IFS
    echo "$result"
}

# Processes that a demo in this folder started, by their environment; false when there is none.
left_of() {
    left=$(grep -ls "$1" /proc/[0-9]*/environ) # its status tells of processes that end meanwhile, too
    echo "$left"
    [ -n "$left" ]
}

# plays PATTERN…: the story to its end; each pattern is in what it prints, and nothing is left.
plays() {
    said=$("$BERTH" demo --headless </dev/null 2>&1) || { echo "$said"; return 1; }
    for pattern in 'the demo did all it should' '^run [0-9]* of staging: .*done: release v1$' \
        'rolled back by run [0-9]*: back at release v1' '^v1 (current) .*good' \
        '^run [0-9]* destroyed review/summer-banner: branch shop:summer-banner gone since' \
        '^review/checkout .*Destroyed' '^review/summer-banner .*Destroyed' '^review/broken-migration .*OK' \
        '^staging .*OK' 'the audit is whole' "$@"; do
        echo "$said" | grep -q -e "$pattern" || { echo "$said"; echo "missing: $pattern"; return 1; }
    done
    ! ls -d "$work"/berth-demo-* 2>/dev/null && ! left_of "$work/berth-demo-"
}
plays_with_terraform() {
    command -v terraform >/dev/null || command -v tofu >/dev/null || { echo 'neither terraform nor tofu is here'; exit 77; }
    plays 'is a Terraform module' '^  + *create *infra *4 to create' '^infra *terraform'
}
plays_without() {
    PATH=$(path_without_tools)
    ! command -v terraform && ! command -v tofu && plays 'neither terraform nor tofu is here' '^  + *create *infra *runs' '^infra *exec'
}

# killed_at PATTERN: the demo dies where it prints that; one command ends all of it.
killed_at() {
    rm -f "$work/told" && mkfifo "$work/told" || return 1
    "$BERTH" demo --headless --folder "$work/kept" </dev/null >"$work/told" 2>&1 &
    playing=$!
    exec 3<"$work/told"
    seen=
    while [ -z "$seen" ] && IFS= read -r line <&3; do
        # shellcheck disable=SC2254 # a pattern
        case $line in $1) seen=$line ;; esac
    done
    kill -9 $playing
    exec 3<&-
    wait $playing 2>/dev/null
    [ -n "$seen" ] || { echo "it never said '$1'"; return 1; }
}
ends_what_is_left() {
    left_of "$work/kept/" >/dev/null || { echo 'nothing was left to end'; return 1; }
    said=$("$BERTH" demo --end --folder "$work/kept" 2>&1) || { echo "$said"; return 1; }
    echo "$said" | grep -q 'is gone' && [ ! -e "$work/kept" ] && ! left_of "$work/kept/"
}
killed() {
    killed_at "$1" && ends_what_is_left
}
ends_services() {
    killed_at '$ curl *' || return 1
    url=${seen#* curl }
    "${BERTH%/*}/demo-service" get "$url" >/dev/null || { echo "no server at '$url'"; return 1; }
    ends_what_is_left && ! "${BERTH%/*}/demo-service" get "$url" 2>/dev/null
}
ends_only_demos() {
    mkdir "$work/mine" && ! "$BERTH" demo --end --folder "$work/mine" && [ -d "$work/mine" ] &&
        "$BERTH" demo --end | grep -q 'there is no demo'
}
takes_no_place() {
    mkdir "$work/taken" && ! "$BERTH" demo --headless --folder "$work/taken" </dev/null && [ -z "$(ls -A "$work/taken")" ]
}

echo 1..8
check 'the demo plays its whole story with Terraform and leaves nothing' plays_with_terraform
check 'the demo plays the same story without Terraform, and says so' plays_without
check 'a demo killed while branches are deployed is ended whole' killed 'approved run 2*'
check 'a demo killed while services run is ended with them' ends_services
check 'a demo killed while staging is applied is ended whole' killed 'approved run 4*'
check 'a demo killed while a branch goes is ended whole' killed '$ git branch -D*'
check 'demo --end ends nothing but demos' ends_only_demos
check 'the demo takes no folder that is there' takes_no_place
