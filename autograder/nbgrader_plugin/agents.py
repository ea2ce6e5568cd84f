"""What of a submission is an agent trained elsewhere: the files beside the notebook, and what is said of them.

Homework 3 may come with ``bankheist.pt`` and ``bankheist.csv``. They change no points: the verdict stands at the end of
the graded notebook, and an instructor gives extra credit for it in the formgrader.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from pathlib import Path

from nbformat.notebooknode import NotebookNode

from autograder.nbgrader_plugin import submission
from autograder.trusted import bankheist

HOMEWORK = "hw3"
SKETCHES = (
    "bankheist.json"  # in the folder of the histories: each student's last network, by which copies are known
)


def handed_in(notebook: Path) -> bankheist.HandedIn | None:
    """The files beside a notebook; None where there are none, or the homework has no such part."""
    if notebook.stem != HOMEWORK:
        return None
    found = {}
    for name, kind, limit in (
        ("weights", bankheist.WEIGHTS, bankheist.WEIGHTS_LIMIT),
        ("log", bankheist.LOG, bankheist.LOG_LIMIT),
    ):
        path = notebook.parent / kind
        try:
            found[name] = submission.load_beside(path, limit)
        except submission.UnreadableSubmission:
            if path.is_symlink() or not path.is_file():
                return bankheist.HandedIn(refused="corrupt", detail=f"{kind} is no plain file.")
            return bankheist.HandedIn(refused="oversized", detail=f"{kind} has more than {limit} bytes.")
    return bankheist.HandedIn(**found) if any(content is not None for content in found.values()) else None


def identity(notebook: Path) -> str:
    """Tells two submissions with one notebook apart by the files beside it; "" where there are none."""
    files = handed_in(notebook)
    if files is None:
        return ""
    return hashlib.sha256(
        b"|".join([files.weights or b"", files.log or b"", files.detail.encode()])
    ).hexdigest()


def told(folder: Path, student: str, found: NotebookNode, log: logging.Logger) -> NotebookNode:
    """The cell that tells a student the verdict; a network that somebody else handed in before is called copied.

    Args:
        folder: of the histories.
        student: whose it is.
        found: the verdict, as the notebook's record holds it; changed where the network is a copy.
        log: tells the instructor whose network it equals.
    """
    path = folder / SKETCHES
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    verdict = bankheist.Verdict(
        **{**found, "scores": tuple(found["scores"]), "sketch": tuple(found["sketch"])}
    )
    others = [
        other
        for other, sketch in known.items()
        if other != student and bankheist.same_network(verdict, sketch)
    ]
    if others:
        log.warning("%s handed in the same network for BankHeist as %s", student, ", ".join(sorted(others)))
        verdict = bankheist.Verdict("copied", "", verdict.scores, verdict.sketch)
        found.verdict, found.detail = "copied", ""
    if verdict.sketch:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.writing")
        unfinished.write_text(json.dumps({**known, student: list(verdict.sketch)}), encoding="utf-8")
        os.replace(unfinished, path)
    return submission.notice(
        f"Your BankHeist agent: {verdict.text} It changes no points; extra credit is given by hand."
    )
