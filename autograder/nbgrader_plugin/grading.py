"""Grades one notebook: what was handed in becomes a clean notebook with outputs, scores and feedback in it.

Ordinary cells run in the sandboxed kernel. A check cell is never run: the judges run here, in the trusted process,
and their score and feedback become the cell's output. Nothing here touches a gradebook or writes a file, so it can
run in any process on any machine.
"""

from __future__ import annotations

import dataclasses
import html
import importlib.util
import time
import traceback
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_output

from autograder import run_judges
from autograder.nbgrader_plugin import submission
from autograder.nbgrader_plugin.submission import SKIP_TAG, MasterCell
from autograder.sandbox import FailedStudent, KernelStudent, Limits, SandboxedKernel, SandboxUnavailable
from autograder.student_side.student import Student, StudentFailure
from autograder.student_side.text import clean
from autograder.trusted import bankheist
from autograder.trusted.report import JudgeResult, Report
from autograder.trusted.runner import exercises_of
from autograder.trusted.sources import grade_id

GRADER_FAILED = "The grader itself failed at this submission. Please tell your instructor."
PAUSE = 2.0  # seconds before a kernel that did not start is asked for once more
RECORD = "gcb6206"  # the key of the notebook's metadata that keeps what the grader recorded


@dataclass(frozen=True)
class Job:
    """One notebook of one submission.

    Attributes:
        path: of the submitted notebook.
        homework: such as "hw3".
        content: what was handed in.
        refusal: why it cannot be run at all, or "".
        master: the released cells, by grade_id.
        seed: of the judges.
        limits: what the submission may use.
        unsafe: whether to run without isolation.
        agent: what was handed in beside the notebook, or None.
    """

    path: str
    homework: str
    content: bytes = field(repr=False)
    refusal: str
    master: dict[str, MasterCell] = field(repr=False)
    seed: int
    limits: Limits
    unsafe: bool = False
    agent: bankheist.HandedIn | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Graded:
    """What became of a job.

    Attributes:
        notebook: the graded notebook, as JSON, or "" where not even that could be made.
        grader_failure: what failed in the grader itself, so that the score is not to be trusted, or "".
    """

    notebook: str = field(repr=False)
    grader_failure: str = ""


def modules_of(homework: str) -> tuple[str, ...]:
    """What a kernel for that homework has imported before it is forked."""
    probes = f"autograder.student_side.probes.{homework}"
    return (probes,) if importlib.util.find_spec(probes) else ()


def grade(job: Job, nursery: Path | None = None) -> Graded:
    """Grades one notebook. Whatever happens becomes a result of this job: no exception leaves.

    Args:
        job: what was handed in.
        nursery: folder of the nursery to ask for a kernel; by default this process's own.
    """
    try:
        try:
            return _grade(job, nursery)
        except SandboxUnavailable:  # a sibling may have taken what a start needs, and been stopped for it
            time.sleep(PAUSE)
            return _grade(job, nursery)
    except Exception as error:
        lines = "".join(traceback.format_exception(error)[-4:])
        return failed(job, f"{type(error).__name__}: {error}\n{lines}")


def failed(job: Job, reason: str, told: str = GRADER_FAILED) -> Graded:
    """What becomes of a job that the grader itself failed at: no points, and a notebook that tells whose fault it is."""
    reason = f"{job.path}: {clean(reason, 4000)}"
    try:
        empty = dataclasses.replace(job, content=b"", refusal=told, agent=None)
        return dataclasses.replace(_grade(empty, None), grader_failure=reason)
    except Exception as error:
        return Graded("", f"{reason}\n{type(error).__name__}: {error}")


def _grade(job: Job, nursery: Path | None) -> Graded:
    refusal = job.refusal
    try:
        if not refusal:
            submitted = submission.parse(job.content, Path(job.path).name)
    except submission.UnreadableSubmission as error:
        refusal = str(error)
    if refusal:
        submitted = nbformat.v4.new_notebook()
    nb = submission.restored(submitted, job.master, tell_missing=not refusal)
    if refusal:
        nb.cells.insert(0, submission.notice(f"This submission could not be graded. {refusal}"))
    record = nb.metadata[RECORD] = NotebookNode(seed=job.seed, results={})
    failures = []
    with ExitStack() as stack:
        if refusal:
            kernel, student = None, FailedStudent(StudentFailure("refused", refusal))
        else:
            kernel = stack.enter_context(SandboxedKernel(job.limits, job.unsafe, nursery))
            student = KernelStudent(kernel)
        accidents: dict[str, str] = {}
        found: list[JudgeResult] = []
        for number, cell in enumerate(nb.cells, start=1):
            exercise = exercise_of(cell)
            if exercise:
                report, record.results[exercise] = _judge(
                    cell, exercise, student, job.seed, found, accidents.get(grade_id(exercise), "")
                )
                found += report.results
                if report.grader_failed:
                    failures.append(report.to_text())
            elif cell.cell_type == "code" and kernel and SKIP_TAG not in cell.metadata.get("tags", []):
                name = cell.metadata.get("nbgrader", {}).get("grade_id", f"number {number}")
                accidents[name] = _run(cell, name, kernel)
    if job.agent:
        record.agent = dataclasses.asdict(bankheist.grade(job.agent, job.seed))
    return Graded(nbformat.writes(nb), "\n".join(failures))


def _run(cell: NotebookNode, name: str, kernel: SandboxedKernel) -> str:
    """Runs one of the student's cells; returns what went wrong in it, or "" (also when the kernel is gone)."""
    alive = kernel.ending is None
    execution = kernel.execute(cell.source, kernel.limits.seconds_per_cell)
    cell.outputs = execution.outputs
    if kernel.ending and alive:
        kernel.ending = StudentFailure(execution.status, f"in cell {name}: {execution.message}")
    if execution.status in ("ok", "error"):
        return execution.message
    text = f"{execution.status}: {execution.message}"
    cell.outputs.append(new_output("display_data", data={"text/plain": text, "text/html": _box(text)}))
    return "" if kernel.ending else execution.message


def _judge(
    cell: NotebookNode,
    exercise: str,
    student: Student,
    seed: int,
    found: list[JudgeResult],
    accident: str,
) -> tuple[Report, list[dict]]:
    """Judges one exercise and writes score and feedback into its check cell."""
    report = run_judges(exercise, student, seed, found=found)
    cell.outputs = [score_output(report, accident)]
    return report, [
        {"test": r.test, "verdict": r.verdict, "points": r.points, "max_points": r.max_points,
         "reason": accident or (r.title if r.tried or r.verdict == "passed" else r.got_brief)}
        for r in report.results
    ]  # fmt: skip


def exercise_of(cell: NotebookNode | MasterCell) -> str | None:
    """The exercise that a cell checks, or None for every other cell."""
    settings = cell.metadata if isinstance(cell, MasterCell) else cell.metadata.get("nbgrader", {})
    name = settings.get("grade_id", "")
    if cell.cell_type != "code" or not settings.get("grade") or not name.endswith("-check"):
        return None
    homework = name.partition("-")[0]
    return {f"{grade_id(exercise)}-check": exercise for exercise in exercises_of(homework)}[name]


def score_output(report: Report, accident: str = "") -> NotebookNode:
    """A check cell's output: the score for nbgrader, the table for people.

    Args:
        report: of one exercise.
        accident: what went wrong in the cell that should have solved it.
    """
    table = report.to_html(reveal=False)
    if accident and report.score < report.max_score:
        table = _box(f"Your cell did not run to its end: {accident}") + table
    return new_output(
        "execute_result", data={"text/plain": repr(report.score), "text/html": table}, execution_count=None
    )


def _box(text: str) -> str:
    return (
        '<div style="border-left:4px solid #cf222e;background:#ffebe9;color:#1f2328;padding:.5em .8em;margin:.3em 0;'
        f'white-space:pre-wrap;border-radius:4px">{html.escape(text)}</div>'
    )
