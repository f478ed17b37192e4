#!/usr/bin/env python3
"""Proves that each check of the tree can fail: a small tree that breaks one rule, in which the check must say so.

Each row is: name, the check, the files of the tree, what one of the problems must say ("" : there must be none).
"""

import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
import checks  # noqa: E402

HEAD = checks.SPDX + "\n/* A file of a test. */\n"
LAYERS = """
room base both
room store both
room ui berth
room engine berthd
foreign sqlite3.h store
foreign curl/ engine
linked berth libc
unlinked berth libgit2
mutable flagged base
allowed vfork src/base/child.c
"""


def long_function(lines):
    return HEAD + "void f(void)\n{\n" + "    ;\n" * lines + "}\n"


def layering(root):
    return checks.layering(root, checks.Table(os.path.join(root, "layers.txt")))


def banned(root):
    return checks.banned_calls(root, checks.Table(os.path.join(root, "layers.txt")))


def compile_alone(compiler):
    return lambda root: checks.headers_compile_alone(root, [compiler])


def build(root, output, *flags):
    subprocess.run(["gcc", "-x", "c", "-", "-o", output, "-Wl,--no-as-needed", *flags], cwd=root, check=True, text=True,
                   input="int main(void) { return 0; }\n")


def linked(root):
    """A program that needs libm, which the table does not list."""
    build(root, "berth", "-lm")
    return checks.linked(os.path.join(root, "berth"), checks.Table(os.path.join(root, "layers.txt")))


def linked_through(root):
    """A program that needs a library that needs libgit2."""
    build(root, "libthrough.so", "-shared", "-lgit2")
    build(root, "berth", "-L.", "-lthrough", "-Wl,-rpath," + root)
    return checks.linked(os.path.join(root, "berth"), checks.Table(os.path.join(root, "layers.txt")))


def mutable(root):
    """Builds a library of the room base from its one source."""
    folder = os.path.join(root, "src", "base")
    subprocess.run(["gcc", "-fPIE", "-c", "a.c", "-o", "a.o"], cwd=folder, check=True)
    subprocess.run(["ar", "cr", "libbase.a", "a.o"], cwd=folder, check=True)
    return checks.no_mutable_globals(root, checks.Table(os.path.join(root, "layers.txt")))


def unit(root):
    return checks.unit_verifies(root, "/bin/true", root)


def pause(call):
    return f"import time\n{call}\n"


MARK = "TO" + "DO"
TREES = [
    ("layering__a_room_sees_rooms_above_it", layering, {"src/store/a.c": '#include "berth/base/str.h"\n'}, ""),
    ("layering__a_room_sees_its_own_inside", layering, {"src/store/a.c": '#include "store/rows.h"\n'}, ""),
    ("layering__no_room_sees_one_below_it", layering, {"src/base/a.c": '#include "berth/store.h"\n'},
     "src/base/a.c:1: base must not see the room store"),
    ("layering__a_room_may_have_several_doors", layering,
     {"include/berth/store_log.h": "", "src/store/a.c": '#include "berth/store_log.h"\n',
      "src/base/a.c": '#include "berth/store_log.h"\n'}, "src/base/a.c:1: base must not see the room store"),
    ("layering__no_door_sees_one_below_it", layering, {"include/berth/base/a.h": '#include "berth/store.h"\n'},
     "base must not see the room store"),
    ("layering__no_room_sees_the_inside_of_another", layering, {"src/store/a.c": '#include "base/map.h"\n'},
     "base/map.h is private to the room base"),
    ("layering__no_test_sees_the_inside_of_another_room", layering, {"tests/store/a.c": '#include "base/map.h"\n'},
     "base/map.h is private to the room base"),
    ("layering__no_door_sees_an_inside", layering, {"include/berth/store.h": '#include "store/rows.h"\n'},
     "a door includes the private header"),
    ("layering__ui_never_sees_engine", layering, {"src/ui/a.c": '#include "berth/engine.h"\n'},
     "ui must not see the room engine"),
    ("layering__engine_never_sees_ui", layering, {"src/engine/a.c": '#include "berth/ui/grid.h"\n'},
     "engine must not see the room ui"),
    ("layering__main_of_berth_never_sees_engine", layering, {"src/berth.c": '#include "berth/engine.h"\n'},
     "src/berth.c must not see the room engine"),
    ("layering__a_way_out_by_dots_is_refused", layering, {"src/store/a.c": '#include "../base/map.h"\n'},
     "must be named from src/"),
    ("layering__an_unknown_room_is_refused", layering, {"src/attic/a.c": "\n"}, "there is no room attic"),
    ("layering__a_foreign_header_has_its_rooms", layering, {"src/ui/a.c": "#include <sqlite3.h>\n"},
     "only store may include sqlite3.h"),
    ("layering__a_foreign_folder_has_its_rooms", layering, {"src/ui/a.c": "#include <curl/curl.h>\n"},
     "only engine may include curl/curl.h"),
    ("layering__a_commented_include_counts_for_nothing", layering,
     {"src/base/a.c": '/*\n#include "berth/store.h"\n*/\n'}, ""),
    ("curses__a_second_file_is_refused", checks.one_file_includes_curses,
     {"src/ui/a.c": "#include <curses.h>\n", "src/ui/b.c": "#include <curses.h>\n"}, "one file alone"),
    ("linked__a_library_outside_the_table_is_refused", linked, {}, "berth is linked to libm.so"),
    ("linked__a_library_that_comes_through_another_is_refused", linked_through, {}, "berth loads libgit2.so"),
    ("headers__a_missing_include_is_seen_by_gcc", compile_alone("gcc"),
     {"include/berth/a.h": HEAD + "size_t f(void);\n"}, "does not compile alone under gcc"),
    ("headers__a_missing_include_is_seen_by_clang", compile_alone("clang"),
     {"include/berth/a.h": HEAD + "size_t f(void);\n"}, "does not compile alone under clang"),
    ("headers__a_missing_guard_is_seen", compile_alone("gcc"),
     {"include/berth/a.h": HEAD + "struct a { int b; };\n"}, "does not compile alone"),
    ("banned__a_call_is_seen", banned, {"src/base/a.c": "x = strcpy (a, b);\n"},
     "src/base/a.c:1: strcpy is banned"),
    ("banned__every_name_is_seen", lambda root: [p for p in [str(len(banned(root)))] if p == str(len(checks.BANNED))],
     {"src/base/a.c": "".join(f"{name}(x);\n" for name in checks.BANNED)}, str(len(checks.BANNED))),
    ("banned__comments_strings_and_longer_names_are_not_calls", banned,
     {"src/base/a.c": '/* system(x) */ a("system(x)"); my_system(x); o->system(x); snprintf(x); store_random(x);\n'}, ""),
    ("banned__an_allowed_call_passes_in_its_file", banned, {"src/base/child.c": "pid = vfork();\n"}, ""),
    ("banned__an_allowed_call_is_seen_in_any_other_file", banned, {"src/base/a.c": "pid = vfork();\n"},
     "src/base/a.c:1: vfork is banned"),
    ("sleep__in_c_is_seen", checks.no_sleep_in_tests, {"tests/base/a.c": "    usleep(10);\n"}, "sleeps instead"),
    ("sleep__in_shell_is_seen", checks.no_sleep_in_tests, {"tests/e2e/a.sh": "true; sleep 1\n"}, "sleeps instead"),
    ("sleep__in_python_is_seen", checks.no_sleep_in_tests, {"tests/e2e/a.py": pause("time.sleep(1)")},
     "tests/e2e/a.py:2: sleeps instead"),
    ("sleep__a_pause_of_a_wait_says_so", checks.no_sleep_in_tests,
     {"tests/e2e/a.py": pause("time.sleep(0.01)  # poll: bounded by the caller")}, ""),
    ("sleep__as_a_word_of_a_configuration_is_no_sleep", checks.no_sleep_in_tests,
     {"tests/e2e/a.py": "plan = 'apply: [sleep, 60]'\n", "tests/base/a.c": 'a("sleep(1)");\n'}, ""),
    ("sizes__a_long_source_is_seen", checks.sizes, {"src/base/a.c": "\n" * 801}, "801 lines, the limit is 800"),
    ("sizes__a_long_header_is_seen", checks.sizes, {"include/berth/a.h": "\n" * 251}, "251 lines, the limit is 250"),
    ("sizes__the_limit_itself_passes", checks.sizes, {"src/base/a.c": "\n" * 800}, ""),
    ("functions__a_long_one_is_seen", checks.function_sizes, {"src/base/a.c": long_function(59)},
     "a function of 61 lines"),
    ("functions__the_limit_itself_passes", checks.function_sizes, {"src/base/a.c": long_function(58)}, ""),
    ("first_lines__no_licence_is_seen", checks.first_lines, {"src/base/a.c": "int a;\n"}, "the first line must be"),
    ("first_lines__no_purpose_is_seen", checks.first_lines, {"src/base/a.c": checks.SPDX + "\nint a;\n"},
     "must say the file's purpose"),
    ("format__a_file_out_of_form_is_seen", checks.formatted, {"src/base/a.c": "int  a ;\n"},
     "src/base/a.c: not as clang-format"),
    ("unfinished__a_mark_is_seen", checks.nothing_unfinished, {"scripts/a": f"# {MARK}: later\n"}, "scripts/a:1"),
    ("drawers__a_drawer_is_seen", checks.no_drawers, {"src/base/string_utils.c": ""}, "not for a drawer"),
    ("statics__one_in_a_function_is_seen", checks.no_function_statics,
     {"src/base/a.c": "void f(void)\n{\n    static char buffer[9];\n}\n"}, "a static variable inside"),
    ("statics__a_constant_passes", checks.no_function_statics,
     {"src/base/a.c": "void f(void)\n{\n    static const char *const names[] = {0};\n}\n"}, ""),
    ("globals__a_mutable_one_is_seen", mutable, {"src/base/a.c": "static int count; int f(void) { return ++count; }\n"},
     "the variable count (.bss) can be written"),
    ("globals__an_initialised_one_is_seen", mutable, {"src/base/a.c": 'const char *names[] = {"a"};\n'},
     "the variable names (.data"),
    ("globals__constants_and_named_flags_pass", mutable,
     {"src/base/a.c": 'const char *const names[] = {"a"};\nint flagged;\n'}, ""),
    ("sources__one_that_nobody_builds_is_seen", checks.every_source_is_built,
     {"src/base/room.mk": "x_SOURCES = src/base/b.c\n", "src/base/a.c": "", "src/base/b.c": ""},
     "src/base/a.c: no fragment names it"),
    ("scripts__a_syntax_error_is_seen", checks.scripts_parse, {"scripts/a": "#!/bin/sh\nif true\n"}, "scripts/a:"),
    ("scripts__a_missing_permission_is_seen", checks.scripts_parse, {"tests/e2e/a.py": "#!/usr/bin/env python3\n"},
     "is not executable"),
    ("manual__a_warning_is_seen", checks.manual_pages, {"doc/a.1": ".TH A 1\n.SH NAME\na \\- b\n.nosuchmacro x\n"},
     "nosuchmacro"),
    ("links__a_dead_one_is_seen", checks.relative_links, {"doc/a.md": "see [b](b.md)\n"}, "links to b.md"),
    ("unit__an_unknown_key_is_seen", unit,
     {"scripts/berthd.service.in": "[Service]\nExecStart=@bindir@/berthd\nNoSuchKey=1\n"}, "NoSuchKey"),
    ("unit__a_missing_program_is_seen", unit,
     {"scripts/berthd.service.in": "[Service]\nExecStart=@bindir@/nothing/there\n"}, "nothing/there"),
]
NEEDS = {"headers__a_missing_include_is_seen_by_clang": "clang", "format__a_file_out_of_form_is_seen": "clang-format",
         "manual__a_warning_is_seen": "man", "unit__an_unknown_key_is_seen": "systemd-analyze",
         "unit__a_missing_program_is_seen": "systemd-analyze"}

print(f"1..{len(TREES)}")
for number, (name, check, tree, expected) in enumerate(TREES, 1):
    if name in NEEDS and not shutil.which(NEEDS[name]):
        print(f"ok {number} - {name} # SKIP {NEEDS[name]} is not installed")
        continue
    with tempfile.TemporaryDirectory() as root:
        shutil.copy(os.path.join(here, "..", "..", ".clang-format"), root)
        for path, text in {**tree, "layers.txt": LAYERS}.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        problems = check(root)
    good = any(expected in p for p in problems) if expected else not problems
    print(f"{'ok' if good else 'not ok'} {number} - {name}")
    if not good:
        print(f"# expected {expected!r}, found {problems}")
