"""Runs the judges of an exercise against a student's side and collects a Report.

The judges are pytest files, `judges/<homework>/test_<exercise>.py`, run in this process with one plugin: it
supplies the fixtures `student` and `rng`, skips what depends on a failed judge, and turns every ending into a
verdict. Nothing of pytest is printed, and no other plugin or configuration of the host is loaded.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import os
import traceback
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from autograder.student_side.student import Student, StudentFailure
from autograder.student_side.text import clean
from autograder.trusted.judges.convergence import STANDS_FIRMLY, STANDS_ON
from autograder.trusted.judging import JudgeFailure, JudgeMark, NotYet
from autograder.trusted.report import JudgeResult, Report

JUDGES = Path(__file__).parent / "judges"
_ENDINGS = (
    "time limit",
    "memory limit",
    "crashed",
    "refused",
)  # after these, the exercise is not tried again


class UnknownExercise(ValueError):
    """There is no judge of that name."""


def exercises_of(name: str) -> list[str]:
    """The judged exercises that a name stands for: "hw3" for the whole homework, or one id.

    Raises:
        UnknownExercise: there is none; the message names the nearest.
    """
    homeworks = {path.parent.name for path in JUDGES.glob("*/__init__.py")}
    known = {
        hw: [f"{hw}.{short}" for short in importlib.import_module(f"autograder.trusted.judges.{hw}").ORDER]
        for hw in sorted(homeworks)
    }
    everything = [exercise for names in known.values() for exercise in names]
    if name in known:
        return known[name]
    if name in everything:
        return [name]
    nearest = difflib.get_close_matches(str(name), [*everything, *known], n=1, cutoff=0.4)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    raise UnknownExercise(
        f"unknown exercise {name!r}: {hint}expected one of {', '.join([*known, *everything])}"
    )


def judges_of(exercise: str) -> dict[str, JudgeMark]:
    """The judges of one exercise, name -> mark, in the order in which they run."""
    (exercise,) = exercises_of(exercise)
    homework, _, short = exercise.partition(".")
    module = importlib.import_module(f"autograder.trusted.judges.{homework}.test_{short}")
    marks = {
        name.removeprefix("test_"): function.judge
        for name, function in vars(module).items()
        if hasattr(function, "judge")
    }
    for position, (name, mark) in enumerate(marks.items()):
        unknown = set(mark.depends) - set(list(marks)[:position])
        if unknown or mark.exercise != exercise:
            raise ValueError(
                f"judge {name} of {exercise}: belongs to {mark.exercise}, depends on later {unknown}"
            )
    return marks


def max_points(name: str) -> float:
    """What an exercise, or a whole homework, is worth. Runs nothing."""
    return float(sum(mark.points for exercise in exercises_of(name) for mark in judges_of(exercise).values()))


def run_judges(
    exercises: str | list[str],
    student: Student,
    seed: int,
    only: Iterable[str] | None = None,
    found: Iterable[JudgeResult] = (),
) -> Report:
    """Judges one or more exercises.

    Args:
        exercises: an exercise id, a homework such as "hw3", or a list of these.
        student: where the student's code runs.
        seed: decides every input that the judges draw.
        only: names of judges of the one exercise; they run, and what they depend on (default: all judges).
        found: what was found before of exercises that one of these may stand on.

    Returns:
        One result for every judge of every exercise, whatever happened.
    """
    names = [exercises] if isinstance(exercises, str) else exercises
    wanted = [exercise for name in names for exercise in exercises_of(name)]
    results: list[JudgeResult] = []
    known = list(found)
    for exercise in wanted:
        needed = STANDS_ON.get(exercise, ())
        for name in needed:
            if not any(result.exercise == name for result in known):
                known += _judged(name, judges_of(name), student, seed)
        latest = _judged(exercise, _chosen(exercise, only), student, seed, _obstacle(needed, known))
        for result in latest:
            if needed and result.verdict == "failed" and not result.hint:
                result.hint = _weakness(needed, known)
        results += latest
        known += latest
    return Report(results, seed)


def _weakness(needed: Iterable[str], known: list[JudgeResult]) -> str:
    """What to say where an exercise fails that stands on others, by what the judges found of these."""
    for result in known:
        if result.exercise in needed and result.verdict not in ("passed", "skipped"):
            return f'First fix {result.exercise}: "{result.title}" does not pass.'
    return (
        "Every other check of this homework passes. Compare your curves with the book's: what a single call does not "
        "show often shows there."
    )


def _obstacle(needed: Iterable[str], known: list[JudgeResult]) -> str:
    """What must be mended before an exercise that stands on others is tried, by what the judges found; or ""."""
    weak = []
    for name in needed:
        of_it = [result for result in known if result.exercise == name]
        if sum(result.points for result in of_it) < STANDS_FIRMLY * sum(
            result.max_points for result in of_it
        ):
            weak.append(name)
    return f"first fix {', '.join(weak)}: less than half of the points there" if weak else ""


def _judged(
    exercise: str, marks: dict[str, JudgeMark], student: Student, seed: int, obstacle: str = ""
) -> list[JudgeResult]:
    """Runs judges. Where one of them fails itself, it is tried on the reference, which tells whose fault that was.

    A judge that the reference's answers do not trouble met an answer that no probe has written: that is refused.
    """
    results = _run_exercise(exercise, marks, student, seed, obstacle)
    troubled = [result.test for result in results if result.verdict == "error"]
    if not troubled:
        return results
    with (
        contextlib.suppress(Exception),  # then it stays what it is
        student.apart(exercise.partition(".")[0]) as reference,
    ):
        if reference is not student:
            again = _run_exercise(exercise, _chosen(exercise, troubled), reference, seed)
            # Of a training, the reference may have bad luck; that it was judged at all is what counts.
            lucky = ".convergence" in exercise
            sound = {r.test for r in again if r.verdict == "passed" or (lucky and r.tried)}
            for result in results:
                if result.verdict == "error" and result.test in sound:
                    _refuse(result)
    return results


def _refuse(result: JudgeResult) -> None:
    """Turns a failure of the judge into one of the answer that it was given."""
    result.verdict = "refused"
    result.got_brief = f"an answer that cannot be judged ({result.got_brief[:300]})"
    result.got = result.got_brief
    result.hint = (
        "The reference solution's answer can be judged on the same inputs. Compare types and shapes with what the "
        "exercise asks for; if yours are right, tell your instructor."
    )


def _chosen(exercise: str, only: Iterable[str] | None) -> dict[str, JudgeMark]:
    marks = judges_of(exercise)
    wanted = set(marks if only is None else only)
    if not wanted <= set(marks):
        raise ValueError(f"{exercise} has no judge {wanted - set(marks)}: expected one of {', '.join(marks)}")
    for name in reversed(marks):  # a judge depends on earlier ones
        if name in wanted:
            wanted.update(marks[name].depends)
    return {name: mark for name, mark in marks.items() if name in wanted}


def _run_exercise(
    exercise: str, marks: dict[str, JudgeMark], student: Student, seed: int, obstacle: str = ""
) -> list[JudgeResult]:
    plugin = _Plugin(exercise, marks, student, seed)
    plugin.ended = obstacle
    homework, _, short = exercise.partition(".")
    arguments = [
        str(JUDGES / homework / f"test_{short}.py"),
        "-c",
        os.devnull,
        f"--rootdir={JUDGES}",
        "--noconftest",
        "--assert=plain",
        "--capture=no",
        "--import-mode=importlib",
        "-o",
        "consider_namespace_packages=true",
    ]
    for name in (
        "terminal",
        "cacheprovider",
        "faulthandler",
        "warnings",
        "unraisableexception",
        "threadexception",
        "logging",
        "junitxml",
    ):
        arguments += ["-p", f"no:{name}"]
    with _clean_environment():
        pytest.main(arguments, plugins=[plugin])
    return [plugin.results.get(name) or plugin.error(name, "the judge did not run") for name in marks]


@contextlib.contextmanager
def _clean_environment():
    """pytest without the host's options and plugins; a pytest that we run inside stays undisturbed."""
    ours = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}
    before = {name: os.environ.get(name) for name in (*ours, "PYTEST_CURRENT_TEST", "PYTEST_VERSION")}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


class _Plugin:
    """The pytest plugin of one exercise."""

    def __init__(self, exercise: str, marks: dict[str, JudgeMark], student: Student, seed: int):
        self.exercise, self.marks, self.student_side, self.seed = exercise, marks, student, seed
        self.results: dict[str, JudgeResult] = {}
        self.ended = ""  # why nothing more of this exercise is tried

    @pytest.fixture
    def student(self) -> Student:
        """The student's side."""
        return self.student_side

    @pytest.fixture
    def rng(self, request) -> np.random.Generator:
        """Randomness of this judge alone, from the run's seed."""
        return random_of(self.exercise, _name(request.node), self.seed)

    def pytest_collection_modifyitems(self, items) -> None:
        items[:] = [item for item in items if _name(item) in self.marks]

    def pytest_runtest_setup(self, item) -> None:
        reason = self.ended
        for name in self.marks[_name(item)].depends:
            if not reason and self.results[name].verdict != "passed":
                reason = f'first fix "{self.marks[name].title}"'
        if reason:
            raise NotYet(reason)

    def pytest_runtest_makereport(self, item, call) -> pytest.TestReport:
        self._note(item, call)
        outcome = (
            "failed" if call.excinfo else "passed"
        )  # pytest's own report would hold a formatted traceback
        return pytest.TestReport(item.nodeid, item.location, {}, outcome, None, call.when)

    def _note(self, item, call) -> None:
        name = _name(item)
        if name in self.results or (call.when != "call" and call.excinfo is None):
            return
        result = self.results[name] = self._result(name, call.excinfo.value if call.excinfo else None)
        result.seconds = call.duration
        if not self.ended and result.unsolved:
            self.ended = f"first solve {result.unsolved}"
        elif not self.ended and result.verdict in _ENDINGS:
            self.ended = f'first fix "{result.title}" ({result.verdict})'

    def _result(self, name: str, error: BaseException | None) -> JudgeResult:
        result = self._blank(name)
        if error is None:
            result.verdict, result.points = "passed", result.max_points
        elif isinstance(error, JudgeFailure):
            result.verdict, result.tried, result.hint = "failed", error.tried, error.hint
            result.got, result.expected = error.got, error.expected
            result.got_brief, result.expected_brief = error.got_brief, error.expected_brief
        elif isinstance(error, StudentFailure):
            result.verdict, result.unsolved = error.verdict, error.unsolved
            result.got = result.got_brief = error.message
        elif isinstance(error, NotYet):
            result.verdict, result.got = "skipped", str(error)
            result.got_brief = result.got
        elif isinstance(error, KeyboardInterrupt):
            raise error
        else:
            lines = "".join(traceback.format_exception(error)[-3:])
            return self.error(name, clean(f"{type(error).__name__}: {error}\n{lines}", 4000))
        return result

    def error(self, name: str, message: str) -> JudgeResult:
        """The result of a judge that failed itself: no verdict on the student."""
        result = self._blank(name)
        result.verdict, result.got, result.got_brief = "error", message, message.splitlines()[0]
        result.hint = "The grader failed, not your code. Please tell your instructor."
        return result

    def _blank(self, name: str) -> JudgeResult:
        mark = self.marks[name]
        return JudgeResult(
            exercise=self.exercise,
            test=name,
            title=mark.title,
            points=0.0,
            max_points=float(mark.points),
            verdict="error",
            why=mark.why,
            read=mark.read,
        )


def random_of(exercise: str, test: str, seed: int) -> np.random.Generator:
    """What a judge draws its inputs from."""
    return np.random.default_rng([seed, zlib.crc32(f"{exercise}:{test}".encode())])


def _name(item) -> str:
    return item.name.removeprefix("test_")
