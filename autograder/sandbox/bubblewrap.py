"""The command line that runs a program sealed off by bubblewrap.

Covered: no network; no sight of other submissions, the gradebook, the solutions, the judges or any home directory;
system, interpreter and course package read-only; private /tmp, /home, process table and IPC; no capabilities and no
way to new ones; an empty environment; limits on time, memory (of a process and in total), processes, CPU cores, file
size, disk and open files; a filter of system calls (`seccomp.py`) and a session keyring of its
own, where no namespace is. `python -m autograder sandbox` tries which of them hold on a host.
Not covered: faults of the Linux kernel itself, which the filter makes fewer; where there are no control groups, memory
that the kernel holds for a process (buffers of pipes and sockets); memory bandwidth and caches that are shared with others; host names of
folders, which the mount table shows. It protects the grader from submissions, not submissions from the grader.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

COURSE = Path(__file__).resolve().parents[2]
HOME = "/run/student"  # not in /home: an empty home there would hide the course of a user of that name

# What the student's side imports. Judges, mutants, thresholds, solutions and assignments stay outside.
COURSE_FILES = (
    "gcb6206",
    "experiments",
    "autograder/__init__.py",
    "autograder/student_side",
)
ZYGOTE = "/run/zygote.py"
RENAMED_FILES = (  # outside, inside
    ("autograder/sandbox/check_inside.py", "autograder/check.py"),
    ("autograder/sandbox/zygote.py", ZYGOTE),
)
# What it takes to make namespaces (whose users may be our user) and mounts, to forbid further ones, and to give it up.
NESTING = ("CAP_SYS_ADMIN", "CAP_SYS_RESOURCE", "CAP_SETPCAP", "CAP_SETFCAP")
SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/fonts")


class SandboxUnavailable(RuntimeError):
    """Submissions cannot be sealed off on this machine."""


@functools.cache
def require() -> None:
    """Tries the sandbox once on a program that does nothing.

    Raises:
        SandboxUnavailable: it does not work here; the message says what to do.
    """
    choice = (
        "To grade without isolation, where you trust every submission, say so: "
        "--Autograde.unsafe_no_sandbox=True for nbgrader, --unsafe-no-sandbox for python -m autograder."
    )
    if shutil.which("bwrap") is None:
        raise SandboxUnavailable(
            "bwrap was not found, so submissions cannot be sealed off. Install it with\n"
            f"    apt-get install bubblewrap\n{choice}"
        )
    trial = subprocess.run(
        command([sys.executable, "-c", ""], 2**20), capture_output=True, text=True, timeout=60, check=False
    )
    if trial.returncode:
        raise SandboxUnavailable(
            f"bubblewrap is installed but does not work here (exit {trial.returncode}: {trial.stderr.strip()[:500]}). "
            f"It needs user namespaces; see `sysctl kernel.unprivileged_userns_clone`.\n{choice}"
        )


def command(program: list[str], disk: int, writable: Sequence[Path] = (), nest: bool = False) -> list[str]:
    """The command line that runs `program` in the sandbox.

    Args:
        program: the program and its arguments, as inside.
        disk: bytes of each private writable directory.
        writable: directories shown inside under the same path.
        nest: let the program make namespaces inside; it has to give that right up itself.
    """
    line = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--uid", "0", "--gid", "0"]
    line += ["--cap-drop", "ALL", "--clearenv"]
    for capability in NESTING if nest else ():
        line += ["--cap-add", capability]
    for name, value in environment().items():
        line += ["--setenv", name, value]
    line += ["--proc", "/proc", "--dev", "/dev", "--dir", "/run/room"]
    for directory in ("/tmp", HOME, "/dev/shm"):
        line += ["--size", str(disk), "--tmpfs", directory]
    for path in _system():
        line += ["--symlink", os.readlink(path), path] if os.path.islink(path) else ["--ro-bind", path, path]
    for inside, outside in readable().items():
        line += ["--ro-bind", outside, inside]
    for path in writable:
        line += ["--bind", str(path), str(path)]
    if not nest:  # the nested kernel mounts a read-only /proc of its own, which this would forbid
        line += ["--ro-bind", "/proc/sys", "/proc/sys"]
    return [*line, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", HOME, "--", *program]


def readable() -> dict[str, str]:
    """What is shown read-only besides the system: path inside -> path outside."""
    shown = {str(path): str(path) for path in (*_prefixes(), *(COURSE / name for name in COURSE_FILES))}
    return shown | {str(COURSE / inside): str(COURSE / outside) for outside, inside in RENAMED_FILES}


def environment(home: str = HOME) -> dict[str, str]:
    """Everything that the student's side finds in its environment."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        "USER": "student",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(COURSE),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NBGRADER_EXECUTION": "autograde",
        "CUDA_VISIBLE_DEVICES": "",
        "SDL_VIDEODRIVER": "dummy",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # the debugger would complain about frozen modules
    }


def _system() -> list[str]:
    roots = ["/usr", *(f"/{name}" for name in ("bin", "sbin", "lib", "lib32", "lib64"))]
    return [path for path in [*roots, *SYSTEM_FILES] if os.path.lexists(path)]


def _prefixes() -> list[Path]:
    """The interpreter's own directories that /usr does not hold already."""
    prefixes = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.base_prefix).resolve()}
    return sorted(path for path in prefixes if not path.is_relative_to("/usr"))
