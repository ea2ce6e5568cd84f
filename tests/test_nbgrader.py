"""The course behind the usual nbgrader commands: release, exchange, sealed grading of a class with damage, feedback."""

import copy
import csv
import json
import os
import shutil
import subprocess
import sys
import zipfile

import nbformat
import pytest
import torch
from nbgrader.api import Gradebook

from autograder import max_points, release
from autograder.nbgrader_plugin import submission
from autograder.nbgrader_plugin.course_root import COURSE, make_root, nbgrader
from autograder.sample_class import CRASH, solution_cell, solvable, solved
from autograder.trusted.runner import exercises_of
from autograder.trusted.sources import SourceError, check_markers, grade_id, solution_source
from gcb6206 import exercises
from gcb6206.networks.critics import AtariCritic

SOURCE = COURSE / "assignments" / "hw3" / "hw3.ipynb"
# The whole module shares one class, so one process runs it.
pytestmark = pytest.mark.slow
EXERCISES = solvable("hw3")


def settings(cell):
    return cell.metadata.get("nbgrader", {})


def cell_of(notebook, name):
    return next(cell for cell in notebook.cells if settings(cell).get("grade_id") == name)


# The source notebook


@pytest.mark.parametrize("homework", exercises.HOMEWORKS)
def test_points_are_those_of_the_judges(homework):
    source = nbformat.read(COURSE / "assignments" / homework / f"{homework}.ipynb", as_version=4)
    points = {
        settings(c)["grade_id"]: settings(c)["points"] for c in source.cells if settings(c).get("grade")
    }
    assert points == {f"{grade_id(name)}-check": max_points(name) for name in exercises_of(homework)}


@pytest.mark.parametrize("homework", exercises.HOMEWORKS)
def test_every_stub_raises_with_its_name(homework):
    for name in exercises.ids(homework):
        with exercises.filled({name: None}), pytest.raises(exercises.ExerciseNotSolved, match=name):
            stub = exercises.get(name).stub
            owner = sys.modules[stub.__module__]
            for part in stub.__qualname__.split("."):
                owner = getattr(owner, part)
            owner(
                *[None] * sum(p.default is p.empty for p in exercises.get(name).signature.parameters.values())
            )


def test_an_unknown_placeholder_names_the_nearest():
    with pytest.raises(SourceError, match="nearest there is 'hw3.get_action'"):
        solution_source("hw3.get_acton")


@pytest.mark.parametrize(
    "source",
    [
        "x = 1",
        "### BEGIN SOLUTION\nx = 1",
        "x = 1\n### END SOLUTION",  # nbgrader's own ClearSolutions would release this one
        "### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION",
        "### BEGIN SOLUTION\nx = 1\n## END SOLUTION",
    ],
)
def test_unbalanced_solution_markers_are_refused(source):
    with pytest.raises(SourceError, match="markers"):
        check_markers(source, "a cell")


# A course root of its own, without the training check, which the sample class covers


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = tmp_path_factory.mktemp("course")
    (root / "exchange").mkdir()
    more = "c.Autograde.seconds_per_cell = 20"
    make_root(
        root,
        root / "assignments",
        f"{more}\nc.Exchange.root = '{root}/exchange'\nc.Exchange.cache = '{root}/cache'",
    )
    source = nbformat.read(SOURCE, as_version=4)
    source.cells = [cell for cell in source.cells if "hw3.convergence" not in cell.source]
    (root / "assignments" / "hw3").mkdir(parents=True)
    nbformat.write(source, root / "assignments" / "hw3" / "hw3.ipynb")
    nbgrader("generate_assignment", "hw3", root=root)
    return root


@pytest.fixture(scope="module")
def released(course):
    return nbformat.read(course / "release" / "hw3" / "hw3.ipynb", as_version=4)


def test_the_release_holds_no_solution_and_no_mark_scheme(released):
    text = "\n".join(cell.source for cell in released.cells)
    lines = {line.strip() for line in text.splitlines()}
    assert not lines & release.solution_lines("hw3")
    assert "SOLUTION" not in text and "MARK SCHEME" not in text
    for name in EXERCISES:
        assert "raise NotImplementedError()" in solution_cell(released, name).source


def test_generate_assignment_refuses_wrong_points(course, tmp_path):
    root = tmp_path / "course"
    shutil.copytree(course / "assignments", root / "assignments")
    make_root(root, root / "assignments")
    path = root / "assignments" / "hw3" / "hw3.ipynb"
    source = nbformat.read(path, as_version=4)
    cell_of(source, "hw3-update-check").metadata.nbgrader.points = 77
    nbformat.write(source, path)
    with pytest.raises(RuntimeError, match="has nbgrader points 77"):
        nbgrader("generate_assignment", "hw3", root=root)


def validate(notebook, folder):
    nbformat.write(notebook, folder / "hw3.ipynb")
    (folder / "nbgrader_config.py").write_text("c = get_config()\nc.Execute.timeout = 600\n")
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "validate", "hw3.ipynb"],
        cwd=folder, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(COURSE)}, check=False,
    )  # fmt: skip
    return done.stdout


def test_validate_passes_the_solved_notebook_and_fails_one_mistake(released, tmp_path):
    notebook = solved(released, EXERCISES)
    assert "Success! Your notebook passes all the tests." in validate(notebook, tmp_path)
    cell = solution_cell(notebook, "hw3.update")
    assert "== 0" in cell.source
    cell.source = cell.source.replace("== 0", "== 1")
    assert "VALIDATION FAILED ON 1 CELL" in validate(notebook, tmp_path)


def test_generate_solution_runs_the_reference(course):
    nbgrader("generate_solution", "hw3", root=course)
    notebook = nbformat.read(course / "solution" / "hw3" / "hw3.ipynb", as_version=4)
    for name in EXERCISES:
        outputs = cell_of(notebook, f"{grade_id(name)}-check").outputs
        assert [float(o.data["text/plain"]) for o in outputs if o.output_type == "execute_result"] == [
            max_points(name)
        ]


# A class


def without(notebook, *names):
    notebook = copy.deepcopy(notebook)
    notebook.cells = [cell for cell in notebook.cells if settings(cell).get("grade_id") not in names]
    return notebook


def changed(notebook, exercise, source):
    notebook = copy.deepcopy(notebook)
    solution_cell(notebook, exercise).source = source
    return notebook


def forged(released):
    """Nothing solved; every check cell claims full points in each way that a notebook can."""
    notebook = copy.deepcopy(released)
    for cell in notebook.cells:
        if settings(cell).get("grade"):
            points = settings(cell)["points"]
            cell.source = f"{points}"
            cell.metadata.update(tags=["skip-execution"], gcb6206={"grading": "skip"})
            cell.metadata.nbgrader.update(points=1000 * points, locked=False, solution=True)
            cell.outputs = [
                nbformat.v4.new_output("execute_result", data={"text/plain": f"{points}"}, execution_count=1)
            ]
    patch = (
        "import autograder.student_side.probes\nautograder.student_side.probes.answer = lambda request: b''\n"
    )
    notebook.cells.insert(1, nbformat.v4.new_code_cell(patch + "import sys; print('noise', file=sys.stderr)"))
    return notebook


def doubled(reference):
    notebook = copy.deepcopy(reference)
    copies = [
        copy.deepcopy(cell)
        for cell in notebook.cells
        if settings(cell).get("grade_id", "").startswith("hw3-update")
    ]
    for number, cell in enumerate(copies):
        cell["id"] = f"copy-{number}"
    notebook.cells += copies
    return notebook


def pictured(reference):
    """Plots in a cell that is not run again, and something that must not survive beside them."""
    notebook = copy.deepcopy(reference)
    data = {"image/png": "aGFsbG8=", "text/html": "<script>alert(1)</script>"}
    cell_of(notebook, "hw3-curve").outputs = [nbformat.v4.new_output("display_data", data=data)]
    return changed(notebook, "hw3.update", "")


@pytest.fixture(scope="module")
def graded(course, released):
    """A class with every kind of damage, collected in three ways and graded once."""
    reference = solved(released, EXERCISES)
    whole = {
        "deleted_checks": without(reference, "hw3-update-check", "hw3-setup", "hw3-written-learning-rate"),
        "syntax_error": changed(reference, "hw3.update", '@solves("hw3.update")\ndef update(self, obs:\n'),
        "empty_cell": pictured(reference),
        "forged": forged(released),
        "doubled_ids": doubled(reference),
        "crash": changed(reference, "hw3.get_action", CRASH),
    }
    for student, notebook in whole.items():
        folder = course / "submitted" / student / "hw3"
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / "hw3.ipynb")
    critic = AtariCritic((4, 84, 84), 18).half().state_dict()
    for student in ("syntax_error", "empty_cell"):  # one network, and no log of its training
        torch.save({"critic": critic}, course / "submitted" / student / "hw3" / "bankheist.pt")
    text = nbformat.writes(reference)
    for student, name, content in [
        ("broken_json", "hw3.ipynb", text[:5000]),
        ("no_notebook", "hw3.ipynb", '["a list"]'),
        (
            "strange_cells",
            "hw3.ipynb",
            '{"cells": [1, {"cell_type": "alien"}], "nbformat": 4, "nbformat_minor": 5}',
        ),
        ("renamed", "hw3 (1).ipynb", text),
    ]:
        folder = course / "submitted" / student / "hw3"
        folder.mkdir(parents=True)
        (folder / name).write_text(content)
    (course / "submitted" / "empty_folder" / "hw3").mkdir(parents=True)
    (course / "submitted" / "linked" / "hw3").mkdir(parents=True)
    (course / "submitted" / "linked" / "hw3" / "hw3.ipynb").symlink_to(SOURCE)
    (course / "submitted" / "linked" / "hw3" / "extra.txt").symlink_to(COURSE / "solutions" / "hw3.py")

    # One hands in through the exchange, one through the archive of a learning platform.
    home = course / "home"
    home.mkdir()
    nbgrader("release_assignment", "hw3", root=course)
    shutil.copy(course / "nbgrader_config.py", home)
    nbgrader("fetch_assignment", "hw3", root=home)
    nbformat.write(reference, home / "hw3" / "hw3.ipynb")
    nbgrader("submit", "hw3", "--student=exchanged", root=home)
    nbgrader("collect", "hw3", root=course)
    downloads = course / "downloaded" / "hw3" / "archive"
    downloads.mkdir(parents=True)
    with zipfile.ZipFile(downloads / "submissions.zip", "w") as archive:
        archive.writestr("hw3_zipped_attempt_2026-03-01-10-00-00_hw3.ipynb", nbformat.writes(released))
    nbgrader("zip_collect", "hw3", root=course)

    nbgrader("autograde", "hw3", "--Autograde.seed=11", root=course)
    nbgrader("generate_feedback", "hw3", root=course)
    nbgrader("export", root=course)
    return course


STUDENTS = {
    "deleted_checks", "syntax_error", "empty_cell", "forged", "doubled_ids", "crash", "broken_json", "no_notebook",
    "strange_cells", "renamed", "empty_folder", "linked", "exchanged", "zipped",
}  # fmt: skip
ALL = sum(max_points(name) for name in EXERCISES)


def notebook_of(course, student):
    return nbformat.read(course / "autograded" / student / "hw3" / "hw3.ipynb", as_version=4)


def points_of(course, student):
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        return gradebook.find_submission("hw3", student).score


def feedback_of(course, student):
    return (course / "feedback" / student / "hw3" / "hw3.html").read_text()


def test_everybody_has_a_score_and_a_feedback_page(graded):
    assert {path.name for path in (graded / "autograded").iterdir()} == STUDENTS
    assert {path.name for path in (graded / "feedback").iterdir()} == STUDENTS
    with (graded / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
        assert {row["student_id"] for row in csv.DictReader(file)} == STUDENTS


@pytest.mark.parametrize(
    "student, points",
    [
        ("exchanged", ALL),
        ("doubled_ids", ALL),
        ("syntax_error", ALL - max_points("hw3.update")),
        ("empty_cell", ALL - max_points("hw3.update")),
        *(
            (student, 0)
            for student in ("zipped", "forged", "crash", "broken_json", "no_notebook", "strange_cells")
        ),
        *((student, 0) for student in ("renamed", "empty_folder", "linked")),
    ],
)
def test_score(graded, student, points):
    assert points_of(graded, student) == points


def test_an_agent_beside_the_notebook_changes_no_points_and_is_told_of_at_its_end(graded):
    notebooks = [notebook_of(graded, student) for student in ("syntax_error", "empty_cell")]
    verdicts = {notebook.metadata.gcb6206.agent.verdict for notebook in notebooks}
    assert verdicts == {"missing log", "copied"}  # whoever was graded second
    assert all("Your BankHeist agent: " in notebook.cells[-1].source for notebook in notebooks)
    assert "agent" not in notebook_of(graded, "exchanged").metadata.gcb6206
    assert not (graded / "autograded" / "empty_cell" / "hw3" / "bankheist.pt").exists()


def test_a_deleted_check_is_judged_and_a_deleted_import_hurts_only_its_author(graded):
    notebook = notebook_of(graded, "deleted_checks")
    assert cell_of(notebook, "hw3-update-check").outputs
    assert any("hw3-update-check, hw3-written-learning-rate" in cell.source for cell in notebook.cells)
    assert points_of(graded, "deleted_checks") < ALL


@pytest.mark.parametrize(
    "student, reason",
    [
        ("broken_json", "hw3.ipynb is not valid JSON"),
        ("no_notebook", "it has no list of cells"),
        ("renamed", "hw3.ipynb is missing. Found instead: hw3 (1).ipynb"),
        ("empty_folder", "The submission has no other file"),
        ("linked", "hw3.ipynb is missing"),
        ("crash", "in cell hw3-get-action: the Python process ended (signal 11)"),
        ("syntax_error", "Your cell did not run to its end: SyntaxError"),
        ("zipped", "NotImplementedError"),
    ],
)
def test_feedback_names_the_reason(graded, student, reason):
    assert reason in feedback_of(graded, student)


def test_feedback_shows_the_table_and_none_of_our_tracebacks(graded):
    page = feedback_of(graded, "syntax_error")
    assert page.count("gcb-report") == len(EXERCISES)
    assert "autograder/trusted/judges" not in page and "site-packages/autograder" not in page


def test_nothing_that_a_link_points_to_is_copied(graded):
    copied = {
        path.name
        for folder in ("autograded", "feedback")
        for path in (graded / folder / "linked").rglob("*.*")
    }
    assert copied == {"hw3.ipynb", "hw3.html"}


def test_pictures_of_skipped_cells_stay_and_nothing_else(graded):
    (output,) = cell_of(notebook_of(graded, "empty_cell"), "hw3-curve").outputs
    assert dict(output.data) == {"image/png": "aGFsbG8="}


def test_the_seed_is_recorded_and_secret_by_default(graded):
    assert notebook_of(graded, "zipped").metadata.gcb6206.seed == 11
    nbgrader("autograde", "hw3", "--student=broken_json", "--force", root=graded)
    first = notebook_of(graded, "broken_json").metadata.gcb6206.seed
    nbgrader("autograde", "hw3", "--student=broken_json", "--force", root=graded)
    assert len({11, first, notebook_of(graded, "broken_json").metadata.gcb6206.seed}) == 3


def test_a_second_run_grades_only_what_is_missing(graded):
    def written():
        return {
            path.parts[-3]: path.stat().st_mtime_ns for path in (graded / "autograded").glob("*/*/*.ipynb")
        }

    before = written()
    os.remove(graded / "autograded" / "renamed" / "hw3" / "hw3.ipynb")  # as if killed before it was written
    nbgrader("autograde", "hw3", root=graded)
    after = written()
    assert {student for student in before if before[student] != after[student]} == {"renamed"}


@pytest.mark.parametrize(
    "words, message",
    [
        (["hw3", "--no-execute"], "would believe the outputs"),
        (["hw9"], "no assignment 'hw9'"),
    ],
)
def test_autograde_refuses(graded, words, message):
    with pytest.raises(RuntimeError, match=message):
        nbgrader("autograde", *words, root=graded)


def test_autograde_refuses_without_a_sandbox(graded, monkeypatch, tmp_path):
    """No bwrap on PATH: no grading, and the way out is named."""
    (tmp_path / "prlimit").symlink_to(shutil.which("prlimit"))
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", "hw3", "--force"],
        cwd=graded, capture_output=True, text=True, check=False, env={"PATH": str(tmp_path), "PYTHONPATH": str(COURSE)},
    )  # fmt: skip
    assert done.returncode == 1 and "apt-get install bubblewrap" in done.stderr
    assert points_of(graded, "exchanged") == ALL  # nothing was touched


# Reading submissions


def test_a_notebook_of_an_old_format_is_read(tmp_path):
    old = {"metadata": {}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": [], "metadata": {}}]}
    (tmp_path / "hw3.ipynb").write_text(json.dumps(old))
    assert submission.read(tmp_path / "hw3.ipynb").cells == []


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"null", b"[" * 100_000, b'{"cells": {}}', b'{"nbformat": 4}']
)
def test_damage_is_a_reason_and_never_another_exception(tmp_path, content):
    (tmp_path / "hw3.ipynb").write_bytes(content)
    with pytest.raises(submission.UnreadableSubmission):
        submission.read(tmp_path / "hw3.ipynb")


# The archive for students


@pytest.fixture(scope="module")
def unpacked(course, tmp_path_factory):
    folder = tmp_path_factory.mktemp("student")
    release.build("hw3", folder / "hw3.zip", course / "release" / "hw3")
    with zipfile.ZipFile(folder / "hw3.zip") as archive:
        archive.extractall(folder)
    return folder / "gcb6206-hw3"


def test_the_archive_holds_no_answers_and_no_grading_machinery(unpacked):
    names = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert {"hw3.ipynb", "README.md", "requirements.txt", "autograder/check.py"} <= names
    forbidden = (
        "solutions",
        "mutants",
        "sandbox",
        "nbgrader_plugin",
        "assignments",
        "gradebook",
        "__pycache__",
    )
    assert not [name for name in names for word in forbidden if word in name]


def test_check_works_in_the_archive_alone(unpacked):
    code = (
        "import numpy as np, torch, gcb6206, autograder\nfrom autograder import check\n"
        "from gcb6206.exercises import solves\nfrom gcb6206.infrastructure import pytorch_util as ptu\n"
        "print(gcb6206.__file__, autograder.__file__)\n"
        f"print(check('hw3.get_action').score)\n{solution_source('hw3.get_action')}\nprint(check('hw3.get_action').score)\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=unpacked,
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    where, before, after = done.stdout.splitlines()
    assert where.count(str(unpacked)) == 2
    assert (float(before), float(after)) == (0.0, max_points("hw3.get_action"))


def test_an_archive_with_a_solution_is_refused(course, released, tmp_path):
    leaking = solved(released, ["hw3.update"])
    nbformat.write(leaking, tmp_path / "hw3.ipynb")
    with pytest.raises(release.ReleaseError, match="hw3.ipynb holds a line of the reference solution"):
        release.build("hw3", tmp_path / "hw3.zip", tmp_path)
    assert not (tmp_path / "hw3.zip").exists()
