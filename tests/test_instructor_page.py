"""The page for instructors: its own commands, run in the order in which it gives them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from autograder.nbgrader_plugin.course_root import make_root
from autograder.sample_class import solved

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "book" / "using" / "instructor.md").read_text(encoding="utf-8")
COMMANDS = [
    line.partition(" #")[0].strip()
    for block in re.findall(r"^```bash\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
# Other tests make these (test_habits.py, test_book.py), JupyterLab is a server, and the last two train or take minutes.
ELSEWHERE = {"make course", "make test", "make release", "make book SOLUTIONS=1", ".venv/bin/jupyter lab"}
ELSEWHERE |= {
    f".venv/bin/python -m autograder {words}"
    for words in ("mutants hw3", "judge hw3 --solution FILE.py --seed 7 --json")
}
FULL = ["hw3.get_action", "hw3.update_critic", "hw3.update", "hw3.sample_trajectory", "hw3.run_training_loop"]


def test_every_command_is_run_here_or_elsewhere():
    programs = {command.split()[0] for command in COMMANDS if not command.startswith("E=")}
    assert programs == {"make", ".venv/bin/nbgrader", ".venv/bin/python", ".venv/bin/jupyter"}
    assert set(COMMANDS) > ELSEWHERE


@pytest.mark.slow
def test_the_pages_commands_work_in_its_order(tmp_path):
    make_root(tmp_path, tmp_path / "assignments", f"c.Exchange.root = '{tmp_path}/exchange'")
    for folder in ("exchange", "assignments/hw3", "submitted/ada/hw3"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "FILE.py").write_text(
        (ROOT / "solutions" / "hw3.py").read_text(encoding="utf-8"), encoding="utf-8"
    )
    source = nbformat.read(ROOT / "assignments" / "hw3" / "hw3.ipynb", as_version=4)
    source.cells = [cell for cell in source.cells if "hw3.convergence" not in cell.source]
    nbformat.write(source, tmp_path / "assignments" / "hw3" / "hw3.ipynb")
    home = tmp_path / "home"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(home), "OMP_NUM_THREADS": "1"}
    exporters = ""
    for command in (command for command in COMMANDS if command not in ELSEWHERE):
        if command.startswith("E="):
            exporters = f"{command}; "
            continue
        if "autograde hw3" in command:
            released = nbformat.read(tmp_path / "release" / "hw3" / "hw3.ipynb", as_version=4)
            nbformat.write(solved(released, FULL[:1]), tmp_path / "submitted" / "ada" / "hw3" / "hw3.ipynb")
        done = subprocess.run(
            ["bash", "-c", exporters + command], cwd=tmp_path, env=environment,
            capture_output=True, text=True, check=False, timeout=1500,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stdout[-1000:]}{done.stderr[-2000:]}"
    assert (tmp_path / "feedback" / "ada" / "hw3" / "hw3.html").is_file()
    assert "ada" in (tmp_path / "canvas.csv").read_text(encoding="utf-8")
    assert (tmp_path / "gradescope" / "hw3" / "ada" / "results.json").is_file()
