"""A directory in which nbgrader runs on the course's assignments, apart from the instructor's own class."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

COURSE = Path(__file__).resolve().parents[2]

_CONFIG = '''"""nbgrader on the course's assignments."""

import sys

sys.path.insert(0, {course!r})
from autograder.nbgrader_plugin.configuration import configure

c = get_config()
configure(c)
c.CourseDirectory.source_directory = {assignments!r}
{more}
'''


def make_root(root: Path, assignments: Path = COURSE / "assignments", more: str = "") -> None:
    """Makes the directory and its nbgrader_config.py.

    Args:
        root: the directory.
        assignments: where the source notebooks are.
        more: further lines of the configuration.
    """
    root.mkdir(parents=True, exist_ok=True)
    config = _CONFIG.format(course=str(COURSE), assignments=str(assignments), more=more)
    (root / "nbgrader_config.py").write_text(config, encoding="utf-8")


def nbgrader(*words: str, root: Path) -> None:
    """Runs one nbgrader command there and says how long it took; its log goes to the end of nbgrader.log.

    Raises:
        RuntimeError: it failed; the message holds the end of its log.
    """
    began = time.monotonic()
    print(f"  nbgrader {' '.join(words)}", end=" ", flush=True)
    environment = {**os.environ, "PYTHONPATH": str(COURSE), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *words],
        cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    with (root / "nbgrader.log").open("a", encoding="utf-8") as log:
        log.write(done.stdout)
    print(f"({time.monotonic() - began:.0f} s)")
    if done.returncode:
        raise RuntimeError(f"nbgrader {' '.join(words)} failed:\n{done.stdout[-3000:]}")
