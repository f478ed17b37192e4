#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What tools print and endpoints do not answer: floods, escape sequences, probes that hang, and secrets said in every way a tool may say them."""
import base64
import json
import os
import re
import socket
import sys
import threading
import urllib.parse

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hostile import BERTH, BERTH_YAML, World, main  # noqa: E402

FLOOD_BYTES = 100 << 20
MEMORY_KB = 200 << 10


def is_sanitized():
    """The sanitizers' shadow counts as memory."""
    with open(BERTH, "rb") as file:
        return b"__asan_init" in file.read()


def a_hundred_megabytes_in_one_line_are_a_log():
    world = World("flood")
    world.usual(tool=f"#!/bin/sh\nhead -c {FLOOD_BYTES} /dev/zero | tr '\\0' x\necho\necho behind the flood\n")
    world.branch("one")
    world.deploy("one", wanted=0)
    peaks = world.daemons()
    assert peaks and (is_sanitized() or max(peaks.values()) < MEMORY_KB), f"a log of one line took {peaks} kB"
    size = sum(os.path.getsize(path) for path in world.files() if "/logs/" in path)
    assert 0 < size <= FLOOD_BYTES + (1 << 20), f"{size} bytes of log"
    said = world.berth("log", "1.apply.page", wanted=0)
    assert "behind the flood" in said or re.search("cut|limit|left out", said[-2000:]), f"the end of the log is {said[-300:]!r}"
    screen = world.screen(rows=24, columns=80)
    try:
        screen.wait("review/one")
        screen.type("l")
        screen.wait("xxxxx|behind the flood")
        screen.type("G")
        screen.wait("behind the flood|cut|limit")
        screen.quit()
    finally:
        screen.free()
    world.audit_is_whole()


ESCAPES = r"""#!/bin/sh
printf '\033]0;pwned\007\033[987;6n\033[2J\033[?1049l\033P+q544e\033\\ \302\2330;1m \342\200\256live \377\376 \000nul \rover \b\b\b\n'
printf '\033[31mred\033[0m and plain\n'
printf 'an open string \033]52;c;cHduZWQ='
printf '\nafter it\n' >&2
printf 'x=\033]0;pwned\007\n' >>"$BERTH_OUTPUTS"
exit ${HOSTILE_EXIT:-0}
"""


def a_log_of_escape_sequences_is_text():
    world = World("escapes")
    world.usual(tool=ESCAPES, template="template: app\nversion: 1\nresources:\n"
                "  page: { executor: exec, run: [\"./tool\", \"up\"], undo: [\"./tool\", \"down\"], outputs: [x] }\n"
                "entrypoints: [ { name: web, url: \"http://127.0.0.1/${{ resource.page.outputs.x }}\" } ]\n"
                "links: [ { name: \"l\", url: \"https://example.org/${{ resource.page.outputs.x }}\" } ]\n")
    world.branch("one")
    world.branch("fails", [("tool", ESCAPES.replace("HOSTILE_EXIT:-0", "HOSTILE_EXIT:-1"))])
    world.wait_says("fails", "branches")
    world.deploy("one")
    world.deploy("fails", wanted=1)
    for words in (["log", "1"], ["log", "1.apply.page"], ["log", "2"], ["env", "review/one"], ["env", "review/fails"], ["runs"], ["runs", "2"],
                  ["envs"], ["graph", "review/one"], ["graph", "review/one", "--format", "dot"], ["graph", "review/one", "--format", "mermaid"],
                  ["graph", "review/one", "--format", "json"], ["env", "review/one", "--json"], ["changes", "review/one"], ["audit"],
                  ["releases", "review/one"], ["find", "red"]):
        world.berth(*words)
    said = world.berth("log", "1.apply.page")
    assert "red" in said and "plain" in said and "after it" in said, said
    screen = world.screen(rows=40, columns=120)
    try:
        screen.wait("review/one")
        screen.type("/fails\r")
        screen.wait("1 of 2")
        screen.type("l")
        screen.wait("after it")
        screen.type("\x1b")
        screen.wait("fails")
        screen.type("\r")
        screen.wait("RESOURCES")
        screen.quit()
    finally:
        screen.free()
    world.audit_is_whole()


class Silence:
    """A server that takes connections and never says a word."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.taken = []
        threading.Thread(target=self.take, daemon=True).start()

    def take(self):
        try:
            while True:
                self.taken.append(self.listener.accept()[0])
        except OSError:
            return


def a_probe_that_never_answers_ends_in_time_and_holds_up_nobody():
    silence = Silence()
    world = World("silence")
    template = ("template: app\nversion: 1\nresources:\n"
                "  page:\n    executor: exec\n    run: [\"./tool\", \"up\"]\n    undo: [\"./tool\", \"down\"]\n"
                f"    probes: [ {{ http: \"http://127.0.0.1:{silence.port}/\", every: 1s }} ]\n"
                f"checks: [ {{ http: \"http://127.0.0.1:{silence.port}/\", timeout: 3s }} ]\n")
    world.usual()
    world.branch("quick")
    world.branch("hangs", [("templates/app.yaml", template)])
    world.wait_says("hangs", "branches")
    said = world.berth("deploy", "hangs")
    run = re.search(r"run (\d+)", said).group(1)
    world.wait_says("[Vv]alidating", "runs", run)
    world.deploy("quick", wanted=0)
    said = world.wait_says("held|failed", "runs", run)
    said = world.berth("runs", run)
    assert re.search(r"check|answer|time", said), said
    world.wait_says("[Ff]ailed", "envs")
    screen = world.screen(rows=40, columns=120)
    try:
        screen.wait("review/hangs")
        screen.type("/hangs\r")
        screen.wait("1 of 2")
        screen.type("\r")
        screen.wait("page")
        screen.quit()
    finally:
        screen.free()
    world.audit_is_whole()
    silence.listener.close()


# Two secrets with everything that encodings change: quotes, a backslash, a slash, spaces, signs, letters beyond ASCII, two lines.
SECRETS = {
    "env": 'Berth"s\\own/secret value+of=env&\u00fc?',
    "file": "another secret/of a file\nwith a second line of it",
}
LEAK = r"""#!/usr/bin/env python3
import base64, json, os, select, sys, urllib.parse
secrets = [sys.argv[2], os.environ["GIVEN"]]
def say(text):
    os.write(1, (text + "\n").encode())
for secret in secrets:
    raw = secret.encode()
    say("whole " + secret)
    for before in ("", "a", "ab"):
        say("base64 " + base64.b64encode(before.encode() + raw + b"after").decode())
        say("url64 " + base64.urlsafe_b64encode(before.encode() + raw).decode())
    say("json " + json.dumps({"k": secret}))
    say("json " + json.dumps({"k": secret}, ensure_ascii=False))
    say("url " + urllib.parse.quote(secret) + " " + urllib.parse.quote_plus(secret) + " " + urllib.parse.quote(secret, safe=""))
    os.write(1, b"split ")
    for byte in raw:
        os.write(1, bytes([byte]))
    os.write(1, b"\n")
    for start in range(0, len(raw), 3):
        os.write(2, raw[start:start + 3])
    os.write(2, b"\n")
    for part in (b"halved " + raw[:9], raw[9:20], raw[20:] + b"\n"):
        os.write(1, part)
        select.select([], [], [], 0.05)  # poll: each part is a read of its own
    os.write(1, b"x" * 65530 + raw + b"\n")
    with open(os.environ["BERTH_OUTPUTS"], "a") as file:
        file.write("said=" + secret.replace("\n", " ")[:20] + base64.b64encode(raw).decode() + "\n")
        file.write("url=" + urllib.parse.quote(secret, safe="") + "\n")
say("said all")
if os.path.exists(os.environ["GATE"]):
    with open(os.environ["GATE"]) as gate:
        gate.read()
sys.exit(secrets[0] if sys.argv[1] == "fail" else 0)
"""


def forms(secret):
    """Every way of saying it that must not be stored."""
    raw = secret.encode()
    yield "whole", raw
    for line in secret.split("\n"):
        yield "line", line.encode()
    for before in range(3):
        for name, encode in (("base64", base64.b64encode), ("url-safe base64", base64.urlsafe_b64encode)):
            text = encode(b"\0" * before + raw)
            # only what the secret alone decides
            yield name, text[(before * 8 + 5) // 6:(before + len(raw)) * 8 // 6]
    yield "JSON", json.dumps(secret)[1:-1].encode()
    yield "JSON", json.dumps(secret, ensure_ascii=False)[1:-1].encode()
    for text in (urllib.parse.quote(secret), urllib.parse.quote_plus(secret), urllib.parse.quote(secret, safe="")):
        yield "URL", text.encode()


def search(world, when, running=False):
    """Looks into every byte that berth keeps; what a tool keeps in its environment's own folder is the tool's, and so is its file of outputs."""
    looked = 0
    for path in world.files():
        if "/environments/" in path:
            continue
        if running and re.search(r"/runs/\d+/outputs-[0-9a-f]+$", path):
            assert os.stat(world.store()).st_mode & 0o77 == 0, "others can look into the store"
            continue
        looked += 1
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError:
            continue
        for secret in SECRETS.values():
            for name, form in forms(secret):
                at = data.find(form)
                assert at < 0, f"{when}: {os.path.relpath(path, world.root)} holds a secret ({name}) at {at}: {data[max(0, at - 60):at + 60]!r}"
    assert looked > 3, f"{when}: only {looked} files"


def secrets_are_kept_by_nothing_that_berth_writes():
    world = World("secrets")
    place = os.path.join(world.root, "secret-file")
    with open(place, "w", encoding="utf-8") as file:
        file.write(SECRETS["file"] + "\n")
    os.chmod(place, 0o600)
    gate = os.path.join(world.root, "gate")
    os.mkfifo(gate)
    world.env.update(REVIEW_TOKEN=SECRETS["env"], GATE=gate)
    template = ("template: app\nversion: 1\nresources:\n"
                "  page:\n    executor: exec\n    run: [\"./tool\", \"MODE\", \"${{ secret.env.REVIEW_TOKEN }}\"]\n    undo: [\"true\"]\n"
                f"    env: {{ GIVEN: \"${{{{ secret.file.{place} }}}}\", GATE: {gate} }}\n    outputs: [said, url]\n"
                "checks: [ { run: [\"sh\", \"-c\", \"echo \\\"$1\\\"\", \"sh\", \"${{ resource.page.outputs.said }}\"] } ]\n"
                "entrypoints: [ { name: web, url: \"http://127.0.0.1/${{ resource.page.outputs.url }}\" } ]\n")
    world.usual(policy=BERTH_YAML + f"    allow: {{ executors: [exec], secrets: [env.REVIEW_*, file.{place}] }}\n",
                template=template.replace("MODE", "up"), tool=LEAK)
    world.branch("one")
    world.branch("fails", [("templates/app.yaml", template.replace("MODE", "fail"))])
    world.wait_says("fails", "branches")
    world.berth("deploy", "one")
    world.wait_says("said all", "log", "1.apply.page")
    search(world, "while the tool runs", running=True)
    for words in (["log", "1"], ["env", "review/one"], ["runs", "1"], ["runs", "1", "--json"]):
        said = world.berth(*words)
        for secret in SECRETS.values():
            for name, form in forms(secret):
                assert form.decode() not in said, f"berth {words} says a secret ({name})"
    with open(gate, "w", encoding="ascii") as file:
        file.write("go")
    world.wait_says(r'(?m)^  "status": "done"', "runs", "1", "--json")
    os.unlink(gate)
    search(world, "after a deploy")
    world.deploy("fails", wanted=1)
    search(world, "after a failure")
    world.berth("env", "review/one", "--json")
    screen = world.screen(rows=50, columns=200)
    try:
        screen.wait("review/one")
        screen.type("/one\r")
        screen.wait("1 of 2")
        screen.type("l")
        screen.wait("log of check 1")
        screen.type("\tk")
        screen.wait("said all")
        screen.quit()
        for secret in SECRETS.values():
            for name, form in forms(secret):
                assert form not in screen.raw, f"the screen says a secret ({name})"
    finally:
        screen.free()
    world.berth("destroy", "review/one", "--confirm", "review/one", "--wait", "--timeout", "20s")
    search(world, "after a destroy")
    world.berth("stop")
    search(world, "after berthd has ended")
    world.audit_is_whole()


def secrets_that_are_not_there_are_named_and_nothing_else():
    world = World("nosecret")
    world.usual(policy=BERTH_YAML + "    allow: { executors: [exec], secrets: [\"env.*\", file] }\n")
    for name, reference, pattern in (("unset", "env.NOT_SET_ANYWHERE", "NOT_SET_ANYWHERE"), ("nofile", "file./not/there", "/not/there"),
                                     ("folder", "file./etc", "/etc"), ("device", "file./dev/zero", "/dev/zero")):
        world.branch(name, [("templates/app.yaml", "template: app\nversion: 1\nresources:\n  page: { executor: exec, "
                             f"run: [\"./tool\", \"${{{{ secret.{reference} }}}}\"] }}\n")])
    world.wait_says("device", "branches")
    for name, pattern in (("unset", "NOT_SET_ANYWHERE"), ("nofile", "/not/there"), ("folder", "/etc"), ("device", "/dev/zero")):
        said = world.deploy(name)
        assert re.search("failed|held", said) and pattern in said, f"{name}: {said}"
    world.audit_is_whole()


if __name__ == "__main__":
    main([
        a_hundred_megabytes_in_one_line_are_a_log,
        a_log_of_escape_sequences_is_text,
        a_probe_that_never_answers_ends_in_time_and_holds_up_nobody,
        secrets_are_kept_by_nothing_that_berth_writes,
        secrets_that_are_not_there_are_named_and_nothing_else,
    ])
