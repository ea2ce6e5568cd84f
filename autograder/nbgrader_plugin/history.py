"""What became of each submission of a student, and what changed since the one before.

A history is a file of JSON lines, `<course root>/history/<student>/<assignment>.jsonl`, one line per grading.
It lies outside autograded/, because nbgrader deletes a student's folder there before it grades again.
"""

from __future__ import annotations

import hashlib
import html
import itertools
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_markdown_cell

from autograder.nbgrader_plugin import submission

LONGEST_NAME = 200  # bytes


@dataclass(frozen=True)
class Entry:
    """One grading of one notebook.

    Attributes:
        notebook: its name, without ".ipynb".
        timestamp: when it was handed in (UTC), or "" where no timestamp.txt says so.
        sha256: of the file that was handed in, or "" where there is none that can be read.
        seed: of the judges.
        graded_at: ISO 8601, UTC.
        score, max_score: points of the judges. Points that people give come later and are not in it.
        results: exercise -> one dictionary per judge, with test, verdict, points, max_points and reason.
    """

    notebook: str
    timestamp: str
    sha256: str
    seed: int
    graded_at: str
    score: float
    max_score: float
    results: dict[str, list[dict]]

    @property
    def submission(self) -> tuple[str, str]:
        """What two gradings of the same submission share."""
        return self.timestamp, self.sha256


@dataclass(frozen=True)
class Change:
    """One judge in two gradings.

    Attributes:
        kind: "newly passed", "no longer passed", "still failed" or "unchanged" (passed both times).
        points: difference of its points.
    """

    exercise: str
    test: str
    kind: str
    points: float


def path(folder: Path, student: str, assignment: str) -> Path:
    """Where a history lies under `folder`, whatever the two names are: ".." and "a/b" stay inside."""
    return folder / plain_name(student) / f"{plain_name(assignment)}.jsonl"


def plain_name(name: str) -> str:
    """A file name for any text, no two alike: "/", "%" and a first "." are written as %2F, %25 and %2E.

    One that gets too long by that, for a file with an ending, is cut, and carries a hash of the whole.
    """
    plain = name.replace("%", "%25").replace("/", "%2F")
    plain = f"%2E{plain[1:]}" if plain.startswith(".") else plain
    data = plain.encode("utf-8", "surrogatepass")
    if len(data) <= LONGEST_NAME:
        return plain
    mark = hashlib.sha256(data).hexdigest()
    return f"{data[: LONGEST_NAME - len(mark) - 1].decode(errors='ignore')}-{mark}"


def entry(submitted: Path, record: Mapping, sha256: str) -> Entry:
    """The entry of a grading that has just ended.

    Args:
        submitted: the notebook as it was handed in; it may be missing or anything else.
        record: what the graded notebook holds as metadata: seed and results.
        sha256: of what was graded, or "" where that was nothing.
    """
    results = {exercise: [dict(r) for r in judged] for exercise, judged in record["results"].items()}
    judges = list(itertools.chain(*results.values()))
    timestamp = submission.timestamp(submitted.parent)
    return Entry(
        notebook=submitted.stem,
        timestamp=f"{timestamp:%Y-%m-%d %H:%M:%S} UTC" if timestamp else "",
        sha256=sha256,
        seed=record["seed"],
        graded_at=datetime.now(UTC).isoformat(sep=" ", timespec="seconds"),
        score=round(sum(r["points"] for r in judges), 6),
        max_score=round(sum(r["max_points"] for r in judges), 6),
        results=results,
    )


def remember(path: Path, entry: Entry) -> NotebookNode | None:
    """Adds a grading to a history and tells what changed.

    The same submission with the same seed is told the same and counted once. With another seed it is a
    regrade: it is counted, and compared with the grading before as well as with the submission before.

    Returns:
        A cell for the top of the graded notebook, or None after a first submission.
    """
    past = [e for e in entries(path) if e.notebook == entry.notebook]
    same = list(itertools.takewhile(lambda e: e.submission == entry.submission, reversed(past)))
    before = past[: len(past) - len(same)]
    regraded = [e for e in same if e.seed != entry.seed]
    if len(regraded) == len(same):
        append(path, entry)
    boxes = [to_html(e, entry) for e in [*regraded[:1], *before[-1:]]]
    return new_markdown_cell("".join(boxes)) if boxes else None


def append(path: Path, entry: Entry) -> None:
    """Adds a line. Written beside its place, then moved there: a kill leaves the old file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    old = path.read_bytes() if path.exists() else b""
    whole = old[: old.rfind(b"\n") + 1]  # drops a line that was cut off
    unfinished = path.with_name(path.name + ".writing")
    unfinished.write_bytes(whole + json.dumps(asdict(entry)).encode() + b"\n")
    os.replace(unfinished, path)


def entries(path: Path) -> list[Entry]:
    """All gradings, the oldest first. Lines that are no entry, such as one cut off, are passed over."""
    found = []
    for line in path.read_bytes().split(b"\n")[:-1] if path.exists() else []:
        try:
            found.append(Entry(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return found


def compare(previous: Entry, current: Entry) -> list[Change]:
    """What became of every judge of `current`. One that `previous` does not know was not passed there."""
    before = {(exercise, r["test"]): r for exercise, judged in previous.results.items() for r in judged}
    kinds = {
        (False, True): "newly passed",
        (True, False): "no longer passed",
        (False, False): "still failed",
        (True, True): "unchanged",
    }
    changes = []
    for exercise, judged in current.results.items():
        for now in judged:
            then = before.get((exercise, now["test"]), {"verdict": "", "points": 0.0})
            kind = kinds[then["verdict"] == "passed", now["verdict"] == "passed"]
            changes.append(Change(exercise, now["test"], kind, round(now["points"] - then["points"], 6)))
    return changes


def to_html(previous: Entry, current: Entry) -> str:
    """A short box that tells a student what changed, by a resubmission or by a regrade."""
    changes = compare(previous, current)
    graded = previous.graded_at.replace("+00:00", " UTC")
    if previous.submission == current.submission:
        since = f"The same submission was graded again, on new inputs. Since {graded}"
    elif previous.timestamp:
        since = f"Since your submission of {previous.timestamp}"
    else:
        since = f"Since your submission that was graded on {graded}"
    points = round(current.score - previous.score, 6)
    unit = "point" if abs(points) == 1 else "points"
    parts = [f"{points:+g} {unit}" if points else "no change in points"]
    for kind in ("newly passed", "no longer passed"):
        names = _names(changes, kind)
        if names:
            parts.append(f"{kind}: {names}")
    failed = sum(c.kind == "still failed" for c in changes)
    if failed:
        parts.append(f"still not passed: {failed} of {len(changes)}")
    return (
        '<div style="border-left:4px solid #0969da;background:#ddf4ff;color:#1f2328;padding:.7em 1em;'
        f'margin:.3em 0"><b>{html.escape(since)}:</b> {html.escape("; ".join(parts))}.</div>'
    )


def _names(changes: list[Change], kind: str) -> str:
    """The judges of one kind: "hw3.update (all 4), hw3.update_critic (done, loss)"."""
    texts = []
    for exercise, of_exercise in itertools.groupby(changes, key=lambda change: change.exercise):
        judges = list(of_exercise)
        tests = [change.test.replace("_", " ") for change in judges if change.kind == kind]
        if tests:
            every = len(tests) == len(judges) > 1
            texts.append(f"{exercise} ({f'all {len(tests)}' if every else ', '.join(tests)})")
    return ", ".join(texts)
