# SPDX-License-Identifier: ISC
"""What the hostile tests share: worlds of real repositories, the real programs, a real pseudo terminal, TAP."""
import atexit
import ctypes
import ctypes.util
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import traceback

BERTH = os.environ["BERTH"]
BOUND_S = 60
FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\udc80-\udcff]")

BERTH_YAML = """version: 1
workspace: hostile
trusted: { repository: app, ref: main }
repositories: { app: { provider: git, url: . } }
targets: { here: { provider: local } }
environments:
  - name: "review/${{ branch.slug }}"
    tier: review
    source: { branches: ["**", "!main"] }
    templates: [app]
    target: here
    deploy_on: [manual]
    on_failure: hold
"""
APP_YAML = """template: app
version: 1
resources:
  page: { executor: exec, run: ["./tool", "up"], undo: ["./tool", "down"] }
"""
TOOL = "#!/bin/sh\necho \"the tool goes $1\"\n"


def harmful(said):
    """The first thing in what a program printed that no terminal should get, or None."""
    text = said.decode("utf-8", "surrogateescape") if isinstance(said, bytes) else said
    found = FORBIDDEN.search(text)
    return f"{found.group()!r} in {text[max(0, found.start() - 40):found.start() + 20]!r}" if found else None


class World:
    """A folder with a repository `app` and a state of its own; every berthd in it is ended with it."""

    def __init__(self, name, init=True):
        self.root = tempfile.mkdtemp(prefix=f"berth-hostile-{name}-", dir=os.environ.get("TMPDIR", "/tmp"))
        atexit.register(self.close)
        self.app = os.path.join(self.root, "app")
        self.env = dict(os.environ, XDG_STATE_HOME=os.path.join(self.root, "state"), XDG_CONFIG_HOME=os.path.join(self.root, "config"),
                        HOME=self.root, TMPDIR=self.root, GIT_CONFIG_GLOBAL=os.path.join(self.root, "gitconfig"), GIT_CONFIG_NOSYSTEM="1",
                        GIT_AUTHOR_DATE="2025-11-20T10:00:00Z", GIT_COMMITTER_DATE="2025-11-20T10:00:00Z")
        for name in ("GIT_DIR", "GIT_WORK_TREE", "BERTH_WORKSPACE", "COLUMNS", "LINES"):
            self.env.pop(name, None)
        self.write("../gitconfig", "[user]\n name = Anna\n email = anna@example.org\n[init]\n defaultBranch = main\n")
        self.folders = {self.app}
        if init:
            self.git("init", "-q")

    def write(self, path, data, mode=0o644):
        path = os.path.join(self.app, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode())
        os.chmod(path, mode)

    def git(self, *words, folder=None, feed=None):
        result = subprocess.run(["git", "-C", folder or self.app, *words], env=self.env, input=feed, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, check=False)
        if result.returncode:
            raise AssertionError(f"git {words}: {result.stderr}")
        return result.stdout.strip()

    def commit(self, subject="a commit"):
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-F", "-", feed=subject if isinstance(subject, bytes) else subject.encode())

    def usual(self, policy=BERTH_YAML, template=APP_YAML, tool=TOOL):
        self.write("berth.yaml", policy)
        self.write("templates/app.yaml", template)
        self.write("tool", tool, 0o755)
        self.commit("begin")

    def branch(self, name, files=(), subject="a branch"):
        """A branch off main with these files (path, text)."""
        self.git("checkout", "-q", "-b", name, "main")
        for path, text in files:
            self.write(path, text, 0o755 if path == "tool" else 0o644)
        self.commit(subject)
        self.git("checkout", "-q", "main")

    def berth(self, *words, folder=None, wanted=None, feed=b"", env=None, bound=BOUND_S):
        """What berth printed on both streams; whatever it was, it must be harmless."""
        folder = folder or self.app
        self.folders.add(folder)
        result = subprocess.run([BERTH, "-C", folder, *words], env=dict(self.env, **(env or {})), input=feed, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, timeout=bound, check=False)
        bad = harmful(result.stdout)
        assert bad is None, f"berth {words} printed {bad}"
        said = result.stdout.decode()
        assert result.returncode >= 0 and (wanted is None or result.returncode == wanted), \
            f"berth {words} ended with {result.returncode}, wanted {wanted}:\n{said}"
        return said

    def says(self, pattern, *words, **more):
        said = self.berth(*words, **more)
        assert re.search(pattern, said), f"berth {words} does not say {pattern!r}:\n{said}"
        return said

    def wait_says(self, pattern, *words, **more):
        """Asks again until it says so."""
        until = time.monotonic() + BOUND_S
        while True:
            said = self.berth(*words, **more)
            if re.search(pattern, said):
                return said
            assert time.monotonic() < until, f"berth {words} never says {pattern!r}:\n{said}"
            select.select([], [], [], 0.1)  # poll: the daemon reads the repository

    def deploy(self, branch, *words, wanted=None, env=None):
        return self.berth("deploy", branch, *words, "--wait", "--timeout", f"{BOUND_S}s", wanted=wanted, env=env, bound=BOUND_S + 10)

    def store(self):
        """The folder that holds the workspace's state."""
        top = os.path.join(self.root, "state", "berth")
        return os.path.join(top, sorted(os.listdir(top))[0])

    def files(self):
        for folder, _, names in os.walk(os.path.join(self.root, "state")):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path) and not os.path.islink(path):
                    yield path

    def audit_is_whole(self):
        self.says("the audit is whole", "audit", "verify", wanted=0)

    def screen(self, rows=24, columns=80, folder=None, words=()):
        self.folders.add(folder or self.app)
        return Screen([BERTH, *words], self.env, folder or self.app, rows, columns)

    def daemons(self):
        """Every process of this world's berthd, with the most memory each ever had, in kB."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    if self.root.encode() not in file.read():
                        continue
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    if b"berthd" not in file.read().split(b"\0")[0]:
                        continue
                with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
                    peak = re.search(r"VmHWM:\s+(\d+)", file.read())
                found[int(pid)] = int(peak.group(1)) if peak else 0
            except OSError:
                continue
        return found

    def close(self):
        if not os.path.isdir(self.root):
            return
        for folder in self.folders:
            if os.path.isdir(folder):
                try:
                    subprocess.run([BERTH, "-C", folder, "stop"], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   stdin=subprocess.DEVNULL, timeout=30, check=False)
                except subprocess.TimeoutExpired:
                    print(f"# berth stop hangs in {folder}")
                    for pid in self.daemons():
                        os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.root, ignore_errors=True)


class Rect(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in ("start_row", "end_row", "start_col", "end_col")]


def load_vterm():
    name = ctypes.util.find_library("vterm")
    if not name:
        print("1..0 # SKIP no libvterm")
        sys.exit(77)
    library = ctypes.CDLL(name)
    pointer = ctypes.c_void_p
    for function, result, arguments in (
            ("vterm_new", pointer, [ctypes.c_int, ctypes.c_int]), ("vterm_free", None, [pointer]),
            ("vterm_set_utf8", None, [pointer, ctypes.c_int]), ("vterm_obtain_screen", pointer, [pointer]),
            ("vterm_screen_reset", None, [pointer, ctypes.c_int]), ("vterm_screen_enable_altscreen", None, [pointer, ctypes.c_int]),
            ("vterm_input_write", ctypes.c_size_t, [pointer, ctypes.c_char_p, ctypes.c_size_t]),
            ("vterm_screen_get_text", ctypes.c_size_t, [pointer, ctypes.c_char_p, ctypes.c_size_t, Rect])):
        getattr(library, function).restype = result
        getattr(library, function).argtypes = arguments
    return library


VTERM = load_vterm()
# What a dashboard may send besides text: cursor, colours, modes, sets of characters.
OWN_SEQUENCES = re.compile(rb"\x1b\[[?>=]?[0-9;:]*[ -/]?[A-Za-z@`]|\x1b[()][AB012]|\x1b[=>78MHc]|[\r\n\b\t\x0e\x0f\x07]")
# What the texts of these tests hold, and no program sends by itself.
MARKS = (b"\x1b]", b"\x1b[987", b"\x1bP", b"\x1b_", b"\x1b^", b"\xc2\x9b", b"\xc2\x9d", b"\xe2\x80\xae", b"\xe2\x81\xa6")


class Screen:
    """The dashboard on a pseudo terminal; the terminal is libvterm, and every byte that came is kept."""

    def __init__(self, argv, env, folder, rows, columns):
        self.rows, self.columns, self.raw, self.status = rows, columns, bytearray(), None
        self.terminal = VTERM.vterm_new(rows, columns)
        VTERM.vterm_set_utf8(self.terminal, 1)
        self.cells = VTERM.vterm_obtain_screen(self.terminal)
        VTERM.vterm_screen_enable_altscreen(self.cells, 1)
        VTERM.vterm_screen_reset(self.cells, 1)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.chdir(folder)
            os.execve(argv[0], argv, dict(env, TERM="xterm-256color"))
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def text(self):
        buffer = ctypes.create_string_buffer(self.columns * 8)
        lines = []
        for row in range(self.rows):
            size = VTERM.vterm_screen_get_text(self.cells, buffer, len(buffer), Rect(row, row + 1, 0, self.columns))
            lines.append(buffer.raw[:size].decode("utf-8", "replace").rstrip())
        return "\n".join(lines)

    def pump(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.raw += data
        VTERM.vterm_input_write(self.terminal, data, len(data))
        return bool(data)

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def wait(self, pattern):
        until = time.monotonic() + BOUND_S
        alive = True
        while True:
            if re.search(pattern, self.text()):
                return self.text()
            assert alive and time.monotonic() < until, f"the screen {'never shows' if alive else 'ended without'} {pattern!r}:\n{self.text()}"
            alive = self.pump(0.1)

    def wait_gone(self, pattern):
        until = time.monotonic() + BOUND_S
        while re.search(pattern, self.text()):
            assert self.pump(0.1) and time.monotonic() < until, f"the screen keeps showing {pattern!r}:\n{self.text()}"

    def ended(self):
        until = time.monotonic() + BOUND_S
        while time.monotonic() < until:
            self.pump(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                self.pid = 0
                return self.status
        raise AssertionError(f"the dashboard does not end:\n{self.text()}")

    def quit(self):
        """Ends it as a person would; all that it ever sent was harmless."""
        self.type("Q")
        status = self.ended()
        self.judge()
        self.free()
        assert status == 0, f"the dashboard ended with {status}"

    def judge(self):
        for mark in MARKS:
            assert mark not in self.raw, f"{mark!r} reached the terminal: {bytes(self.raw[self.raw.find(mark) - 40:][:90])!r}"
        bad = harmful(OWN_SEQUENCES.sub(b"", bytes(self.raw)))
        assert bad is None, f"the terminal was sent {bad}"

    def free(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0
        if self.terminal:
            os.close(self.fd)
            VTERM.vterm_free(self.terminal)
            self.terminal = None


def main(tests):
    """Runs functions named as sentences; a test that says so is skipped with a reason."""
    only = sys.argv[1:]
    tests = [test for test in tests if not only or any(word in test.__name__ for word in only)]
    print(f"1..{len(tests)}", flush=True)
    failed = 0
    for number, test in enumerate(tests, 1):
        name = test.__name__.replace("__", ", ").replace("_", " ")
        began = time.monotonic()
        try:
            reason = test()
            word = f" # SKIP {reason}" if reason else ""
            print(f"ok {number} - {name}{word}\n# {time.monotonic() - began:.1f} s", flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"not ok {number} - {name}", flush=True)
            for line in traceback.format_exc().splitlines():
                print("# " + FORBIDDEN.sub("?", line), flush=True)
    sys.exit(1 if failed else 0)
