#!/bin/sh
# Completion in a real bash: the function that `berth completion bash` defines, asked as the shell asks it. Speaks TAP.
set -u
work=$(mktemp -d "${TMPDIR:-/tmp}/berth-completion-XXXXXX")
export XDG_STATE_HOME="$work/state" GIT_CONFIG_GLOBAL=/dev/null
unset BERTH_WORKSPACE
trap '"$BERTH" -C "$work/shop" stop >/dev/null 2>&1; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
number=0
hostile='feature/$(touch${IFS}hacked)'

# completes SENTENCE WANTED WORD…: the last word is completed; WANTED is one of the answers.
completes() {
    number=$((number + 1))
    sentence=$1
    wanted=$2
    shift 2
    found=$(cd "$work/shop" && PATH="${BERTH%/*}:$PATH" bash -c '
        source <(berth completion bash) || exit 1
        COMP_WORDS=(berth "$@")
        COMP_CWORD=$#
        _berth
        printf "%s\n" "${COMPREPLY[@]}"' bash "$@" 2>&1)
    if printf '%s\n' "$found" | grep -q -x -F -e "$wanted"; then
        echo "ok $number - $sentence"
    else
        echo "not ok $number - $sentence"
        printf '%s\n' "$found" | sed 's/^/# /'
    fi
}

echo 1..11
command -v bash >/dev/null || { echo "Bail out! bash is not installed"; exit 1; }
git init -q -b main "$work/shop" && "$BERTH" -C "$work/shop" init >/dev/null && git -C "$work/shop" add -A &&
    git -C "$work/shop" -c user.name=t -c user.email=t@example.org commit -q -m first && git -C "$work/shop" branch feature/x &&
    git -C "$work/shop" branch "$hostile" && "$BERTH" -C "$work/shop" branches >/dev/null || exit 1

completes 'a verb' deploy de
completes 'a verb behind -C FOLDER' deploy -C "$work/shop" de
completes 'a branch where one can be named' feature/x deploy fea
completes 'a branch of the workspace that -C names' feature/x -C "$work/shop" deploy fea
completes 'a name with shell words comes quoted' "$(printf '%s' 'feature/\$\(touch\$\{IFS\}hacked\)')" deploy fea
completes 'an option of the verb' --dry-run deploy --d
completes 'a choice' mermaid graph x --format me
completes 'a tier' staging freeze st
completes 'the verb that why is asked about' deploy why de
completes 'a branch behind --ref' main deploy feature/x --ref ma
number=$((number + 1))
if [ -e "$work/shop/hacked" ]; then echo "not ok $number - nothing was run"; else echo "ok $number - nothing was run"; fi
