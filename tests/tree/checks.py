"""The checks of the tree. Each takes the root of a tree (and what else it needs) and returns a list of problems."""

import concurrent.futures
import os
import re
import shlex
import subprocess

SPDX = "/* SPDX-License-Identifier: ISC */"
MAX_LINES = {".c": 800, ".h": 250}
MAX_FUNCTION = 60
CODE = ("include", "src", "tests", "bench")
BANNED = ("strcpy strcat stpcpy sprintf vsprintf gets strtok atoi atol atof system popen signal rand srand random "
          "alloca mktemp tmpnam vfork").split()
# The words are written in pieces here, so that this file passes its own check.
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")
DRAWERS = re.compile(r"(^|[_-])(utils?|helpers?|common|misc|stuff)($|[_.-])")


class Table:
    """tests/tree/layers.txt."""

    def __init__(self, path):
        self.rooms, self.foreign, self.linked, self.unlinked = {}, {}, {}, {}
        self.mutable, self.allowed = set(), set()
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                words = line.split("#")[0].split()
                if not words:
                    continue
                kind, name, rest = words[0], words[1], words[2:]
                if kind == "room" and rest in (["both"], ["berth"], ["berthd"]):
                    self.rooms[name] = rest[0]
                elif kind == "foreign":
                    self.foreign[name] = rest
                elif kind in ("linked", "unlinked"):
                    getattr(self, kind)[name] = rest
                elif kind == "mutable":
                    self.mutable.add((name, rest[0]))
                elif kind == "allowed":
                    self.allowed.add((name, rest[0]))
                else:
                    raise ValueError(f"{path}:{number}: not understood: {line.strip()}")
        self.order = list(self.rooms)

    def visible(self, room):
        """The rooms whose doors a file of this room may include."""
        side = self.rooms[room]
        above = self.order[:self.order.index(room) + 1]
        return {r for r in above if self.rooms[r] in ("both", side) or r == room}

    def of_program(self, program):
        return {r for r in self.order if self.rooms[r] in ("both", program)}


def files(root, folders=CODE, ends=(".c", ".h")):
    """Paths relative to root, sorted."""
    found = []
    for folder in folders:
        for where, names, entries in os.walk(os.path.join(root, folder)):
            names[:] = [n for n in names if n not in ("__pycache__",) and not n.startswith(".")]
            found += [os.path.relpath(os.path.join(where, e), root) for e in entries if e.endswith(ends)]
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def strip(text):
    """C without comments and without what is inside quotes; line numbers stay."""
    def blank(match):
        found = match.group(0)
        if found[0] in "\"'":
            return found[0] * 2
        return "\n" * found.count("\n") or " "
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def includes(text):
    for number, line in enumerate(re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group(0).count("\n"), text,
                                         flags=re.S).split("\n"), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^">]+)[">]', line)
        if match:
            yield number, match.group(1), match.group(2)


def door_of(name):
    """The room of a door: ROOM.h, ROOM_PART.h and ROOM/PART.h are doors of ROOM."""
    return name.removesuffix(".h").split("_")[0]


def room_of(path):
    """("base", "door" | "inside" | "test") of a file, or (None, "main" | "other")."""
    parts = path.split("/")
    if parts[:2] == ["include", "berth"]:
        return door_of(parts[2]), "door"
    if parts[0] == "src" and len(parts) > 2:
        return parts[1], "inside"
    if parts[0] == "src":
        return None, "main"
    if parts[0] == "tests" and len(parts) > 2:
        return parts[1], "test"
    return None, "other"


def layering(root, table):
    problems = []
    for path in files(root):
        room, place = room_of(path)
        if place in ("door", "inside") and room not in table.rooms:
            problems.append(f"{path}: there is no room {room} in tests/tree/layers.txt")
            continue
        if place in ("door", "inside"):
            visible = table.visible(room)
        elif place == "main":
            visible = table.of_program(os.path.basename(path).removesuffix(".c"))
        else:
            visible = set(table.order)
        for number, mark, name in includes(read(root, path)):
            at = f"{path}:{number}"
            parts = name.split("/")
            if parts[0] == "berth" and len(parts) > 1:
                door = door_of(parts[1])
                if door not in visible:
                    problems.append(f"{at}: {room or path} must not see the room {door}")
            elif parts[0] in table.rooms and len(parts) > 1:
                if place == "door":
                    problems.append(f"{at}: a door includes the private header {name}")
                elif parts[0] != room and place != "other":
                    problems.append(f"{at}: {name} is private to the room {parts[0]}")
            elif ".." in parts or (mark == '"' and not name.endswith(".inc") and place == "inside"
                                   and len(parts) == 1):
                problems.append(f'{at}: {name} must be named from src/ or include/, as "room/part.h"')
            for foreign, rooms in table.foreign.items():
                if (name == foreign or name.startswith(foreign) and not foreign.endswith(".h")) \
                        and place in ("door", "inside", "main") and (place != "inside" or room not in rooms):
                    problems.append(f"{at}: only {', '.join(rooms)} may include {name}, and no door")
    return problems


def one_file_includes_curses(root):
    having = [p for p in files(root, ("include", "src"))
              if any(re.fullmatch(r"n?curses\.h|term\.h", n) for _, _, n in includes(read(root, p)))]
    return [] if len(having) <= 1 else [f"{p}: one file alone may include curses" for p in having]


def linked(program, table):
    """What the built program is linked to, itself and through others."""
    name = os.path.basename(program)
    problems = []
    direct = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True).stdout
    for library in re.findall(r"\(NEEDED\).*\[(.*?)\]", direct):
        short = library.split(".so")[0]
        if name in table.linked and short not in table.linked[name]:
            problems.append(f"{name} is linked to {library}")
    closure = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for library in re.findall(r"^\s*(\S+)", closure, flags=re.M):
        if os.path.basename(library).split(".so")[0].removesuffix("-gnutls") in table.unlinked.get(name, []):
            problems.append(f"{name} loads {library}")
    return problems


def headers_compile_alone(root, compilers=("gcc", "clang"), flags=()):
    def compile_one(job):
        compiler, header = job
        name = header.removeprefix("include/")
        source = f'#include "{name}"\n#include "{name}"\n'
        run = subprocess.run([compiler, "-x", "c", "-std=c11", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Wextra",
                              "-Wstrict-prototypes", "-Wwrite-strings", "-Werror", "-I", os.path.join(root, "include"),
                              *flags, "-"], input=source, capture_output=True, text=True)
        return [f"{header}: does not compile alone under {compiler}: {run.stderr.strip()[:600]}"] \
            if run.returncode != 0 else []
    jobs = [(c, h) for c in compilers for h in files(root, ("include",), (".h",))]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [p for problems in pool.map(compile_one, jobs) for p in problems]


def banned_calls(root, table):
    call = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
    problems = []
    for path in files(root):
        for number, line in enumerate(strip(read(root, path)).split("\n"), 1):
            for match in call.finditer(line):
                if (match.group(1), path) in table.allowed:
                    continue
                problems.append(f"{path}:{number}: {match.group(1)} is banned")
    return problems


def no_sleep_in_tests(root):
    """A test waits for a condition. A short pause inside such a wait says so: `poll:` in a comment on its line."""
    patterns = {".c": r"(?<![\w.>])(sleep|usleep)\s*\(", ".py": r"\btime\.sleep\(|\bsleep\(",
                ".sh": r"(?:^|[;&|({]|\bdo\b|\bthen\b)\s*sleep\s+[\d.\"$]"}
    problems = []
    for path in files(root, ("tests",), tuple(patterns)):
        text = read(root, path)
        lines = text.split("\n")
        code = strip(text).split("\n") if path.endswith(".c") else lines
        pattern = patterns[os.path.splitext(path)[1]]
        for number, line in enumerate(code, 1):
            bare = re.sub(r"'[^']*'|\"[^\"]*\"", '""', line) if path.endswith(".py") else line
            if re.search(pattern, bare) and "poll:" not in lines[number - 1]:
                problems.append(f"{path}:{number}: sleeps instead of waiting for a condition")
    return problems


def sizes(root):
    problems = []
    for path in files(root):
        lines = read(root, path).count("\n")
        limit = MAX_LINES[os.path.splitext(path)[1]]
        if lines > limit:
            problems.append(f"{path}: {lines} lines, the limit is {limit}")
    return problems


def function_sizes(root):
    """A function's body begins and ends with a brace in the first column: .clang-format sees to it."""
    problems = []
    for path in files(root, ("include", "src", "bench")):
        start = None
        for number, line in enumerate(strip(read(root, path)).split("\n"), 1):
            if line == "{":
                start = number
            elif line == "}" and start is not None:
                if number - start + 1 > MAX_FUNCTION:
                    problems.append(f"{path}:{start}: a function of {number - start + 1} lines, "
                                    f"the limit is {MAX_FUNCTION}")
                start = None
    return problems


def first_lines(root):
    problems = []
    for path in files(root):
        lines = read(root, path).split("\n", 2)
        if lines[0] != SPDX:
            problems.append(f"{path}: the first line must be {SPDX}")
        elif not lines[1].startswith("/*"):
            problems.append(f"{path}: the second line must say the file's purpose in a comment")
    return problems


def formatted(root):
    paths = [os.path.join(root, p) for p in files(root)]
    if not paths:
        return []
    run = subprocess.run(["clang-format", "--dry-run", "-Werror", "-style=file", *paths], capture_output=True,
                         text=True)
    if run.returncode == 0:
        return []
    names = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", run.stderr, flags=re.M)))
    return [f"{os.path.relpath(n, root)}: not as clang-format -i leaves it" for n in names] or [run.stderr[:500]]


def nothing_unfinished(root):
    problems = []
    for path in files(root, CODE + ("scripts", "doc", "m4", "themes"), ("",)):
        for number, line in enumerate(read(root, path).split("\n"), 1):
            if "/corpus/" not in path and UNFINISHED.search(line):
                problems.append(f"{path}:{number}: unfinished: {line.strip()[:80]}")
    return problems


def no_drawers(root):
    return [f"{p}: a file is named for what it does, not for a drawer" for p in files(root)
            if any(DRAWERS.search(part) for part in p.split("/"))]


def no_function_statics(root):
    problems = []
    for path in files(root, ("include", "src")):
        inside = False
        for number, line in enumerate(strip(read(root, path)).split("\n"), 1):
            inside = line == "{" or inside and line != "}"
            if inside and re.match(r"\s+static\s", line) and not re.match(r"\s+static\s+(\w+\s+)*?const\b", line) \
                    and "_Static_assert" not in line:
                problems.append(f"{path}:{number}: a static variable inside a function")
    return problems


def no_mutable_globals(builddir, table):
    """Looks at the built libraries: what lies in .data or .bss can be written. Needs an ordinary build."""
    problems = []
    for room in table.order:
        library = os.path.join(builddir, "src", room, f"lib{room}.a")
        if not os.path.exists(library):
            continue
        symbols = subprocess.run(["objdump", "-t", library], capture_output=True, text=True, check=True).stdout
        for section, name in re.findall(r"^[0-9a-f]+ .{6}O (\.(?:data|bss)(?!\.rel\.ro)\S*)\s+[0-9a-f]+\s+(\S+)",
                                        symbols, flags=re.M):
            if (name.split(".")[0], room) not in table.mutable:
                problems.append(f"src/{room}: the variable {name} ({section}) can be written")
    return problems


def every_source_is_built(root):
    """A .c that no fragment names is never compiled and never tested."""
    fragments = "".join(read(root, p) for p in files(root, ("src", "tests", "bench"), (".mk",)))
    if os.path.exists(os.path.join(root, "Makefile.am")):
        fragments += read(root, "Makefile.am")
    words = set(re.split(r"[\s=]+", fragments))
    return [f"{p}: no fragment names it" for p in files(root, ("src", "tests", "bench"), (".c",))
            if p not in words and p.removesuffix(".c") not in words]


def scripts_parse(root):
    problems = []
    for path in files(root, ("scripts", ".ci", "tests", "bench"), ("",)):
        text = read(root, path)
        match = re.match(r"#!.*\b(sh|bash|python3?)\b", text)
        if not match:
            continue
        if match.group(1).startswith("python"):
            try:
                compile(text, path, "exec")
            except SyntaxError as error:
                problems.append(f"{path}:{error.lineno}: {error.msg}")
        else:
            run = subprocess.run([match.group(1), "-n", os.path.join(root, path)], capture_output=True, text=True)
            if run.returncode != 0:
                problems.append(f"{path}: {run.stderr.strip()}")
        if not os.access(os.path.join(root, path), os.X_OK):
            problems.append(f"{path}: has a #! line and is not executable")
    return problems


def manual_pages(root):
    problems = []
    environment = dict(os.environ, MANROFFSEQ="", MANWIDTH="80", LC_ALL="C.UTF-8")
    for path in files(root, ("doc",), (".1", ".5", ".7", ".8")):
        run = subprocess.run(["man", "--warnings=w", "-E", "UTF-8", "-l", "-Tutf8", "-Z", os.path.join(root, path)],
                             capture_output=True, text=True, errors="replace", env=environment)
        problems += [f"{path}: {line}" for line in run.stderr.strip().split("\n") if line]
        if run.returncode != 0 and not run.stderr:
            problems.append(f"{path}: man gives exit status {run.returncode}")
    return problems


def relative_links(root):
    """A link of a page to a file of the tree that is not there."""
    problems = []
    pages = files(root, ("doc", "src", "tests", "bench", "examples"), (".md",))
    pages += [p for p in ("README.md",) if os.path.exists(os.path.join(root, p))]
    for path in pages:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", read(root, path)):
            if not re.match(r"[a-z]+:", target) and \
                    not os.path.exists(os.path.join(root, os.path.dirname(path), target)):
                problems.append(f"{path}: links to {target}, which is not there")
    return problems


def unit_verifies(root, daemon, scratch):
    """systemd-analyze verify on the unit, with the built program in the place of the installed one."""
    with open(os.path.join(root, "scripts", "berthd.service.in"), encoding="utf-8") as file:
        text = file.read().replace("@bindir@/berthd", shlex.quote(daemon)) \
            .replace("@bindir@", os.path.dirname(daemon)).replace("@libexecdir@", os.path.dirname(daemon))
    unit = os.path.join(scratch, "berthd.service")
    with open(unit, "w", encoding="utf-8") as file:
        file.write(text)
    run = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit],
                         capture_output=True, text=True)
    said = [line for line in (run.stdout + run.stderr).split("\n") if "berthd" in line]
    return said or ([f"systemd-analyze verify gives {run.returncode}: {run.stderr[:300]}"] if run.returncode else [])
