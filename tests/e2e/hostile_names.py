#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Branch names, subjects and authors that try to be escape sequences, shell words, expressions or one another; and slugs that collide."""
import glob
import json
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hostile import BERTH_YAML, World, main  # noqa: E402

# What git accepts as the name of a branch, and no terminal, shell or expression should meet unguarded.
NAMES = [
    "c1-\u009b31m-\u009d0;pwned\u009c",
    "quotes-'single'-\"double\"-`tick`",
    "expr-${{secret.env.HOSTILE}}",
    "again-$${{env.name}}",
    "shell-$(touch$IFS$PWD/touched)",
    "semicolon;rm;&&|touched",
    "emoji-\U0001f6a2-\U0001f468\u200d\U0001f469\u200d\U0001f467-e\u0301",
    "bidi-\u202egnp.exe\u202c-\u2066x\u2069-\u200f",
    "zero-\ufeff\u200bwidth",
    "-dash-first",
    "long-" + "x" * 195,
    "percent-%s-%n-%08x",
    "$parts",
    "{\"json\"}",
    "--help",
]
BYTES = [b"latin-\xe9\xff\xfe", b"cut-\xf0\x9f\x9a", b"overlong-\xc0\xaf", b"surrogate-\xed\xa0\x80"]
SUBJECTS = [
    b"\xe9t\xe9 in Latin-1",
    b"\x1b]0;pwned\x07 \x1b[987;6n a title and a question",
    b"\xc2\x9b31m C1 \xc2\x9d0;x\xc2\x9c",
    b"${{ secret.env.HOSTILE }} $(touch touched) `touch touched`",
    "\u202eevil\u202c \u2066x\u2069".encode(),
    b"tab\there \x08\x08back\rreturn",
    b"A" * 5000,
]
TOOL = r"""#!/bin/sh
# Puts down what it was given, byte for byte.
printf '%s\n' "$@" >"$BERTH_ENVIRONMENT_FOLDER/args"
env | grep ^BERTH_ >"$BERTH_ENVIRONMENT_FOLDER/env"
"""
TEMPLATE = """template: app
version: 1
resources:
  page: { executor: exec, run: ["./tool", "${{ branch.name }}", "a ${{ commit.subject }} b", "${{ env.slug }}"], undo: ["./tool", "down"] }
"""


def make_branches(world):
    """One branch a name, each with a subject; made by refs directly where `git branch` would take a name for an option."""
    made = []
    packed = world.git("rev-parse", "main").decode()
    tree = world.git("rev-parse", "main^{tree}").decode()
    for number, name in enumerate([name.encode() for name in NAMES] + BYTES):
        subject = SUBJECTS[number % len(SUBJECTS)]
        commit = world.git("commit-tree", tree, "-p", packed, "-F", "-", feed=subject).decode()
        world.git("update-ref", b"refs/heads/" + name, commit)
        made.append(name)
    return made


def world_of_names(name, policy=BERTH_YAML, template=TEMPLATE):
    world = World(name)
    world.env["HOSTILE"] = "a-secret-of-the-daemon"
    world.usual(policy=policy, template=template, tool=TOOL)
    make_branches(world)
    world.wait_says("shell-", "branches")
    return world


def nothing_was_touched(world):
    for folder, _, names in os.walk(world.root):
        for name in names:
            assert name != "touched", f"a shell ran in {folder}"


def branches_of_every_kind_are_listed_and_harmless():
    world = world_of_names("names")
    said = world.says("quotes-", "branches", "--limit", "100")
    for word in ("expr-", "percent-%s-%n", "{\"json\"}", "--help", "semicolon;rm"):
        assert word in said, f"{word} is not listed:\n{said}"
    assert "${{secret.env.HOSTILE}}" in said
    listed = json.loads(world.berth("branches", "--json", "--limit", "100"))
    rows = listed if isinstance(listed, list) else listed["branches"]
    names = {row["name"] for row in rows}
    for name in NAMES:
        assert name in names, f"{name!r} is not in {sorted(names)}"
    # Those that are not UTF-8 are there, or berth says that it left them out.
    left = sum(1 for name in BYTES if not any(row.startswith(name.split(b"-")[0].decode()) for row in names))
    assert left == 0 or re.search("UTF-8", world.berth("doctor")), f"{left} names that are not UTF-8 vanished without a word"
    world.berth("completion", "--names", "branches")
    world.berth("find", "touch")
    nothing_was_touched(world)


def branches_of_every_kind_are_harmless_on_the_screen():
    world = world_of_names("screen")
    for rows, columns in ((24, 80), (50, 200)):
        screen = world.screen(rows=rows, columns=columns, words=["--view", "branches"])
        try:
            screen.wait("Branches 2[0-9]")
            if rows == 50:
                for shown in ("\\u{202e}gnp.exe", "\\u{009b}31m", "\\x1b]0;pwned\\x07"):
                    screen.wait(re.escape(shown))
            for _ in range(len(NAMES) + len(BYTES)):
                screen.type("j")
            screen.wait("Branches")
            screen.type("/shell-\r")
            screen.wait("Branches 1 of")
            screen.type("D")
            screen.wait("DEPLOY review/shell-")
            screen.type("\x1b")
            screen.wait_gone("DEPLOY")
            screen.quit()
        finally:
            screen.free()
    nothing_was_touched(world)


def a_name_reaches_a_tool_as_it_is_once_and_no_shell():
    world = world_of_names("once")
    for name in NAMES:
        if name.startswith("-"):
            continue
        said = world.deploy(name)
        assert re.search(r"release v1|run \d+", said), f"{name!r}: {said}"
    nothing_was_touched(world)
    found = {}
    for path in glob.glob(os.path.join(world.store(), "environments", "*", "args")):
        with open(path, "rb") as file:
            words = file.read().split(b"\n")
        found[words[0].decode("utf-8", "surrogateescape")] = words
    for name in NAMES:
        if not name.startswith("-"):
            assert name in found, f"{name!r} did not reach its tool: {sorted(found)}"
    everything = b"".join(b"".join(words) for words in found.values())
    assert b"a-secret-of-the-daemon" not in everything, "a name was expanded twice"
    assert b"${{ secret.env.HOSTILE }}" in everything, "the subject did not reach the tool"
    world.berth("envs")
    world.berth("runs")
    for run in range(1, 6):
        world.berth("runs", str(run))
        world.berth("log", str(run))
    world.berth("audit")
    world.berth("audit", "--json")
    world.audit_is_whole()
    screen = world.screen(rows=40, columns=120)
    try:
        screen.wait("review/")
        screen.type("\r")
        screen.wait("RESOURCES")
        screen.type("5")
        screen.wait("Runs")
        screen.quit()
    finally:
        screen.free()


def names_that_look_like_options_or_are_no_text_are_taken_or_refused_by_name():
    world = world_of_names("dashes")
    for name in ("-dash-first", "--help"):
        world.says("release v1", "deploy", "--wait", "--timeout", "20s", "--", name, wanted=0)
    for name in BYTES:
        world.says("is not UTF-8", "deploy", name, wanted=2)
    world.says(r"its name is not valid UTF-8", "deploy", "latin-\\xE9\\xFF\\xFE", "--wait", "--timeout", "20s", wanted=1)
    world.audit_is_whole()


def slugs_that_collide_stay_apart():
    world = World("slugs")
    entry = BERTH_YAML[BERTH_YAML.index("  - name"):] + "    slug: { max: 16 }\n"
    # Two entries whose names differ only in what a slug cannot hold.
    world.usual(policy=BERTH_YAML + "    slug: { max: 16 }\n" + entry.replace("review/", "review-").replace("\"**\"", "abcdefgh"),
                template=TEMPLATE, tool=TOOL)
    world.branch("abcdefgh")
    colliding = ["feature/a-b", "feature/a_b", "Feature/A-b", "feature.a.b", "\U0001f6a2", "\U0001f433",
                 "x" * 60 + "-one", "x" * 60 + "-two"]
    for name in colliding:
        world.git("update-ref", "refs/heads/" + name, "main")
    world.wait_says("feature.a.b", "branches")
    slugs = {}
    for name in colliding + ["review/abcdefgh", "review-abcdefgh"]:
        said = world.deploy(name, *(["--ref", "abcdefgh"] if name.endswith("abcdefgh") else []), wanted=0)
        assert "release v1" in said, said
    rows = json.loads(world.berth("envs", "--json"))
    rows = rows if isinstance(rows, list) else rows["environments"]
    assert len(rows) == len(colliding) + 2, [row["name"] for row in rows]
    for row in rows:
        slug = row["slug"]
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", slug) and len(slug) <= 16, f"{slug!r} of {row['name']}"
        assert slug not in slugs, f"{slug} belongs to {row['name']} and {slugs[slug]}"
        slugs[slug] = row["name"]
    world.audit_is_whole()


def words_of_a_command_are_data():
    world = World("words")
    world.usual(template=TEMPLATE, tool=TOOL)
    world.branch("one")
    world.wait_says("one", "branches")
    for word in ("\x1b]0;pwned\x07", "\u009b31m", "${{ secret.env.HOME }}", "$(touch touched)", "\u202eabc", "../../etc", "x" * 5000, ""):
        for verb in (["deploy", word], ["why", "deploy", word], ["env", word], ["log", word], ["find", word], ["runs", word],
                     ["graph", word], ["extend", word, "2d"], ["destroy", word, "--confirm", word],
                     ["deploy", "one", "--ref", word], ["deploy", "one", "--with", f"a={word}"]):
            world.berth(*verb, bound=30)
    world.berth("deploy", "one", "--reason", "\x1b]0;pwned\x07 \u202eabc ${{ env.name }}", "--wait", "--timeout", "30s")
    world.berth("audit")
    world.berth("hold", "review/one", "--reason", "\x1b[987;6n\u009b")
    world.berth("env", "review/one")
    screen = world.screen(rows=40, columns=120)
    try:
        screen.wait("review/one")
        screen.type("\r")
        screen.wait("RESOURCES")
        screen.quit()
    finally:
        screen.free()
    nothing_was_touched(world)
    world.audit_is_whole()


if __name__ == "__main__":
    main([
        branches_of_every_kind_are_listed_and_harmless,
        branches_of_every_kind_are_harmless_on_the_screen,
        a_name_reaches_a_tool_as_it_is_once_and_no_shell,
        names_that_look_like_options_or_are_no_text_are_taken_or_refused_by_name,
        slugs_that_collide_stay_apart,
        words_of_a_command_are_data,
    ])
