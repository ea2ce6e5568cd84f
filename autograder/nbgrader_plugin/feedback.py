"""`nbgrader generate_feedback`: every student gets a page, whatever stands in the notebook, and no page loads anything.

Each page is made in a process of its own, of bounded time, memory and size. Markdown and highlighting are searches whose
time may grow with the square of a text, so some texts cannot be shown as they were meant: a plain page takes their place.
"""

from __future__ import annotations

import contextlib
import html
import os
import resource
import select
import signal
import time
import urllib.parse
from collections.abc import Callable

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader import converters
from nbgrader.preprocessors import GetGrades
from traitlets import Float, Integer

from autograder.sandbox.limits import GIB

PAGE_LIMIT = 2**26  # bytes
TEXT_SHOWN, CELLS_SHOWN = 20_000, 2000  # characters of a cell or an output, and cells, on a plain page
PATIENCE = 6.0  # a page may take so many times its CPU time by the clock: machines may be busy
_MATHJAX = "https://cdnjs.cloudflare.com/ajax/libs/mathjax/"
# No picture, style or script from elsewhere, which would tell its owner when the page is read; but for MathJax, which
# the page itself asks for.
POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="'
    f"default-src 'none'; img-src data:; style-src 'unsafe-inline' {_MATHJAX}; font-src data: {_MATHJAX}; "
    f"script-src 'unsafe-inline' 'unsafe-eval' {_MATHJAX}; form-action 'none'; base-uri 'none'"
    '">'
)
_NOTHING = (  # a transparent picture of one pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


SMALL = nbformat.v4.new_notebook(
    cells=[nbformat.v4.new_markdown_cell("A text."), nbformat.v4.new_code_cell("code = 1")]
)


class Attachments(NotebookNode):
    """A cell's pasted pictures, by name. One that is missing is an empty picture, where nbconvert would make no page."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> dict:
        if name.startswith("__"):  # what `copy` asks every object for, and no attachment
            raise KeyError(name)
        plain = urllib.parse.unquote(name)
        return self[plain] if plain in self.keys() else {"image/png": _NOTHING}


def answer_for_attachments(nb: NotebookNode) -> NotebookNode:
    """Lets every cell of text answer for whatever attachment it refers to."""
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            cell["attachments"] = Attachments(cell.get("attachments", {}))
    return nb


class GenerateFeedback(converters.GenerateFeedback):
    """nbgrader's converter, with a process of its own for every page."""

    seconds_per_page = Float(10.0, help="CPU time for one page; beyond it a plain page is made.").tag(
        config=True
    )
    memory_per_page = Integer(2 * GIB, help="Bytes of memory for the same.").tag(config=True)

    _prepared = False

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """Makes and writes one page."""
        resources = self.init_single_notebook_resources(notebook_filename)
        if not self._prepared:  # compiles the templates once, and not in the process of every page
            self._prepared = True
            with contextlib.suppress(Exception):
                self.exporter.from_notebook_node(SMALL, resources)

        def make() -> str:
            nb = answer_for_attachments(nbformat.read(notebook_filename, as_version=4))
            return self.exporter.from_notebook_node(nb, resources)[0]

        page, reason = bounded(make, self.seconds_per_page, self.memory_per_page)
        if page is None:
            self.log.warning("%s is shown as a plain page: %s", notebook_filename, reason)
            nb = nbformat.read(notebook_filename, as_version=4)
            nb, resources = GetGrades(parent=self).preprocess(nb, resources)
            page = plain_page(nb, resources["nbgrader"], reason)
        resources["output_extension"] = ".html"
        self.write_single_notebook(page.replace("<head>", f"<head>\n{POLICY}", 1), resources)


def bounded(make: Callable[[], str], seconds: float, memory: int) -> tuple[str | None, str]:
    """What `make` returns in a copy of this process; None with a reason, where that ends before it does.

    Args:
        seconds: of CPU time, and `PATIENCE` times as many by the clock.
        memory: bytes of data that it may allocate.
    """
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os.close(read_end)
            _, most = resource.getrlimit(resource.RLIMIT_DATA)
            resource.setrlimit(resource.RLIMIT_DATA, (memory, most))
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 1))
            signal.signal(signal.SIGXCPU, signal.SIG_DFL)
            with open(write_end, "wb") as stream:
                try:
                    stream.write(b"=" + make().encode("utf-8", "replace"))
                except Exception as error:
                    stream.write(f"!{type(error).__name__}".encode())
        os._exit(0)
    os.close(write_end)
    chunks, size, deadline = [], 0, time.monotonic() + PATIENCE * seconds
    with open(read_end, "rb", buffering=0) as stream:
        while (
            size <= PAGE_LIMIT and select.select([stream], [], [], max(0.0, deadline - time.monotonic()))[0]
        ):
            chunk = stream.read(2**20)
            if not chunk:
                break
            chunks.append(chunk)
            size += len(chunk)
        else:
            os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    content = b"".join(chunks)
    if content[:1] == b"=" and os.waitstatus_to_exitcode(status) == 0 and size <= PAGE_LIMIT:
        return content[1:].decode("utf-8", "replace"), ""
    if content[:1] == b"!":
        return None, f"making it failed ({content[1:200].decode(errors='replace')})"
    return None, f"making it takes more than {seconds:g} s, {memory / GIB:g} GiB or {PAGE_LIMIT // 2**20} MiB"


def plain_page(nb: NotebookNode, about: dict, reason: str) -> str:
    """A page with all points, comments and the grader's tables, and the student's text as it is.

    Args:
        nb: with points and comments in its metadata.
        about: notebook, score, max_score and late_penalty.
        reason: why it is plain.
    """
    parts = [
        f"<h4>{html.escape(about['notebook'])} (Score: {about['score']:.2f} / {about['max_score']:.2f})</h4>",
        f"<p><b>This page is plain, because of your notebook: {html.escape(reason)}.</b> No point was lost by that. "
        "Look for very long runs of one character, or ask your instructor.</p>",
    ]
    if about["late_penalty"]:
        parts.append(f"<p>Late submission penalty (Score: -{about['late_penalty']:.2f})</p>")
    for cell in nb.cells[:CELLS_SHOWN]:
        settings = cell.metadata.get("nbgrader", {})
        if "score" in settings:
            points = f"Score: {settings['score'] or 0.0:.2f} / {settings['points'] or 0.0:.2f}"
            parts.append(f"<h5>{html.escape(settings['grade_id'])} ({points})</h5>")
        parts.append(_preformatted(cell.source))
        if settings.get("comment"):
            parts.append(f"<p><b>Comments:</b></p>{_preformatted(settings['comment'])}")
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "text/html" in data:  # the grader's own: students' was dropped
                parts.append(data["text/html"])
            elif output.output_type == "error":
                parts.append(_preformatted(f"{output.ename}: {output.evalue}"))
            else:
                parts.append(_preformatted(output.get("text", data.get("text/plain", ""))))
    if len(nb.cells) > CELLS_SHOWN:
        parts.append(f"<p>... {len(nb.cells) - CELLS_SHOWN} more cells ...</p>")
    body = "\n".join(parts)
    return f'<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n</head>\n<body>\n{body}\n</body>\n</html>\n'


def _preformatted(text: str) -> str:
    more = f"\n... {len(text) - TEXT_SHOWN} more characters ..." if len(text) > TEXT_SHOWN else ""
    return f'<pre style="white-space:pre-wrap">{html.escape(text[:TEXT_SHOWN])}{more}</pre>'
