"""What holds the house together: layers, lint, the Makefile's targets, tests that must have the machine alone."""

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "MAKE", "MFLAGS"))}


def output(*words: str, cwd: Path = ROOT, code: int = 0, **more: str) -> str:
    """What a program prints; it must end with this exit status."""
    done = subprocess.run(
        words, cwd=cwd, env={**CLEAN, **more}, capture_output=True, text=True, check=False, timeout=500
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
