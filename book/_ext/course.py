"""Sphinx extension of the book: what a page depends on, which edition is built, and pages run side by side.

A page's outputs come from the cells and from the course's own code and recorded runs. The notebook cache sees
only the cells; so the cache folder is named after a hash of the rest, and a new hash reads every page again.
Sphinx reads one page after the other, and MyST-NB runs a page's cells while it is read. So what is not in the cache
yet is run before, as many pages at once as there are cores.
``SOLUTIONS=1`` in the environment builds the instructors' edition, which prints the reference solutions.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import ExecutionResult, single_nb_execution
from myst_nb.core.read import create_nb_reader
from nbformat.notebooknode import NotebookNode
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment

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


def run_pages(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Run the pages that Sphinx is about to read and that the cache lacks, and put their outputs into the cache.

    A page that fails is not kept: Sphinx runs it again when it reads it, and warns with the page's name.
    """
    cache, waiting = get_cache(app.config.nb_execution_cache_path), {}
    for path in map(env.doc2path, docnames):
        text = Path(path).read_text(encoding="utf-8")
        reader = create_nb_reader(path, env.myst_config, env.mystnb_config, text)
        if reader is None:  # no cells
            continue
        notebook = reader.read(text)
        try:
            cache.match_cache_notebook(notebook)
        except KeyError:
            waiting[path] = notebook

    def run(path: str, notebook: NotebookNode) -> ExecutionResult:
        folder = str(Path(path).parent)
        return single_nb_execution(notebook, folder, app.config.nb_execution_timeout, allow_errors=False)

    pool = ThreadPoolExecutor(os.cpu_count())  # each page has a process of its own, its kernel
    try:
        for path, result in zip(waiting, pool.map(run, waiting.keys(), waiting.values())):
            if result.err is None:
                bundle = CacheBundleIn(result.nb, path, data={"execution_seconds": result.time})
                cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    finally:
        pool.shutdown(cancel_futures=True)


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.add_config_value("course_key", content_key(), "env")
    app.connect("config-inited", prepare)
    app.connect("env-before-read-docs", run_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
