"""What is watched while a class is graded: files in folders of the host, the instructor's keys, and what is left over."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from autograder.nbgrader_plugin.course_root import COURSE
from autograder.sandbox import cgroups, nursery
from autograder.sandbox.zygote import KEYCTL

FOLDERS = 10
# Some are called as what the grader itself looks for.
NAMES = ("canary.txt", "answer", "request", "0.npz")
KEY = "gcb6206-canary"
ADD_KEY = {250: 248, 219: 217}.get(KEYCTL)  # by the number of keyctl
USER_KEYRING, SESSION_KEYRING, JOIN = -4, -3, 1

# Starts a command as somebody would who keeps a secret in the session's keyring.
KEYED = f"""
import ctypes, os, sys
libc, secret = ctypes.CDLL(None), os.environ.pop("CANARY_KEY").encode()
if {KEYCTL}:
    libc.syscall({KEYCTL}, {JOIN}, None)
    libc.syscall({ADD_KEY}, b"user", {KEY.encode()!r}, secret, len(secret), {SESSION_KEYRING})
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def there_are_keys() -> bool:
    """Whether this Linux keeps keys for us."""
    return bool(KEYCTL) and ctypes.CDLL(None).syscall(KEYCTL, 0, USER_KEYRING, 1) >= 0


class Canaries:
    """Files in ten folders of the host, as far as whoever grades may write there.

    Args:
        root: of the course; it has as many more folders as the host lacks.
        secret: what stands in the files.

    Attributes:
        folders: where they are.
    """

    def __init__(self, root: Path, secret: str):
        system = [
            "/etc",
            "/home",
            "/opt",
            "/root",
            "/run",
            "/srv",
            "/var/lib",
            "/var/tmp",
            "/dev/shm",
            "/tmp",
            COURSE,
        ]
        places = [Path(place) for place in system if os.access(place, os.W_OK)][:FOLDERS]
        places += [root / f"place-{number}" for number in range(FOLDERS - len(places))]
        self.folders = []
        for place in places:
            place.mkdir(exist_ok=True)
            self.folders.append(Path(tempfile.mkdtemp(prefix="gcb-canary-", dir=place)))
            for name in NAMES:
                (self.folders[-1] / name).write_text(secret)
        self._before = self._state()

    def _state(self) -> dict[Path, tuple]:
        found = {}
        for folder in self.folders:
            for path in [folder, *folder.rglob("*")]:
                status = path.lstat() if path.exists() else None
                content = path.read_bytes() if path.is_file() else b""
                found[path] = (
                    content,
                    status and (status.st_ino, status.st_mode, status.st_mtime_ns, status.st_uid),
                )
        return found

    def touched(self) -> list[str]:
        """What is not as it was: changed, gone or new."""
        now = self._state()
        return sorted(str(path) for path in {*now, *self._before} if now.get(path) != self._before.get(path))

    def close(self) -> None:
        """Takes them away."""
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)


class Traces:
    """What a command starts and makes on this machine, to see afterwards what of it is left.

    Attributes:
        peak: bytes that its processes on this side of the sandbox held together at most.
    """

    def __init__(self):
        self.peak = 0
        self._processes: set[tuple[int, str]] = set()  # with the time of their start
        self._folders: set[Path] = set()
        self._ours = os.readlink("/proc/self/ns/pid")

    def look(self, root: int) -> None:
        """Notes what the process `root` has by now."""
        table, held = _processes(), 0
        family = {root}
        for number in sorted(table, key=lambda number: (int(table[number][1]), number)):
            if table[number][0] in family:
                family.add(number)
        for number in family & table.keys():
            self._processes.add((number, table[number][1]))
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{number}/ns/pid") == self._ours:
                    held += _memory(number)
                    self._folders |= _nurseries(number)
        self.peak = max(self.peak, held)

    def left(self, seconds: float = 30.0) -> list[str]:
        """Processes, folders and control groups that are still there; what is dying gets some time for it."""
        deadline = time.monotonic() + seconds
        while (found := self._left()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return found

    def _left(self) -> list[str]:
        table = _processes()
        found = [
            f"process {number} ({table[number][2]})"
            for number, started in self._processes
            if number in table and table[number][1] == started
        ]
        found += [f"folder {folder}" for folder in self._folders if folder.exists()]
        own = {str(number) for number, _ in self._processes}
        groups = [*cgroups.ROOT.glob("gcb6206-*"), *cgroups.ROOT.glob("*/gcb6206-*")]
        return found + [f"control group {group}" for group in groups if group.name.split("-")[1] in own]


def _processes() -> dict[int, tuple[int, str, str]]:
    """Parent, time of start and name of every process that lives."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{name}/stat").read_text(encoding="utf-8", errors="replace")
            command, _, rest = text.partition(" (")[2].rpartition(")")
            fields = rest.split()
            if fields[0] not in "ZX":
                found[int(name)] = int(fields[1]), fields[19], command
    return found


def _memory(pid: int) -> int:
    """Bytes that a process holds, its share of what it holds with others."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    found = re.search(r"^Pss: +(\d+)", text, flags=re.MULTILINE)
    return 1024 * int(found[1]) if found else 0


def _nurseries(pid: int) -> set[Path]:
    """The folders of the nurseries that a process holds."""
    pattern = re.compile(rf"{re.escape(str(nursery.FOLDER))}/{nursery.PREFIX}\w+/lock")
    found = set()
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            target = os.readlink(path)
            if pattern.fullmatch(target):
                found.add(Path(target).parent)
    return found


def keyed(words: list[str]) -> list[str]:
    """The command line that runs Python with these words, a secret of the environment's in its keyring."""
    return [sys.executable, "-c", KEYED, *words]
