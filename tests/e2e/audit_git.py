#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The audit in git: the real programs, real repositories; kills, rewritten refs, changed bytes, planted secrets. Speaks TAP."""
import base64
import glob
import json
import os
import select
import sqlite3
import subprocess
import threading
import time
import urllib.parse

from hostile import BOUND_S, World, main

REF = "refs/heads/berth/audit"
SECRET = "hunter2/s3cret+value"
POLICY = """version: 1
workspace: audit
trusted: { repository: app, ref: main }
repositories: { app: { provider: git, url: . } }
targets: { here: { provider: local } }
people: { anna: { email: [anna@example.org], unix: %s } }
environments:
  - name: "review/${{ branch.slug }}"
    tier: dev
    source: { branches: ["**", "!main"] }
    templates: [app]
    target: here
    deploy_on: [%s]
    on_failure: hold
notify: [ %s ]
"""
TEMPLATE = """template: app
version: 1
resources:
  page:
    executor: exec
    run: ["./tool", "up"]
    undo: ["./tool", "down"]
    env: { TOKEN: "${{ secret.env.AUDIT_TOKEN }}" }
    outputs: [url, token]
"""
TOOL = """#!/bin/sh
echo "url=http://127.0.0.1/$1" >> "$BERTH_OUTPUTS"
echo "token=$TOKEN" >> "$BERTH_OUTPUTS"
echo "with $TOKEN"
if [ -e fail ]; then echo "it went wrong with $TOKEN" >&2; exit 3; fi
exit 0
"""


def world(name, receiver="{ provider: git, repository: app }", deploy_on="manual"):
    made = World(name)
    made.env["AUDIT_TOKEN"] = SECRET
    made.usual(POLICY % (subprocess.check_output(["id", "-un"]).decode().strip(), deploy_on, receiver), TEMPLATE, TOOL)
    return made


def commits(made, folder=None):
    out = made.git("for-each-ref", REF, folder=folder)
    return made.git("log", "--format=%H", "--reverse", REF, folder=folder).decode().split() if out else []


def wait_commits(made, count, folder=None):
    until = time.monotonic() + BOUND_S
    while len(commits(made, folder)) < count:
        assert time.monotonic() < until, f"{len(commits(made, folder))} commits, wanted {count}:\n{made.berth('audit')}"
        select.select([], [], [], 0.05)  # poll: the notifier works
    return commits(made, folder)


def agrees(made, *words):
    made.wait_says("agrees with it", "audit", "verify", *words)
    return json.loads(made.berth("audit", "verify", "--json", *words, wanted=0))


def differs(made, *words):
    """What verify finds, the first first."""
    said = made.berth("audit", "verify", "--json", *words, wanted=1)
    return json.loads(said[:said.rindex("}") + 1])["differences"]


def record(made, commit, folder=None):
    path = made.git("show", "--format=", "--name-only", commit, folder=folder).decode()
    return path, json.loads(made.git("show", f"{commit}:{path}", folder=folder))


def rows(made, words):
    base = sqlite3.connect(os.path.join(made.store(), "store.db"), isolation_level=None)
    found = base.execute(words).fetchall()
    base.close()
    return found


def rewrite(made, commit, path=None, text=None, message=None):
    """The same commit with another file, or another message, in its place."""
    env = dict(made.env, GIT_INDEX_FILE=os.path.join(made.root, "index"))

    def git(*words, feed=None):
        return subprocess.run(["git", "-C", made.app, *words], env=env, input=feed, stdout=subprocess.PIPE, check=True).stdout.strip().decode()
    git("read-tree", commit)
    if path:
        blob = git("hash-object", "-w", "--stdin", feed=text.encode())
        git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
    tree = git("write-tree")
    raw = made.git("cat-file", "commit", commit).decode() + "\n"
    lines = raw.split("\n")
    lines[0] = "tree " + tree
    raw = "\n".join(lines)
    if message:
        raw = raw.replace(*message)
    return git("hash-object", "-t", "commit", "-w", "--stdin", feed=raw.encode())


def each_ended_run_is_one_commit():
    made = world("each")
    made.branch("one")
    made.branch("two", [("fail", "")])
    made.deploy("one", wanted=0)
    made.deploy("two")
    made.berth("cancel", "2", wanted=0)
    made.berth("destroy", "review/one", "--confirm", "review/one", "--wait", wanted=0, bound=BOUND_S)
    ids = wait_commits(made, 3)
    says = made.git("log", "--format=%an <%ae> %s", "--reverse", REF).decode().split("\n")
    assert says == ["anna <anna@example.org> review/one: deploy done, v1 (run 1)",
                    "anna <anna@example.org> review/two: deploy cancelled (run 2)",
                    "anna <anna@example.org> review/one: destroy done (run 3)"], says
    path, first = record(made, ids[0])
    assert path.startswith("runs/") and path.endswith("/000001.json"), path
    assert first["run"]["commit"] == made.git("rev-parse", "one").decode() and first["releases"]["to"] == 1
    assert first["outputs"]["page"]["url"] == "http://127.0.0.1/up"
    assert "page.url = http://127.0.0.1/up" in made.git("log", "-1", "--format=%B", ids[0]).decode()
    chain = rows(made, "select sequence, hash from audit where run = '1' and action = 'run.done'")
    assert (first["chain"]["last"], first["chain"]["hash"]) == chain[0]
    assert "run.held" in [entry["action"] for entry in record(made, ids[1])[1]["chain"]["entries"]]
    made.git("fsck", "--strict")
    assert made.git("status", "--porcelain") == b"" and made.git("symbolic-ref", "HEAD") == b"refs/heads/main"
    told = agrees(made)
    assert (told["runs"], told["commits"]) == (3, 3), told
    made.close()


def a_run_that_ends_again_is_recorded_again():
    made = world("again")
    made.branch("one", [("templates/app.yaml", "template: app\nversion: 1\nresources: { page: { executor: nothing } }\n")])
    made.deploy("one", wanted=1)
    wait_commits(made, 1)
    made.berth("retry", "1", "--wait", bound=BOUND_S)
    first, again = (record(made, commit) for commit in wait_commits(made, 2))
    assert again[0] == first[0].replace(".json", "-2.json"), (first[0], again[0])
    assert (first[1]["ending"], again[1]["ending"]) == (1, 2) and again[1]["chain"]["last"] > first[1]["chain"]["last"]
    assert agrees(made)["runs"] == 2
    made.close()


def the_audit_ref_is_no_branch():
    made = world("branch", deploy_on="push")
    made.branch("one")
    made.deploy("one", wanted=0)
    wait_commits(made, 1)
    made.branch("later")  # a push that is seen after the audit was written: it deploys, the audit does not
    made.wait_says("review/later", "envs")
    wait_commits(made, 2)
    assert "berth/audit" not in made.berth("branches"), made.berth("branches")
    assert "audit" not in made.berth("envs"), made.berth("envs")
    made.close()


def a_filter_leaves_out_what_it_does_not_name():
    made = world("filter", "{ provider: git, repository: app, events: [destroyed] }")
    made.branch("one")
    made.deploy("one", wanted=0)
    made.berth("destroy", "review/one", "--confirm", "review/one", "--wait", wanted=0, bound=BOUND_S)
    ids = wait_commits(made, 1)
    assert record(made, ids[0])[1]["run"]["workflow"] == "destroy" and len(ids) == 1
    assert agrees(made)["runs"] == 1
    made.close()


def killed_anywhere_there_is_one_commit():
    for point in ("notifier.before_delivery", "notifier.mid_record", "notifier.after_delivery"):
        made = world("kill")
        fired = os.path.join(made.root, "fired")
        os.makedirs(fired)
        made.env.update(BERTH_FAULT=point + "=kill", BERTH_FAULT_FOLDER=fired)
        made.branch("one")
        made.deploy("one", wanted=0)
        ids = wait_commits(made, 1)
        agrees(made)
        assert os.path.exists(os.path.join(fired, point + ".fired")), f"{point} was not reached"
        assert commits(made) == ids and len(ids) == 1, ids
        until = time.monotonic() + BOUND_S
        while rows(made, "select count(*) from deliveries where status = 'waiting'")[0][0]:
            assert time.monotonic() < until
            select.select([], [], [], 0.05)  # poll: the outbox is told
        assert commits(made) == ids, point
        made.close()


def two_stores_push_to_one_repository():
    bare = World("bare", init=False)
    os.makedirs(bare.app, exist_ok=True)
    bare.git("init", "-q", "--bare", ".")
    url = "file://" + bare.app
    worlds = [world(name, "{ provider: git, repository: app, push: \"%s\" }" % url) for name in ("left", "right")]

    def work(made):
        for at in range(4):
            made.branch(f"b{at}")
            made.deploy(f"b{at}", wanted=0)
    threads = [threading.Thread(target=work, args=(made,)) for made in worlds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = wait_commits(bare, 8)
    for made in worlds:
        told = agrees(made)
        assert (told["runs"], told["others"]) == (4, 4), told
        agrees(made, "--against", url)
    assert len(commits(bare)) == 8 and ids == commits(bare)
    assert bare.git("rev-list", "--merges", REF) == b""
    bare.git("fsck", "--strict")
    for made in worlds + [bare]:
        made.close()


def offline_waits_and_is_told():
    elsewhere = World("there", init=False)
    made = world("offline", "{ provider: git, repository: app, push: \"file://%s\" }" % elsewhere.app)
    made.branch("one")
    made.deploy("one", wanted=0)
    made.wait_says("cannot reach|cannot read|cannot push|cannot fetch", "audit", "verify")
    os.makedirs(elsewhere.app, exist_ok=True)
    elsewhere.git("init", "-q", "--bare", ".")
    assert differs(made)[0]["kind"] == "waiting"
    wait_commits(elsewhere, 1)
    agrees(made)
    made.close()
    elsewhere.close()


def a_checked_out_ref_is_left_alone():
    made = world("out")
    made.branch("one")
    made.git("checkout", "-q", "--orphan", "berth/audit")
    made.git("rm", "-rfq", ".")
    head = made.git("symbolic-ref", "HEAD")
    made.git("commit", "-q", "--allow-empty", "-m", "mine")
    mine = made.git("rev-parse", "HEAD")
    made.write("berth.yaml", made.git("show", "main:berth.yaml"))
    made.deploy("one", wanted=0)
    made.wait_says("is checked out in a work tree", "audit", "verify")
    assert made.git("rev-parse", "HEAD") == mine and made.git("symbolic-ref", "HEAD") == head
    made.close()


def a_ref_that_holds_other_things_is_left_alone():
    made = world("mine", "{ provider: git, repository: app, ref: refs/heads/main2 }")
    made.branch("one")
    made.git("branch", "main2", "main")
    made.deploy("one", wanted=0)
    made.wait_says("holds other things", "audit", "verify")
    assert made.git("rev-parse", "main2") == made.git("rev-parse", "main")
    made.close()


def tampered_refs_are_found():
    made = world("tamper")
    for name in ("one", "two"):
        made.branch(name)
        made.deploy(name, wanted=0)
    ids = wait_commits(made, 2)
    agrees(made)
    made.berth("stop")
    path, last = record(made, ids[1])
    where = last["chain"]["last"] + 1

    text = made.git("show", f"{ids[1]}:{path}").decode() + "\n"
    made.git("update-ref", REF, rewrite(made, ids[1], path, text.replace("review/two", "review/owt", 1)))
    first = differs(made)[0]
    assert (first["kind"], first["run"], first["sequence"]) == ("changed", "2", where), first
    assert first["commit"] == made.git("rev-parse", REF).decode()

    bad = text.replace(last["chain"]["entries"][1]["hash"], "0" * 64)
    made.git("update-ref", REF, rewrite(made, ids[1], path, bad))
    first = differs(made)[0]
    assert (first["kind"], first["sequence"]) == ("chain", last["chain"]["entries"][1]["sequence"]), first

    made.git("update-ref", REF, rewrite(made, ids[1], message=("deploy done", "deploy held")))
    first = differs(made)[0]
    assert first["kind"] == "changed" and "message" in first["message"], first

    made.git("update-ref", REF, ids[0])
    assert [(d["kind"], d["run"], d["sequence"]) for d in differs(made)] == [("missing", "2", where)], differs(made)
    base = sqlite3.connect(os.path.join(made.store(), "store.db"), isolation_level=None)
    base.execute("UPDATE deliveries SET delivered_at = delivered_at + 3600000 WHERE run = '2' AND event = 'record'")
    assert made.berth("audit", "verify", wanted=0)  # it came after the ref was read
    base.execute("UPDATE deliveries SET delivered_at = delivered_at - 3600000 WHERE run = '2' AND event = 'record'")
    base.close()
    made.git("update-ref", "-d", REF)
    assert [d["run"] for d in differs(made)] == ["1", "2"]

    made.git("update-ref", REF, rewrite(made, ids[1], path.replace("000002", "000009"), text))
    assert "unknown" in [d["kind"] for d in differs(made)], differs(made)
    made.git("update-ref", REF, ids[1])
    assert made.berth("audit", "verify", wanted=0)
    assert made.berth("audit", "verify", "--local", wanted=0)
    assert not glob.glob(os.path.join(made.root, "berth-audit-*"))
    made.close()


def a_changed_byte_in_the_database_is_found():
    made = world("bytes")
    made.branch("one")
    made.deploy("one", wanted=0)
    wait_commits(made, 1)
    agrees(made)
    made.berth("stop")
    changes = [("audit", "reason", "action = 'run.done'", "chain"), ("audit", "hash", "action = 'run.applying'", "chain"),
               ("runs", "\"commit\"", "id = '1'", "row"), ("runs", "person", "id = '1'", "row"),
               ("steps", "status_reason", "id = '1.apply.page'", "row"), ("releases", "\"commit\"", "version = 1", "row"),
               ("plans", "summary", "run = '1'", "row")]
    for table, column, where, kind in changes:
        was = rows(made, f"select {column} from {table} where {where}")[0][0]
        rows(made, f"update {table} set {column} = substr({column}, 1, length({column}) - 1) || '~' where {where}"
             if was else f"update {table} set {column} = '~' where {where}")
        said = made.berth("audit", "verify", "--json", wanted=1)
        told = json.loads(said[:said.rindex("}") + 1])
        kinds = [d["kind"] for d in told["differences"]]
        if column != "hash":
            assert kind in kinds and told["differences"][0]["run"] == "1" and told["differences"][0]["commit"], (table, column, told)
        assert told["whole"] == (table != "audit"), (table, told)
        base = sqlite3.connect(os.path.join(made.store(), "store.db"), isolation_level=None)
        base.execute(f"update {table} set {column} = ? where {where}", (was,))
        base.close()
        made.berth("audit", "verify", wanted=0)
    made.close()


def no_object_holds_a_secret():
    made = world("secret")
    made.branch("one")
    made.branch("two", [("fail", "")])
    made.deploy("one", wanted=0)
    made.deploy("two")
    made.berth("cancel", "2", wanted=0)
    wait_commits(made, 2)
    forms = {SECRET.encode(), base64.b64encode(SECRET.encode())[:-4], urllib.parse.quote(SECRET, safe="").encode(),
             json.dumps(SECRET).replace("/", "\\/").encode()[1:-1]}
    objects = made.git("cat-file", "--batch", "--batch-all-objects")
    assert b"run.held" in objects and b"1.apply.page" in objects
    for form in forms:
        assert form not in objects, f"{form} is in an object"
    made.close()


if __name__ == "__main__":
    main([
        each_ended_run_is_one_commit,
        a_run_that_ends_again_is_recorded_again,
        the_audit_ref_is_no_branch,
        a_filter_leaves_out_what_it_does_not_name,
        killed_anywhere_there_is_one_commit,
        two_stores_push_to_one_repository,
        offline_waits_and_is_told,
        a_checked_out_ref_is_left_alone,
        a_ref_that_holds_other_things_is_left_alone,
        tampered_refs_are_found,
        a_changed_byte_in_the_database_is_found,
        no_object_holds_a_secret,
    ])
