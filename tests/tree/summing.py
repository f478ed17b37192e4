#!/usr/bin/env python3
"""Tests of scripts/test itself: a pretended tree whose `make check` leaves the logs that the test driver would leave."""

import os
import shutil
import subprocess
import sys
import tempfile

root = os.environ.get("BERTH_SRCDIR") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def write(path, text, mode=0o755):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def run(logs, ci="", may_skip="", build="true", check="true", stage="gcc"):
    """Returns exit status and the lines printed. `logs` maps the name of a test to its log."""
    with tempfile.TemporaryDirectory() as tree:
        os.makedirs(os.path.join(tree, "scripts"))
        shutil.copy(os.path.join(root, "scripts", "test"), os.path.join(tree, "scripts"))
        write(os.path.join(tree, "scripts", "setup"), "#!/bin/sh\n")
        write(os.path.join(tree, ".ci", "may-skip"), "# a comment\n" + may_skip, 0o644)
        for folder in ("m4", "src", "tests", "bench", "doc", "examples", "themes"):
            os.makedirs(os.path.join(tree, folder))
        for name in ("configure.ac", "Makefile.am", "Makefile.in"):
            write(os.path.join(tree, name), "", 0o644)
        for name, log in logs.items():
            failed = any(line.startswith(("FAIL: ", "ERROR: ")) for line in log.split("\n"))
            write(os.path.join(tree, "logs", name + ".log"), log, 0o644)
            write(os.path.join(tree, "logs", name + ".trs"), f":test-result: {'FAIL' if failed else 'PASS'}\n", 0o644)
        write(os.path.join(tree, "configure"), "#!/bin/sh\nprintf 'all:\\n\\t@%s\\ncheck:\\n\\t@cp -r %s/. .\\n\\t@%s\\n' "
              f"'{build}' '{tree}/logs' '{check}' >Makefile\n")
        environment = {k: v for k, v in os.environ.items() if k not in ("CI", "MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        ran = subprocess.run([os.path.join(tree, "scripts", "test"), stage], capture_output=True, text=True,
                             env={**environment, "CI": ci})
        return ran.returncode, (ran.stdout + ran.stderr).rstrip("\n").split("\n")


GOOD = "ok 1 - a\nPASS: tests/x/t 1 - a\nok 2 - b\nPASS: tests/x/t 2 - b\n1..2\n"
SKIP = "ok 1 - a # SKIP no terraform\nSKIP: tests/x/t 1 - a # SKIP no terraform\n1..1\n"
BAD = "ok 1 - a\nPASS: tests/x/t 1 - a\n# far too many\nnot ok 2 - b\n# seven is not eight\nFAIL: tests/x/t 2 - b\n1..2\n"


def test__sums_single_tests_and_the_build():
    status, lines = run({"tests/x/t": GOOD})
    assert (status, lines[-1]) == (0, "3 passed, 0 failed, 0 skipped"), (status, lines)


def test__a_failure_shows_its_reason_and_fails():
    status, lines = run({"tests/x/t": BAD}, check="false")
    assert (status, lines[-1]) == (1, "2 passed, 1 failed, 0 skipped"), (status, lines)
    assert any("seven is not eight" in line for line in lines), lines
    assert any("gcc: tests/x/t" in line for line in lines), lines


def test__what_a_test_prints_is_not_counted():
    status, lines = run({"tests/x/t": GOOD + "# PASS: tests/x/t 9 - z\nPASS: elsewhere 1 - z\n"})
    assert lines[-1] == "3 passed, 0 failed, 0 skipped", lines


def test__a_test_without_result_fails():
    status, lines = run({"tests/x/t": "nothing\n"})
    assert (status, lines[-1]) == (1, "1 passed, 1 failed, 0 skipped"), (status, lines)


def test__a_build_that_fails_is_a_failure_with_its_error():
    status, lines = run({}, build="echo x.c:1: error: no such thing; false")
    assert (status, lines[-1]) == (1, "0 passed, 1 failed, 0 skipped"), (status, lines)
    assert any("no such thing" in line for line in lines), lines


def test__a_check_that_fails_without_a_test_is_a_failure():
    status, lines = run({"tests/x/t": GOOD}, check="false")
    assert (status, lines[-1]) == (1, "3 passed, 1 failed, 0 skipped"), (status, lines)


def test__a_skip_passes_by_hand():
    status, lines = run({"tests/x/t": SKIP})
    assert (status, lines[-1]) == (0, "1 passed, 0 failed, 1 skipped"), (status, lines)


def test__a_skip_fails_in_ci():
    status, lines = run({"tests/x/t": SKIP}, ci="true")
    assert (status, lines[-1]) == (1, "1 passed, 1 failed, 0 skipped"), (status, lines)
    assert any("no terraform" in line for line in lines), lines


def test__a_skip_that_is_allowed_passes_in_ci():
    status, lines = run({"tests/x/t": SKIP}, ci="true", may_skip="^skipped.*no terraform$\n")
    assert (status, lines[-1]) == (0, "1 passed, 0 failed, 1 skipped"), (status, lines)


def test__an_unknown_stage_is_refused():
    assert run({}, stage="everything")[0] == 2


tests = [f for n, f in list(globals().items()) if n.startswith("test__")]
print(f"1..{len(tests)}")
for number, test in enumerate(tests, 1):
    try:
        test()
        print(f"ok {number} - {test.__name__}")
    except AssertionError as error:
        print(f"not ok {number} - {test.__name__}")
        for line in repr(error).split("\\n"):
            print("# " + line)
    sys.stdout.flush()
