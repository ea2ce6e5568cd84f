"""Grades for a spreadsheet, for Canvas and for Gradescope: `nbgrader export --exporter=CLASS --to=PLACE`.

CLASS is `autograder.nbgrader_plugin.exporters.GradesCSV`, `.CanvasCSV` or `.Gradescope`. Scores are the
gradebook's: points of the judges and points that people gave, less the late penalty. What only the judges
know (seed, endings, reasons) is read from the graded notebooks.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from nbgrader.api import Assignment, Gradebook, MissingEntry, Student, SubmittedAssignment
from nbgrader.plugins import ExportPlugin
from traitlets import Dict

from autograder.nbgrader_plugin.grading import RECORD
from autograder.nbgrader_plugin.history import plain_name
from autograder.student_side.text import clean
from autograder.trusted.report import VERDICTS
from autograder.trusted.runner import UnknownExercise, exercises_of
from autograder.trusted.sources import grade_id

_STUDENT = ("assignment", "student_id", "last_name", "first_name", "email", "lms_user_id")
_GRADING = ("manual", "seed", "verdict")
WORST_FIRST = (
    "error",
    "refused",
    "crashed",
    "memory limit",
    "time limit",
    "failed",
    "skipped",
    "passed",
)


@dataclass(frozen=True)
class StudentGrade:
    """One student and one assignment.

    Attributes:
        submission: the gradebook's, or None when nothing was handed in.
        score: what counts, never below 0. None when nothing was handed in, or when it was not graded yet.
        points: column name -> points of the judges, None where they did not run yet.
        manual: all other points: written questions, corrections of the judges' points, extra credit.
        penalty: points off for lateness.
        seed: of the judges, or None where no graded notebook tells.
        results: exercise -> one dictionary per judge, as recorded in the graded notebooks.
    """

    assignment: Assignment
    student: Student
    submission: SubmittedAssignment | None
    score: float | None
    points: dict[str, float | None]
    manual: float
    penalty: float
    seed: int | None
    results: dict[str, list[dict]]

    @property
    def verdict(self) -> str:
        """The worst ending, "not graded", or "" when nothing was handed in or recorded."""
        if self.score is None:
            return "" if self.submission is None else "not graded"
        verdicts = {result["verdict"] for result in chain.from_iterable(self.results.values())}
        return next((verdict for verdict in WORST_FIRST if verdict in verdicts), "")


class CourseExporter(ExportPlugin):
    """What the three have in common. --assignment and --student choose, as with nbgrader's own exporter."""

    def assignments(self, gradebook: Gradebook) -> list[Assignment]:
        """The chosen ones."""
        wanted = set(map(str, self.assignment))
        return [entry for entry in gradebook.assignments if not wanted or entry.name in wanted]

    def grades(self, gradebook: Gradebook) -> Iterator[StudentGrade]:
        """One for every chosen assignment and student, also where nothing was handed in."""
        unfinished = 0
        for assignment in self.assignments(gradebook):
            columns = judged_columns(assignment)
            for student in gradebook.students:
                if self.student and student.id not in map(str, self.student):
                    continue
                grade = self._grade(gradebook, assignment, student, columns)
                unfinished += bool(grade.submission and grade.submission.needs_manual_grade)
                yield grade
        if unfinished:
            self.log.warning("%d submissions wait for points by hand: their scores will change", unfinished)

    def _grade(
        self, gradebook: Gradebook, assignment: Assignment, student: Student, columns: dict
    ) -> StudentGrade:
        try:
            submission = gradebook.find_submission(assignment.name, student.id)
        except MissingEntry:
            return StudentGrade(assignment, student, None, None, {}, 0.0, 0.0, None, {})
        points, graded = {}, True
        for notebook in submission.notebooks:
            for grade in notebook.grades:
                column = columns.get((notebook.name, grade.name))
                if column:
                    points[column] = grade.auto_score
                    graded &= grade.auto_score is not None or grade.manual_score is not None
        manual = submission.score - sum(value or 0.0 for value in points.values())
        penalty = submission.late_submission_penalty
        score = round(max(0.0, submission.score - penalty), 4) if graded else None
        seed, results = self._recorded(submission)
        in_order = {name: results[name] for name in [*columns.values(), *results] if name in results}
        return StudentGrade(
            assignment, student, submission, score, points, round(manual, 4), penalty, seed, in_order
        )

    def _recorded(self, submission: SubmittedAssignment) -> tuple[int | None, dict[str, list[dict]]]:
        """Seed and results from the graded notebooks of one submission."""
        folders = self.parent.coursedir
        folder = folders.format_path(
            folders.autograded_directory, submission.student.id, submission.assignment.name
        )
        seed, results = None, {}
        for notebook in submission.notebooks:
            path = Path(folder) / f"{notebook.name}.ipynb"
            try:
                record = json.loads(path.read_bytes())["metadata"][RECORD]
                seed, results = record["seed"], {**results, **record["results"]}
            except FileNotFoundError:
                continue
            except (ValueError, KeyError, TypeError):
                self.log.warning("%s holds no results of the judges: `nbgrader autograde --force`", path)
        return seed, results


def judged_columns(assignment: Assignment) -> dict[tuple[str, str], str]:
    """The cells that judges grade: (notebook, grade_id) -> name of the column, in the order of the columns.

    The name is the exercise's, as hw3.update. A cell of an assignment without judges gives its own.
    """
    try:
        names = {f"{grade_id(exercise)}-check": exercise for exercise in exercises_of(assignment.name)}
    except UnknownExercise:
        names = {}
    rank = {exercise: number for number, exercise in enumerate(names.values())}
    columns = {}
    for notebook in assignment.notebooks:
        by_hand = {cell.name for cell in notebook.solution_cells}
        for cell in notebook.grade_cells:
            if cell.cell_type == "code" and cell.name not in by_hand:
                own = f"{assignment.name}/{notebook.name}/{cell.name}"
                columns[notebook.name, cell.name] = names.get(cell.name, own)
    return dict(sorted(columns.items(), key=lambda item: (rank.get(item[1], len(rank)), item[1])))


class GradesCSV(CourseExporter):
    """Everything about every student and assignment, for a spreadsheet: one row each.

    Points of the exercises and `manual` less `late_penalty` are the score, unless that is below 0. Rows
    without a submission, and those not graded yet, have an empty score. UTF-8 with the mark that Excel needs.
    """

    def export(self, gradebook: Gradebook) -> None:
        """Writes `--to`, or grades.csv."""
        assignments = self.assignments(gradebook)
        exercises = [column for entry in assignments for column in judged_columns(entry).values()]
        rows = [[*_STUDENT, "timestamp", "late_penalty", "score", "max_score", *exercises, *_GRADING]]
        for grade in self.grades(gradebook):
            who, submission = grade.student, grade.submission
            rows.append(
                [
                    grade.assignment.name,
                    *(who.id, who.last_name, who.first_name, who.email, who.lms_user_id),
                    str(submission.timestamp or "") if submission else "",
                    grade.penalty if submission else None,
                    grade.score,
                    grade.assignment.max_score,
                    *(grade.points.get(name) for name in exercises),
                    grade.manual if submission else None,
                    "" if grade.seed is None else str(grade.seed),
                    grade.verdict,
                ]
            )
        _write_csv(self.to or "grades.csv", rows, "utf-8-sig")


class CanvasCSV(CourseExporter):
    """The file that Canvas takes under Grades > Import: one row per student, one column per assignment.

    Canvas finds a student by ID (its own number, here nbgrader's lms_user_id), else by SIS Login ID (here
    nbgrader's student id), else by name: the instructor has to see to it that one of the first two agrees. It
    finds an assignment by the number in brackets, else by its exact title, and else offers to make a new one:
    set `assignment_columns`. Where Canvas has a score, an empty one counts as a change; its preview shows all
    changes first. An id that looks like a formula has an apostrophe before it, and Canvas will not find it.

    The format is that of Canvas's own export, as read by lib/gradebook_importer.rb of instructure/canvas-lms.
    """

    assignment_columns = Dict(
        help="Assignment -> column of Canvas's export: {'hw3': 'Homework 3 (12345)'}. By default its name."
    ).tag(config=True)

    def export(self, gradebook: Gradebook) -> None:
        """Writes `--to`, or canvas.csv."""
        students: dict[str, list] = {}
        for grade in self.grades(gradebook):
            student = grade.student
            who = ", ".join(filter(None, (student.last_name, student.first_name))) or student.id
            who = who.replace("Points Possible", "")  # Canvas would take that row for the maximum scores
            identity = [who, student.lms_user_id, "", student.id, ""]
            students.setdefault(student.id, identity).append(grade.score)
        assignments = self.assignments(gradebook)
        titles = [self.assignment_columns.get(entry.name, entry.name) for entry in assignments]
        rows = [
            ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *titles],
            ["    Points Possible", "", "", "", "", *(entry.max_score for entry in assignments)],
            *students.values(),
        ]
        _write_csv(self.to or "canvas.csv", rows, "utf-8")


class Gradescope(CourseExporter):
    """Gradescope's files, one for every submission: ASSIGNMENT/STUDENT/results.json in `--to` or gradescope/.

    Gradescope takes such a file only from an autograder that it runs, as /autograder/results/results.json.
    One that brings this folder along and copies the student's file hands the grades over: the email stands in
    `extra_data` here, and in submission_metadata.json there. Nothing is written where nothing was graded.

    The format: https://gradescope-autograders.readthedocs.io/en/latest/specs/
    """

    def export(self, gradebook: Gradebook) -> None:
        """Writes the files."""
        for grade in self.grades(gradebook):
            if grade.score is None:
                continue
            folder = Path(self.to or "gradescope") / plain_name(grade.assignment.name)
            path = folder / plain_name(grade.student.id) / "results.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(gradescope_results(grade), indent=2), encoding="utf-8")


def gradescope_results(grade: StudentGrade) -> dict:
    """What Gradescope shows of one submission. The seed stays out of it: it would tell the judges' inputs."""
    judged = sum(value or 0.0 for value in grade.points.values())
    late = f", {-grade.penalty:g} for lateness" if grade.penalty else ""
    return {
        "score": grade.score,
        "output": f"{grade.score:g} of {grade.assignment.max_score:g} points: "
        f"{judged:g} from the checks, {grade.manual:g} by hand{late}.",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [
            {
                "name": f"{exercise}: {result['test'].replace('_', ' ')}",
                "score": result["points"],
                "max_score": result["max_points"],
                "status": "passed" if result["verdict"] == "passed" else "failed",
                "output": _reason(result),
                "visibility": "visible",
            }
            for exercise, of_exercise in grade.results.items()
            for result in of_exercise
        ],
        "extra_data": {
            "assignment": grade.assignment.name,
            "student_id": grade.student.id,
            "email": grade.student.email or "",
        },
    }


def _reason(result: dict) -> str:
    """What a student reads at one test. Of a failure of the grader only that it is one."""
    meaning = VERDICTS[result["verdict"]][2]
    if result["verdict"] == "error":
        return f"{meaning}, not your code. Please tell your instructor."
    return result["reason"] if result["verdict"] in ("passed", "failed") else f"{meaning}: {result['reason']}"


def _write_csv(path: str, rows: list, encoding: str) -> None:
    """Texts are quoted, numbers are not. No text can be a formula, wherever the file is opened."""
    with open(path, "w", newline="", encoding=encoding) as file:
        writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
        for row in rows:
            writer.writerow([_harmless(value) if isinstance(value, str) else value for value in row])


_FORMULA = re.compile(r"""(^|[;,|"'\t\r\n])(?=\s*[=+\-@\uff1d\uff0b\uff0d\uff20])|^(?=[\t\r\n])""")


def _harmless(text: str) -> str:
    """With an apostrophe before what spreadsheets may take for a formula (also = + - @ in full width).

    That is at the beginning of a cell, wherever cells begin: a program that separates by semicolons finds more of them.
    """
    return _FORMULA.sub(r"\g<1>'", clean(text))
