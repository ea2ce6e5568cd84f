"""Known-wrong and known-right solutions, and the run that shows what the judges make of them.

`mutants/<homework>/<exercise>/<name>.py` solves one exercise. Its docstring names the misconception, HINT is
a part of the hint that a student must get. `right_<n>.py` is a right solution written differently: it must
get every point.

A mistake that is a small change of the reference says what it changes. After the docstring such a file reads

    from autograder.mutants import patched

    HINT = "done is ignored"

    patched("hw3.update_critic", (" * (1.0 - done.float())", ""))

One that is a program of its own fills its exercise as a student does, with @solves("hw3.update_critic").
"""

from __future__ import annotations

import ast
import contextlib
import io
import multiprocessing
import multiprocessing.connection
import runpy
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.trusted.report import Report

FOLDER = Path(__file__).parent
SOLUTIONS = FOLDER.parents[1] / "solutions"
TIMEOUT = 120.0  # seconds of one mutant at one seed


def patched(exercise: str, *changes: tuple[str, str]) -> None:
    """Fills an exercise with the reference solution, changed.

    Args:
        exercise: such as "hw3.update"; the reference is that function of solutions/hw3.py. The file's other
            exercises stay as they are; what else the file defines, its function may use.
        changes: pairs (old text, new text), made one after the other. Each old text must then stand exactly
            once in the function. It may span lines; to drop a line, the new text is "" (or "pass").

    Raises:
        ValueError: there is no such function, or an old text does not stand in it exactly once.
    """
    homework, _, name = exercise.partition(".")
    path = SOLUTIONS / f"{homework}.py"
    if name not in solutions_of(path):
        raise ValueError(f"{path} has no function {name} under @solves({exercise!r})")
    source = "".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[solutions_of(path)[name]])
    for old, new in changes:
        if source.count(old) != 1:
            raise ValueError(
                f"{path}: expected {old!r} exactly once in {name}, found it {source.count(old)} times. "
                "If the reference was rewritten, rewrite the mutant"
            )
        source = source.replace(old, new)
    fill_with(exercise, source)


def fill_with(exercise: str, source: str) -> None:
    """Fills an exercise with a function's source, which may use what else its file of solutions defines."""
    homework, _, name = exercise.partition(".")
    path = SOLUTIONS / f"{homework}.py"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    for key, place in solutions_of(path).items():  # the other exercises are not filled
        lines[place] = [source if key == name else "\n", *[""] * (place.stop - place.start - 1)]
    exec(compile("".join(lines), str(path), "exec"), {"__name__": f"solutions.{homework}"})


def solutions_of(path: Path) -> dict[str, slice]:
    """The functions of a file of solutions, name -> their lines."""
    return {
        node.name: slice(node.decorator_list[0].lineno - 1, node.end_lineno)
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.decorator_list
    }


@dataclass(frozen=True)
class Mutant:
    """One file of this folder.

    Attributes:
        hint: what the judge's hint must contain; "" for a right solution.
        may_pass: the share of seeds at which the judges may miss it, its MAY_PASS (default 0).
    """

    path: Path
    exercise: str
    description: str
    hint: str
    may_pass: float = 0.0

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @property
    def is_right(self) -> bool:
        """Whether it is a right solution, which the judges must pass."""
        return self.name.startswith("right_")

    def fill(self) -> None:
        """Fills its exercise in this process."""
        runpy.run_path(str(self.path))


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

    Those of a convergence, whose judge trains for minutes, only by their own name ("hw2.convergence").

    Raises:
        ValueError: there are none of that name, or a file lacks its docstring or HINT.
    """
    found = []
    for path in sorted(FOLDER.glob("*/*/*.py")):
        exercise = f"{path.parent.parent.name}.{path.parent.name}"
        trains = exercise.endswith(".convergence")
        if name == exercise or (name in ("", exercise.partition(".")[0]) and not trains):
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
    mutant = Mutant(path, exercise, description, constants.get("HINT", ""), constants.get("MAY_PASS", 0.0))
    if not description or bool(mutant.hint) == mutant.is_right:
        raise ValueError(f"{path}: needs a docstring, and HINT exactly where it is a mutant")
    return mutant


def run_mutants(
    mutants: list[Mutant], seeds: Sequence[int], at_once: int = 2, timeout: float = TIMEOUT
) -> Iterator[Outcome]:
    """Judges each mutant at each seed, in a forked child of this process; yields the outcomes as they come.

    A mutant's seeds come in their order. Once a wrong one is caught, the judge that caught it, and what that
    depends on, run alone. A child that ends before its time ends its mutant: one outcome without a report.
    These files are our own, so no sandbox is needed; the fork keeps them apart and saves the imports.

    Args:
        at_once: children at a time.
        timeout: seconds of one seed.
    """
    import pytest  # noqa: F401  (warm: the children inherit it)
    import torch

    import solutions
    from autograder.trusted.runner import judges_of

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
            child = fork.Process(target=_judge_in_child, args=(mutant, seeds, sender))
            child.start()
            sender.close()
            running[receiver] = (mutant, child, len(seeds), time.monotonic() + timeout)
        patience = min(deadline for *_, deadline in running.values()) - time.monotonic()
        ready = multiprocessing.connection.wait(list(running), timeout=max(0.0, patience))
        for receiver in ready or [r for r, (*_, end) in running.items() if end <= time.monotonic()]:
            mutant, child, left, _ = running.pop(receiver)
            outcome = _outcome(mutant, receiver if ready else None)
            if outcome.report is not None and left > 1:
                running[receiver] = (mutant, child, left - 1, time.monotonic() + timeout)
            else:
                child.kill()
                child.join()
                receiver.close()
            yield outcome


def run_in_sandbox(mutants: Sequence[Mutant], seed: int) -> Iterator[Outcome]:
    """Judges each mutant where submissions are judged, in a sandboxed kernel of its own; yields the outcomes.

    Limits and isolation can fail what is right. Only for programs that fill exercises by themselves: `patched` would
    need what the sandbox hides.
    """
    from autograder.sandbox import kernel_student
    from autograder.trusted.runner import run_judges
    from autograder.trusted.sources import given_source

    homeworks = [path.stem for path in sorted(SOLUTIONS.glob("hw*.py"))]
    solved = [f"exec({given_source(name)!r}, {{'__name__': 'solutions.{name}'}})" for name in homeworks]
    for mutant in mutants:
        with kernel_student("\n".join([*solved, mutant.path.read_text(encoding="utf-8")])) as student:
            yield Outcome(mutant, run_judges(mutant.exercise, student, seed))


def _judge_in_child(
    mutant: Mutant, seeds: Sequence[int], sender: multiprocessing.connection.Connection
) -> None:
    from autograder.student_side.student import LocalStudent
    from autograder.trusted.runner import run_judges

    catching = ""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        mutant.fill()
        for seed in seeds:
            report = run_judges(mutant.exercise, LocalStudent(), seed, [catching] if catching else None)
            sender.send_bytes(report.to_json().encode())
            if not mutant.is_right:
                catching = catching or Outcome(mutant, report).caught_by
    sender.close()


def _outcome(mutant: Mutant, receiver: multiprocessing.connection.Connection | None) -> Outcome:
    if receiver is None:
        return Outcome(mutant, None, "time limit")
    try:
        return Outcome(mutant, Report.from_json(receiver.recv_bytes().decode()))
    except EOFError:
        return Outcome(mutant, None, "crashed")
