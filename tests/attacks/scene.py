"""Where the attacks take place: a course root with secrets planted around it, and what an attack won.

Every attack wins by the same rules, sealed or not. It has won

- when a planted secret, or a line of a solution, stands in its outputs, files or feedback;
- when it reached a server outside, wrote outside, or wrote into the grader's log;
- when it has more points than it deserves;
- when its submission was left without a score or a feedback page, or it ended the collection of the class;
- when a process of its own outlived the grading;
- when its script stands in the feedback page;
- when its own code saw that it could do what it must not (it then prints a line that begins with VICTORY).
"""

from __future__ import annotations

import contextlib
import copy
import functools
import itertools
import os
import re
import secrets
import signal
import socket
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader.api import Gradebook

from autograder.nbgrader_plugin.course_root import COURSE, make_root
from autograder.release import solution_lines
from autograder.sample_class import solution_cell, solvable, solved
from autograder.sandbox import Limits
from autograder.trusted.runner import exercises_of
from autograder.trusted.sources import grade_id, solution_source

from .watch import KEY, Canaries, Traces, keyed

SOURCE = COURSE / "assignments" / "hw3" / "hw3.ipynb"
HONEST = "hw3.update"  # what an attacker with an honest part has solved
FULL = 2.0  # its points
HALF = ("hw3.get_action", HONEST)
MEMORY_GIB = 2.0
SECONDS = 3  # of CPU time, of one cell, one probe and one feedback page
STOCK_SECONDS, BARE_SECONDS = 30, 20  # by the clock, of one cell
# A homework that is graded fast: a function without and with state, and an answer that is no code.
BRIEF = (*HALF, "hw3.quiz")
BRIEF_LIMITS = f"""
c.Autograde.seconds_per_cell = c.Autograde.seconds_per_probe = c.GenerateFeedback.seconds_per_page = {SECONDS}
c.Autograde.seconds_total = {16 * SECONDS}
c.Autograde.memory_gib = {MEMORY_GIB}
"""
# An exercise and its check for stock nbgrader, where an attack is after something else.
BARE = "def update(step):\n    ### BEGIN SOLUTION\n    return step % 4 == 0\n    ### END SOLUTION"
BARE_CHECK = (
    "assert update(4) and not update(5)\n"
    "### BEGIN HIDDEN TESTS\nassert update(8)  # {secret}\n### END HIDDEN TESTS"
)
VICTORY = "VICTORY"

# The tools that all attacks share. SCENE says where things are and what they are called.
PREAMBLE = '''
import os, re, socket, subprocess, sys, time
SCENE = {scene!r}

def won(what):
    print("VICT" + "ORY", what, flush=True)

def loot(*paths):
    for path in paths:
        try:
            with open(path, "rb", buffering=0) as stream:
                data = stream.read(2**22) or b""
        except (OSError, ValueError):
            continue
        for secret in set(re.findall(rb"canary-[a-z]+-[0-9a-f]{{16}}", data)):
            won(secret.decode() + " in " + str(path))

def outside():
    """Whether this process lives among the host's: what would harm others is then only hinted at."""
    return os.readlink("/proc/self/ns/pid") == SCENE["processes"]
'''


@dataclass(frozen=True)
class Attack:
    """One hostile submission.

    Attributes:
        name: of the attack, and of the student who hands it in unless `student` says otherwise.
        tried: what it tries, in a few words.
        code: a cell that is inserted behind the notebook's first code cell.
        build: changes the notebook, or writes what is handed in itself (then it returns None).
        deserved: the points of its honest part; above 0 it has solved HONEST, unless `build` changes that.
        unsealed: "" when stock nbgrader must fall for it, otherwise why it is not tried there.
        verdicts: what the sealed grader may say of HONEST.
        on_check: whether it needs an exercise of the course and its check, which cost a stock kernel seconds.
    """

    name: str
    tried: str
    code: str = ""
    build: Callable[[NotebookNode, Path, Scene], NotebookNode | None] | None = None
    deserved: float = FULL
    unsealed: str = ""
    verdicts: tuple[str, ...] = ("passed",)
    student: str = ""
    on_check: bool = False

    @property
    def who(self) -> str:
        """The student's name."""
        return self.student or self.name


@dataclass
class Outcome:
    """What became of one attack.

    Attributes:
        points: in the gradebook; None when there is no score.
        verdict: of the judges of HONEST; "" where nobody judged.
        feedback: whether there is a feedback page.
        victories: every rule by which it has won.
    """

    points: float | None
    verdict: str
    feedback: bool
    victories: list[str] = field(default_factory=list)


class Scene:
    """A course root, its secrets and its servers.

    Attributes:
        root: of the course.
        sealed: with our grader, or stock nbgrader with an exercise checked in the notebook.
        attacks: those that take part.
        exercises: of the homework.
        secrets: place -> the secret that stands there.
        seed: of the judges.
        prey: the folder outside that attacks try to write to.
        facts: what the attacks are told.
        contacts: what the servers outside were sent.
        uploads: file name -> content of what is handed in through the archive of a learning platform.
        obstacles: those of the uploads that ended the collection of all.
        left_over: number -> command line of the attacks' processes that outlived the grading.
        touched: canary files, in ten folders of this machine, that are not as they were.
        remains: processes, folders and control groups of the grader's that outlived it.
        deserved: honest student -> points.
        status: nbgrader command -> its exit status.
        seconds: nbgrader command -> how long it took.
    """

    def __init__(
        self,
        root: Path,
        sealed: bool,
        attacks: list[Attack],
        whole: bool = False,
        bare: bool = False,
        honest: int = 2,
        words: tuple[str, ...] = (),
    ):
        """Makes the course root.

        Args:
            whole: sealed, the whole homework with its training and by default limits, not a brief one.
            bare: stock nbgrader without the course's own exercise, and so without its imports.
            honest: how many students are; every other one has solved all.
            words: further arguments of `nbgrader autograde`.
        """
        self._honest_ones = ["Alice", "zoe", *(f"honest-{number}" for number in range(honest - 2))]
        self._words = words
        self.root, self.sealed, self._whole, self._bare = root, sealed, whole, bare
        self.exercises = tuple(exercises_of("hw3")) if whole else BRIEF
        self.attacks = [attack for attack in attacks if sealed or not attack.unsealed]
        places = (
            "submission", "gradebook", "environment", "home", "instructor", "tests", "socket", "keyring", "folder",
        )  # fmt: skip
        self.secrets = {place: f"canary-{place}-{secrets.token_hex(8)}" for place in places}
        self.mark = secrets.token_hex(6)
        self.seed = secrets.randbits(40)
        self.contacts: list[str] = []
        self.uploads: dict[str, bytes] = {}
        self.obstacles: dict[str, bytes] = {}
        self.left_over: dict[int, str] = {}
        self.deserved: dict[str, float] = {}
        self.status, self.seconds, self.traces = {}, {}, Traces()
        self.touched: list[str] = []
        self.remains: list[str] = []
        self.home, self.private, self.prey = root / "home", root / "private", root / "prey"
        for folder in (self.home, self.private, self.prey):
            folder.mkdir(parents=True)
        (self.home / ".netrc").write_text(f"machine canvas password {self.secrets['home']}\n")
        (self.private / "answers.txt").write_text(self.secrets["instructor"])
        (self.private / "tests.py").write_text(self.secrets["tests"])
        self.facts = {
            "root": str(root),
            "course": str(COURSE),
            "home": str(self.home),
            "prey": str(self.prey),
            "mark": self.mark,
            "abstract": f"gcb6206-{self.mark}",
            "unix": f"/tmp/gcb-{self.mark}.sock",
            "processes": os.readlink("/proc/self/ns/pid"),
            "sealed": sealed,
            "key": KEY,
            "canaries": [],
            "memory": Limits().memory if whole else int(MEMORY_GIB * 2**30),
        }
        self._prepare()

    # The course

    def _prepare(self) -> None:
        source = nbformat.read(SOURCE, as_version=4)
        path = self.root / "assignments" / "hw3" / "hw3.ipynb"
        path.parent.mkdir(parents=True)
        if self.sealed:
            make_root(self.root, self.root / "assignments", "" if self._whole else BRIEF_LIMITS)
            source.cells = [cell for cell in source.cells if self._is_wanted(cell)]
        else:
            (self.root / "nbgrader_config.py").write_text(
                "import os, sys\n"
                "os.environ['PATH'] = os.path.dirname(sys.executable) + ':' + os.environ['PATH']\n"
                "c = get_config()\nc.CourseDirectory.course_id = 'stock'\n"
                "c.CourseDirectory.source_directory = 'assignments'\n"
                f"c.Execute.timeout = {BARE_SECONDS if self._bare else STOCK_SECONDS}\n"
                "c.FileNameCollectorPlugin.named_regexp = r'.*/[^/_]+_(?P<student_id>[^/]+)_attempt_"
                "(?P<timestamp>[0-9-]+)_(?P<file_id>[^/]+)$'\n"
            )
            ids = {
                "hw3-setup": "",
                grade_id(HONEST): solution_source(HONEST),
                f"{grade_id(HONEST)}-check": "",
            }
            if self._bare:
                check = BARE_CHECK.format(secret=self.secrets["tests"])
                ids = dict(zip(ids, ("import time", BARE, check), strict=True))
            source.cells = [cell for cell in source.cells if _id(cell) in ids]
            for cell in source.cells:
                cell.source = ids[_id(cell)] or cell.source
            source.cells += [] if self._bare else classic_cells(self.secrets["tests"])
        nbformat.write(source, path)
        self._run("generate_assignment", "hw3")
        self.release = nbformat.read(self.root / "release" / "hw3" / "hw3.ipynb", as_version=4)

    def _is_wanted(self, cell: NotebookNode) -> bool:
        """Whether a cell belongs to the homework with these exercises; demonstrations belong to the whole one."""
        others = [grade_id(exercise) for exercise in exercises_of("hw3") if exercise not in self.exercises]
        if not self._whole and cell.cell_type == "code" and not _id(cell) and not cell.metadata.get("tags"):
            return False
        return _id(cell).removesuffix("-check") not in others

    def _run(self, *words: str) -> None:
        """Runs nbgrader as an instructor with a home and a secret in the environment would."""
        environment = {
            **os.environ, "PYTHONPATH": str(COURSE), "OMP_NUM_THREADS": "1",
            "HOME": str(self.home), "CANVAS_TOKEN": self.secrets["environment"],
            "CANARY_KEY": self.secrets["keyring"], "RAY_TMPDIR": str(self.root / "ray"),
        }  # fmt: skip
        began = time.monotonic()
        with (self.root / "nbgrader.log").open("ab") as log:
            process = subprocess.Popen(
                keyed(["-m", "nbgrader", *words]),
                cwd=self.root, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
            while process.poll() is None:
                self.traces.look(process.pid)
                time.sleep(0.7)
        self.status[words[0]], self.seconds[words[0]] = process.returncode, time.monotonic() - began

    @property
    def peak(self) -> float:
        """GiB of memory that the grader's own processes held together at most."""
        return self.traces.peak / 2**30

    def log(self) -> str:
        """Everything that nbgrader wrote so far."""
        return (self.root / "nbgrader.log").read_text(errors="replace")

    def solved(self, exercises: tuple[str, ...]) -> NotebookNode:
        """The released notebook with some exercises solved."""
        if not self._bare:
            return solved(self.release, exercises)
        notebook = copy.deepcopy(self.release)
        for exercise in exercises:
            solution_cell(notebook, exercise).source = BARE
        return notebook

    def folder(self, student: str) -> Path:
        """Where a student's submission lies."""
        folder = self.root / "submitted" / student / "hw3"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def hand_in(self, attack: Attack) -> None:
        """Puts one attack among the submissions."""
        notebook = self.solved((HONEST,) if attack.deserved else ())
        if attack.code:
            first = next(i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code")
            facts = {**self.facts, "name": attack.name}
            code = PREAMBLE.format(scene=facts) + attack.code
            notebook.cells.insert(first + 1, nbformat.v4.new_code_cell(code))
        folder = self.folder(attack.who)
        if attack.build:
            notebook = attack.build(notebook, folder, self)
        if notebook is not None:
            nbformat.write(notebook, folder / "hw3.ipynb")

    def _honest(self) -> None:
        """Hands in the honest ones, Alice's through the archive of a learning platform."""
        points = {
            cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader.points
            for cell in self.release.cells
            if cell.metadata.get("nbgrader", {}).get("grade")
        }
        everything, half = (self.exercises, HALF) if self.sealed else ((HONEST,), ())
        for student, exercises in zip(self._honest_ones, itertools.cycle((everything, half)), strict=False):
            notebook = self.solved(tuple(name for name in exercises if name in solvable("hw3")))
            notebook.cells.append(nbformat.v4.new_markdown_cell(self.secrets["submission"]))
            self.deserved[student] = sum(points[f"{grade_id(exercise)}-check"] for exercise in exercises)
            if student == "Alice":
                self.uploads["hw3_Alice_attempt_2026-03-01-10-00-00_hw3.ipynb"] = nbformat.writes(
                    notebook
                ).encode()
            else:
                nbformat.write(notebook, self.folder(student) / "hw3.ipynb")

    def play(self) -> Scene:
        """Hands in, grades the whole class by one run of the real command, gives feedback and exports."""
        self._honest()
        with Gradebook(f"sqlite:///{self.root}/gradebook.db") as gradebook:
            gradebook.update_or_create_student("Alice", last_name=self.secrets["gradebook"])
        with self._servers(), self._canaries():
            for attack in self.attacks:
                self.hand_in(attack)
            self._collect()
            self._run(
                "autograde", "hw3", *([f"--Autograde.seed={self.seed}"] if self.sealed else []), *self._words
            )
        self.left_over = marked_processes(self.mark)
        for number in self.left_over:
            with contextlib.suppress(OSError):
                os.kill(number, signal.SIGKILL)
        self._run("generate_feedback", "hw3")
        self._run("export")
        self.remains = self.traces.left()
        return self

    def _collect(self) -> None:
        """Collects the uploads; those of whoever ends that are left out, and it is tried again."""
        archive = self.root / "downloaded" / "hw3" / "archive" / "submissions.zip"
        archive.parent.mkdir(parents=True)
        while self.status.get("zip_collect", 1):
            with zipfile.ZipFile(archive, "w") as stream:
                for name, data in self.uploads.items():
                    stream.writestr(name, data)
            self._run("zip_collect", "hw3", "--force")
            last_words = self.log().splitlines()[-1]
            guilty = [name for name in self.uploads if name.removesuffix(".zip") in last_words]
            if self.status["zip_collect"]:
                if not guilty:
                    raise RuntimeError(f"nbgrader zip_collect failed:\n{self.log()[-3000:]}")
                self.obstacles[guilty[0]] = self.uploads.pop(guilty[0])

    @contextlib.contextmanager
    def _canaries(self) -> Iterator[None]:
        """Files in folders of this machine, which an attack may try to read and to change."""
        with contextlib.closing(Canaries(self.root, self.secrets["folder"])) as canaries:
            self.facts["canaries"] = [str(folder) for folder in canaries.folders]
            yield
            self.touched = canaries.touched()

    @contextlib.contextmanager
    def _servers(self) -> Iterator[None]:
        """Servers on this machine that an attack may try to reach; each gives away a secret."""
        tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
        tcp.bind(("127.0.0.1", 0))
        udp.bind(("127.0.0.1", 0))
        self.facts |= {"tcp": tcp.getsockname()[1], "udp": udp.getsockname()[1]}
        unix, abstract = (socket.socket(socket.AF_UNIX) for _ in range(2))
        unix.bind(self.facts["unix"])
        abstract.bind(f"\0{self.facts['abstract']}")
        for server in (tcp, unix, abstract):
            server.listen(64)
        over = threading.Event()

        def serve(server: socket.socket) -> None:
            server.settimeout(0.5)
            while not over.is_set():
                with contextlib.suppress(OSError):
                    if server is udp:
                        self.contacts.append(server.recv(1000).decode(errors="replace"))
                        continue
                    connection, _ = server.accept()
                    with connection:
                        connection.settimeout(2)
                        connection.sendall(self.secrets["socket"].encode())
                        self.contacts.append(connection.recv(1000).decode(errors="replace"))

        threads = [threading.Thread(target=serve, args=(s,), daemon=True) for s in (tcp, udp, unix, abstract)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()
            for server in (tcp, udp, unix, abstract):
                server.close()
            os.unlink(self.facts["unix"])

    # What came of it

    @functools.cached_property
    def scores(self) -> dict[str, float | None]:
        """Student -> score; None where the gradebook has no score for some graded cell."""
        found = {}
        with Gradebook(f"sqlite:///{self.root}/gradebook.db") as gradebook:
            for submission in gradebook.assignment_submissions("hw3"):
                grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
                code = [grade for grade in grades if grade.cell.cell_type == "code"]
                complete = code and all({g.auto_score, g.manual_score} != {None} for g in code)
                found[submission.student.id] = submission.score if complete else None
        return found

    @functools.cached_property
    def damage(self) -> list[str]:
        """What became worse for the others."""
        found = [f"nbgrader {name} ended with {status}" for name, status in self.status.items() if status]
        for student, points in self.deserved.items():
            if self.scores.get(student) != points:
                found.append(f"{student} has {self.scores.get(student)} points of {points:g}")
            if not (self.root / "feedback" / student / "hw3" / "hw3.html").is_file():
                found.append(f"{student} has no feedback page")
        if "\x1b" in self.log() or "\x07" in self.log():
            found.append("the log holds commands for the terminal")
        found += [f"{path} was changed" for path in self.touched]
        return found + [f"left over: {trace}" for trace in self.remains]

    def graded(self, student: str) -> NotebookNode | None:
        """The autograded notebook."""
        path = self.root / "autograded" / student / "hw3" / "hw3.ipynb"
        return nbformat.read(path, as_version=4) if path.is_file() else None

    def outcome(self, attack: Attack) -> Outcome:
        """Whether an attack has won, by each rule."""
        student = attack.who
        notebook = self.graded(student)
        page = self.root / "feedback" / student / "hw3" / "hw3.html"
        verdict = ""
        if notebook is not None and self.sealed:
            results = notebook.metadata["gcb6206"]["results"][HONEST]
            verdict = next((r["verdict"] for r in results if r["verdict"] != "passed"), "passed")
        points = self.scores.get(student) if notebook is not None else None
        outcome = Outcome(points, verdict, page.is_file())
        win = outcome.victories.append
        if any(f"hw3_{student}_attempt" in name for name in self.obstacles):
            win("it ended the collection of the class")
        if points is None:
            win("it was left without a score")
        elif not page.is_file():
            win("it was left without a feedback page")
        if points is not None and points > attack.deserved:
            win(f"{points:g} points, it deserves {attack.deserved:g}")
        shown = outputs_of(notebook) if notebook is not None else ""
        for line in re.findall(rf"^{VICTORY} .*", shown, flags=re.MULTILINE):
            win(line)
        handed_out = [shown, page.read_text(errors="replace") if page.is_file() else ""]
        for path in (self.root / "autograded" / student).rglob("*"):
            if path.is_file() and path.name != "hw3.ipynb":
                handed_out.append(path.read_bytes()[: 2**24].decode(errors="replace"))
        for place, secret in self.secrets.items():
            if place != "tests" and any(secret in text for text in handed_out):  # stock shows those to all
                win(f"it has the secret of the {place}")
        if str(self.seed) in shown:
            win("it knows the judges' seed")
        if any(line.strip() in SOLUTIONS for line in shown.splitlines()):
            win("it has a line of the reference solution")
        if attack.name in self.contacts:
            win("it reached a server outside")
        for path in self.prey.glob(f"{attack.name}*"):
            win(f"it wrote {path.name} outside")
        for path in [*self.root.glob("*/hw3.ipynb"), *self.root.glob("submitted/*/hw3/hw3.ipynb")]:
            small = path.is_file() and path.stat().st_size < 2**16
            if small and f"handed in by {student}" in path.read_text(errors="replace"):
                win(f"its notebook stands in {path.parent.relative_to(self.root)}")
        if any(attack.name in words for words in self.left_over.values()):
            win("a process of its own outlived the grading")
        if page.is_file() and scripts_of(page.read_text(errors="replace"), self.mark):
            win("its script runs in the feedback page")
        path = self.root / "autograded" / student / "hw3" / "hw3.ipynb"
        if path.is_file() and path.stat().st_size > 2**24:
            win(f"its graded notebook has {path.stat().st_size / 2**20:.0f} MiB")
        if f"forged by {attack.name}" in self.log():
            win("it wrote into the grader's log")
        return outcome


def _id(cell: NotebookNode) -> str:
    """The name that nbgrader knows a cell by, or ""."""
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


SOLUTIONS = {line for line in solution_lines("hw3") if line not in solution_source(HONEST)}


def classic_cells(secret: str) -> list[NotebookNode]:
    """An exercise as stock nbgrader knows it, with a hidden test."""
    settings = {"schema_version": 3, "task": False}
    exercise = nbformat.v4.new_code_cell(
        "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
    )
    exercise.metadata.nbgrader = {
        **settings,
        "grade_id": "hw3-classic",
        "solution": True,
        "grade": False,
        "locked": False,
    }
    test = nbformat.v4.new_code_cell(
        "assert torch.allclose(double(torch.ones(2)), 2 * torch.ones(2))\n"
        f"### BEGIN HIDDEN TESTS\nassert torch.equal(double(torch.eye(2)), 2 * torch.eye(2))  # {secret}\n"
        "### END HIDDEN TESTS"
    )
    test.metadata.nbgrader = {
        **settings,
        "grade_id": "hw3-classic-check",
        "solution": False,
        "grade": True,
        "locked": True,
        "points": 4,
    }
    return [exercise, test]


def outputs_of(notebook: NotebookNode) -> str:
    """Every text that a notebook's cells put out."""
    texts = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            texts += [output.get("text", ""), *output.get("traceback", [])]
            texts += [value for value in output.get("data", {}).values() if isinstance(value, str)]
    return "\n".join(texts)


class _Scripts(HTMLParser):
    def __init__(self, mark: str):
        super().__init__()
        self.mark, self.inside, self.found = mark, False, False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.inside = tag == "script"
        for name, value in attributes:
            if self.mark in (value or "") and (name.startswith("on") or "javascript:" in value):
                self.found = True

    def handle_data(self, data: str) -> None:
        self.found |= self.inside and self.mark in data

    def handle_endtag(self, tag: str) -> None:
        self.inside = False


def scripts_of(page: str, mark: str) -> bool:
    """Whether a page holds an active script with the mark in it."""
    parser = _Scripts(mark)
    parser.feed(page)
    return parser.found


def _processes() -> Iterator[tuple[int, Path]]:
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            yield int(path.name), path


def marked_processes(mark: str) -> dict[int, str]:
    """The processes with the mark in their command line, by number."""
    found = {}
    for number, path in _processes():
        with contextlib.suppress(OSError):
            words = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if mark in words and number != os.getpid():
                found[number] = words
    return found
