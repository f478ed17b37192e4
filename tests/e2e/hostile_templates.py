#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Templates that run in circles, name what is not there or ask for what they may not have: refused with the place, on the command line and on the screen."""
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hostile import APP_YAML, BERTH_YAML, World, main  # noqa: E402

HEAD = "template: app\nversion: 1\nresources:\n"
ALLOW = "    allow: { executors: [exec], secrets: [env.REVIEW_*] }\n"
# name of the branch, the template's text (None: it is not there), what the refusal says
TEMPLATES = [
    ("circle", HEAD + "  a: { executor: exec, run: [\"./tool\"], needs: [b] }\n  b: { executor: exec, run: [\"./tool\"], needs: [a] }\n",
     r"circle|cycle"),
    ("itself", HEAD + "  a: { executor: exec, run: [\"./tool\"], needs: [a] }\n", r"itself|circle"),
    ("output-circle", HEAD + "  a: { executor: exec, run: [\"./tool\", \"${{ resource.b.outputs.x }}\"], outputs: [x] }\n"
     "  b: { executor: exec, run: [\"./tool\", \"${{ resource.a.outputs.x }}\"], outputs: [x] }\n", r"circle"),
    ("unknown-resource", HEAD + "  a: { executor: exec, run: [\"./tool\"], needs: [nobody] }\n", r"nobody"),
    ("unknown-output", HEAD + "  a: { executor: exec, run: [\"./tool\", \"${{ resource.nobody.outputs.x }}\"] }\n", r"nobody"),
    ("unknown-executor", HEAD + "  a: { executor: magic, run: [\"./tool\"] }\n", r"magic"),
    ("unbuilt-executor", HEAD + "  a: { executor: terraform, dir: . }\n", r"terraform"),
    ("missing-program", HEAD + "  a: { executor: exec, run: [\"./not-there\", \"up\"], undo: [\"./tool\", \"down\"] }\n", r"not-there"),
    ("outside-program", HEAD + "  a: { executor: exec, run: [\"../../../../bin/echo\"] }\n", r"\.\./"),
    ("missing-template", None, r"templates/app\.yaml"),
    ("wrong-name", HEAD.replace("app", "other") + "  a: { executor: exec, run: [\"./tool\"] }\n", r"other"),
    ("secret-not-allowed", HEAD + "  a: { executor: exec, run: [\"./tool\", \"${{ secret.env.HOSTILE }}\"] }\n", r"secret.*env\.HOSTILE|HOSTILE.*secret"),
    ("secret-by-file", HEAD + "  a: { executor: exec, run: [\"./tool\"], env: { A: \"${{ secret.file./etc/passwd }}\" } }\n", r"passwd"),
    ("secret-built", HEAD + "  a: { executor: exec, run: [\"./tool\", \"${{ secret.env.${{ branch.name }} }}\"] }\n", r"templates/app\.yaml:"),
    ("other-target", HEAD + "  a: { executor: exec, target: guarded, run: [\"./tool\"] }\n", r"guarded"),
    ("other-runner", HEAD + "  a: { executor: exec, runner: far, run: [\"./tool\"] }\n", r"far"),
    ("not-yaml", "template: [app\n", r"templates/app\.yaml:\d+"),
    ("not-utf8", b"template: app\nversion: 1\nresources: { \xff\xfe: 1 }\n", r"templates/app\.yaml"),
    ("controls", b"template: app\nversion: 1\nresources: { \"\x1b]0;pwned\x07\": 1 }\n", r"templates/app\.yaml:\d+"),
    ("escaped", HEAD + "  \"\\e]0;pwned\\a\": { executor: exec, run: [\"./tool\"] }\n", r"templates/app\.yaml:\d+"),
    ("bomb", "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
     "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n", r"templates/app\.yaml"),
    ("too-many", HEAD + "  a: { executor: exec, run: [\"./tool\"], count: 1000000 }\n", r"count|1000000"),
    ("parts", HEAD + "  a: { executor: exec, run: [\"./tool\"], env: { \"$parts\": \"x\" } }\n", r"\$"),
    ("huge", "template: app\nversion: 1\n#" + "x" * (5 << 20) + "\n", r"templates/app\.yaml|MB|bytes|large"),
]
POLICY = (BERTH_YAML.replace("targets: { here: { provider: local } }\n",
                             "targets: { here: { provider: local }, guarded: { provider: local, protected: true } }\n"
                             "runners: { far: { provider: local } }\n") + ALLOW)


def templates_that_may_not_be_are_refused_with_the_place():
    world = World("templates")
    world.env["HOSTILE"] = "a-secret-of-the-daemon"
    world.usual(policy=POLICY)
    world.branch("good")
    for name, text, _ in TEMPLATES:
        world.git("checkout", "-q", "-b", name, "main")
        if text is None:
            world.git("rm", "-q", "templates/app.yaml")
        else:
            world.write("templates/app.yaml", text)
        world.commit(name)
        world.git("checkout", "-q", "main")
    world.wait_says("missing-template", "branches")
    wrong = []
    for name, _, pattern in TEMPLATES:
        said = world.deploy(name)
        if "release v1" in said or not re.search(pattern, said):
            wrong.append(f"{name}, wanted {pattern}: {said}")
    assert not wrong, "\n".join(wrong)
    world.deploy("good", wanted=0)
    # The screen says it, too.
    said = world.berth("runs", "--limit", "100")
    assert len(re.findall(r"failed", said)) >= len(TEMPLATES), said
    screen = world.screen(rows=50, columns=200, words=["--view", "runs"])
    try:
        screen.wait("review/good")
        for name, pattern in (("circle", "circle|cycle"), ("secret-not-allowed", "HOSTILE"), ("missing-template", r"templates/app\.yaml")):
            screen.type(f"/review/{name}\r")
            screen.wait("Runs 1 of|Runs 2 of")
            screen.type("\r")
            screen.wait(pattern)
            screen.type("\x1b")
            screen.wait("filter: ")
            screen.type("\x1b")
            screen.wait_gone("filter: ")
        screen.quit()
    finally:
        screen.free()
    assert b"a-secret-of-the-daemon" not in b"".join(open(path, "rb").read() for path in world.files())
    world.audit_is_whole()


def check_says_the_same_of_a_work_tree():
    world = World("check")
    world.usual(policy=POLICY)
    world.says("0 errors", "check", wanted=0)
    wrong = []
    for name, text, pattern in TEMPLATES:
        if name in ("missing-program", "outside-program", "unbuilt-executor", "output-circle"):
            continue  # seen when it is deployed: by the tree, by what this version has, by everything expanded
        if text is None:
            os.unlink(os.path.join(world.app, "templates/app.yaml"))
        else:
            world.write("templates/app.yaml", text)
        said = world.berth("check")
        if not re.search(f"{pattern}|which is not there" if name in ("wrong-name", "missing-template") else pattern, said):
            wrong.append(f"{name}, wanted {pattern}: {said[:500]}")
        world.write("templates/app.yaml", APP_YAML)
    assert not wrong, "\n".join(wrong)


def a_program_that_is_no_program_holds_the_run_and_says_why():
    world = World("program")
    world.usual()
    world.branch("not-executable", [("plain", "x\n")])
    world.git("checkout", "-q", "not-executable")
    world.write("templates/app.yaml", HEAD + "  a: { executor: exec, run: [\"./plain\"], undo: [\"./tool\", \"down\"] }\n")
    world.commit("plain")
    world.git("checkout", "-q", "-b", "no-interpreter", "main")
    world.write("tool", "#!/not/there\n", 0o755)
    world.commit("no interpreter")
    world.git("checkout", "-q", "-b", "a-folder", "main")
    world.git("rm", "-q", "tool")
    world.write("tool/inside", "x\n")
    world.commit("a folder")
    world.git("checkout", "-q", "-b", "a-link", "main")
    os.unlink(os.path.join(world.app, "tool/inside")) if os.path.isdir(os.path.join(world.app, "tool")) else None
    world.git("rm", "-q", "tool")
    os.symlink("/bin/echo", os.path.join(world.app, "tool"))
    world.commit("a link out of the tree")
    world.git("checkout", "-q", "main")
    world.wait_says("a-link", "branches")
    for name, pattern in (("not-executable", "plain"), ("no-interpreter", "tool|not/there"), ("a-folder", "tool"), ("a-link", "tool|release v1")):
        said = world.deploy(name)
        assert re.search(r"failed|held" if name != "a-link" else ".", said) and re.search(pattern, said), f"{name}: {said}"
    world.audit_is_whole()


def a_check_is_told_all_that_a_resource_is_told():
    world = World("told")
    world.usual(template=APP_YAML + "checks: [ { run: [\"./tool\", \"check\"] } ]\n", tool="#!/bin/sh\n"
                "env | sed -n 's/^\\(BERTH_[A-Z_]*\\)=.*/\\1/p' | grep -v '^BERTH_OUTPUTS$' | sort >\"$BERTH_ENVIRONMENT_FOLDER/$1\"\n")
    world.branch("one")
    world.deploy("one", wanted=0)
    top = os.path.join(world.store(), "environments")
    told = {}
    for name in ("up", "check"):
        with open(os.path.join(top, os.listdir(top)[0], name), encoding="ascii") as file:
            told[name] = file.read().split()
    assert told["up"] == told["check"] and "BERTH_ENVIRONMENT_FOLDER" in told["up"], told


if __name__ == "__main__":
    main([
        templates_that_may_not_be_are_refused_with_the_place,
        check_says_the_same_of_a_work_tree,
        a_program_that_is_no_program_holds_the_run_and_says_why,
        a_check_is_told_all_that_a_resource_is_told,
    ])
