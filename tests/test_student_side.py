"""What students get works where they are: without what only Linux has, in any locale, on a terminal without marks."""

import ast
import importlib.metadata
import os
import re
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from autograder import release
from autograder.trusted.report import VERDICTS, printable
from autograder.trusted.sources import solution_source

OURS = ("gcb6206", "autograder", "solutions")
EXERCISES = ("hw1.entropy_bonus", "hw1.linear_schedule", "hw2.num_envs", "hw3.get_action", "hw4.global_state")
# Run in the unpacked release. Other people's packages may use what their own system has; ours may not.
PROGRAM = """
import builtins, importlib, os, pkgutil, signal, sys, warnings
import ale_py, cv2, gymnasium, imageio, matplotlib.pyplot, tensorboard, torch, torchrl, tqdm.auto, yaml

OURS, POSIX = ("gcb6206", "autograder"), {"fcntl", "grp", "posix", "pty", "pwd", "resource", "termios", "tty"}
plain_import = builtins.__import__

def without_posix(name, globals=None, locals=None, fromlist=(), level=0):
    importer = (globals or {}).get("__name__", "")
    if importer.split(".")[0] in OURS and name.split(".")[0] in POSIX:
        raise ModuleNotFoundError(f"{importer} imports {name}, which only POSIX systems have")
    return plain_import(name, globals, locals, fromlist, level)

builtins.__import__ = without_posix
for module, names in ((os, ("fork", "getuid", "killpg", "setsid", "sched_getaffinity", "mkfifo")),
                      (signal, ("SIGALRM", "SIGKILL", "SIGHUP", "alarm", "setitimer"))):
    for name in names:
        delattr(module, name)
warnings.filterwarnings("error", category=EncodingWarning, module=r"(gcb6206|autograder)([.]|$)")

from autograder import check

for name in OURS:
    package = importlib.import_module(name)
    for found in pkgutil.walk_packages(package.__path__, name + "."):
        importlib.import_module(found.name)
        print("imported", found.name)

from gcb6206.exercises import solves
from gcb6206.scripts import run_hw3

print(check("hw3.get_action"))
{solutions}
for name in {exercises}:
    print(check(name))
    assert check(name).score > 0
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """A release but for its notebook."""
    root = tmp_path_factory.mktemp("release")
    for name, text in release.course_files().items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def run(root: Path, program: str, *flags: str, code: int = 0, **more: str) -> str:
    """What a program prints there, in a C locale, to an ASCII stream."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, *flags, "-c", program], cwd=root, env={**environment, **more},
        capture_output=True, encoding="utf-8", check=False, timeout=1500,
    )  # fmt: skip
    assert done.returncode == code, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def program() -> str:
    """PROGRAM with solutions as students write them."""
    imports = "import numpy as np, torch\nfrom gcb6206.infrastructure import pytorch_util as ptu\n"
    solutions = imports + "\n\n".join(map(solution_source, EXERCISES))
    return PROGRAM.replace("{solutions}", solutions).replace("{exercises}", repr(EXERCISES))


def test_a_release_needs_nothing_that_only_linux_has_and_no_utf_8_locale(unpacked):
    said = run(unpacked, program(), "-X", "warn_default_encoding")
    assert "imported gcb6206.scripts.train" in said and "imported autograder.trusted.judges.hw4" in said
    assert re.search(r"^  x +0/", said, re.MULTILINE) and re.search(r"^  [+] ", said, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("line", ["import fcntl", "open('requirements.txt').close()", "import os; os.fork"])
def test_a_module_that_is_not_portable_would_be_seen(unpacked, line, tmp_path):
    module = unpacked / "gcb6206" / "planted.py"
    module.write_text(line + "\n", encoding="utf-8")
    (unpacked / "requirements.txt").write_text("", encoding="utf-8")
    try:
        said = run(unpacked, program(), "-X", "warn_default_encoding", code=1)
    finally:
        module.unlink()
    assert "planted" in said and "imported gcb6206.planted" not in said


@pytest.mark.parametrize("encoding", ["ascii", "cp949", "cp1252"])
def test_marks_are_plain_where_the_terminal_lacks_them(encoding, tmp_path):
    marks = "".join(symbol for symbol, _, _ in VERDICTS.values())
    with open(tmp_path / "out", "w", encoding=encoding) as stream:
        stream.write(printable(f"{marks} ü", stream))
    text = (tmp_path / "out").read_text(encoding=encoding)
    assert text.startswith("+x-tmxx! ")
    with open(tmp_path / "out", "w", encoding="utf-8") as stream:
        assert printable(marks, stream) == marks


def test_what_a_release_imports_it_installs():
    installed = {name.lower() for name in release.PACKAGES} | {"ipython"}  # nbgrader brings it
    distributions = importlib.metadata.packages_distributions()
    missing = set()
    for name, text in release.course_files().items():
        for node in ast.walk(ast.parse(text)) if name.endswith(".py") else []:
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            for top in {module.split(".")[0] for module in modules} - sys.stdlib_module_names - set(OURS):
                if not installed & {found.lower() for found in distributions.get(top, [top])}:
                    missing.add((name, top))
    assert not missing


def test_an_archive_is_readable_for_a_group_and_says_how_to_install(tmp_path):
    (tmp_path / "hw3.ipynb").write_text('{"cells": []}', encoding="utf-8")
    release.build("hw3", tmp_path / "hw3.zip", tmp_path)
    with zipfile.ZipFile(tmp_path / "hw3.zip") as archive:
        modes = {entry.external_attr >> 16 for entry in archive.infolist()}
        readme = archive.read("gcb6206-hw3/README.md").decode()
        pinned = archive.read("gcb6206-hw3/requirements.txt").decode()
    assert {stat.filemode(mode) for mode in modes} == {"-rw-r--r--"}
    torch = re.search(r"pip install (torch==\S+) --index-url", readme)[1]
    assert "run_hw3 -cfg experiments/dqn/cartpole.yaml --notebook hw3.ipynb" in readme
    assert torch in pinned.splitlines() and "python3 -m venv" in readme
