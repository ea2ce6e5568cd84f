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
SOURCES = ("gcb6206", "solutions", "autograder", "experiments", "book")
CACHES_KEPT = 2  # this content's and the one before, such as the other edition's
SUFFIXES = {".py", ".yaml", ".csv", ".json", ".jsonl", ".mp4", ".pt"}


def content_key(root: Path = ROOT) -> str:
    """A hash of everything that a cell's output depends on, beside the cell itself.

    Args:
        root: the repository.
    """
    digest = hashlib.sha256(f"solutions={solutions_shown()}".encode())
    for source in SOURCES:
        for file in sorted((root / source).rglob("*")):
            if file.suffix in SUFFIXES and file.is_file():
                digest.update(file.relative_to(root).as_posix().encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def solutions_shown() -> bool:
    """Whether this is the instructors' edition."""
    return os.environ.get("SOLUTIONS", "0") not in ("", "0")


def prepare(app: Sphinx, config: Config) -> None:
    """Point the notebook cache at this content's folder, drop old ones, and let kernels import the course."""
    caches = Path(app.outdir).parent / ".notebook_cache"
    cache = caches / config.course_key
    cache.mkdir(parents=True, exist_ok=True)
    cache.touch()
    config.nb_execution_cache_path = str(cache)
    for old in sorted(caches.glob("*"), key=lambda path: path.stat().st_mtime)[:-CACHES_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.add_config_value("course_key", content_key(), "env")
    app.connect("config-inited", prepare)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
