"""What holds the house together: layers, lint, the Makefile's targets, tests that must have the machine alone."""

import itertools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import LONG

from autograder.nbgrader_plugin.course_root import make_root

ROOT = Path(__file__).resolve().parents[1]
OF_MAKE = (
    "PYTEST_",
    "MAKE",
    "MFLAGS",
    "ARGS",
    "TESTS",
    "HW",
    "NAME",
)  # as a program in `make ARGS=-v test` has them
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(OF_MAKE)}


def output(*words: str, cwd: Path = ROOT, code: int = 0, **more: str) -> str:
    """What a program prints; it must end with this exit status."""
    done = subprocess.run(
        words, cwd=cwd, env={**CLEAN, **more}, capture_output=True, text=True, check=False, timeout=1500
    )
    assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


# --- layers


@pytest.mark.parametrize(
    "file, line",
    [
        ("gcb6206/networks/critics.py", "import gcb6206.agents.ppo_agent"),
        ("gcb6206/exercises.py", "import solutions"),
        ("autograder/student_side/student.py", "import autograder.trusted.judging"),
        ("autograder/sandbox/limits.py", "import autograder.nbgrader_plugin.pool"),
    ],
)
def test_an_import_upwards_fails_the_lint(file, line, tmp_path):
    for name in ("gcb6206", "autograder", "solutions"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "hw[1-9]"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    program = str(Path(sys.executable).with_name("lint-imports"))
    words = [program, "--no-logo", "--no-cache"]
    assert "0 broken" in output(*words, cwd=tmp_path, PYTHONPATH=str(tmp_path))
    with (tmp_path / file).open("a", encoding="utf-8") as source:
        source.write(f"\n{line}\n")
    said = output(*words, cwd=tmp_path, code=1, PYTHONPATH=str(tmp_path))
    assert "1 broken" in said and line.removeprefix("import ") in said


# --- tests that must be alone

ALONE = """
import time, pathlib, pytest

def work(name):
    log = pathlib.Path(__file__).with_name("log")
    for edge in ("begins", "ends"):
        with log.open("a") as file:
            file.write(f"{name} {edge}\\n")
        time.sleep(0.2)

@pytest.fixture(scope="module")
def prepared():
    work("NAME fixture")

@MARK
@pytest.mark.parametrize("n", range(4))
def test_it(prepared, n):
    work(f"NAME {n}")
"""


def test_nothing_runs_beside_a_test_that_must_be_alone(tmp_path):
    (tmp_path / "conftest.py").write_text(
        (ROOT / "tests" / "conftest.py").read_text(encoding="utf-8"), encoding="utf-8"
    )
    for name, mark in (("single", "pytest.mark.alone"), ("other", "pytest.mark.filterwarnings('default')")):
        text = ALONE.replace("NAME", name).replace("MARK", mark)
        (tmp_path / f"test_{name}.py").write_text(text, encoding="utf-8")
    words = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        "2",
        "--dist",
        "loadfile",
        "-c",
        str(ROOT / "pyproject.toml"),
    ]
    output(*words, "--rootdir", str(tmp_path), str(tmp_path), cwd=tmp_path)
    lines = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2 * 2 * 5
    for begin, end in itertools.pairwise(lines):
        if begin.startswith("single") and begin.endswith("begins"):
            assert end == begin.replace("begins", "ends")


def test_the_long_files_begin_first(request):
    order = list(dict.fromkeys(item.path.stem for item in request.session.items))
    assert [name for name in order if name in LONG] == order[: len(set(order) & set(LONG))]
    assert all((ROOT / "tests" / f"{name}.py").is_file() for name in LONG)


# --- the Makefile and the benchmarks: every target and every program once, at its smallest size

MAKE = ["make", "--no-print-directory", "-f", str(ROOT / "Makefile"), f"VENV={sys.prefix}"]
MAKE += ["-o", f"{sys.prefix}/.installed"]  # this Python's environment stays as it is
FEW = ["TESTS=tests/test_exercises.py", "ARGS=-n 0 -k nearest"]
TINY = """
tiny:
  about: a few steps
  command: -cfg {root}/experiments/dqn/cartpole.yaml --total_steps 300 --learning_starts 200 -neval 1
  seeds: [1]
"""
# target: words behind it, and what it then prints; `elsewhere` are made in a folder of their own
TRIED = {
    "help": ([], "make quick"),
    "install": ([], ""),
    "sandbox": ([], ""),
    "browser": ([], ""),
    "postgres": ([], ""),
    "gl": ([], ""),
    "course": (["-o", "book", "-o", "release", "-o", "sample"], "build/release/HOMEWORK.zip"),
    "release": (["HW=hw1"], "hw1.zip: "),
    "sample": (["HW=hw1", "ARGS=--students half_done"], "half_done"),
    "test": (FEW, "1 passed"),
    "quick": (FEW, "1 passed"),
    "lint": ([], "0 broken"),
    "mutants": (["ARGS=hw1.entropy_bonus"], " 0 not caught"),
}
IN_A_FOLDER_OF_ITS_OWN = {"grade", "results", "lock", "clean"}
IN_OTHER_TESTS = {"book": "test_book.py", "bench": "test_every_benchmark_ends_with_its_ratio"}


def make(*words: str, cwd: Path = ROOT, code: int = 0, **more: str) -> str:
    """Makes a target in a directory with this Python's environment; what it prints."""
    return output(*MAKE, *words, cwd=cwd, code=code, PYTHONPATH=str(ROOT), **more)


def test_every_target_is_tried():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    declared = re.findall(r"^[.]PHONY: (\w+)$", text, re.MULTILINE)
    assert declared == re.findall(r"^(\w+):(?!=)", text, re.MULTILINE)
    assert set(declared) == {*TRIED, *IN_A_FOLDER_OF_ITS_OWN, *IN_OTHER_TESTS}


@pytest.mark.slow
@pytest.mark.parametrize("target", TRIED)
def test_a_target_runs(target):
    words, expected = TRIED[target]
    assert expected in make(target, *words)


@pytest.mark.slow
@pytest.mark.parametrize("program", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_every_benchmark_ends_with_its_ratio(program):
    last = output(sys.executable, str(program), "--smallest", PYTHONPATH=str(ROOT)).splitlines()[-1]
    assert re.fullmatch(r"ratio: \d+[.]\d\d", last)


def test_make_bench_runs_every_program_and_stops_at_the_first_that_fails(tmp_path):
    (tmp_path / "benchmarks").mkdir()
    for name, line in (("a", "print('ratio: 1.00')"), ("b", "raise SystemExit(3)"), ("c", "print('never')")):
        (tmp_path / "benchmarks" / f"{name}.py").write_text(line, encoding="utf-8")
    said = make("bench", cwd=tmp_path, code=2)
    assert (
        "== benchmarks/a.py (1 of 3)\nratio: 1.00\n== benchmarks/b.py (2 of 3)\n" in said
        and "never" not in said
    )


@pytest.mark.slow
def test_a_result_is_recorded_again(tmp_path):
    results = tmp_path / "book" / "results"
    results.mkdir(parents=True)
    (results / "results.yaml").write_text(TINY.format(root=ROOT), encoding="utf-8")
    assert "tiny" in make("results", cwd=tmp_path, code=2)  # no NAME: it lists them
    make("results", "NAME=tiny", cwd=tmp_path)
    assert (results / "tiny" / "seed_1.csv").is_file() and (results / "tiny" / "record.json").is_file()


def test_lock_writes_what_is_installed_and_clean_removes_what_was_built(tmp_path):
    (tmp_path / "build" / "book").mkdir(parents=True)
    make("lock", cwd=tmp_path)
    locked = (tmp_path / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert "pytest==9.2.0" in locked and not any("+cpu" in line or "gcb6206" in line for line in locked)
    make("clean", cwd=tmp_path)
    assert not (tmp_path / "build").exists() and (tmp_path / "constraints.txt").exists()


@pytest.mark.slow
def test_grade_takes_names_with_spaces(tmp_path):
    make_root(tmp_path)
    folder = tmp_path / "submitted" / "Kim Min-ji" / "hw1"
    folder.mkdir(parents=True)
    (folder / "hw1.ipynb").write_text("no notebook, which saves the kernel", encoding="utf-8")
    (folder / "timestamp.txt").write_text("half past nine", encoding="utf-8")
    assert "nothing to grade" in make("grade", "HW=hw2", cwd=tmp_path, code=2)
    assert "hw1 of Kim Min-ji counts as in time: its timestamp.txt holds no time" in make(
        "grade", cwd=tmp_path
    )
    page = (tmp_path / "feedback" / "Kim Min-ji" / "hw1" / "hw1.html").read_text(encoding="utf-8")
    assert "<b>From the grader.</b> This submission could not be graded." in page  # and no tag as text
    assert "Kim Min-ji" in (tmp_path / "grades.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "version, accepted", [((3, 10), False), ((3, 11), True), ((3, 14), True), ((3, 15), False)]
)
def test_the_python_versions_that_install_takes(version, accepted, tmp_path):
    fake = tmp_path / "python"
    program = f"import sys; sys.version_info = {(*version, 0)}; exec(sys.argv[1])"
    fake.write_text(
        f'#!/bin/sh\n[ "$1" = -c ] && exec {sys.executable} -c \'{program}\' "$2"\nexit 9\n', encoding="utf-8"
    )
    fake.chmod(0o755)
    words = ["make", "-f", str(ROOT / "Makefile"), "install", f"PYTHON={fake}", f"VENV={tmp_path}/venv"]
    said = output(*words, code=2)
    assert ("installing the course" in said) == accepted
    assert accepted or f"Python is {version[0]}.{version[1]}: the course needs 3.11" in said
