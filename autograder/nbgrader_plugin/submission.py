"""Reading a submission: whatever was handed in becomes a clean notebook, or a reason why it cannot be one."""

from __future__ import annotations

import contextlib
import html
import json
import mmap
import os
import re
import stat
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import nbformat
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell
from nbgrader.api import Gradebook
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.utils import parse_utc

SIZE_LIMIT = 50 * 2**20  # bytes, pictures included, but without the outputs
FILE_LIMIT = 2**30  # bytes with them
TEXT_LIMIT = 2**20  # characters in all cells
CELLS_LIMIT = 2000
TOKENS_LIMIT, DEPTH_LIMIT = 4_000_000, 900  # of the JSON: strings, brackets, commas and colons
KEPT_LIMIT = 400_000  # of the same, without the outputs: nbformat takes a millisecond for what it finds wrong
PICTURES_LIMIT = 5 * 2**20
CURE = "Clear the outputs of all cells, save it, and hand it in again."
SKIP_TAG = "skip-execution"  # nbclient's own tag: validate and generate_solution heed it too
# What begins a tag, an entity or a script's address in Markdown. With a space behind it, it does not.
_ACTIVE = re.compile(r"<(?=[A-Za-z/!?])|&(?=#|\w+;)|(java|vb)script(?=[\s\\]*:)", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
_ATTACHMENT = re.compile(r"attachment:([^\s()<>\[\]\"']*)")
_PICTURE_KINDS = ("image/png", "image/jpeg", "image/gif")
# A string, closed or not; each character is looked at once.
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'
_TOKEN = re.compile(_STRING + rb"|[\[\]{},:]", re.DOTALL)
_SKIP_TAG = f'"{SKIP_TAG}"'.encode()
_BRACKET = re.compile(_STRING + rb"|[\[\]{}]", re.DOTALL)
_NEW_CELL = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}


class UnreadableSubmission(Exception):
    """What was handed in is not a notebook; the message tells the student."""

    def __init__(self, reason: str):
        super().__init__(_writable(reason))


@dataclass(frozen=True)
class MasterCell:
    """What the gradebook knows of one cell of the released notebook."""

    cell_type: str
    source: str
    fixed: bool
    metadata: dict

    @property
    def required(self) -> bool:
        """Whether points hang on this cell."""
        return self.metadata["grade"] or self.metadata["task"]


def load(path: Path) -> bytes:
    """The submitted file at `path`, of a large one without the outputs.

    Raises:
        UnreadableSubmission: it is missing, no plain file or too large, or its folder is a link.
    """
    for folder in (path.parent, path.parent.parent):  # a link could show the work of others
        if folder.is_symlink():
            raise UnreadableSubmission(f"The folder {folder.name} of the submission is a link.")
    try:
        with _opened(path, FILE_LIMIT) as (stream, size):
            if size <= SIZE_LIMIT:
                return stream.read(SIZE_LIMIT)
            with mmap.mmap(stream.fileno(), size, access=mmap.ACCESS_READ) as view:
                data = lean(view)
    except OSError as error:
        raise UnreadableSubmission(f"{path.name} cannot be read ({error.strerror}).") from None
    if len(data) > SIZE_LIMIT:
        raise UnreadableSubmission(
            f"{path.name} has {len(data)} bytes even without its outputs; the limit is {SIZE_LIMIT}. Paste smaller "
            "pictures."
        )
    return data


def lean(data: bytes | mmap.mmap) -> bytes:
    """A notebook's JSON without the outputs, which are made anew; only those of cells that are not run again stay.

    Nothing is decoded, so it takes the memory of what is left, and a time that grows with the length alone.

    Raises:
        UnreadableSubmission: it has too many tokens, or is nested too deeply, to be read.
    """
    opened: list[int] = []  # where each object and array begins that is open
    # Outputs in objects that are open: how deep, from where to where, of how many tokens.
    waiting: list[tuple[int, int, int, int]] = []
    dropped: list[tuple[int, int]] = []
    at, tokens, left_out, name, last, tag = 0, 0, 0, b"", (0, 0), -1
    while at < len(data):
        for token in _TOKEN.finditer(data, at):
            tokens += 1
            if tokens > TOKENS_LIMIT or len(opened) > DEPTH_LIMIT:
                raise UnreadableSubmission(
                    f"The notebook holds more than {TOKENS_LIMIT} values, or more than {DEPTH_LIMIT} inside one "
                    f"another. {CURE}"
                )
            kind = data[token.start() : token.start() + 1]
            if kind == b'"':
                last = token.span()
                if last[1] - last[0] == len(_SKIP_TAG) and data[last[0] : last[1]] == _SKIP_TAG:
                    tag = last[0]  # the latest; those in outputs are passed over
                continue
            if kind == b":":
                name = data[last[0] : last[1]] if last[1] - last[0] < 20 else b""
                continue
            if kind == b"[" and name == b'"outputs"':
                before = tokens
                at, tokens = _end_of_array(data, token.start(), tokens)
                waiting.append((len(opened), token.start(), at, tokens - before))
                name = b""
                break
            name = b""
            if kind in b"[{":
                opened.append(token.start())
            elif kind in b"]}" and opened:
                begin = opened.pop()
                while waiting and waiting[-1][0] > len(opened):
                    _, start, end, inside = waiting.pop()
                    if tag < begin:
                        dropped.append((start, end))
                        left_out += inside
        else:
            break
    if tokens - left_out > KEPT_LIMIT:
        raise UnreadableSubmission(f"The notebook holds more than {KEPT_LIMIT} values. {CURE}")
    pieces, done = [], 0
    for start, end in sorted(dropped):
        if start >= done:
            pieces += [data[done:start], b"[]"]
            done = end
    return b"".join([*pieces, data[done:]])


def _end_of_array(data: bytes | mmap.mmap, start: int, tokens: int) -> tuple[int, int]:
    """Behind the bracket that closes the one at `start`, and the number of tokens with those in between."""
    depth = 0
    for token in _BRACKET.finditer(data, start):
        tokens += 1
        kind = data[token.start() : token.start() + 1]
        if kind != b'"':
            depth += 1 if kind in b"[{" else -1
        if not depth:
            return token.end(), tokens
        if tokens > TOKENS_LIMIT:
            raise UnreadableSubmission(f"The outputs hold more than {TOKENS_LIMIT} values. {CURE}")
    return len(data), tokens


def read(path: Path) -> NotebookNode:
    """The submitted notebook at `path`. Raises UnreadableSubmission as `load` and `parse` do."""
    return parse(load(path), path.name)


def parse(data: bytes, name: str) -> NotebookNode:
    """The notebook in the file `name` that holds `data`.

    Raises:
        UnreadableSubmission: it is no JSON or no notebook, or too long.
    """
    try:
        content = json.loads(lean(data).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UnreadableSubmission(
            f"{name} is not valid JSON, so no notebook program can open it: {error}."
        ) from None
    if not isinstance(content, dict) or not isinstance(content.get("cells", content.get("worksheets")), list):
        raise UnreadableSubmission(f"{name} is JSON, but not a notebook: it has no list of cells.")
    try:
        nb = nbformat.reads(json.dumps(content), as_version=4)
        texts = [cell.source for cell in nb.cells if isinstance(_get(cell, "source"), str)]
    except Exception as error:  # nbformat raises whatever a damaged notebook leads it into
        raise UnreadableSubmission(
            f"{name} is not a notebook: {type(error).__name__}: {str(error)[:500]}."
        ) from None
    if len(nb.cells) > CELLS_LIMIT:
        raise UnreadableSubmission(f"{name} has {len(nb.cells)} cells; the limit is {CELLS_LIMIT}.")
    length = sum(map(len, texts))
    if length > TEXT_LIMIT:
        raise UnreadableSubmission(f"{name} has {length} characters in its cells; the limit is {TEXT_LIMIT}.")
    return nb


def load_beside(path: Path, limit: int) -> bytes | None:
    """Another file of a submission; None where there is none.

    Raises:
        UnreadableSubmission: it is too large, or no plain file.
    """
    return _plain_file(path, limit) if os.path.lexists(path) else None


def timestamp(folder: Path | str) -> datetime | None:
    """When a submission was handed in (UTC), by its timestamp.txt; None without a plain file that holds a time."""
    try:
        text = _plain_file(Path(folder) / "timestamp.txt", 100).decode().strip()
        return parse_utc(text) if text else None
    except Exception:
        return None  # dateutil raises what its arithmetic does: decimal.InvalidOperation for many digits


def _plain_file(path: Path, limit: int) -> bytes:
    """The content of a file that may be anything."""
    with _opened(path, limit) as (stream, _):
        return stream.read(limit)


@contextlib.contextmanager
def _opened(path: Path, limit: int) -> Iterator[tuple[BinaryIO, int]]:
    """A file that may be anything, and its size: no link is followed, no pipe waited for."""
    try:
        stream = open(
            path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
        )
    except OSError:  # a folder of that name too
        raise UnreadableSubmission(_missing(path)) from None
    with stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableSubmission(f"{path.name} is not a plain file.")
        if status.st_size > limit:
            raise UnreadableSubmission(
                f"{path.name} has {status.st_size} bytes; the limit is {limit}. {CURE}"
            )
        yield stream, status.st_size


def _missing(path: Path) -> str:
    others = sorted(other.name for other in path.parent.glob("*") if other.name != "timestamp.txt")
    found = f"Found instead: {', '.join(others[:10])}." if others else "The submission has no other file."
    cure = f" Rename your notebook to {path.name} and hand it in again." if others else ""
    return f"{path.name} is missing. {found}{cure}"


def notice(text: str) -> NotebookNode:
    """A cell with a message from the grader."""
    return new_markdown_cell(
        '<div style="border-left:4px solid #cf222e;background:#ffebe9;color:#1f2328;padding:.7em 1em">'
        f"<b>From the grader.</b> {html.escape(text)}</div>"
    )


def master_cells(gradebook: Gradebook, notebook: str, assignment: str) -> dict[str, MasterCell]:
    """The cells of the released notebook that the gradebook knows, by grade_id, in their order."""
    entry = gradebook.find_notebook(notebook, assignment)
    points = {cell.name: cell.max_score for cell in [*entry.grade_cells, *entry.task_cells]}
    grades, tasks = ({cell.name for cell in cells} for cells in (entry.grade_cells, entry.task_cells))
    solutions = {cell.name for cell in entry.solution_cells}
    cells = {}
    for cell in entry.source_cells:
        metadata = {
            "schema_version": MetadataValidator.schema_version,
            "grade_id": cell.name,
            "grade": cell.name in grades,
            "solution": cell.name in solutions,
            "locked": cell.locked,
            "task": cell.name in tasks,
            "checksum": cell.checksum,
            "cell_type": cell.cell_type,
        }
        if cell.name in points:
            metadata["points"] = points[cell.name]
        cells[cell.name] = MasterCell(
            cell.cell_type, cell.source, cell.locked or cell.name in tasks, metadata
        )
    return cells


def restored(
    submitted: NotebookNode, master: dict[str, MasterCell], tell_missing: bool = True
) -> NotebookNode:
    """A new notebook with the student's text in it, and everything else from the master.

    Fixed cells get their released source back, all nbgrader metadata come from the master, other metadata and all
    outputs are dropped (pictures of cells that are not run again are kept, as are those pasted into text), and missing
    cells with points return.
    Of cells with one id the last counts. `tell_missing` says in the notebook which ones returned.
    """
    cells, used, attachments = [], set(), 0
    for cell in reversed(submitted.cells):
        if (
            not isinstance(cell, dict)
            or not isinstance(cell.get("cell_type"), str)
            or cell["cell_type"] not in _NEW_CELL
            or not isinstance(cell.get("source"), str)
        ):
            continue
        metadata = cell.get("metadata") if isinstance(cell.get("metadata"), dict) else {}
        grade_id = _get(metadata, "nbgrader", "grade_id")
        known = isinstance(grade_id, str) and grade_id in master
        if known and grade_id not in used:
            used.add(grade_id)
            clean = _from_master(master[grade_id], cell.source)
        else:
            clean = _NEW_CELL[cell.cell_type](_harmless(cell.source, cell.cell_type))
        if clean.cell_type == "markdown" and not (known and master[grade_id].fixed):
            attachments += _attach(clean, cell.get("attachments"), PICTURES_LIMIT - attachments)
        tags = metadata.get("tags")
        if clean.cell_type == "code" and isinstance(tags, list) and SKIP_TAG in tags:
            clean.metadata["tags"] = [SKIP_TAG]
            clean.outputs = _pictures(cell.get("outputs"))
        cells.append(clean)
    cells.reverse()
    missing = [name for name, cell in master.items() if cell.required and name not in used]
    if missing and tell_missing:
        cells.append(notice(f"These cells were missing and were put back: {', '.join(missing)}."))
    cells += [_from_master(master[name], master[name].source) for name in missing]
    return new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})


def _harmless(text: str, cell_type: str) -> str:
    """Text that can be written; in Markdown without tags, which would run as scripts at whoever looks at it."""
    return _writable(text) if cell_type == "code" else _ACTIVE.sub(r"\g<0> ", _writable(text))


def _writable(text: str) -> str:
    """Text without the half characters (lone surrogates) that JSON may hold and no file can."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _from_master(master: MasterCell, submitted_source: str) -> NotebookNode:
    source = master.source if master.fixed else _harmless(submitted_source, master.cell_type)
    return _NEW_CELL[master.cell_type](source, metadata={"nbgrader": dict(master.metadata)})


def _pictures(outputs: object) -> list[NotebookNode]:
    """The PNG pictures among submitted outputs: plots that written answers refer to."""
    kept, size = [], 0
    for output in outputs if isinstance(outputs, list) else []:
        picture = _get(output, "data", "image/png")
        if isinstance(picture, str) and _BASE64.fullmatch(picture) and size + len(picture) <= PICTURES_LIMIT:
            size += len(picture)
            kept.append(nbformat.v4.new_output("display_data", data={"image/png": picture}))
    return kept


def _attach(cell: NotebookNode, submitted: object, room: int) -> int:
    """Keeps the pictures that were pasted into a cell of text, up to `room` characters; how many that took.

    A reference to any other attachment is broken, or no page could be made of the cell.
    """
    kept, size = {}, 0
    for name, content in submitted.items() if isinstance(submitted, dict) else ():
        for kind in _PICTURE_KINDS:
            picture = _get(content, kind)
            if isinstance(picture, str) and _BASE64.fullmatch(picture) and size + len(picture) <= room:
                size += len(picture)
                kept[_writable(str(name))] = {kind: picture}
                break
    if kept:
        cell.attachments = kept

    def reference(found: re.Match) -> str:
        known = found[1] in kept or urllib.parse.unquote(found[1]) in kept
        return found[0] if known else f"attachment :{found[1]}"

    cell.source = _ATTACHMENT.sub(reference, cell.source)
    return size


def _get(value: object, *keys: str) -> object:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
