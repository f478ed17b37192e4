#!/usr/bin/env python3
"""Runs the checks of the tree on this tree; one TAP test a check."""

import os
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import checks  # noqa: E402

root = os.environ.get("BERTH_SRCDIR") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
build = os.environ.get("BERTH_BUILDDIR")
table = checks.Table(os.path.join(root, "tests", "tree", "layers.txt"))


def verify_unit():
    with tempfile.TemporaryDirectory() as scratch:
        return checks.unit_verifies(root, os.path.join(build, "src", "berthd"), scratch)


# name, function, the program it needs, whether it needs a build
TESTS = [
    ("tree__rooms_see_only_doors_above_them", lambda: checks.layering(root, table), None, False),
    ("tree__one_file_includes_curses", lambda: checks.one_file_includes_curses(root), None, False),
    ("tree__berth_is_linked_to_no_provider",
     lambda: checks.linked(os.path.join(build, "src", "berth"), table), "readelf", True),
    ("tree__headers_compile_alone_under_gcc", lambda: checks.headers_compile_alone(root, ["gcc"]), "gcc", False),
    ("tree__headers_compile_alone_under_clang", lambda: checks.headers_compile_alone(root, ["clang"]), "clang", False),
    ("tree__no_banned_calls", lambda: checks.banned_calls(root, table), None, False),
    ("tree__tests_wait_for_conditions", lambda: checks.no_sleep_in_tests(root), None, False),
    ("tree__files_are_short", lambda: checks.sizes(root), None, False),
    ("tree__functions_are_short", lambda: checks.function_sizes(root), None, False),
    ("tree__files_name_licence_and_purpose", lambda: checks.first_lines(root), None, False),
    ("tree__clang_format_changes_nothing", lambda: checks.formatted(root), "clang-format", False),
    ("tree__nothing_is_marked_unfinished", lambda: checks.nothing_unfinished(root), None, False),
    ("tree__no_file_is_a_drawer", lambda: checks.no_drawers(root), None, False),
    ("tree__no_static_variables_in_functions", lambda: checks.no_function_statics(root), None, False),
    ("tree__no_mutable_globals", lambda: checks.no_mutable_globals(build, table), "objdump", True),
    ("tree__every_source_is_in_a_fragment", lambda: checks.every_source_is_built(root), None, False),
    ("tree__scripts_parse_and_are_executable", lambda: checks.scripts_parse(root), None, False),
    ("tree__manual_pages_have_no_warnings", lambda: checks.manual_pages(root), "man", False),
    ("tree__links_lead_somewhere", lambda: checks.relative_links(root), None, False),
    ("tree__systemd_unit_verifies", verify_unit, "systemd-analyze", True),
]

print(f"1..{len(TESTS)}")
for number, (name, check, program, needs_build) in enumerate(TESTS, 1):
    if program and not shutil.which(program):
        print(f"ok {number} - {name} # SKIP {program} is not installed")
        continue
    if needs_build and not build:
        print(f"ok {number} - {name} # SKIP needs a build: run by make check")
        continue
    problems = check()
    print(f"{'not ok' if problems else 'ok'} {number} - {name}")
    for problem in problems[:40]:
        print("# " + problem.replace("\n", "\n#   "))
    if len(problems) > 40:
        print(f"# and {len(problems) - 40} more")
    sys.stdout.flush()
