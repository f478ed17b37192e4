#!/bin/sh
# The picture of the README is what the dashboard shows: drawn again from the real program, it differs in times, commits and ports alone. Speaks TAP.
set -u
work=$(mktemp -d "${TMPDIR:-/tmp}/berth-picture-XXXXXX")
trap 'finish' EXIT
trap 'exit 1' INT TERM
finish() {
    [ ! -e "$work/demo" ] || "$BERTH" demo --end --folder "$work/demo" >/dev/null 2>&1
    rm -rf "$work"
}
echo 1..2

# What a picture says and in which colours, without what differs from one day, machine and user to the next: the first row, places,
# ages, commits.
same_always() {
    awk '/<g>/ { row++ } row != 1' "$1" |
        sed -E 's/ (x|y|width|height|textLength|d)="[^"]*"//g; s/[0-9a-f]{8}/COMMIT/g; s/[0-9]+[smhd]\b/AGE/g; s/&#x[0-9a-f]+;/&/g; s/:[0-9]{4,5}/:PORT/g; s/ +/ /g'
}
if "$BERTH_BUILDDIR/tests/e2e/picture" "$BERTH" "$work/demo" >"$work/picture.svg" 2>"$work/said"; then
    echo "ok 1 - the demo's first screen is drawn"
else
    echo "not ok 1 - the demo's first screen is drawn"
    sed 's/^/# /' "$work/said"
fi
same_always "$BERTH_SRCDIR/doc/picture.svg" >"$work/kept"
same_always "$work/picture.svg" >"$work/now"
if diff "$work/kept" "$work/now" >"$work/diff" && grep -q 'needs approval' "$work/now"; then
    echo "ok 2 - the picture of the README is what the program shows"
else
    echo "not ok 2 - the picture of the README is what the program shows"
    echo "# scripts/picture draws it anew; this differs:"
    sed 's/^/# /' "$work/diff"
fi
