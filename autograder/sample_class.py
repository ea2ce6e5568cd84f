"""A class of six made-up students, graded with the usual nbgrader commands: `python -m autograder.sample_class`.

Names of homeworks may follow; by default it hands in all. It has a course root of its own, build/sample_class, and never touches an instructor's gradebook. A second run grades
nothing again unless the course's files have changed.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass

import nbformat
from nbformat.notebooknode import NotebookNode

from autograder import max_points
from autograder.nbgrader_plugin.course_root import COURSE, make_root, nbgrader
from autograder.trusted.runner import exercises_of
from autograder.trusted.sources import grade_id, solution_source

ROOT = COURSE / "build" / "sample_class"


@dataclass(frozen=True)
class Sample:
    """What two of the six have in their notebooks of one homework.

    Attributes:
        half: the exercises that half_done has solved.
        mistake: the exercise that truncation has wrong: its id, right code, and what stands there instead.
        poor: what half_done has changed, likewise; the check of the exercise does not see it.
    """

    half: tuple[str, ...]
    mistake: tuple[str, str, str]
    poor: tuple[str, str, str] | None = None


SAMPLES = {
    "hw1": Sample(
        half=("hw1.entropy_bonus", "hw1.compute_gae", "hw1.policy_loss"),
        mistake=("hw1.compute_gae", "* ~terminated", "* ~(terminated | truncated)"),
    ),
    "hw2": Sample(
        half=("hw2.num_envs", "hw2.expand_done", "hw2.tuning"),
        mistake=("hw2.episode_reward_sum", "running * ~done[:, t]", "running"),
        poor=("hw2.tuning", "lr: 0.002", "lr: 0.00002"),  # within the budget, and learns nothing
    ),
    "hw3": Sample(
        half=("hw3.get_action", "hw3.update_critic", "hw3.update"),
        mistake=(
            "hw3.sample_trajectory",
            "terminals.append(terminated)",
            "terminals.append(terminated or truncated)",
        ),
    ),
    "hw4": Sample(
        half=("hw4.observation_history", "hw4.global_state", "hw4.multi_agent_gae"),
        mistake=("hw4.multi_agent_gae", "* ~terminated", "* ~done"),
    ),
    "hw5": Sample(
        half=("hw5.mask_logits", "hw5.drop_stale", "hw5.shaping"),
        mistake=("hw5.vtrace", "* ~terminated", "* ~(terminated | truncated)"),
    ),
}
STUDENTS = ("reference", "untouched", "half_done", "truncation", "crash_at_import", "endless_loop")
CRASH = "import ctypes; ctypes.string_at(0)  # reads address 0\n"
ENDLESS = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass\n"


def solved(release: NotebookNode, exercises: Iterable[str]) -> NotebookNode:
    """The released notebook with the reference solutions of some exercises in it, as a student would write them."""
    notebook = copy.deepcopy(release)
    for exercise in exercises:
        lines = solution_source(exercise).splitlines()
        solution_cell(notebook, exercise).source = "\n".join(line for line in lines if "SOLUTION" not in line)
    return notebook


def solution_cell(notebook: NotebookNode, exercise: str) -> NotebookNode:
    """The cell in which an exercise is solved."""
    wanted = grade_id(exercise)
    return next(
        cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == wanted
    )


def solvable(homework: str) -> list[str]:
    """The exercises that have a solution cell: all but the convergence of the whole."""
    return [exercise for exercise in exercises_of(homework) if ".convergence" not in exercise]


def submissions(homework: str, release: NotebookNode) -> dict[str, NotebookNode]:
    """What the six students hand in, by name."""
    reference, sample = solved(release, solvable(homework)), SAMPLES[homework]
    half_done = solved(release, sample.half)
    truncation, crash, endless = (copy.deepcopy(reference) for _ in range(3))
    change(truncation, *sample.mistake)
    if sample.poor:
        change(half_done, *sample.poor)
    first = solvable(homework)[0]
    for notebook, code in ((crash, CRASH), (endless, ENDLESS)):
        cell = solution_cell(notebook, first)
        cell.source = code + cell.source
    return dict(
        zip(STUDENTS, (reference, copy.deepcopy(release), half_done, truncation, crash, endless), strict=True)
    )


def change(notebook: NotebookNode, exercise: str, right: str, wrong: str) -> None:
    """Puts wrong code in the place of right code.

    Raises:
        ValueError: the right code does not stand there exactly once.
    """
    cell = solution_cell(notebook, exercise)
    if cell.source.count(right) != 1:
        raise ValueError(
            f"the solution of {exercise} must hold {right!r} once; the sample student changes it"
        )
    cell.source = cell.source.replace(right, wrong)


def fingerprint() -> str:
    """A hash of everything that the grades depend on."""
    digest = hashlib.sha256()
    for folder in ("assignments", "autograder", "experiments", "gcb6206", "solutions"):
        for path in sorted((COURSE / folder).rglob("*")):
            if path.suffix in (".py", ".ipynb", ".yaml") and ".ipynb_checkpoints" not in path.parts:
                digest.update(path.relative_to(COURSE).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def prepare() -> None:
    """Makes the course root; throws an old one away when the course has changed since."""
    stamp = ROOT / "fingerprint"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != fingerprint():
        shutil.rmtree(ROOT, ignore_errors=True)
        ROOT.mkdir(parents=True)
        stamp.write_text(fingerprint(), encoding="utf-8")
    make_root(ROOT, more="c.Autograde.seconds_per_cell = 20")


def hand_in(homework: str, students: list[str]) -> None:
    """Puts these students' notebooks where nbgrader collects submissions."""
    release = nbformat.read(ROOT / "release" / homework / f"{homework}.ipynb", as_version=4)
    notebooks = submissions(homework, release)
    for student in students:
        folder = ROOT / "submitted" / student / homework
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebooks[student], folder / f"{homework}.ipynb")


def results(homework: str) -> dict[str, dict[str, list[dict]]]:
    """What the grader recorded: student -> exercise -> results of its judges."""
    found = {}
    for path in sorted((ROOT / "autograded").glob(f"*/{homework}/{homework}.ipynb")):
        found[path.parents[1].name] = nbformat.read(path, as_version=4).metadata["gcb6206"]["results"]
    return found


def score(judged: list[dict]) -> float:
    """The points of one exercise."""
    return sum(result["points"] for result in judged)


def reason(exercises: dict[str, list[dict]]) -> str:
    """The first thing that went wrong, or ""."""
    for judged in exercises.values():
        for result in judged:
            if result["verdict"] not in ("passed", "skipped"):  # what was skipped waits for something else
                verdict = "" if result["verdict"] == "failed" else f"{result['verdict']}: "
                return verdict + " ".join(result["reason"].split())
    return ""


def table(homework: str, found: dict[str, dict[str, list[dict]]]) -> str:
    """The grades as text: student, points of each exercise, total, first reason."""
    exercises = exercises_of(homework)
    rows = [["student", *(exercise.partition(".")[2] for exercise in exercises), "total", "first reason"]]
    rows.append(
        [
            "(points)",
            *(f"{max_points(exercise):g}" for exercise in exercises),
            f"{max_points(homework):g}",
            "",
        ]
    )
    for student, judged in found.items():
        points = [score(judged[exercise]) for exercise in exercises]
        rows.append([student, *(f"{value:g}" for value in points), f"{sum(points):g}", reason(judged)[:90]])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in rows
    )


def surprises(homework: str, found: dict[str, dict[str, list[dict]]], students: list[str]) -> list[str]:
    """Where the grades are not what these students' submissions deserve, or one of them is missing."""
    full = {exercise: max_points(exercise) for exercise in exercises_of(homework)}
    nothing = dict.fromkeys(full, 0.0)
    deserved = {
        "reference": full,
        "untouched": nothing,
        "half_done": {**nothing, **{exercise: full[exercise] for exercise in SAMPLES[homework].half}},
        "truncation": {**full, SAMPLES[homework].mistake[0]: None},
        "crash_at_import": nothing,
        "endless_loop": nothing,
    }
    wrong = [f"{student} is missing" for student in students if student not in found]
    for student, judged in found.items():
        for exercise, points in deserved[student].items():
            got = score(judged[exercise])
            right = 0 < got < full[exercise] if points is None else got == points
            if not right:
                expected = "a part of the points" if points is None else f"{points:g}"
                wrong.append(f"{student}, {exercise}: {got:g} points, expected {expected}")
    for student, verdict in (("crash_at_import", "crashed"), ("endless_loop", "time limit")):
        if student in found and not reason(found[student]).startswith(verdict):
            wrong.append(f"{student}: the reason is {reason(found[student])!r}, expected {verdict!r}")
    return wrong


def grade(homework: str, students: list[str]) -> list[str]:
    """Hands in and grades one homework and prints its table; what is not as it should be."""
    nbgrader("generate_assignment", homework, root=ROOT)
    hand_in(homework, students)
    nbgrader("autograde", homework, root=ROOT)
    nbgrader("generate_feedback", homework, root=ROOT)
    found = results(homework)
    print(f"\n{table(homework, found)}\n")
    return [f"{homework}: {line}" for line in surprises(homework, found, students)]


def main(words: list[str] | None = None) -> int:
    """Builds and grades the class; 0 when the grades are what they should be."""
    parser = argparse.ArgumentParser(
        prog="python -m autograder.sample_class", description=__doc__.split("\n")[0].partition(":")[0] + "."
    )
    parser.add_argument(
        "homeworks", nargs="*", metavar="HOMEWORK", help=f"some of {', '.join(SAMPLES)}; by default all"
    )
    parser.add_argument("--students", nargs="+", choices=STUDENTS, default=STUDENTS, help="some of the six")
    args = parser.parse_args(words)
    homeworks = args.homeworks or list(SAMPLES)
    unknown = [homework for homework in homeworks if homework not in SAMPLES]
    if unknown:
        parser.error(f"no sample class for {unknown[0]!r}: there are {', '.join(SAMPLES)}")
    print(f"sample class in {ROOT}")
    prepare()
    wrong = [line for homework in homeworks for line in grade(homework, args.students)]
    nbgrader("export", root=ROOT)
    print(f"feedback  {ROOT / 'feedback'}/<student>/<homework>/<homework>.html")
    print(
        f"grades    {ROOT / 'grades.csv'}   (written questions: {ROOT / 'autograded'}, by hand in formgrader)"
    )
    for line in wrong:
        print(f"NOT AS EXPECTED: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
