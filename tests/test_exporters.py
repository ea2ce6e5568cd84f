"""Exporters on a small gradebook with graded notebooks written by hand, and the history of resubmissions."""

import copy
import csv
import dataclasses
import json
import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.nbgrader_plugin import history
from autograder.nbgrader_plugin.autograde import Autograde
from autograder.nbgrader_plugin.course_root import make_root, nbgrader
from autograder.nbgrader_plugin.exporters import WORST_FIRST
from autograder.trusted.report import VERDICTS

# The exporters share one gradebook, so one process runs them.
pytestmark = pytest.mark.slow
EXPORTERS = "autograder.nbgrader_plugin.exporters"
SEED = 2**61 + 1  # a spreadsheet's double would change it
FORMULA = '=HYPERLINK("http://evil","click")'


def result(test, verdict="passed", points=1.0, reason="the claim"):
    """One judge, as it is recorded."""
    got = points if verdict == "passed" else 0.0
    return {"test": test, "verdict": verdict, "points": got, "max_points": points, "reason": reason}


def results(verdict="passed", reason="the claim"):
    """An assignment of 4 points: hw3.update_critic solved, half of hw3.update with a given ending."""
    return {
        "hw3.update_critic": [result("q_values", points=2.0)],
        "hw3.update": [result("is_a_copy"), result("period", verdict, reason=reason)],
    }


# student -> fields of the gradebook, results or None, points by hand of the written question, late penalty
STUDENTS = {
    "ada": (
        {"last_name": "Lovelace", "first_name": "Ada", "email": "ada@example.org", "lms_user_id": "501"},
        results(), 2.5, 1.0,
    ),
    "=1+1": ({"last_name": FORMULA, "first_name": "\tx"}, results("time limit", "cell 3: 20 s"), 0.0, 0.0),
    "김;=2": ({"last_name": "김", "first_name": "Žofie,\n\"Zo\""}, results("failed"), None, 0.0),
    "very_late": ({}, results("skipped", 'first fix "is a copy"'), 0.0, 99.0),
    "grader_failed": ({}, results("error", "KeyError: 0.1234 is a secret input"), 0.0, 0.0),
    "..": ({"last_name": "    Points Possible"}, results("crashed", "signal 11"), 0.0, 0.0),
    "cut_off": ({}, None, None, 0.0),
}  # fmt: skip


def graded_notebook(path, record):
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [nbformat.v4.new_markdown_cell("An answer.")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"gcb6206": record}), path)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A gradebook and its graded notebooks; the hand corrected one of the judges' points, for `very_late`."""
    root = tmp_path_factory.mktemp("course")
    columns = "{'hw3': 'Homework 3 (12345)', 'quiz1': 'Quiz (77)'}"
    make_root(root, root / "assignments", f"c.CanvasCSV.assignment_columns = {columns}")
    with pytest.MonkeyPatch.context() as patch:  # a new gradebook calls alembic by its plain name
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        gradebook = Gradebook(f"sqlite:///{root}/gradebook.db", "gcb6206")
    with gradebook:
        gradebook.add_assignment("hw3")
        gradebook.add_notebook("hw3", "hw3")
        for name, kind, points in [
            ("hw3-update-check", "code", 2),
            ("hw3-update-critic-check", "code", 2),
            ("hw3-written", "markdown", 3),
            ("hw3-own-code", "code", 1),
        ]:
            gradebook.add_grade_cell(name, "hw3", "hw3", max_score=points, cell_type=kind)
        for name in ("hw3-written", "hw3-own-code"):  # graded by hand
            gradebook.add_solution_cell(name, "hw3", "hw3")
        gradebook.add_assignment("quiz1")  # not the course's, and not handed in by anybody
        gradebook.add_notebook("q", "quiz1")
        gradebook.add_grade_cell("q1", "q", "quiz1", max_score=5, cell_type="code")
        gradebook.add_student("nobody", last_name="No", first_name="Body")
        for student, (fields, judged, by_hand, penalty) in STUDENTS.items():
            gradebook.add_student(student, **fields)
            gradebook.add_submission("hw3", student, timestamp="2026-03-01 10:00:00.5 UTC")
            if judged is None:
                continue
            gradebook.find_submission_notebook("hw3", "hw3", student).late_submission_penalty = penalty
            for exercise, of_exercise in judged.items():
                name = exercise.replace(".", "-").replace("_", "-") + "-check"
                grade = gradebook.find_grade(name, "hw3", "hw3", student)
                grade.auto_score = sum(r["points"] for r in of_exercise)
                grade.needs_manual_grade = False
            written = gradebook.find_grade("hw3-written", "hw3", "hw3", student)
            written.manual_score, written.needs_manual_grade = by_hand, by_hand is None
            gradebook.find_grade("hw3-own-code", "hw3", "hw3", student).needs_manual_grade = False
            if student != "..":
                path = root / "autograded" / student / "hw3" / "hw3.ipynb"
                graded_notebook(path, {"seed": SEED, "results": judged})
        corrected = gradebook.find_grade("hw3-update-check", "hw3", "hw3", "ada")
        corrected.manual_score, corrected.extra_credit = 1.5, 0.25
        gradebook.db.commit()
    return root


def exported(course, exporter, to, *words):
    nbgrader("export", f"--exporter={EXPORTERS}.{exporter}", f"--to={to}", *words, root=course)
    return course / to


@pytest.fixture(scope="module")
def grades(course):
    return exported(course, "GradesCSV", "ours.csv")


@pytest.fixture(scope="module")
def canvas(course):
    return exported(course, "CanvasCSV", "canvas.csv")


def rows_of(path, assignment="hw3"):
    """The rows of one assignment, by student."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.DictReader(file) if row["assignment"] == assignment]
    return {row["student_id"].replace("'=", "="): row for row in rows}


# Grades for a spreadsheet


def test_everybody_has_a_row_and_nbgraders_own_score(course, grades):
    """Wrong versions: without late penalties, without points by hand, below zero, judges' points only."""
    nbgrader("export", "--exporter=nbgrader.plugins.export.CsvExportPlugin", "--to=stock.csv", root=course)
    text = (course / "stock.csv").read_text()
    stock = {student: re.search(rf",{re.escape(student)},(?s:.*?),([0-9.]+),8.0$", text, re.M)[1]
             for student in ("ada", "=1+1", "very_late", "grader_failed", "..")}  # fmt: skip
    ours = rows_of(grades)
    assert set(ours) == {*STUDENTS, "nobody"}
    assert {student: float(ours[student]["score"]) for student in stock} == {
        student: float(score) for student, score in stock.items()
    }
    assert stock["ada"] == "5.25" and stock["very_late"] == "0.0"


def test_exercises_and_points_by_hand_add_up_to_the_score(grades):
    """Wrong versions: a correction counted twice; extra credit forgotten; the gradebook's order."""
    rows = rows_of(grades)
    assert list(rows["ada"])[10:14] == ["hw3.update_critic", "hw3.update", "quiz1/q/q1", "manual"]
    parts = ("hw3.update_critic", "hw3.update", "manual", "late_penalty")
    # By hand: 2.5 written, 1.5 + 0.25 instead of the judges' 2.
    assert [float(rows["ada"][part]) for part in parts] == [2.0, 2.0, 2.25, 1.0]
    for student in ("ada", "=1+1", "grader_failed", ".."):
        *points, penalty = (float(rows[student][part]) for part in parts)
        assert sum(points) - penalty == float(rows[student]["score"])


def test_nothing_handed_in_and_not_graded_are_no_zeros(grades):
    """Wrong version: nbgrader's own, which gives both 0 points."""
    rows = rows_of(grades)
    assert [rows[student]["score"] for student in ("nobody", "cut_off", "very_late")] == ["", "", "0.0"]
    assert [rows[student]["verdict"] for student in ("nobody", "cut_off")] == ["", "not graded"]


def test_verdict_is_the_worst_ending_and_the_seed_is_exact(grades):
    """Wrong versions: the first or last ending; the seed as a float."""
    rows = rows_of(grades)
    worst = {"ada": "passed", "=1+1": "time limit", "very_late": "skipped", "grader_failed": "error"}
    assert {student: rows[student]["verdict"] for student in worst} == worst
    assert rows["ada"]["seed"] == str(SEED)
    assert sorted(WORST_FIRST) == sorted(VERDICTS)


@pytest.mark.parametrize("form", ["grades", "canvas"])
def test_no_cell_is_a_formula(form, request):
    """Wrong versions: csv.writer alone; an apostrophe only before what begins a cell between commas."""
    path = request.getfixturevalue(form)
    for separator in ",;\t|":
        with path.open(newline="", encoding="utf-8-sig") as file:
            cells = [cell for row in csv.reader(file, delimiter=separator) for cell in row]
        assert not [cell for cell in cells if re.match(r"\s*[=+\-@]|[\t\r\n]", cell)]
        if separator == ",":
            assert "'=1+1" in cells and any(cell.startswith("'=HYPERLINK") for cell in cells)
    assert '"김;\'=2"' in path.read_text("utf-8-sig")


def test_names_in_any_script(grades):
    assert rows_of(grades)["김;=2"]["first_name"] == 'Žofie,\n"Zo"'


def test_assignment_and_student_choose(course):
    """Wrong versions: an option is ignored; columns of assignments that were not chosen."""
    words = ("--student=['ada', 'nobody']", "--assignment=['quiz1']")
    chosen = exported(course, "GradesCSV", "chosen.csv", *words)
    assert set(rows_of(chosen, "quiz1")) == {"ada", "nobody"}
    assert rows_of(chosen) == {} and "hw3" not in chosen.read_text("utf-8-sig")


# Canvas


def canvas_reads(path):
    """What Canvas's importer finds, by its rules: possible points, and (ID or login) -> scores."""
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert "Student" in header[0] and "ID" in header[1] and "Section" in header[4]
    assert re.search(r"SIS\s+User\s+ID", header[2]) and re.search(r"SIS\s+Login\s+ID", header[3])
    titles = [re.fullmatch(r"(.*)\s\((\d+)\)", title).groups() for title in header[5:]]
    possible = [row[5:] for row in rows if "Points Possible" in row[0]]
    students = {row[1] or row[3]: row[5:] for row in rows if "Points Possible" not in row[0]}
    return titles, possible, students


def test_canvas_finds_assignments_students_and_scores(canvas):
    """Wrong versions: a student called "Points Possible" sets the maximum; 0 for nothing handed in."""
    titles, possible, students = canvas_reads(canvas)
    assert titles == [("Homework 3", "12345"), ("Quiz", "77")]
    assert possible == [["8.0", "5.0"]]
    assert set(students) == {
        "501",
        "'=1+1",
        "김;'=2",
        "very_late",
        "grader_failed",
        "..",
        "cut_off",
        "nobody",
    }
    scores = [students[student] for student in ("501", "very_late", "nobody")]
    assert scores == [["5.25", ""], ["0.0", ""], ["", ""]]


# Gradescope


@pytest.fixture(scope="module")
def gradescope(course):
    return exported(course, "Gradescope", "gradescope")


def results_json(folder, student):
    return json.loads((folder / "hw3" / student / "results.json").read_text())


def test_gradescope_files_have_the_documented_form(gradescope):
    """Wrong versions: our verdicts as status; a number as text; one file for the class."""
    files = list(gradescope.rglob("*"))
    assert {path.name for path in files if path.is_file()} == {"results.json"}
    assert {path.parent.name for path in files if path.is_file()} == {
        "ada", "=1+1", "김;=2", "very_late", "grader_failed", "%2E.",
    }  # fmt: skip
    shown = {"visible", "hidden", "after_due_date", "after_published"}
    for path in gradescope.rglob("results.json"):
        content = json.loads(path.read_text())
        assert isinstance(content["score"], float) and isinstance(content["output"], str)
        assert {content["visibility"], content["stdout_visibility"]} <= shown
        assert isinstance(content["extra_data"], dict)
        for test in content["tests"]:
            assert {type(test[key]) for key in ("name", "output")} == {str}
            assert 0 <= test["score"] <= test["max_score"]
            assert test["status"] in ("passed", "failed") and test["visibility"] in shown


def test_gradescope_tells_score_and_reasons(gradescope):
    ada, late = results_json(gradescope, "ada"), results_json(gradescope, "very_late")
    assert ada["score"] == 5.25
    assert ada["output"] == "5.25 of 8 points: 4 from the checks, 2.25 by hand, -1 for lateness."
    assert [(test["name"], test["status"]) for test in late["tests"]] == [
        ("hw3.update_critic: q values", "passed"),
        ("hw3.update: is a copy", "passed"),
        ("hw3.update: period", "failed"),
    ]
    assert late["tests"][2]["output"] == 'not tried: first fix "is a copy"'
    assert results_json(gradescope, "=1+1")["tests"][2]["output"] == "time limit: cell 3: 20 s"


def test_gradescope_tells_no_inputs(gradescope):
    """Wrong versions: the seed in extra_data; the grader's own exception as a reason."""
    text = "".join(path.read_text() for path in gradescope.rglob("results.json"))
    assert str(SEED) not in text and "secret" not in text
    assert "not your code" in results_json(gradescope, "grader_failed")["tests"][2]["output"]


# The history of a student


def entry(seed=1, sha256="a" * 64, timestamp="2026-03-01 10:00:00 UTC", judged=None, notebook="hw3"):
    judged = judged or results()
    points = sum(r["points"] for of_exercise in judged.values() for r in of_exercise)
    return history.Entry(notebook, timestamp, sha256, seed, "2026-03-02 08:00:00+00:00", points, 4.0, judged)


def test_an_entry_describes_the_file_and_the_results(tmp_path):
    (tmp_path / "hw3.ipynb").write_bytes(b"{}")
    (tmp_path / "timestamp.txt").write_text("2026-03-01 10:00:00.5 UTC")
    record = {"seed": 5, "results": results("failed")}
    made = history.entry(tmp_path / "hw3.ipynb", record, "a" * 64)
    assert (made.notebook, made.timestamp, made.seed) == ("hw3", "2026-03-01 10:00:00 UTC", 5)
    assert made.sha256 == "a" * 64
    assert (made.score, made.max_score, made.graded_at[-6:]) == (3.0, 4.0, "+00:00")


@pytest.mark.parametrize("kind", ["missing", "link", "pipe", "folder"])
def test_what_is_no_file_is_loaded_as_nothing_with_a_reason(tmp_path, kind):
    """Wrong versions: one that follows a link out of the submission; one that waits at a pipe for ever."""
    path = tmp_path / "hw3.ipynb"
    {
        "missing": lambda: None,
        "link": lambda: path.symlink_to(__file__),
        "pipe": lambda: os.mkfifo(path),
        "folder": path.mkdir,
    }[kind]()
    content, reason = Autograde._loaded(str(path))
    assert content == b"" and reason


def test_a_line_that_was_cut_off_costs_only_itself(tmp_path):
    """Wrong version: appending to the file, which glues the next line to the torn one."""
    path = tmp_path / "ada" / "hw3.jsonl"
    history.append(path, entry(1))
    history.append(path, entry(2))
    path.write_bytes(path.read_bytes()[:-40])
    assert history.entries(path) == [entry(1)]
    history.append(path, entry(3))
    assert history.entries(path) == [entry(1), entry(3)]


def test_a_kill_while_writing_leaves_the_old_history(tmp_path, monkeypatch):
    """Wrong version: writing in place."""
    path = tmp_path / "hw3.jsonl"
    history.append(path, entry(1))

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(history.os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        history.append(path, entry(2))
    assert history.entries(path) == [entry(1)]
    assert [file.name for file in tmp_path.glob("*.jsonl")] == ["hw3.jsonl"]


def test_the_same_grading_counts_once_and_reads_the_same(tmp_path):
    """Killed and resumed. Wrong versions: each grading counts; only the last line is looked at."""
    path = tmp_path / "hw3.jsonl"
    first, again, second = entry(1), entry(2), entry(1, sha256="b" * 64, timestamp="2026-03-03 10:00:00 UTC")
    assert history.remember(path, first) is None
    assert history.remember(path, first) is None
    told = history.remember(path, again).source
    assert history.remember(path, again).source == told
    history.remember(path, first)
    assert history.entries(path) == [first, again]
    told = history.remember(path, second).source
    assert history.remember(path, second).source == told
    assert history.entries(path) == [first, again, second]


def test_handing_in_an_older_version_again_is_a_submission(tmp_path):
    """Wrong version: looking for the same content anywhere in the history."""
    path = tmp_path / "hw3.jsonl"
    for sha256 in ("a", "b", "a"):
        history.remember(path, entry(sha256=sha256, timestamp=""))
    assert [e.sha256 for e in history.entries(path)] == ["a", "b", "a"]


def test_a_regrade_is_no_resubmission(tmp_path):
    """Wrong version: every second grading is called a submission."""
    path = tmp_path / "hw3.jsonl"
    history.remember(path, entry(1, judged=results("failed")))
    told = history.remember(path, entry(2)).source
    assert "The same submission was graded again" in told and "your submission of" not in told
    later = entry(3, sha256="b", timestamp="2026-03-03 10:00:00 UTC", judged=results("failed"))
    told = history.remember(path, later).source
    assert "Since your submission of 2026-03-01 10:00:00 UTC:" in told and "graded again" not in told
    told = history.remember(path, dataclasses.replace(later, seed=4)).source
    assert "graded again" in told and "Since your submission of 2026-03-01" in told


def test_two_notebooks_of_one_assignment_are_not_compared(tmp_path):
    path = tmp_path / "hw3.jsonl"
    history.remember(path, entry())
    assert history.remember(path, entry(notebook="hw3-report", sha256="b")) is None


def test_changes_of_each_judge():
    """Wrong version: comparing points alone, which calls 'failed, then failed' unchanged."""
    old, new = entry(judged=results("failed")), entry(judged=copy.deepcopy(results("failed")))
    new.results["hw3.update_critic"][0].update(verdict="crashed", points=0.0)
    new.results["hw3.update"].append(result("returned_figures", points=0.5))
    assert history.compare(old, new) == [
        history.Change("hw3.update_critic", "q_values", "no longer passed", -2.0),
        history.Change("hw3.update", "is_a_copy", "unchanged", 0.0),
        history.Change("hw3.update", "period", "still failed", 0.0),
        history.Change("hw3.update", "returned_figures", "newly passed", 0.5),
    ]


def test_the_box_tells_points_and_judges():
    """Wrong versions: the two gradings changed places; an exercise is "all" when one judge of it is."""
    old, new = entry(judged=results("failed")), entry(sha256="b")
    none = entry(sha256="c", judged={"hw3.update": []})
    better, worse, same = (history.to_html(*pair) for pair in ((old, new), (new, old), (old, old)))
    assert "+1 point; newly passed: hw3.update (period).<" in better
    assert "-1 point; no longer passed: hw3.update (period).<" in worse
    assert "no change in points; still not passed: 1 of 3.<" in same
    assert "newly passed: hw3.update_critic (q values), hw3.update (all 2).<" in history.to_html(none, new)


def test_nothing_of_the_box_is_markup():
    """Wrong version: no escaping."""
    old = entry(timestamp="<script>alert(1)</script>")
    box = history.to_html(old, entry(sha256="b"))
    assert "<script" not in box and "&lt;script" in box
    assert "\n" not in box  # an empty line would end the HTML block of a markdown cell


@pytest.mark.parametrize("student", ["ada", "..", ".", "../ada", "a/b", "%2E.", "김", ".hidden", "a%2Fb"])
def test_a_history_stays_in_its_folder(tmp_path, student):
    """Wrong version: folder / student."""
    path = history.path(tmp_path, student, "hw3")
    history.append(path, entry())
    assert path.resolve().parent.parent == tmp_path.resolve()
    others = {"ada", "..", ".", "../ada", "a/b", "%2E.", "김", ".hidden", "a%2Fb"} - {student}
    assert path not in {history.path(tmp_path, other, "hw3") for other in others}


def test_the_feedback_page_shows_the_box(course):
    """Wrong version: the change is kept in metadata, or as code in a markdown cell."""
    path = history.path(course / "history", "ada", "hw3")
    history.append(path, entry(judged=results("failed")))
    graded = course / "autograded" / "ada" / "hw3" / "hw3.ipynb"
    notebook = nbformat.read(graded, as_version=4)
    notebook.cells.insert(0, history.remember(path, entry(sha256="b")))
    nbformat.write(notebook, graded)
    nbgrader("generate_feedback", "hw3", "--student=ada", root=course)
    page = (course / "feedback" / "ada" / "hw3" / "hw3.html").read_text()
    assert "<b>Since your submission of 2026-03-01 10:00:00 UTC:</b> +1 point; newly passed: " in page
