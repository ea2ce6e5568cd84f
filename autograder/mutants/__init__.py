"""Known-wrong and known-right solutions, and the run that shows what the judges make of them.

`mutants/<homework>/<exercise>/<name>.py` solves one exercise. Its docstring names the misconception, HINT is a
part of the hint that a student must get. `right_<n>.py` is a right solution written differently: it must get
every point.
"""

from __future__ import annotations

import ast
import contextlib
import io
import multiprocessing
import multiprocessing.connection
import runpy
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.report import Report

FOLDER = Path(__file__).parent
TIMEOUT = 120.0  # seconds of one mutant


@dataclass(frozen=True)
class Mutant:
    """One file of this folder.

    Attributes:
        hint: what the judge's hint must contain; "" for a right solution.
    """

    path: Path
    exercise: str
    description: str
    hint: str

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @property
    def is_right(self) -> bool:
        """Whether it is a right solution, which the judges must pass."""
        return self.name.startswith("right_")


@dataclass(frozen=True)
class Outcome:
    """What the judges made of a mutant; no report where it ended before its time, and `ending` says how."""

    mutant: Mutant
    report: Report | None
    ending: str = ""

    @property
    def caught_by(self) -> str:
        """The first judge that it failed, "" if none."""
        if self.report is None:
            return self.ending
        return next((r.test for r in self.report.results if r.verdict not in ("passed", "skipped")), "")

    @property
    def hint(self) -> str:
        """What the student reads at the first failed judge."""
        if self.report is None:
            return ""
        return next(
            (r.hint or r.got for r in self.report.results if r.verdict not in ("passed", "skipped")), ""
        )

    @property
    def as_it_should_be(self) -> bool:
        """A right one passed in full; a wrong one caught by one judge, with its hint."""
        if self.report is None or self.report.grader_failed:
            return False
        if self.mutant.is_right:
            return self.report.score == self.report.max_score
        failed = [r for r in self.report.results if r.verdict not in ("passed", "skipped")]
        return len(failed) == 1 and self.mutant.hint in self.hint


def mutants_of(name: str = "") -> list[Mutant]:
    """All mutants of a homework ("hw3"), of an exercise ("hw3.update"), or of everything.

    Raises:
        ValueError: there are none of that name, or a file lacks its docstring or HINT.
    """
    found = []
    for path in sorted(FOLDER.glob("*/*/*.py")):
        exercise = f"{path.parent.parent.name}.{path.parent.name}"
        if name in ("", exercise, exercise.partition(".")[0]):
            found.append(_read(path, exercise))
    if not found:
        raise ValueError(
            f"no mutants of {name!r}: expected a homework such as hw3, or an exercise such as hw3.update"
        )
    return found


def _read(path: Path, exercise: str) -> Mutant:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }
    description = (ast.get_docstring(tree) or "").split("\n")[0]
    mutant = Mutant(path, exercise, description, constants.get("HINT", ""))
    if not description or bool(mutant.hint) == mutant.is_right:
        raise ValueError(f"{path}: needs a docstring, and HINT exactly where it is a mutant")
    return mutant


def run_mutants(
    mutants: list[Mutant], seed: int, at_once: int = 2, timeout: float = TIMEOUT
) -> Iterator[Outcome]:
    """Judges each mutant in a forked child of this process, and yields the outcomes as they come.

    These files are our own, so no sandbox is needed; the fork keeps them apart and saves the imports.
    """
    import pytest  # noqa: F401  (warm: the children inherit it)
    import torch

    import solutions
    from autograder.runner import judges_of

    torch.set_num_threads(1)  # a forked child must not inherit a pool of threads
    torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)  # the first optimiser imports half of torch
    for exercise in {mutant.exercise for mutant in mutants}:
        judges_of(exercise)
    solutions.load()
    fork = multiprocessing.get_context("fork")
    waiting, running = list(mutants), {}
    while waiting or running:
        while waiting and len(running) < at_once:
            mutant = waiting.pop(0)
            receiver, sender = fork.Pipe(duplex=False)
            child = fork.Process(target=_judge_in_child, args=(mutant, seed, sender))
            child.start()
            sender.close()
            running[receiver] = (mutant, child, time.monotonic() + timeout)
        patience = min(deadline for _, _, deadline in running.values()) - time.monotonic()
        ready = multiprocessing.connection.wait(list(running), timeout=max(0.0, patience))
        for receiver in ready or [r for r, (_, _, end) in running.items() if end <= time.monotonic()]:
            mutant, child, _ = running.pop(receiver)
            yield _outcome(mutant, receiver if ready else None)
            child.kill()
            child.join()
            receiver.close()


def _judge_in_child(mutant: Mutant, seed: int, sender: multiprocessing.connection.Connection) -> None:
    from autograder.runner import run_judges
    from autograder.student import LocalStudent

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        runpy.run_path(str(mutant.path))
        report = run_judges(mutant.exercise, LocalStudent(), seed)
    sender.send_bytes(report.to_json().encode())
    sender.close()


def _outcome(mutant: Mutant, receiver: multiprocessing.connection.Connection | None) -> Outcome:
    if receiver is None:
        return Outcome(mutant, None, "time limit")
    try:
        return Outcome(mutant, Report.from_json(receiver.recv_bytes().decode()))
    except EOFError:
        return Outcome(mutant, None, "crashed")
