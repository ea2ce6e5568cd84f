"""Whole grading runs: killed and resumed, with seeds, losing workers, on Ray, in PostgreSQL, by formgrader.

`python -m tests.test_grading_runs --submissions 60` kills and resumes a bigger class; it says what was equal.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import csv
import itertools
import json
import os
import pty
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
import types
import urllib.request
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import nbformat
import psutil
import pytest
from nbgrader.api import Base, Gradebook
from sqlalchemy import func, select

from autograder import max_points
from autograder.nbgrader_plugin import pool
from autograder.nbgrader_plugin.course_root import COURSE, make_root, nbgrader
from autograder.nbgrader_plugin.grading import RECORD
from autograder.sample_class import CRASH, SAMPLES, solution_cell, solvable, solved
from autograder.sandbox import cgroups

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

HOMEWORK = "hw3"
HALF, MISTAKE = SAMPLES[HOMEWORK].half, SAMPLES[HOMEWORK].mistake
SEED = 6206
KINDS = ("all_right", "broken_json", "crash", "empty_folder", "half", "late", "mistake", "untouched")
ALL = sum(max_points(name) for name in solvable(HOMEWORK))
KILLS = 3


# A class


def make_course(root: Path, submissions: int) -> None:
    """A course root with homework 3 but for its training check, and a class with every kind in turn."""
    source = nbformat.read(COURSE / "assignments" / HOMEWORK / f"{HOMEWORK}.ipynb", as_version=4)
    source.cells = [cell for cell in source.cells if "hw3.convergence" not in cell.source]
    (root / "assignments" / HOMEWORK).mkdir(parents=True)
    nbformat.write(source, root / "assignments" / HOMEWORK / f"{HOMEWORK}.ipynb")
    make_root(root, root / "assignments")
    nbgrader("generate_assignment", HOMEWORK, root=root)
    release = nbformat.read(root / "release" / HOMEWORK / f"{HOMEWORK}.ipynb", as_version=4)
    right = solved(release, solvable(HOMEWORK))
    mistake, crash = copy.deepcopy(right), copy.deepcopy(right)
    cell = solution_cell(mistake, MISTAKE[0])
    cell.source = cell.source.replace(*MISTAKE[1:])
    solution_cell(crash, HALF[0]).source = CRASH
    notebooks = {
        "all_right": right, "late": right, "mistake": mistake, "crash": crash, "half": solved(release, HALF),
        "untouched": release,
    }  # fmt: skip
    for number in range(submissions):
        kind = KINDS[number % len(KINDS)]
        folder = root / "submitted" / (kind if number < len(KINDS) else f"{kind}_{number:03d}") / HOMEWORK
        folder.mkdir(parents=True)
        if kind == "late":
            (folder / "timestamp.txt").write_text("2026-03-01 10:00:00 UTC")
        if kind == "broken_json":
            (folder / f"{HOMEWORK}.ipynb").write_text(nbformat.writes(right)[:5000])
        elif kind != "empty_folder":
            nbformat.write(notebooks[kind], folder / f"{HOMEWORK}.ipynb")


def copied(course: Path, root: Path, more: str = "") -> Path:
    """The same class in another course root, with a gradebook of its own."""
    for name in ("assignments", "release", "submitted"):
        shutil.copytree(course / name, root / name)
    if (course / "gradebook.db").exists() and "db_url" not in more:
        shutil.copy(course / "gradebook.db", root)
    make_root(root, root / "assignments", more)
    return root


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A class that nobody has graded yet."""
    root = tmp_path_factory.mktemp("course")
    make_course(root, len(KINDS))
    return root


@pytest.fixture(scope="module")
def reference(course, tmp_path_factory):
    """The same class, graded by one undisturbed run."""
    root = copied(course, tmp_path_factory.mktemp("reference"))
    graded(root)
    return root


# Running the command


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(COURSE), "OMP_NUM_THREADS": "1"}


def start(root: Path, *words: str, seed: int = SEED, **options) -> subprocess.Popen:
    """Starts `nbgrader autograde`; its log goes to the end of autograde.log."""
    options = {"env": environment(), "stderr": (root / "autograde.log").open("a"), **options}
    command = ["env", "--default-signal=INT"]  # a shell's background jobs ignore it, and hand that on
    command += [sys.executable, "-m", "nbgrader", "autograde", HOMEWORK, f"--Autograde.seed={seed}", *words]
    return subprocess.Popen(command, cwd=root, stdin=subprocess.DEVNULL, **options)


def graded(root: Path, *words: str, code: int = 0, **options) -> str:
    """Runs `nbgrader autograde` to its end; its log."""
    (root / "autograde.log").unlink(missing_ok=True)
    process = start(root, *words, **options)
    process.wait()
    log = (root / "autograde.log").read_text()
    assert process.returncode == code, log[-3000:]
    return log


def wait_for(condition, process: subprocess.Popen | None = None, seconds: float = 900.0):
    """What `condition()` returns as soon as that is true; the process, if any, must not end before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        assert process is None or process.poll() is None, f"it ended too early, with {process.returncode}"
        time.sleep(0.01)
    raise AssertionError(f"waited {seconds:g} s in vain")


def nursery_of(process: subprocess.Popen | psutil.Process) -> list[Path]:
    """The folder of a running grader's nursery, which it holds a lock in; empty before there is one."""
    with contextlib.suppress(OSError):
        descriptors = [os.readlink(path) for path in Path(f"/proc/{process.pid}/fd").iterdir()]
        return [Path(path).parent for path in descriptors if re.fullmatch(r"/tmp/gcb6206-\w+/lock", path)]
    return []


def workers_of(process: subprocess.Popen) -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process(process.pid).children()
        if "autograder.nbgrader_plugin.pool" in child.cmdline()
    ]


def kernels_in(nursery: Path) -> set[str]:
    """The rooms of its kernels; a trial has a room too, but no home in it."""
    return {path.parent.name for path in nursery.glob("rooms/*/home")}


def is_alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def survivors(processes: Iterable[psutil.Process], seconds: float = 900) -> list[str]:
    """The command lines of those that do not end. A busy machine may take its time over it."""
    deadline = time.monotonic() + seconds
    while (alive := [p for p in processes if is_alive(p)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    lines = []
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            lines.append(" ".join(process.cmdline()) or process.name())
    return lines


def cgroups_of(pid: int) -> list[Path]:
    return [path for pattern in ("", "*/") for path in cgroups.ROOT.glob(f"{pattern}gcb6206-{pid}-*")]


# What a run has left in the gradebook and in the notebooks


def gradebook(url: str) -> dict:
    """Every score, mark and comment of the gradebook by student, and the number of rows of each table."""
    found = {}
    with Gradebook(url, "gcb6206") as book:
        for entry in book.assignment_submissions(HOMEWORK):
            marks = [mark for notebook in entry.notebooks for mark in notebook.grades]
            comments = [comment for notebook in entry.notebooks for comment in notebook.comments]
            found[entry.student.id] = {
                "score": entry.score,
                "submission": (
                    entry.timestamp,
                    entry.max_score,
                    entry.needs_manual_grade,
                    entry.total_seconds_late,
                ),
                "notebooks": sorted((n.name, n.score, n.failed_tests) for n in entry.notebooks),
                "marks": sorted(
                    (m.name, m.auto_score, m.manual_score, m.extra_credit, m.needs_manual_grade)
                    for m in marks
                ),
                "comments": sorted((c.name, c.auto_comment, c.manual_comment) for c in comments),
            }
        tables = Base.metadata.sorted_tables
        found["rows"] = {
            t.name: book.db.execute(select(func.count()).select_from(t)).scalar() for t in tables
        }
    return found


def sqlite(root: Path) -> str:
    return f"sqlite:///{root}/gradebook.db"


def points(root: Path) -> dict[str, float]:
    return {student: row["score"] for student, row in gradebook(sqlite(root)).items() if student != "rows"}


def notebooks(root: Path) -> dict[str, Path]:
    return {path.parts[-3]: path for path in (root / "autograded").glob(f"*/{HOMEWORK}/{HOMEWORK}.ipynb")}


def recorded(root: Path) -> dict:
    """What the grader recorded and wrote for each student: the record, and all cells with outputs.

    Of a picture only that it is there: a student's own cell may draw at random.
    """
    found = {}
    for student, path in notebooks(root).items():
        notebook = nbformat.read(path, as_version=4)
        for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
            output.get("data", {}).update(
                {kind: "" for kind in output.get("data", {}) if kind == "image/png"}
            )
        cells = [(cell.source, cell.get("outputs")) for cell in notebook.cells]
        found[student] = {"record": notebook.metadata[RECORD], "cells": cells}
    return found


def records(root: Path) -> dict:
    return {student: content["record"] for student, content in recorded(root).items()}


def history(root: Path) -> dict[str, list[dict]]:
    """All gradings that were remembered, without their times."""
    found = {}
    for path in (root / "history").glob(f"*/{HOMEWORK}.jsonl"):
        found[path.parent.name] = [
            {**json.loads(line), "graded_at": ""} for line in path.read_text().splitlines()
        ]
    return found


# Kill and resume


class Killed:
    """A class whose grading was killed, and then went on to its end.

    Attributes:
        moments: of each kill: how many were graded, and how long after that.
        survivors: processes that outlived a kill.
        traces: folders and control groups of the killed runs that the last one has not swept away.
        kept: students whose notebooks were whole before the last run, with the times of writing.
        truncated: the student whose notebook was cut in half before it.
        log: of the last run.
    """

    def __init__(self, root: Path, chance: random.Random, most: int = 1):
        self.moments, self.survivors, folders, pids = [], [], [], []
        for number in range(KILLS):
            before = len(notebooks(root))
            process = start(root)
            folder = wait_for(lambda: nursery_of(process), process)  # noqa: B023  called in this round
            after, delay = (
                0 if number == 0 else chance.randint(1, most),
                chance.uniform(0, 0.3 if number else 2),
            )
            wait_for(lambda: len(notebooks(root)) >= before + after, process, 600)  # noqa: B023
            time.sleep(delay)
            assert process.poll() is None, f"all were graded before kill number {number + 1}"
            children = psutil.Process(process.pid).children(recursive=True)
            pids += [worker.pid for worker in workers_of(process)]
            folders += folder
            process.kill()
            process.wait()
            self.moments.append((len(notebooks(root)), round(delay, 2)))
            self.survivors += survivors(children)
        whole = notebooks(root)
        self.truncated = sorted(whole)[0]
        text = whole[self.truncated].read_text()
        whole.pop(self.truncated).write_text(text[: len(text) // 2])
        self.kept = {student: path.stat().st_mtime_ns for student, path in whole.items()}
        self.log = graded(root)
        self.traces = [f for f in folders if f.exists()] + [g for pid in pids for g in cgroups_of(pid)]
        self.root = root


def differences(undisturbed: Path, killed: Path) -> dict[str, bool]:
    """What of the two is equal."""
    return {
        name: read(undisturbed) == read(killed)
        for name, read in (
            ("gradebook", lambda root: gradebook(sqlite(root))),
            ("recorded results and notebooks", recorded),
            ("history", history),
        )
    }


@pytest.fixture(scope="module")
def resumed(course, tmp_path_factory):
    return Killed(copied(course, tmp_path_factory.mktemp("killed")), random.Random())


def test_killed_three_times_and_resumed_equals_an_undisturbed_run(reference, resumed):
    assert set(recorded(reference)) == set(history(reference)) == set(KINDS)
    assert gradebook(sqlite(resumed.root)) == gradebook(sqlite(reference)), resumed.moments
    assert recorded(resumed.root) == recorded(reference), resumed.moments
    assert history(resumed.root) == history(reference), resumed.moments


def test_the_comparison_sees_one_changed_mark(reference, tmp_path):
    """The test above could fail."""
    shutil.copy(reference / "gradebook.db", tmp_path)
    with Gradebook(sqlite(tmp_path), "gcb6206") as book:
        book.find_submission(HOMEWORK, "half").notebooks[0].grades[0].manual_score = 1.0
        book.db.commit()
    assert gradebook(sqlite(tmp_path)) != gradebook(sqlite(reference))


def test_a_killed_run_leaves_no_process_and_the_next_one_sweeps_the_rest(resumed):
    assert not resumed.survivors
    assert not resumed.traces


def test_the_last_run_graded_what_was_missing_and_the_truncated_one_only(resumed):
    assert resumed.kept == {
        s: p.stat().st_mtime_ns for s, p in notebooks(resumed.root).items() if s in resumed.kept
    }
    again = set(re.findall(r"Graded \S+/submitted/(\w+)/", resumed.log))
    assert again == set(KINDS) - set(resumed.kept)
    assert resumed.truncated in again


def test_a_run_that_is_broken_off_leaves_nothing(course, tmp_path):
    """Kernels run at that moment, in control groups where the host has them."""
    root = copied(course, tmp_path)
    process = start(root)
    (folder,) = wait_for(lambda: nursery_of(process), process)
    wait_for(lambda: kernels_in(folder), process)
    pids = [worker.pid for worker in workers_of(process)]
    if cgroups.version():
        wait_for(lambda: [group for pid in pids for group in cgroups_of(pid)], process)
    process.send_signal(signal.SIGINT)
    process.wait()
    assert process.returncode
    assert not folder.exists()
    assert not [group for pid in pids for group in cgroups_of(pid)]


# Seeds, and what is shown meanwhile


def test_one_line_a_submission_where_there_is_no_terminal(reference):
    log = (reference / "autograde.log").read_text()
    assert Counter(re.findall(r"Graded \S+/submitted/(\w+)/\S+: [\d.]+ points\n", log)) == Counter(KINDS)
    assert "\r" not in log


def test_one_seed_twice_is_equal_and_a_terminal_shows_a_bar(course, reference, tmp_path):
    root = copied(course, tmp_path)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    process = start(root, stderr=theirs)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # the terminal's end
        while more := os.read(ours, 4096):
            shown += more
    os.close(ours)
    assert process.wait() == 0
    bars = re.findall(rf"(\d+)/{len(KINDS)} \[[\d:]+<([\d:?]+), ", shown.decode())
    assert {int(done) for done, _ in bars} >= {0, len(KINDS)}
    assert any(re.fullmatch(r"\d\d:\d\d", left) for done, left in bars if 0 < int(done) < len(KINDS))
    assert gradebook(sqlite(root)) == gradebook(sqlite(reference))
    assert recorded(root) == recorded(reference)


def test_another_seed_gives_right_and_plainly_wrong_solutions_the_same(course, reference, tmp_path):
    root = copied(course, tmp_path)
    graded(root, seed=SEED + 1)
    certain = set(KINDS) - {"mistake"}
    same, other = points(reference), points(root)
    assert {student: other[student] for student in certain} == {student: same[student] for student in certain}
    assert other["all_right"] == other["late"] == ALL
    assert {record.seed for record in records(root).values()} == {SEED + 1}
    inputs = [recorded(folder)["mistake"]["cells"] for folder in (root, reference)]
    assert inputs[0] != inputs[1]  # what was tried is another


# Workers that end


def test_a_worker_that_is_killed_costs_nobody_else_anything(course, reference, tmp_path):
    """all_right loses its worker twice and is refused; half loses it once and is graded."""
    root = copied(course, tmp_path)
    process = start(root, "--Autograde.workers=1")
    (folder,) = wait_for(lambda: nursery_of(process), process)
    rooms, seen = set(), []
    for kernel in range(1, 5):
        rooms |= wait_for(lambda: kernels_in(folder) - rooms, process)  # noqa: B023
        if kernel in (1, 2, 4):
            time.sleep(0.3)
            (worker,) = workers_of(process)
            seen.append(set(psutil.Process(process.pid).children(recursive=True)) - {worker})
            worker.kill()
    assert process.wait() == 1
    log = (root / "autograde.log").read_text()
    path = root / "submitted" / "all_right" / HOMEWORK / f"{HOMEWORK}.ipynb"
    assert f"these scores are not to be trusted: {[str(path)]}" in log
    ours, theirs = points(root), points(reference)
    assert ours.pop("all_right") == 0 and theirs.pop("all_right") == ALL
    assert ours == theirs
    expected = records(reference)
    assert {s: r for s, r in records(root).items() if s != "all_right"} == {
        s: r for s, r in expected.items() if s != "all_right"
    }
    page = notebooks(root)["all_right"].read_text()
    assert "process ended twice while it graded this submission" in page
    nursery = set.intersection(*seen)
    assert all(
        processes - nursery for processes in seen
    )  # there were kernels, and they ended with their workers
    assert all(a & b == nursery for a, b in itertools.combinations(seen, 2))


# Ray


@pytest.fixture(scope="module")
def ray_home():
    """Environment for Ray: its files, also its token, go to a folder with a short path."""
    with tempfile.TemporaryDirectory(prefix="ray-") as folder:
        yield {**environment(), "HOME": folder, "RAY_TMPDIR": folder}


def graded_on_ray_of_its_own(root: Path, env: dict[str, str]) -> list:
    """Grades there, kills one of its workers on the way; the processes, folders and groups that it left behind."""
    process, started, killed = start(root, "--Autograde.ray=local", env=env), set(), False
    folders = set()
    while process.poll() is None:
        with contextlib.suppress(psutil.NoSuchProcess):
            started |= set(psutil.Process(process.pid).children(recursive=True))
            folders |= {folder for p in started for folder in nursery_of(p)}
            busy = [p for p in started if is_alive(p) and p.cmdline()[:1] == ["ray::remote"]]
            if busy and notebooks(root) and not killed:
                busy[0].kill()
                killed = True
        time.sleep(0.2)
    assert killed
    assert process.returncode == 0, (root / "autograde.log").read_text()[-3000:]
    assert folders
    groups = [group for p in started for group in cgroups_of(p.pid)]
    return survivors(started) + [folder for folder in folders if folder.exists()] + groups


@pytest.mark.alone
def test_a_ray_of_its_own_grades_the_same_and_ends(course, reference, ray_home, tmp_path):
    root = copied(course, tmp_path)
    assert graded_on_ray_of_its_own(root, ray_home) == []
    assert gradebook(sqlite(root)) == gradebook(sqlite(reference))
    assert recorded(root) == recorded(reference)
    log = (root / "autograde.log").read_text()
    assert not re.findall(r".*(?:dashboard|usage stat).*", log, re.IGNORECASE)


def a_busy_machine(starts: int):
    """A stand-in for Ray, the first starts of which come to nothing."""
    calls = []

    def init(address, **_):
        calls.append(address)
        if len(calls) <= starts:
            raise Exception("The current node timed out during startup")

    return types.SimpleNamespace(
        init=init, calls=calls, shutdown=lambda: None, cluster_resources=lambda: {"CPU": 3},
        remote=lambda **_: lambda function: function,
    )  # fmt: skip


def test_a_ray_that_gives_up_at_its_start_is_started_again(monkeypatch, capfd):
    busy = a_busy_machine(pool.RAY_STARTS - 1)
    monkeypatch.setitem(sys.modules, "ray", busy)
    assert pool.RayPool(HOMEWORK, "local").size == 3
    assert capfd.readouterr().err.count("trying again") == pool.RAY_STARTS - 1


def test_a_ray_that_never_starts_is_told_with_the_cure(monkeypatch):
    busy = a_busy_machine(pool.RAY_STARTS)
    monkeypatch.setitem(sys.modules, "ray", busy)
    with pytest.raises(RuntimeError, match=r"timed out during startup(.|\n)*ray start --head"):
        pool.RayPool(HOMEWORK, "local")
    assert busy.calls == ["local"] * pool.RAY_STARTS


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def test_an_address_without_a_cluster_is_refused_at_once(course, ray_home):
    address = f"127.0.0.1:{free_port()}"
    log = graded(course, f"--Autograde.ray={address}", code=1, env=ray_home)
    assert f"no Ray cluster at '{address}': " in log and "Connection refused" in log
    assert not notebooks(course)


# PostgreSQL


@pytest.fixture(scope="module")
def postgres():
    """A server of its own, reached by a socket only; the address of an empty database."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("there is no PostgreSQL here: apt-get install postgresql")
    # Its programs refuse to run as root; Debian's package has made a user for them.
    who = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    if who:
        shutil.chown(folder, "postgres", "postgres")

    def run(name: str, *words: str) -> None:
        subprocess.run([programs[-1] / name, *words], cwd=folder, check=True, stdout=subprocess.PIPE, **who)

    run(
        "initdb",
        "--auth=trust",
        "--username=grader",
        "--encoding=UTF8",
        "--no-sync",
        f"--pgdata={folder}/data",
    )
    server = subprocess.Popen(
        [programs[-1] / "postgres", "-D", folder / "data", "-k", folder, "-c", "listen_addresses=", "-F"],
        cwd=folder, stderr=(folder / "log").open("w"), **who,
    )  # fmt: skip
    try:
        wait_for(lambda: (folder / ".s.PGSQL.5432").exists(), server)
        run("createdb", f"--host={folder}", "--username=grader", "gcb6206")
        yield f"postgresql+psycopg2://grader@/gcb6206?host={folder}"
    finally:
        server.send_signal(signal.SIGINT)  # ends also where somebody is still connected
        server.wait()
        shutil.rmtree(folder)


def test_the_gradebook_may_be_in_postgresql(course, reference, postgres, tmp_path):
    root = copied(course, tmp_path, f"c.CourseDirectory.db_url = {postgres!r}")
    nbgrader("generate_assignment", HOMEWORK, "--force", root=root)
    graded(root)
    nbgrader("generate_feedback", HOMEWORK, root=root)
    nbgrader("export", root=root)
    ours, theirs = gradebook(postgres), gradebook(sqlite(reference))
    assert ours == theirs
    assert recorded(root) == recorded(reference)
    assert {path.parts[-3] for path in (root / "feedback").glob("*/*/*.html")} == set(KINDS)
    with (root / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
        exported = {row["student_id"]: row["score"] for row in csv.DictReader(file)}
    assert {student: float(score) for student, score in exported.items()} == points(reference)
    assert not (root / "gradebook.db").exists()
    assert f"{len(KINDS)} submissions were graded before" in graded(root)


# Formgrader

API = """
import json
from nbgrader.apps.api import NbGraderAPI
from nbgrader.apps.baseapp import NbGrader

app = NbGrader()
app.load_config_file()
api = NbGraderAPI(config=app.config)
answers = [api.autograde("hw3", "half"), api.generate_feedback("hw3", "half"), api.autograde("hw9", "half")]
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def formgrader(course, tmp_path_factory):
    return copied(course, tmp_path_factory.mktemp("formgrader"), f"c.Autograde.seed = {SEED}")


def test_formgraders_api_grades_with_our_converter(formgrader, reference):
    done = subprocess.run(
        [sys.executable, "-c", API],
        cwd=formgrader,
        capture_output=True,
        text=True,
        env=environment(),
        check=True,
    )
    grading, feedback, unknown = json.loads(done.stdout.splitlines()[-1])
    assert grading["success"], grading
    assert re.search(r"Graded .*submitted/half/hw3/hw3.ipynb: [\d.]+ points", grading["log"])
    assert recorded(formgrader)["half"] == recorded(reference)["half"]
    assert feedback["success"] and (formgrader / "feedback" / "half" / "hw3" / "hw3.html").exists()
    assert not unknown["success"] and "no assignment 'hw9'" in unknown["log"]


def test_formgraders_button_in_a_jupyter_server(formgrader, reference):
    """The server has our code and its own event loop in one process."""
    port, token = free_port(), "secret"
    server = subprocess.Popen(
        [
            sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root",
            f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}",
            "--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True}",
        ],
        cwd=formgrader, stderr=(formgrader / "server.log").open("w"), stdin=subprocess.DEVNULL,
        env={**environment(), "HOME": str(formgrader), "JUPYTER_RUNTIME_DIR": str(formgrader / "runtime")},
    )  # fmt: skip

    def ask(path: str, method: str = "POST") -> dict:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/formgrader/api/{path}",
            headers={"Authorization": f"token {token}"}, method=method,
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=1500) as answer:
            return json.load(answer)

    def answers() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return True
        return False

    try:
        wait_for(answers, server)
        grading = ask(f"submission/{HOMEWORK}/late/autograde")
        assert grading["success"], grading
        assert "Limits that hold here" in grading["log"] and "Graded " in grading["log"]
        assert ask(f"assignment/{HOMEWORK}/late/generate_feedback")["success"]
        assert ask(f"submission/{HOMEWORK}/late", "GET")["score"] == points(reference)["late"]
    finally:
        server.terminate()
        server.wait()
    assert recorded(formgrader)["late"] == recorded(reference)["late"]
    assert (formgrader / "feedback" / "late" / HOMEWORK / f"{HOMEWORK}.html").exists()


def main() -> int:
    """Kills and resumes a class of any size."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--submissions", type=int, default=60, help="default: 60")
    parser.add_argument("--random", type=int, default=random.randrange(10**6), help="seed of the moments")
    arguments = parser.parse_args()
    print(f"moments: --random {arguments.random}")
    with tempfile.TemporaryDirectory() as folder:
        course, undisturbed, root = (Path(folder) / name for name in ("course", "undisturbed", "killed"))
        make_course(course, arguments.submissions)
        began = time.monotonic()
        graded(copied(course, undisturbed))
        print(f"undisturbed: {arguments.submissions} submissions in {time.monotonic() - began:.0f} s")
        most = arguments.submissions // (KILLS + 1)
        killed = Killed(copied(course, root), random.Random(arguments.random), most)
        print(f"killed when so many were graded, after so many more seconds: {killed.moments}")
        print(f"processes that outlived a kill: {killed.survivors}; folders and groups left: {killed.traces}")
        print(f"kept by the last run: {len(killed.kept)}, graded by it: {killed.log.count('] Graded ')}")
        equal = differences(undisturbed, root)
        rows = gradebook(sqlite(root))["rows"]
    for name, same in equal.items():
        print(f"{name}: {'equal' if same else 'DIFFERENT'}")
    print(f"rows of the gradebook: {rows}")
    return int(not all(equal.values()) or bool(killed.survivors or killed.traces))


if __name__ == "__main__":
    sys.exit(main())
