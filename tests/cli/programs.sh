#!/bin/sh
# The real berth with the real berthd: first use, autostart, what it says when things are missing. Speaks TAP.
set -u
work=$(mktemp -d "${TMPDIR:-/tmp}/berth-programs-XXXXXX")
export XDG_STATE_HOME="$work/state" XDG_CONFIG_HOME="$work/config" TMPDIR="$work" GIT_CONFIG_GLOBAL=/dev/null
unset BERTH_WORKSPACE
number=0
trap 'finish' EXIT
trap 'exit 1' INT TERM

# Ends every berthd of the workspaces made here, whatever happened.
finish() {
    for folder in "$work"/*/; do
        [ -e "$folder/berth.yaml" ] && "$BERTH" -C "$folder" stop >/dev/null 2>&1
    done
    rm -rf "$work"
}

# check SENTENCE COMMAND…: one test; its output is shown when it fails.
check() {
    number=$((number + 1))
    sentence=$1
    shift
    if output=$("$@" 2>&1); then
        echo "ok $number - $sentence"
    else
        echo "not ok $number - $sentence"
        echo "$output" | sed 's/^/# /'
    fi
}

# status WANTED COMMAND…: true when it exits so.
status() {
    wanted=$1
    shift
    "$@"
    got=$?
    [ "$got" = "$wanted" ] || echo "exit $got, wanted $wanted"
    [ "$got" = "$wanted" ]
}

says() {
    pattern=$1
    shift
    said=$("$@" 2>&1)
    got=$?
    echo "$said"
    [ "$1" != status ] || [ $got = 0 ] || return 1
    echo "$said" | grep -q -e "$pattern"
}

git_in() {
    folder=$1
    shift
    git -C "$folder" -c user.name=t -c user.email=t@example.org -c commit.gpgsign=false "$@"
}

# A repository made by hand, with what berth init writes.
shop=$work/shop
make_shop() {
    git init -q -b main "$shop" && "$BERTH" -C "$shop" init && "$BERTH" -C "$shop" check && git_in "$shop" add -A &&
        git_in "$shop" commit -q -m first && git_in "$shop" checkout -q -b feature/x && echo x >"$shop/x" && git_in "$shop" add -A &&
        git_in "$shop" commit -q -m 'second, "quoted" $(touch hacked)' && git_in "$shop" checkout -q main
}
deploy_to_gate() {
    status 3 "$BERTH" -C "$shop" deploy staging --wait --timeout 60s
}
gate_run() {
    "$BERTH" -C "$shop" runs --json | sed -n 's/^ *"id": "\(.*\)",*$/\1/p' | head -n 1
}
gate_digest() {
    "$BERTH" -C "$shop" runs "$(gate_run)" --json | sed -n 's/^  "digest": "\(.*\)",*$/\1/p'
}
approve() {
    status 0 "$BERTH" -C "$shop" approve "$(gate_run)" --digest "$(gate_digest | cut -c 1-12)" --wait --timeout 60s
}
deploy_review() {
    status 0 "$BERTH" -C "$shop" deploy feature/x --wait --timeout 60s
}
review() {
    "$BERTH" -C "$shop" completion --names environments | grep '^review/'
}
destroy_review() {
    name=$(review)
    status 2 "$BERTH" -C "$shop" destroy "$name" </dev/null &&
        status 0 "$BERTH" -C "$shop" destroy "$name" --confirm "$name" --wait --timeout 60s && [ -z "$(review)" ]
}
destroy_staging() {
    status 3 "$BERTH" -C "$shop" destroy staging --confirm staging --wait --timeout 60s
}
ends() {
    says 'has ended' "$BERTH" -C "$shop" stop && "$BERTH" -C "$shop" envs && says 'has ended' "$BERTH" -C "$shop" stop &&
        says 'no berthd serves' "$BERTH" -C "$shop" stop
}
# What stop waits for is named; a second stop ends nothing sooner; --now leaves the step to its worker, and its result is taken later.
slow_shop=$work/slow
make_slow_shop() {
    git init -q -b main "$slow_shop" && "$BERTH" -C "$slow_shop" init && git_in "$slow_shop" add -A &&
        sed -i "s#^up)\$#up) : >'$work/step-runs'; read -r line <'$work/step-may-end'#" "$slow_shop/scripts/app" &&
        git_in "$slow_shop" add -A && git_in "$slow_shop" commit -q -m first && git_in "$slow_shop" branch feature/x &&
        mkfifo "$work/step-may-end" "$work/step-runs"
}
step_runs() {
    timeout 30 cat "$work/step-runs" # both ends of a fifo wait for each other
}
stop_names_what_it_waits_for() {
    make_slow_shop && "$BERTH" -C "$slow_shop" deploy feature/x && step_runs || return 1
    for try in 1 2; do
        said=$("$BERTH" -C "$slow_shop" stop --timeout 700ms 2>&1)
        [ $? = 6 ] || { echo "stop $try: $said"; return 1; }
        echo "$said" | grep -q 'run 1 of review/.*: apply page (exec) since ' || { echo "$said"; return 1; }
    done
    says draining "$BERTH" -C "$slow_shop" doctor
}
stop_now_leaves_the_step() {
    says 'these go on without it' status 0 "$BERTH" -C "$slow_shop" stop --now --timeout 20s &&
        says 'only the step that had begun goes on, .*: 1.apply.page (process [0-9]*)' "$BERTH" -C "$slow_shop" runs || return 1
    echo go >"$work/step-may-end" # would wait for ever if the step had been ended
    "$BERTH" -C "$slow_shop" envs >/dev/null
    timeout 30 "$BERTH" -C "$slow_shop" log 1 -f >/dev/null # until the run has ended
    says 'run 1 .*done' "$BERTH" -C "$slow_shop" runs 1 &&
        ! "$BERTH" -C "$slow_shop" audit | grep -q interrupted
}
# A repository that is moved has a new store; that it had another is said, and what doctor says brings that back.
old_shop=$work/old-place
new_shop=$work/new-place
moved_repository_is_told() {
    git init -q -b main "$old_shop" && "$BERTH" -C "$old_shop" init && git_in "$old_shop" add -A && git_in "$old_shop" commit -q -m first &&
        "$BERTH" -C "$old_shop" deploy staging --wait --timeout 60s
    "$BERTH" -C "$old_shop" runs | grep -q '^1 ' && "$BERTH" -C "$old_shop" stop && mv "$old_shop" "$new_shop" &&
        says "lay in $old_shop before" "$BERTH" -C "$new_shop" envs && ! "$BERTH" -C "$new_shop" runs | grep -q '^1 '
}
moved_store_is_brought_back() {
    command=$("$BERTH" -C "$new_shop" doctor --json | sed -n 's/.*"next": "berth stop; \(mv .*\) goes on with that one".*/\1/p')
    "$BERTH" -C "$new_shop" stop && [ -n "$command" ] && sh -c "$command" && "$BERTH" -C "$new_shop" runs | grep '^1 ' &&
        "$BERTH" -C "$new_shop" envs 2>&1 | { ! grep 'lay in'; } && ! "$BERTH" -C "$new_shop" doctor | grep -q moved
    found=$?
    "$BERTH" -C "$new_shop" stop
    return $found
}
# A berthd that cannot start: its last words are shown.
fake_start() {
    mkdir -p "$work/fake" && cp "$BERTH" "$work/fake/berth" && printf '#!/bin/sh\necho "berthd: the moon is wrong" >&2\nexit 1\n' >"$work/fake/berthd" &&
        chmod +x "$work/fake/berthd" && XDG_STATE_HOME="$work/fake/state" says 'the moon is wrong' status 1 "$work/fake/berth" -C "$shop" envs
}
killed_while_waiting() {
    git_in "$shop" checkout -q feature/x && sed -i 's/^up)$/up) sleep 1/' "$shop/scripts/app" && git_in "$shop" commit -q -am slow &&
        git_in "$shop" checkout -q main || return 1
    mkfifo "$work/said"
    "$BERTH" -C "$shop" deploy feature/x --ref "$(git_in "$shop" rev-parse feature/x)" --wait --timeout 60s >"$work/said" 2>&1 &
    waiting=$!
    exec 3<"$work/said"
    line=
    while IFS= read -r line <&3; do
        echo "$line"
        case $line in *apply*running*) break ;; esac
    done
    pid=$("$BERTH" -C "$shop" doctor | sed -n 's/.*process \([0-9]*\),.*/\1/p' | head -n 1)
    [ -n "$pid" ] && kill -9 "$pid" || return 1
    cat <&3
    wait $waiting
    got=$?
    exec 3<&-
    # an interrupted script that declares no retries is held and asks; one whose worker ended first is done
    [ "$got" = 1 ] || [ "$got" = 0 ]
}
# Neither by a branch nor by a commit does --ref bring what `source` does not take.
refs_refused() {
    outside=$(git_in "$shop" rev-parse feature/x)
    says 'branches list them' status 2 "$BERTH" -C "$shop" deploy nothing &&
        says 'none of those that' status 4 "$BERTH" -C "$shop" deploy staging --ref feature/x &&
        says "is no commit of the branch 'main'" status 1 "$BERTH" -C "$shop" deploy staging --ref "$outside" --wait --timeout 60s
}
# A branch that comes back to a commit it had before is listed, and deployed, as it is.
pushed_back() {
    folder=$work/back
    git init -q -b main "$folder" && "$BERTH" -C "$folder" init && sed -i 's/deploy_on: \[manual\]/deploy_on: [push]/' "$folder/berth.yaml" || return 1
    git_in "$folder" add -A && git_in "$folder" commit -q -m first && git_in "$folder" branch feature/x || return 1
    says feature/x "$BERTH" -C "$folder" branches || return 1
    here=$(git_in "$folder" rev-parse feature/x)
    there=$(git_in "$folder" commit-tree -p "$here" -m there "$here^{tree}")
    other=$(git_in "$folder" commit-tree -p "$here" -m other "$here^{tree}")
    for commit in "$there" "$here" "$other" "$there" "$here"; do
        git_in "$folder" update-ref refs/heads/feature/x "$commit" || return 1
        tries=0
        until "$BERTH" -C "$folder" branches --json | grep -q "\"commit\": \"$commit\"" &&
            "$BERTH" -C "$folder" envs --json | grep -q "\"commit\": \"$commit\""; do
            tries=$((tries + 1))
            [ $tries -lt 500 ] || { "$BERTH" -C "$folder" branches; return 1; }
        done
    done
}
# What only the tree knows, each at its place, all at once.
checked=$work/checked
check_finds() {
    git init -q -b main "$checked" && "$BERTH" -C "$checked" init && git_in "$checked" add -A && git_in "$checked" commit -q -m first || return 1
    "$BERTH" -C "$checked" check || return 1
    sed -i 's#\["./scripts/app", "down"\]#["./scripts/ap", "down"]#' "$checked/templates/app.yaml"
    chmod -x "$checked/scripts/app"
    printf 'template: web\nversion: 1\nresources: { a: { executor: exec, run: ["true"] } }\n' >"$checked/templates/web.yml"
    sed -i 's/^trusted:.*/trusted: { repository: app, ref: mian }/; s/templates: \[app\]/templates: [app, web]/' "$checked/berth.yaml"
    said=$("$BERTH" -C "$checked" check)
    [ $? = 1 ] || return 1
    echo "$said"
    for line in 'app.yaml:8:11: error: expected a program, and scripts/app is not executable (git add --chmod=+x scripts/app)' \
        'app.yaml:9:12: error: expected a program, found no file scripts/ap ' 'app.yaml:11:19: error: expected a program, and scripts/app' \
        'web.yml:1:1: warning: this file is not read: a template is looked for as templates/web.yaml (git mv ' \
        'berth.yaml:[0-9]*:[0-9]*: error: the entry .* looked for templates/web.yaml' \
        'berth.yaml:[0-9]*:[0-9]*: error: trusted: expected a branch of this repository, found "mian"'; do
        echo "$said" | grep -q "$line" || { echo "missing: $line"; return 1; }
    done
}

# Without a commit there is no policy: said at once, not waited for; a next berthd's first answer is not its predecessor's.
no_policy() {
    git init -q -b main "$work/empty" && "$BERTH" -C "$work/empty" init &&
        says 'no berth.yaml was read' status 1 "$BERTH" -C "$work/empty" envs &&
        says 'no berth.yaml was read' status 1 timeout 20 "$BERTH" -C "$work/empty" deploy main &&
        status 1 "$BERTH" -C "$work/empty" branches --json && "$BERTH" -C "$work/empty" stop || return 1
    git_in "$work/empty" add -A && git_in "$work/empty" commit -q -m first &&
        says '"name": "main"' "$BERTH" -C "$work/empty" branches --json && "$BERTH" -C "$work/empty" stop
}

echo 1..22
check 'a workspace without a policy says so at once' no_policy
check 'init writes a workspace that check accepts' make_shop
check 'the first looking command starts berthd and shows the branches' says feature/x "$BERTH" -C "$shop" branches
check 'a subject with shell words is text' test ! -e "$shop/hacked"
check 'deploy --wait ends with 3 at a gate' deploy_to_gate
check 'approve with a part of the digest lets it go on to the end' approve
check 'the environment is OK and has a release' says 'OK .*v1' "$BERTH" -C "$shop" envs
check 'plan --delta compares a plan made now with the applied one' \
    says 'run 2  plan of staging: nothing is planned now; before it was 1 as run 1 applied' status 0 "$BERTH" -C "$shop" plan staging --delta
check 'a branch without a gate is deployed to the end' deploy_review
check 'destroy wants the name twice, then removes' destroy_review
check 'a permanent environment wants an approval besides its name' destroy_staging
check 'a berthd killed while a command waits is started again' killed_while_waiting
check 'a ref that the source does not take is refused' refs_refused
check 'a branch pushed back to an earlier commit is seen and deployed' pushed_back
check 'the audit is whole' says 'the audit is whole' "$BERTH" -C "$shop" audit verify
check 'stop ends berthd' ends
check 'stop names what it waits for, and ends with 6 when that takes too long' stop_names_what_it_waits_for
check 'stop --now leaves the steps that run to their workers' stop_now_leaves_the_step
check 'a moved repository is told that it had a store' moved_repository_is_told
check 'what doctor says brings the store of a moved repository back' moved_store_is_brought_back
check 'a berthd that cannot start is quoted' fake_start
check 'check sees programs, files and refs that are not there' check_finds
