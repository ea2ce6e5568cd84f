"""Sphinx extension of the book: what a page depends on, and which edition is built.

A page's outputs come from the cells and from the course's own code and recorded runs. The notebook cache sees
only the cells; so the cache folder is named after a hash of the rest, and a new hash reads every page again.
``SOLUTIONS=1`` in the environment builds the instructors' edition, which prints the reference solutions.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("gcb6206", "solutions", "autograder", "experiments", "book/results", "book/figures.py", "book/_ext")
SUFFIXES = {".py", ".yaml", ".csv", ".json"}


def content_key(root: Path = ROOT) -> str:
    """A hash of everything that a cell's output depends on, beside the cell itself.

    Args:
        root: the repository.
    """
    digest = hashlib.sha256(f"solutions={solutions_shown()}".encode())
    for source in SOURCES:
        path = root / source
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.suffix in SUFFIXES and file.is_file():
                digest.update(file.relative_to(root).as_posix().encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def solutions_shown() -> bool:
    """Whether this is the instructors' edition."""
    return os.environ.get("SOLUTIONS", "0") not in ("", "0")


def prepare(app: Sphinx, config: Config) -> None:
    """Point the notebook cache at this content's folder, drop older ones, and let kernels import the course."""
    caches = Path(app.outdir).parents[1] / "cache"
    config.nb_execution_cache_path = str(caches / config.course_key)
    for old in caches.glob("*"):
        if old.name != config.course_key:
            shutil.rmtree(old, ignore_errors=True)
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def record_key(app: Sphinx, error: Exception | None) -> None:
    """Write the key beside the finished book, for whoever asks whether it is up to date."""
    if error is None:
        (Path(app.outdir) / "course_key.txt").write_text(app.config.course_key + "\n")


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.add_config_value("course_key", content_key(), "env")
    app.connect("config-inited", prepare)
    app.connect("build-finished", record_key)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
