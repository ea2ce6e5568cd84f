"""The command line that runs a program sealed off by bubblewrap.

Covered: no network; no sight of other submissions, the gradebook, the solutions, the judges or any home directory;
system, interpreter and course package read-only; private /tmp, /home and process table; no capabilities; an empty
environment; limits on memory, file size, disk and open files.
Not covered: faults of the Linux kernel itself, CPU time stolen from other processes, and, where the grader runs as
root, the number of processes. It protects the grader from submissions, not submissions from the grader.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

from autograder.sandbox.limits import Limits

COURSE = Path(__file__).resolve().parents[2]
HOME = "/home/student"

# What the student's side imports. Judges, mutants, thresholds, solutions and assignments stay outside.
COURSE_FILES = (
    "gcb6206",
    "experiments",
    "autograder/__init__.py",
    "autograder/exchange.py",
    "autograder/student.py",
    "autograder/probes",
)
CHECK_INSIDE = (
    "autograder/sandbox/check_inside.py",
    "autograder/check.py",
)  # shown inside under the second name
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
    for program in ("bwrap", "prlimit"):
        if shutil.which(program) is None:
            package = {"bwrap": "bubblewrap", "prlimit": "util-linux"}[program]
            raise SandboxUnavailable(
                f"{program} was not found, so submissions cannot be sealed off. Install it with\n"
                f"    apt-get install {package}\n{choice}"
            )
    trial = subprocess.run(
        command([sys.executable, "-c", ""], Limits()), capture_output=True, text=True, timeout=60, check=False
    )
    if trial.returncode:
        raise SandboxUnavailable(
            f"bubblewrap is installed but does not work here (exit {trial.returncode}: {trial.stderr.strip()[:500]}). "
            f"It needs user namespaces; see `sysctl kernel.unprivileged_userns_clone`.\n{choice}"
        )


def command(
    program: list[str], limits: Limits, readable: list[Path] | None = None, writable: list[Path] | None = None
) -> list[str]:
    """The command line that runs `program` in the sandbox.

    Args:
        program: the program and its arguments, as outside.
        limits: what it may use.
        readable, writable: directories shown inside under the same path.
    """
    line = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"]
    for name, value in environment().items():
        line += ["--setenv", name, value]
    line += ["--proc", "/proc", "--dev", "/dev"]
    for directory in ("/tmp", HOME, "/dev/shm"):
        line += ["--size", str(limits.disk), "--tmpfs", directory]
    for path in _system():
        line += ["--symlink", os.readlink(path), path] if os.path.islink(path) else ["--ro-bind", path, path]
    for path in [*_prefixes(), *(COURSE / name for name in COURSE_FILES), *(readable or [])]:
        line += ["--ro-bind", str(path), str(path)]
    line += ["--ro-bind", *(str(COURSE / name) for name in CHECK_INSIDE)]
    for path in writable or []:
        line += ["--bind", str(path), str(path)]
    return [*line, "--chdir", HOME, "--", *limits.prefix(), *program]


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
    }


def _system() -> list[str]:
    roots = ["/usr", *(f"/{name}" for name in ("bin", "sbin", "lib", "lib32", "lib64"))]
    return [path for path in [*roots, *SYSTEM_FILES] if os.path.lexists(path)]


def _prefixes() -> list[Path]:
    """The interpreter's own directories that /usr does not hold already."""
    prefixes = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.base_prefix).resolve()}
    return sorted(path for path in prefixes if not path.is_relative_to("/usr"))
