#!/bin/sh
# Each exit status that scripts may rely on, by the real programs. Speaks TAP.
set -u
work=$(mktemp -d "${TMPDIR:-/tmp}/berth-exits-XXXXXX")
export XDG_STATE_HOME="$work/state" GIT_CONFIG_GLOBAL=/dev/null
unset BERTH_WORKSPACE
trap 'echo go >"$work/may-end" & "$BERTH" -C "$work/shop" stop --timeout 20s >/dev/null 2>&1; kill $! 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
number=0

# ends WANTED SENTENCE WORD…: berth WORD… ends so.
ends() {
    number=$((number + 1))
    wanted=$1
    sentence=$2
    shift 2
    said=$("$BERTH" -C "$work/shop" "$@" 2>&1 </dev/null)
    got=$?
    if [ "$got" = "$wanted" ]; then
        echo "ok $number - $wanted: $sentence"
    else
        echo "not ok $number - $wanted: $sentence"
        printf '%s\nended with %s\n' "$said" "$got" | sed 's/^/# /'
    fi
}

git_in_shop() {
    git -C "$work/shop" -c user.name=t -c user.email=t@example.org "$@"
}

echo 1..23
# feature/bad fails on purpose; feature/slow waits until it is told to go on
git init -q -b main "$work/shop" && "$BERTH" -C "$work/shop" init >/dev/null && git_in_shop add -A &&
    git_in_shop commit -q -m first && git_in_shop branch feature/x && git_in_shop checkout -q -b feature/bad &&
    sed -i 's/^up)$/up) exit 7/' "$work/shop/scripts/app" && git_in_shop commit -q -am bad &&
    git_in_shop checkout -q -b feature/slow main && sed -i "s#^up)\$#up) read -r line <'$work/may-end'#" "$work/shop/scripts/app" &&
    git_in_shop commit -q -am slow && git_in_shop checkout -q main && mkfifo "$work/may-end" || exit 1

ends 0 'a table' branches
ends 0 'a deploy that was waited for' deploy feature/x --wait --timeout 60s
name=$("$BERTH" -C "$work/shop" completion --names environments)
ends 0 'why, where one may' why deploy feature/x
ends 1 'a deploy that failed' deploy feature/bad --wait --timeout 60s
ends 1 'nothing was found' find no-such-thing
ends 2 'a verb that is none' deploi feature/x
ends 2 'a name that is not there' env review/none
ends 2 'a command in an environment that is not there' exec none -- terraform show
ends 2 'a lock of an environment that is not there' unlock none
ends 2 'a folder that is none' check "$work/none"
ends 5 'a cancel of what is over' cancel "$name"
ends 5 'a retry of what went well' retry "$name"
ends 5 'a refusal of what does not wait' reject "$name"
ends 5 'an undo of what is no destroy' undo "$name"
ends 5 'a roll-back to nothing' rollback "$name"
ends 5 'a destroy of what was never deployed' destroy staging --confirm staging
ends 3 'a run that waits for an approval' deploy staging --wait --timeout 60s
ends 4 'a deploy that policy refuses' deploy staging --ref feature/x
ends 0 'a hold' hold staging
ends 4 'why, where one may not' why deploy staging
ends 6 'a wait that was too long' deploy feature/slow --wait --timeout 2s
ends 5 'a deploy that is under way already' deploy feature/slow
ends 6 'a stop that was too long' stop --timeout 100ms
