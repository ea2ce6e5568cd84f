"""Homework 2, 4 and 5 from release to grade: the notebooks run, hold no solution, and are graded in sealed kernels.

What holds for nbgrader's commands whatever the homework, test_nbgrader.py shows with homework 3.
"""

import dataclasses
import functools
import itertools
import json
import re
import zipfile

import matplotlib
import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder import max_points, release
from autograder.nbgrader_plugin.course_root import COURSE, make_root, nbgrader
from autograder.nbgrader_plugin.insert_sources import InsertSources
from autograder.sample_class import SAMPLES, solution_cell, solvable, solved, submissions
from autograder.trusted.judges import shaping
from autograder.trusted.sources import SourceError, given_source
from gcb6206.envs.realm import planner
from gcb6206.runs.torchrl import TorchRLRun

HOMEWORKS = ("hw2", "hw4", "hw5")
TOLD = ("reference", "untouched", "half_done", "truncation")  # of the sample class
# The whole module shares one class a homework, so one process runs it.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=HOMEWORKS)
def homework(request):
    return request.param


@pytest.fixture(scope="module")
def course(homework, tmp_path_factory):
    """A course root with the homework released."""
    root = tmp_path_factory.mktemp(homework)
    make_root(root, more="c.Autograde.seconds_per_cell = 20")
    nbgrader("generate_assignment", homework, root=root)
    return root


@pytest.fixture(scope="module")
def released(homework, course):
    return nbformat.read(course / "release" / homework / f"{homework}.ipynb", as_version=4)


def test_the_archive_holds_stubs_and_no_solution(homework, course, released, tmp_path):
    release.build(homework, tmp_path / "archive.zip", course / "release" / homework)  # refuses leaks
    with zipfile.ZipFile(tmp_path / "archive.zip") as archive:
        cells = json.loads(archive.read(f"gcb6206-{homework}/{homework}.ipynb"))["cells"]
        pinned = archive.read(f"gcb6206-{homework}/requirements.txt").decode()
    text = "\n".join("".join(cell["source"]) for cell in cells)
    assert (
        "SOLUTION" not in text and "MARK SCHEME" not in text and re.search(r"^vmas==", pinned, re.MULTILINE)
    )
    for name in solvable(homework):
        assert "raise NotImplementedError()" in solution_cell(released, name).source


def test_every_cell_runs_with_the_reference_solutions(homework, released, tmp_path, monkeypatch, capsys):
    """Those too that the grader does not run; only the training is cut short."""
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    iterations = TorchRLRun.iterations
    monkeypatch.setattr(TorchRLRun, "iterations", lambda run: itertools.islice(iterations(run), 1))
    notebook, names = solved(released, solvable(homework)), {"__name__": "__main__"}
    config_of = shaping.config_of
    monkeypatch.setattr(
        shaping, "config_of", lambda *given: dataclasses.replace(config_of(*given), total_steps=6144)
    )
    plan = functools.partial(planner.plan, margin=1.0, orders=1)
    monkeypatch.setattr(planner, "plan", plan)
    short = {"--n-iters 12": "--n-iters 1", '"--eval-interval", "4"': '"--num-eval-episodes", "2"'}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            source = cell.source
            for long_, short_ in short.items():
                assert long_ in source or cell.metadata.get("nbgrader", {}).get("grade_id") != "hw4-train"
                source = source.replace(long_, short_)
            exec(compile(source, f"{homework}.ipynb", "exec"), names)
    printed = capsys.readouterr().out
    if homework == "hw2":
        assert "plain inverse: ('inverse', " in printed and "yours: None" in printed
        figures = dict(re.findall(r"^(return|mean of the running sums): +(\S+)$", printed, re.MULTILINE))
        whole, half = (float(figures[name]) for name in ("return", "mean of the running sums"))
        assert 0.4 < half / whole < 0.6  # "about half of the return"
        assert "mean return of 200 episodes with the mean actions: " in printed
    elif homework == "hw4":
        assert list(tmp_path.glob("output/navigation/*/checkpoint*"))
    else:
        assert "trained after inserts [4, 6, 8, 10, 12]" in printed and "versions: [2, 3, 4]" in printed
        assert re.search(r"-inf +probabilities \[1.0, 0.0\]  entropy nan", printed)
        for share, kept in re.findall(r"share ([\d.]+), kept ([\d.]+)", printed):
            assert abs(float(share) - float(kept)) < 0.02
        assert re.search(r"\d % of the planner's score in 20 episodes", printed)


def test_a_class_is_graded(homework, course, released):
    for student, notebook in submissions(homework, released).items():
        if student in TOLD:
            folder = course / "submitted" / student / homework
            folder.mkdir(parents=True)
            nbformat.write(notebook, folder / f"{homework}.ipynb")
    nbgrader("autograde", homework, "--Autograde.seed=11", root=course)
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        scores = {student: gradebook.find_submission(homework, student).score for student in TOLD}
    everything = max_points(homework)
    mistaken = SAMPLES[homework].mistake[0]
    assert scores["reference"] == everything and scores["untouched"] == 0
    assert scores["half_done"] == sum(max_points(name) for name in SAMPLES[homework].half)
    assert everything - max_points(mistaken) < scores["truncation"] < everything
    graded = nbformat.read(course / "autograded" / "reference" / homework / f"{homework}.ipynb", as_version=4)
    errors = [out for cell in graded.cells for out in cell.get("outputs", []) if out.output_type == "error"]
    assert not errors


def test_given_solutions_are_whole_and_bare():
    source, names = given_source("hw2"), {}
    assert "#" not in source and source.startswith("import torch")
    exec(compile(source, "given", "exec"), names)
    assert {name.partition(".")[2] for name in solvable("hw2")} <= set(names)


def test_a_given_cell_must_be_locked():
    source = nbformat.read(COURSE / "assignments" / "hw4" / "hw4.ipynb", as_version=4)
    cell = next(cell for cell in source.cells if cell.source == "# given: hw2")
    cell.metadata.nbgrader.locked = False
    with pytest.raises(SourceError, match="locked False; expected True"):
        InsertSources().preprocess_cell(cell, {}, 0)
