"""Control groups, where this host lets us make them: bounds on all processes of a kernel together.

Without them the watchdog of `zygote.py` holds the same bounds, a fraction of a second later.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import secrets
import time
from pathlib import Path

from autograder.sandbox.limits import Limits

ROOT = Path("/sys/fs/cgroup")
PERIOD = 100_000  # microseconds
_OPTIONAL = (
    "memory.swap.max",
    "memory.memsw.limit_in_bytes",
    "memory.oom.group",
)  # not every kernel of Linux has them


class Cgroup:
    """A control group for one kernel: made with its limits, given its first process, removed at the end.

    Attributes:
        folders: one directory for version 2, one a controller for version 1.
    """

    def __init__(self, version: int, limits: Limits):
        self.version = version
        name = f"gcb6206-{os.getpid()}-{_started(os.getpid())}-{secrets.token_hex(4)}"
        quota = int(limits.cores * PERIOD)
        if version == 2:
            settings = {
                ".": {
                    "memory.max": limits.memory_total,
                    "memory.swap.max": 0,
                    "memory.oom.group": 1,  # all its processes end together
                    "pids.max": limits.processes,
                    "cpu.max": f"{quota} {PERIOD}",
                }
            }
        else:
            settings = {
                "memory": {
                    "memory.limit_in_bytes": limits.memory_total,
                    "memory.memsw.limit_in_bytes": limits.memory_total,
                },
                "pids": {"pids.max": limits.processes},
                "cpu": {"cpu.cfs_period_us": PERIOD, "cpu.cfs_quota_us": quota},
            }
        self.folders = []
        try:
            if version == 2:
                _write(ROOT / "cgroup.subtree_control", "+memory +pids +cpu")
            for controller, files in settings.items():
                folder = ROOT / controller / name
                folder.mkdir()
                self.folders.append(folder)
                for file, value in files.items():
                    if file not in _OPTIONAL or (folder / file).exists():
                        _write(folder / file, value)
        except OSError:
            self.remove()
            raise

    def add(self, pid: int) -> None:
        """Puts a process, and so what it will start, under the limits."""
        for folder in self.folders:
            _write(folder / "cgroup.procs", pid)

    def killed_for_memory(self) -> bool:
        """Whether the system killed one of its processes, whichever, because together they used too much memory.

        The others may live on: version 1 kills one process at a time.
        """
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        with contextlib.suppress(OSError, ValueError):
            for line in (self.folders[0] / name).read_text().splitlines():
                key, _, value = line.partition(" ")
                if key == "oom_kill":
                    return int(value) > 0
        return False

    def remove(self) -> None:
        """Removes it."""
        for folder in self.folders:
            _remove(folder)


def _remove(folder: Path) -> None:
    """Removes a group. The kernel forgets dying processes a moment later, so a few attempts."""
    for _ in range(50):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.02)
        else:
            return


def _write(path: Path, value: object) -> None:
    """Writes to a file that must be there: where no control groups are mounted, none is made."""
    descriptor = os.open(path, os.O_WRONLY)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(str(value))


@functools.cache
def version() -> int | None:
    """Which version of control groups this process may make: 2, 1, or None."""
    for candidate in (2, 1):
        try:
            Cgroup(candidate, Limits()).remove()
        except OSError:
            continue
        return candidate
    return None


def sweep() -> None:
    """Removes groups of graders that have ended; their kernels' processes may still be dying."""
    for folder in [*ROOT.glob("gcb6206-*"), *ROOT.glob("*/gcb6206-*")]:
        named = re.fullmatch(r"gcb6206-(\d+)-(\d+)-\w+", folder.name)
        if named and _started(named[1]) != named[2]:
            _remove(folder)


def _started(pid: int | str) -> str:
    """When a process was started, in ticks since the system was, so that its number is not mistaken for another's.

    "" for one that has ended, also where nobody has waited for it yet.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in b"ZX" else fields[19].decode()
