"""`check("hw3.update_critic")`: an exercise's judge in the student's own process, on a published seed."""

from __future__ import annotations

import contextlib
import io

from autograder import PUBLISHED_SEED
from autograder.trusted.report import Report, printable

_PRINTED_LINES = 20


class CheckResult:
    """A report as a notebook shows it.

    As the last expression of a cell its text is the score alone, a plain number, which nbgrader reads as partial
    credit; its HTML is the feedback table. `print(check(...))` gives the table as text.
    """

    def __init__(self, report: Report):
        self.report = report

    @property
    def score(self) -> float:
        """Points reached."""
        return self.report.score

    def __float__(self) -> float:
        return self.score

    def __repr__(self) -> str:
        return repr(self.score)

    def __str__(self) -> str:
        return printable(self.report.to_text())

    def _repr_html_(self) -> str:
        return self.report.to_html()


def check(exercise: str, seed: int = PUBLISHED_SEED) -> CheckResult:
    """Judges what fills an exercise in this process.

    Args:
        exercise: id such as "hw3.update_critic", or a homework such as "hw3".
        seed: decides the inputs. Graded runs use a secret one, so a solution must not lean on this one.

    Raises:
        UnknownExercise: there is no such exercise; the message names the nearest.
    """
    from autograder.student_side.student import LocalStudent
    from autograder.trusted.runner import run_judges

    output = io.StringIO()  # progress bars and warnings on stderr would cost the points of a grade cell
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        report = run_judges(exercise, LocalStudent(), seed)
    report.printed = "\n".join(output.getvalue().splitlines()[-_PRINTED_LINES:])[-4000:]
    return CheckResult(report)
