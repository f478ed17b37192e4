#!/usr/bin/env python3
"""Tests of the scripts that everything else relies on: scripts/setup (with a pretended package system), tests/run-one,
scripts/embed and scripts/manifest."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

root = os.environ.get("BERTH_SRCDIR") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def write(path, text, mode=0o755):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def packages(*groups):
    with open(os.path.join(root, "scripts", "packages"), encoding="utf-8") as file:
        rows = [line.split() for line in file if line.strip() and not line.startswith("#")]
    return [row[1] for row in rows if not groups or row[0] in groups]


def run_setup(installed, *arguments, uid=0, apt="exit 0", sudo=False):
    """Runs scripts/setup where only `installed` is there. Returns exit status, what it said, what apt-get was asked."""
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("setup", "packages"):
            os.makedirs(os.path.join(scratch, "scripts"), exist_ok=True)
            shutil.copy(os.path.join(root, "scripts", name), os.path.join(scratch, "scripts"))
        bin_folder = os.path.join(scratch, "bin")
        for tool in ("sh", "dirname", "awk", "sed", "find", "head", "tail", "env", "mkdir", "cat", "touch"):
            os.makedirs(bin_folder, exist_ok=True)
            os.symlink(shutil.which(tool), os.path.join(bin_folder, tool))
        write(os.path.join(bin_folder, "id"), f"#!/bin/sh\necho {uid}\n")
        write(os.path.join(bin_folder, "dpkg-query"), "#!/bin/sh\n" + "".join(f"echo 'ii {p}'\n" for p in installed)
              + "echo 'un gone'\nexit 1\n")
        write(os.path.join(bin_folder, "apt-get"), f'#!/bin/sh\necho "$*" >>{scratch}/asked\n{apt}\n')
        if sudo:
            write(os.path.join(bin_folder, "sudo"), f'#!/bin/sh\necho sudo >>{scratch}/asked\nexec "$@"\n')
        run = subprocess.run([os.path.join(scratch, "scripts", "setup"), *arguments], capture_output=True, text=True,
                             env={"PATH": bin_folder, "SCRATCH": scratch})
        asked = os.path.join(scratch, "asked")
        lines = open(asked, encoding="utf-8").read().split("\n") if os.path.exists(asked) else []
        return run.returncode, run.stdout + run.stderr, lines


def setup__does_nothing_where_all_are_there():
    assert run_setup(packages()) == (0, "", [])


def setup__installs_just_what_is_missing():
    status, said, asked = run_setup([p for p in packages() if p not in ("valgrind", "tmux")])
    installs = [line for line in asked if " install " in line]
    assert status == 0 and "valgrind tmux" in said, (status, said)
    assert installs and all(line.endswith("--no-install-recommends valgrind tmux") for line in installs), asked


def setup__build_asks_for_no_test_packages():
    assert run_setup(packages("build"), "build") == (0, "", [])
    assert run_setup(packages("build"), "build", "test")[2] != []


def setup__refreshes_old_lists_and_tries_again():
    apt = 'case "$*" in *update*) touch "$SCRATCH/fresh" ;; *) [ -e "$SCRATCH/fresh" ] || exit 100 ;; esac'
    status, _, asked = run_setup([], "build", apt=apt)
    assert status == 0 and any(line.endswith("update") for line in asked) and " install " in asked[-2], asked


def setup__says_so_when_it_cannot():
    status, said, _ = run_setup([], "build", apt="echo 'E: no such thing'; exit 100")
    assert status == 1 and "E: no such thing" in said and "build/setup.log" in said, (status, said)


def setup__uses_sudo_where_it_is_not_root():
    status, _, asked = run_setup([], "build", uid=1000, sudo=True)
    assert status == 0 and asked[0] == "sudo", asked


def setup__names_the_packages_where_it_may_not_install():
    status, said, asked = run_setup([], "build", uid=1000)
    assert status == 1 and "libgit2-dev" in said and not asked, (status, said)


def setup__refuses_an_unknown_group():
    assert run_setup(packages(), "everything")[0] == 2


def run_one(script, seconds="10"):
    with tempfile.TemporaryDirectory() as scratch:
        program = os.path.join(scratch, "test_it")
        write(program, "#!/bin/sh\n" + script)
        run = subprocess.run(["sh", os.path.join(root, "tests", "run-one"), seconds, program], cwd=scratch, text=True,
                             capture_output=True)
        if os.path.exists(os.path.join(scratch, "pid")):
            with open(os.path.join(scratch, "pid"), encoding="utf-8") as file:
                os.kill(int(file.read()), signal.SIGTERM)
        left = os.listdir(os.path.join(scratch, "tests", "tmp"))
    assert run.returncode == 0 and not left, (run.returncode, left)
    return run.stdout.rstrip("\n").split("\n")


def run_one__passes_tap_on():
    assert run_one("echo 1..2; echo ok 1 - a; echo ok 2 - b") == ["ok 1 - a", "ok 2 - b", "1..2"]


def run_one__keeps_a_failure():
    lines = run_one("echo 1..1; echo not ok 1 - a; echo '# why'; exit 1")
    assert lines == ["not ok 1 - a", "# why", "1..1"], lines


def run_one__finds_a_failure_behind_a_message_that_was_cut_off():
    lines = run_one("echo 1..1; printf '# a long mess'; echo not ok 1 - a__b; exit 1")
    assert lines == ["# a long mess", "not ok 1 - a__b", "1..1"], lines


def run_one__joins_two_groups_of_cmocka():
    lines = run_one("echo 1..1; echo ok 1 - a; echo 1..1; echo ok 1 - b")
    assert lines == ["ok 1 - a", "ok 2 - b", "1..2"], lines


def run_one__a_skip_of_cmocka_is_no_failure():
    assert run_one("echo 1..1; echo 'not ok 1 # SKIP a'")[0] == "ok 1 - a # SKIP a"


def run_one__a_skip_of_all_has_its_reason():
    assert run_one("echo '1..0 # SKIP no such tool'")[0] == "ok 1 - test_it # SKIP no such tool"
    assert "# SKIP" in run_one("exit 77")[0]


def run_one__a_crash_fails():
    assert "not ok 2 - test_it died of signal 11" in run_one("echo 1..1; echo ok 1 - a; kill -SEGV $$")


def run_one__a_hang_fails():
    assert any("timed out after 1 s" in line for line in run_one("echo 1..1; echo ok 1 - a; exec tail -f /dev/null", "1"))


def run_one__a_test_that_did_not_run_fails():
    assert "not ok 2 - test_it planned 2 tests and ran 1" in run_one("echo 1..2; echo ok 1 - a")


def run_one__an_exit_status_without_a_reason_fails():
    assert "not ok 2 - test_it ended with exit status 99" in run_one("echo 1..1; echo ok 1 - a; exit 99")


def run_one__silence_fails():
    assert run_one("exit 0")[0].startswith("not ok 1 - test_it printed no plan")
    assert run_one("echo 1..0")[0].startswith("not ok 1 - test_it ran no test")


def run_one__what_a_test_prints_is_no_result():
    assert run_one("echo 1..1; echo ok then; echo PASS: x; echo ok 1 - a") == \
        ["# ok then", "# PASS: x", "ok 1 - a", "1..1"]


def run_one__a_child_that_stays_does_not_hold_it_up():
    begun = time.monotonic()
    lines = run_one("timeout 60 tail -f /dev/null & echo $! >pid; echo 1..1; echo ok 1 - a")
    assert lines[0] == "ok 1 - a" and time.monotonic() - begun < 30, lines


def embed__gives_back_the_text():
    texts = ['plain\n', 'a "quoted" \\ back??=slash\n\ttab\n', "", "no end of line", "ünï ${{ x }}\n%d\n"]
    with tempfile.TemporaryDirectory() as scratch:
        for number, text in enumerate(texts):
            write(os.path.join(scratch, str(number)), text, 0o644)
        rows = subprocess.run([os.path.join(root, "scripts", "embed"), *map(str, range(len(texts)))], cwd=scratch,
                              capture_output=True, text=True, check=True).stdout
        write(os.path.join(scratch, "it.c"), "#include <stdio.h>\nstatic const struct { const char *name, *text; "
              "size_t size; } rows[] = {\n" + rows + "};\nint main(void)\n{\n for (size_t i = 0; i < sizeof rows / "
              "sizeof *rows; i++) {\n printf(\"%s:%zu:\", rows[i].name, rows[i].size); fwrite(rows[i].text, 1, "
              "rows[i].size, stdout); }\n return 0;\n}\n", 0o644)
        subprocess.run(["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "it.c", "-o", "it"], cwd=scratch, check=True)
        given = subprocess.run(["./it"], cwd=scratch, capture_output=True, text=True, check=True).stdout
    ended = [t if t.endswith("\n") or not t else t + "\n" for t in texts]
    assert given == "".join(f"{i}:{len(t.encode())}:{t}" for i, t in enumerate(ended)), given


def manifest__completes_a_distribution():
    with tempfile.TemporaryDirectory() as scratch:
        source, dist, again = (os.path.join(scratch, n) for n in ("source", "dist", "again"))
        for name in ("a.h", "deep/b.h", "untracked"):
            write(os.path.join(source, name), name, 0o644)
        os.symlink("a.h", os.path.join(source, "link"))
        git = ["git", "-c", "init.defaultBranch=main", "-C", source]
        subprocess.run([*git, "init", "-q"], check=True)
        subprocess.run([*git, "add", "a.h", "deep", "link"], check=True)
        for origin, target in ((source, dist), (dist, again)):
            os.makedirs(target)
            subprocess.run([os.path.join(root, "scripts", "manifest"), origin, target], check=True)
            found = sorted(os.path.relpath(os.path.join(w, n), target) for w, _, ns in os.walk(target) for n in ns)
            assert found == ["MANIFEST", "a.h", "deep/b.h", "link"], (origin, found)
            assert os.path.islink(os.path.join(target, "link"))


tests = [f for n, f in list(globals().items()) if "__" in n and not n.startswith("__")]
print(f"1..{len(tests)}")
for number, test in enumerate(tests, 1):
    try:
        test()
        print(f"ok {number} - {test.__name__}")
    except (AssertionError, subprocess.CalledProcessError, OSError) as error:
        print(f"not ok {number} - {test.__name__}")
        for line in repr(error).split("\\n"):
            print("# " + line)
    sys.stdout.flush()
