"""Grades one class with `nbgrader autograde` twice: stock nbgrader, then ours with the sandbox on.

    python benchmarks/autograde.py [--submissions 60] [--workers 2]

Both grade the same notebooks of homework 3 without its training check. Stock nbgrader has the same judges in the
notebook itself, as `check(...)` cells that it runs beside the student's code; ours runs them outside, on secret inputs.
"""

from __future__ import annotations

import argparse
import copy
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import nbformat
import psutil

from autograder.nbgrader_plugin.course_root import COURSE, make_root, nbgrader
from autograder.sample_class import SAMPLES, change, solvable, solved
from gcb6206.scripts import record

STOCK = "c = get_config()\nc.CourseDirectory.course_id = 'gcb6206'\nc.Execute.timeout = 600\n"


def prepare(root: Path, submissions: int) -> None:
    """A course root with a class: of ten students seven have everything right, two one mistake, one half of it."""
    source = nbformat.read(COURSE / "assignments" / "hw3" / "hw3.ipynb", as_version=4)
    source.cells = [cell for cell in source.cells if "hw3.convergence" not in cell.source]
    (root / "assignments" / "hw3").mkdir(parents=True)
    nbformat.write(source, root / "assignments" / "hw3" / "hw3.ipynb")
    make_root(root, root / "assignments")
    nbgrader("generate_assignment", "hw3", root=root)
    release = nbformat.read(root / "release" / "hw3" / "hw3.ipynb", as_version=4)
    right = solved(release, solvable("hw3"))
    wrong = copy.deepcopy(right)
    change(wrong, *SAMPLES["hw3"].mistake)
    kinds = [*[right] * 7, wrong, wrong, solved(release, SAMPLES["hw3"].half)]
    for number in range(submissions):
        folder = root / "submitted" / f"student{number:04d}" / "hw3"
        folder.mkdir(parents=True)
        nbformat.write(kinds[number % len(kinds)], folder / "hw3.ipynb")


def memory(process: psutil.Process) -> int:
    """Bytes of memory of a process and all that it started; shared pages count once."""
    total = 0
    for member in [process, *process.children(recursive=True)]:
        try:
            total += member.memory_full_info().pss
        except psutil.Error:
            continue
    return total


def grade(root: Path, *words: str) -> tuple[float, int]:
    """Runs `nbgrader autograde`; its seconds and its peak memory."""
    began, peak = time.monotonic(), 0
    with (root / "autograde.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "nbgrader", "autograde", "hw3", *words], cwd=root, stdout=log, stderr=log,
            env={**os.environ, "PYTHONPATH": str(COURSE), "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        while process.poll() is None:
            peak = max(peak, memory(psutil.Process(process.pid)))
            time.sleep(1)
    if process.returncode:
        raise RuntimeError(f"nbgrader autograde failed:\n{(root / 'autograde.log').read_text()[-3000:]}")
    return time.monotonic() - began, peak


def scores(root: Path) -> dict[str, float]:
    """Points by student, from the exported grades."""
    nbgrader("export", root=root)
    with (root / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
        return {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}


def main() -> None:
    """Prints both, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--submissions", type=int, default=60, help="default: 60")
    parser.add_argument("--workers", type=int, default=2, help="of ours (default: 2); stock nbgrader has one")
    parser.add_argument("--ours-only", action="store_true", help="leave stock nbgrader out")
    parser.add_argument("--output", type=Path, help="also write the result there, as JSON")
    parser.add_argument("--smallest", action="store_true", help="tiny sizes, to see that it runs")
    args = parser.parse_args()
    if args.smallest:
        args.submissions, args.workers = 1, 1
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for name in ("ours",) if args.ours_only else ("stock", "ours"):
            root = Path(folder) / name
            prepare(root, args.submissions)
            words = [f"--Autograde.workers={args.workers}"]
            if name == "stock":
                (root / "nbgrader_config.py").write_text(STOCK)
                words = []
            seconds, peak = grade(root, *words)
            found[name] = {"seconds": seconds, "peak_gib": peak / 2**30, "points": scores(root)}
            rate = args.submissions / seconds
            print(
                f"{name:6} {seconds:7.1f} s  {rate:6.3f} submissions/s  peak {peak / 2**30:.2f} GiB",
                flush=True,
            )
    if args.ours_only:
        return
    same = found["stock"].pop("points") == found["ours"].pop("points")
    ratio = found["stock"]["seconds"] / found["ours"]["seconds"]
    print(f"equal points: {same}")
    if args.output:
        about = {
            "command": f"python benchmarks/autograde.py --output {args.output}",
            "commit": record.commit(),
            "date": f"{date.today()}",
            "hardware": record.hardware().removesuffix(", one thread used"),
            "submissions": args.submissions,
            "workers": args.workers,
            "ratio": ratio,
            **found,
        }
        args.output.parent.mkdir(parents=True, exist_ok=True)
        args.output.write_text(json.dumps(about, indent=1) + "\n")
    if not same:
        sys.exit("the two graders disagree")
    rates = {name: [args.submissions / found[name]["seconds"]] for name in ("ours", "stock")}
    rates["nbgrader"] = rates.pop("stock")
    print("measured:", json.dumps({"unit": "submissions/s", "rates": rates}))
    print(f"ratio: {ratio:.2f}")


if __name__ == "__main__":
    main()
