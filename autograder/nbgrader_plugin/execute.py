"""The nbgrader preprocessor that runs a submission in the sandbox and has it judged from outside.

Ordinary cells run in the sandboxed kernel. A check cell is never run: the judges run here, in the trusted process,
and their score and feedback become the cell's output.
"""

from __future__ import annotations

import contextlib
import html
from dataclasses import dataclass

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Float

from autograder import run_judges
from autograder.nbgrader_plugin.insert_sources import grade_id
from autograder.nbgrader_plugin.submission import SKIP_TAG
from autograder.report import Report
from autograder.runner import exercises_of
from autograder.sandbox import FailedStudent, KernelStudent, Limits, SandboxedKernel
from autograder.sandbox.limits import GIB
from autograder.student import Student, StudentFailure

RUN = "gcb6206"  # where resources and notebook metadata keep what belongs to this grading run


@dataclass
class GradingRun:
    """What the converter tells this preprocessor of one notebook.

    Attributes:
        seed: of the judges.
        unsafe: whether to run without isolation.
        refusal: why the submission cannot be run at all, or "".
        grader_failed: set here: a judge itself failed, so that the score is not to be trusted.
    """

    seed: int
    unsafe: bool = False
    refusal: str = ""
    grader_failed: bool = False


class SealedExecute(NbGraderPreprocessor):
    """Runs the cells and judges the exercises of one notebook."""

    seconds_per_cell = Float(Limits.seconds_per_cell, help="Wall time of one cell.").tag(config=True)
    seconds_per_probe = Float(Limits.seconds_per_probe, help="Wall time of one call of a judge.").tag(
        config=True
    )
    seconds_per_training = Float(
        Limits.seconds_per_training, help="The same, for a call that trains an agent."
    ).tag(config=True)
    seconds_total = Float(Limits.seconds_total, help="Wall time of one notebook.").tag(config=True)
    memory_gib = Float(Limits.memory / GIB, help="Memory of one process, in GiB.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        """Fills in the outputs of all cells."""
        run: GradingRun = resources[RUN]
        nb.metadata[RUN] = {"seed": run.seed, "results": {}}
        self._record = nb.metadata[RUN]  # the notebook holds a copy of that dictionary
        with contextlib.ExitStack() as stack:
            if run.refusal:
                kernel, student = None, FailedStudent(StudentFailure("refused", run.refusal))
            else:
                kernel = stack.enter_context(SandboxedKernel(self._limits(), run.unsafe))
                student = KernelStudent(kernel)
            accidents: dict[str, str] = {}
            for number, cell in enumerate(nb.cells, start=1):
                if cell.cell_type != "code":
                    continue
                exercise = exercise_of(cell)
                if exercise:
                    self._judge(cell, exercise, student, run, accidents.get(grade_id(exercise), ""))
                elif kernel and SKIP_TAG not in cell.metadata.get("tags", []):
                    name = cell.metadata.get("nbgrader", {}).get("grade_id", f"number {number}")
                    accidents[name] = self._run(cell, name, kernel)
        return nb, resources

    def _limits(self) -> Limits:
        return Limits(
            seconds_per_cell=self.seconds_per_cell,
            seconds_per_probe=self.seconds_per_probe,
            seconds_per_training=self.seconds_per_training,
            seconds_total=self.seconds_total,
            memory=int(self.memory_gib * GIB),
        )

    def _run(self, cell: NotebookNode, name: str, kernel: SandboxedKernel) -> str:
        """Runs one of the student's cells; returns what went wrong in it, or "" (also when the kernel is gone)."""
        alive = kernel.ending is None
        execution = kernel.execute(cell.source, self.seconds_per_cell)
        cell.outputs = execution.outputs
        if kernel.ending and alive:
            kernel.ending = StudentFailure(execution.status, f"in cell {name}: {execution.message}")
        if execution.status in ("ok", "error"):
            return execution.message
        text = f"{execution.status}: {execution.message}"
        cell.outputs.append(new_output("display_data", data={"text/plain": text, "text/html": _box(text)}))
        return "" if kernel.ending else execution.message

    def _judge(
        self, cell: NotebookNode, exercise: str, student: Student, run: GradingRun, accident: str
    ) -> None:
        """Judges one exercise and writes score and feedback into its check cell.

        Raises:
            ValueError: the gradebook and the judges disagree about the points.
        """
        report = run_judges(exercise, student, run.seed)
        points = cell.metadata.nbgrader.points
        if report.max_score != points:
            raise ValueError(
                f"{exercise} has {points:g} points in the gradebook and {report.max_score:g} with the judges: "
                "run `nbgrader generate_assignment` again, then `nbgrader autograde --force`"
            )
        if report.grader_failed:
            run.grader_failed = True
            self.log.error("the grader itself failed at %s:\n%s", exercise, report.to_text())
        cell.outputs = [score_output(report, accident)]
        self._record["results"][exercise] = [
            {"test": r.test, "verdict": r.verdict, "points": r.points, "max_points": r.max_points,
             "reason": accident or (r.title if r.tried or r.verdict == "passed" else r.got_brief)}
            for r in report.results
        ]  # fmt: skip


def exercise_of(cell: NotebookNode) -> str | None:
    """The exercise that a cell checks, or None for every other cell."""
    settings = cell.metadata.get("nbgrader", {})
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
