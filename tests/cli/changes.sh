#!/bin/sh
# What changed, by the real programs: each change once and in order, also to who follows while berthd is killed. Speaks TAP.
set -u
work=$(mktemp -d "${TMPDIR:-/tmp}/berth-changes-XXXXXX")
export XDG_STATE_HOME="$work/state" GIT_CONFIG_GLOBAL=/dev/null LC_ALL=C
unset BERTH_WORKSPACE
follower=
trap 'kill $follower 2>/dev/null; "$BERTH" -C "$work/shop" stop --timeout 20s >/dev/null 2>&1; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

in_shop() {
    "$BERTH" -C "$work/shop" "$@" 2>>"$work/errors" </dev/null
}

# told PATTERN: reads what is told until a line fits; the follower ends after a while, and so does this.
told() {
    while read -r line <&3; do
        echo "$line" >>"$work/followed"
        # shellcheck disable=SC2254
        case $line in $1) return 0 ;; esac
    done
    return 1
}

say() {
    if [ "$1" = 0 ]; then
        echo "ok $2"
    else
        echo "not ok $2"
        sed 's/^/# /' "$3" "$work/errors"
    fi
}

# The lines of a table or of what followed, without when: "run run 1 done".
what() {
    tail -n +"$2" "$1" | sed -e 's/^[^ ]* *//; s/  */ /g; s/ $//'
}

echo 1..4
git init -q -b main "$work/shop" && in_shop init >/dev/null && git -C "$work/shop" add -A &&
    git -C "$work/shop" -c user.name=t -c user.email=t@example.org commit -q -m first &&
    git -C "$work/shop" branch feature/x && in_shop deploy feature/x --wait --timeout 60s >/dev/null || exit 1

name=$(in_shop completion --names environments)
mkfifo "$work/lines"
timeout 100 "$BERTH" -C "$work/shop" changes "$name" -f >"$work/lines" 2>>"$work/errors" &
follower=$!
exec 3<"$work/lines"
told '*run 1 *done: release v1'
say $? '1 - what was there is told first' "$work/followed"

kill -9 "$(in_shop doctor | sed -n "s/.*process \([0-9]*\),.*/\1/p")"
in_shop deploy feature/x --wait --timeout 60s >/dev/null
told '*run 2 *done*'
say $? '2 - it goes on over a kill of berthd' "$work/followed"

in_shop hold "$name" >/dev/null
told '*audit *hold *'
kill $follower
wait $follower 2>/dev/null
follower=
what "$work/followed" 1 >"$work/as-followed"
in_shop changes "$name" >"$work/table"
what "$work/table" 2 | sed '1!G;h;$!d' >"$work/as-listed"
diff "$work/as-followed" "$work/as-listed" >"$work/difference"
say $? '3 - who follows is told what the list says, in its order' "$work/difference"

awk '{ key = $1 " " $2 " " $3; if ($1 != "run") key = $1 " " $2; if (last[key] == $0) { print "again: " $0; again = 1 } last[key] = $0 } END { exit again }' \
    "$work/as-listed" >"$work/again"
say $? '4 - nothing is told twice' "$work/again"
