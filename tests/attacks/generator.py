"""Random notebooks, messages, answers, archives and names: whatever they are, each has one fate and no other's suffers.

`python -m tests.attacks --fuzz 10000` tries so many of each kind; every one follows from the seed and its number.
"""

from __future__ import annotations

import contextlib
import copy
import csv
import functools
import importlib
import io
import json
import logging
import pickle
import random
import re
import socket
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import numpy as np
from nbgrader.api import Gradebook

from autograder.nbgrader_plugin import exporters, history, submission
from autograder.nbgrader_plugin.collect import PlatformArchives
from autograder.nbgrader_plugin.configuration import HarmlessLines
from autograder.sandbox import kernel as kernels
from autograder.sandbox.wire import Message, Wire, jupyter_message
from autograder.student_side.exchange import decode, encode
from autograder.student_side.student import LocalStudent, StudentFailure
from autograder.trusted.judging import JudgeFailure, NotYet
from autograder.trusted.report import VERDICTS
from autograder.trusted.runner import exercises_of, judges_of, random_of, run_judges

from .scene import HONEST, Scene

CHARACTERS = "aA0 .%/\\\n\r\t\x00\x07\x1b[;=+-@,'\"|\u00e9\u2028\u202e\ud800\U0001f600김"
KEYS = [
    "cells",
    "source",
    "metadata",
    "nbgrader",
    "grade_id",
    "tags",
    "outputs",
    "cell_type",
    "id",
    "attachments",
    "data",
    "text",
    "name",
]
WORDS = [
    *KEYS,
    "code",
    "markdown",
    "hw3-update",
    "hw3-update-check",
    "text/plain",
    "image/png",
    "stream",
    "error",
]


def text(rng: random.Random, most: int = 12) -> str:
    """A short text in which everything may stand."""
    if rng.random() < 0.3:
        return rng.choice(WORDS)
    return "".join(rng.choices(CHARACTERS, k=rng.randrange(most)))


def value(rng: random.Random, depth: int = 3) -> object:
    """What JSON can say."""
    kind = rng.randrange(12 if depth else 8)
    if kind >= 10:
        return {text(rng): value(rng, depth - 1) for _ in range(rng.randrange(4))}
    if kind >= 8:
        return [value(rng, depth - 1) for _ in range(rng.randrange(4))]
    plain = (
        None,
        True,
        False,
        rng.randrange(-9, 9),
        10 ** rng.randrange(400),
        rng.uniform(-1, 1),
        float("nan"),
    )
    return plain[kind] if kind < 7 else text(rng)


def places(document: object, found: list | None = None) -> list[tuple[dict | list, object]]:
    """Every (container, key) of a JSON document, in its order."""
    found = [] if found is None else found
    items = document.items() if isinstance(document, dict) else ()
    for key, inner in enumerate(document) if isinstance(document, list) else items:
        found.append((document, key))
        places(inner, found)
    return found


def damaged(document: dict, damages: list[tuple]) -> dict:
    """A copy of a document with some of its places dropped, replaced, doubled, wrapped or made text.

    Args:
        damages: of each its kind, the number of the place, a key and a value that may be put there.
    """
    document = copy.deepcopy(document)
    for operation, number, key, new in damages:
        known = places(document)
        if not known:
            break
        container, place = known[number % len(known)]
        if operation == "drop":
            del container[place]
        elif operation == "replace":
            container[place] = new
        elif operation == "wrap":
            container[place] = [container[place]]
        elif operation == "to text":
            container[place] = str(container[place])
        elif isinstance(container, list):
            container.insert(place, new if operation == "insert" else copy.deepcopy(container[place]))
        else:
            container[key] = new if operation == "insert" else copy.deepcopy(container[place])
    return document


OPERATIONS = ("drop", "replace", "insert", "double", "wrap", "to text")


def damages(rng: random.Random) -> list[tuple]:
    """Some, for `damaged`."""
    return [
        (rng.choice(OPERATIONS), rng.randrange(10**6), text(rng), value(rng))
        for _ in range(rng.randint(1, 6))
    ]


# --- notebooks ------------------------------------------------------------------------------------


def full_notebook(scene: Scene) -> dict:
    """A submission with everything in it that a damage can hit: outputs, attachments, tags, pictures."""
    notebook = scene.solved((HONEST,))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata.tags = ["skip-execution"] if "nbgrader" not in cell.metadata else ["mine"]
            cell.outputs = [nbformat.v4.new_output("display_data", data={"image/png": "aGFsbG8="})]
        else:
            cell.attachments = {"a.png": {"image/png": "aGFsbG8="}}
    return json.loads(nbformat.writes(notebook))


def fate(data: bytes, master: dict) -> nbformat.NotebookNode | None:
    """The clean notebook, checked, or None for a refusal with a reason. Anything else is an error."""
    try:
        clean = submission.restored(submission.parse(data, "hw3.ipynb"), master)
    except submission.UnreadableSubmission as reason:
        assert str(reason)
        return None
    again = nbformat.reads(nbformat.writes(clean).encode().decode(), as_version=4)  # it can be written
    nbformat.validate(again)
    ids = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in again.cells]
    for name, cell in master.items():
        if cell.required:
            assert ids.count(name) == 1
            found = again.cells[ids.index(name)]
            assert found.source == cell.source and dict(found.metadata.nbgrader) == cell.metadata
    return again


@contextlib.contextmanager
def notebooks() -> Iterator[Callable[[random.Random], None]]:
    """Damaged notebooks, as JSON and as bytes: each is restored or refused."""
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder) / "root", True, [])
        with Gradebook(f"sqlite:///{scene.root}/gradebook.db") as gradebook:
            master = submission.master_cells(gradebook, "hw3", "hw3")
        document = full_notebook(scene)

    def one(rng: random.Random) -> None:
        data = json.dumps(damaged(document, damages(rng))).encode()
        for _ in range(rng.choice((0, 0, 1, 3))):
            start = rng.randrange(len(data) + 1)
            data = data[:start] + rng.randbytes(rng.randrange(8)) + data[start + rng.randrange(200) :]
        fate(data, master)

    yield one


# --- messages -------------------------------------------------------------------------------------


def frame(body: bytes, flags: int) -> bytes:
    """A frame of ZMTP, short or long as it likes."""
    if len(body) < 256 and not flags & 2:
        return bytes([flags, len(body)]) + body
    return bytes([flags | 2]) + len(body).to_bytes(8, "big") + body


def wire_bytes(frames: list[bytes], flags: int = 0) -> bytes:
    """A message of these frames."""
    return b"".join(frame(body, flags | (i < len(frames) - 1)) for i, body in enumerate(frames))


LAST = [b"stream", b"<IDS|MSG>", b"", b'{"msg_type": "last"}', b'{"msg_id": "x"}', b"{}", b"{}"]


@contextlib.contextmanager
def messages() -> Iterator[Callable[[random.Random], None]]:
    """Messages that a kernel might send: what follows them is still understood, and what is shown is harmless."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:

        def one(rng: random.Random) -> None:
            kinds = ("stream", "display_data", "execute_result", "error", "status", "clear_output", text(rng))
            data = b""
            for _ in range(rng.randrange(6)):
                message = {
                    "header": {"msg_type": rng.choice(kinds), "msg_id": "a"},
                    "parent": {"msg_id": "x"},
                    "metadata": {},
                    "content": {"name": "stdout", "text": text(rng, 99), "data": {"text/plain": text(rng), "image/png":
                                text(rng)}, "ename": "E", "evalue": text(rng), "traceback": [text(rng)],
                                "execution_state": "busy"},
                }  # fmt: skip
                message = damaged(message, damages(rng)) if rng.random() < 0.7 else message
                parts = [
                    json.dumps(message.get(part)).encode()
                    for part in ("header", "parent", "metadata", "content")
                ]
                frames = [b"stream", b"<IDS|MSG>", b"", *parts]
                if rng.random() < 0.3:
                    frames[rng.randrange(len(frames))] = rng.choice(
                        (b"", b"\xff" * 9, b"[" * 3000, b"{", rng.randbytes(rng.randrange(40)), b"x" * 70_000)
                    )
                if rng.random() < 0.2:
                    frames = [frames[rng.randrange(len(frames))] for _ in range(rng.randrange(1, 40))]
                data += wire_bytes(frames, rng.choice((0, 0, 2, 4)))
            shown, ended = exchanged(f"{folder}/socket", data + wire_bytes(LAST), rng)
            assert ended, "what came last was not understood"
            for output in shown:
                nbformat.validate(
                    nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=[output])])
                )
                assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", "".join(strings(output)))

        yield one


def exchanged(path: str, data: bytes, rng: random.Random) -> tuple[list, bool]:
    """What the trusted side makes of these bytes: outputs, and whether it understood the last message."""
    Path(path).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def speak() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(48))
                heard = b""
                while not heard.endswith(b"\x00\x01\x01"):  # its subscription
                    heard += connection.recv(1000)
                connection.sendall(frame(b"\x05READY", 4))
                at = 0
                while at < len(data):
                    step = rng.choice((1, 7, 100, 10**6))
                    connection.sendall(data[at : at + step])
                    at += step

        speaker = threading.Thread(target=speak)
        speaker.start()
        wire = Wire(path, b"SUB", b"x", 2**16, jupyter_message)
        output, ended = kernels._Output(10_000), False
        while not wire.closed:
            for message in wire.receive():
                assert isinstance(message, Message)
                ended = message.kind == "last"
                output.add(message)
        wire.close()
        speaker.join()
    return output.outputs(), ended


def strings(document: object) -> Iterator[str]:
    """Every text in it."""
    if isinstance(document, str):
        yield document
    for _, inner in (
        document.items()
        if isinstance(document, dict)
        else enumerate(document or ())
        if isinstance(document, list)
        else ()
    ):
        yield from strings(inner)


# --- answers --------------------------------------------------------------------------------------


SEEDS = 4  # of the judges, so that most of what they ask was answered before


@functools.cache
def _answer_of(content: bytes) -> bytes:
    return LocalStudent().exchange(encode(pickle.loads(content)))


def true_answer(request: bytes) -> bytes:
    """The reference's answer. What was asked before is known: an archive holds the time, so by its content."""
    return _answer_of(pickle.dumps(decode(request)))


class Damaging(LocalStudent):
    """The reference's answers, damaged; beside it stands the reference."""

    def __init__(self, rng: random.Random):
        self.rng, self.spared = rng, rng.randrange(3)

    def exchange(self, request: bytes) -> bytes:
        reply = decode(true_answer(request))
        self.spared -= 1
        if self.spared < 0 and reply.get("ok"):
            known = places(reply["result"])
            for _ in range(self.rng.randint(1, 3)):
                if known:
                    container, place = self.rng.choice(known)
                    with contextlib.suppress(KeyError, IndexError):
                        container[place] = self.strange(container[place])
        try:
            return encode(reply)
        except RecursionError:
            return b"deep"

    def strange(self, old: object) -> object:
        """Something else in its place."""
        kind = self.rng.randrange(8)
        if kind == 0 and isinstance(old, np.ndarray):
            return old[..., None] if self.rng.random() < 0.5 else old[:0] if old.ndim else old
        if kind == 1 and isinstance(old, np.ndarray):
            return np.full(old.shape, self.rng.choice((np.nan, np.inf, -1e30, 0.0)))
        if kind == 2:
            return np.zeros(
                [self.rng.randrange(3) for _ in range(self.rng.randrange(6))], self.rng.choice("biuf")
            )
        return 10**400 if kind == 3 else value(self.rng)

    @contextlib.contextmanager
    def apart(self, homework: str):
        yield LocalStudent()


def troubled(exercise: str, student: Damaging, seed: int) -> bool:
    """Whether a judge of that exercise fails itself; without pytest, which takes longer than most judges."""
    homework, _, short = exercise.partition(".")
    module = importlib.import_module(f"autograder.trusted.judges.{homework}.test_{short}")
    for name in judges_of(exercise):
        try:
            getattr(module, f"test_{name}")(student, random_of(exercise, name, seed))
        except (JudgeFailure, StudentFailure, NotYet) as verdict:
            assert str(verdict)
        except Exception:
            return True
    return False


@contextlib.contextmanager
def answers() -> Iterator[Callable[[random.Random], None]]:
    """Answers to the judges of homework 3: each gets a verdict, and none is the grader's failure."""
    import solutions
    import solutions.hw3

    solutions.load()
    sys.modules["__main__"].quiz = solutions.hw3.quiz
    slow = "hw3.run_training_loop"
    quick = [name for name in exercises_of("hw3") if name != slow and ".convergence" not in name]

    def one(rng: random.Random) -> None:
        name = slow if rng.random() < 0.02 else rng.choice(quick)
        seed, chance = rng.randrange(SEEDS), rng.getrandbits(64)
        with contextlib.redirect_stderr(io.StringIO()):  # the progress bars of training loops
            if not troubled(name, Damaging(random.Random(chance)), seed):
                return
            report = run_judges(name, Damaging(random.Random(chance)), seed)
        assert not report.grader_failed, report.to_text()
        assert {result.verdict for result in report.results} <= set(VERDICTS)
        report.to_html(), report.to_json().encode()

    yield one


# --- archives and names ---------------------------------------------------------------------------


@contextlib.contextmanager
def archives() -> Iterator[Callable[[random.Random], None]]:
    """A platform's archive with members of any name: the honest one is unpacked, the others are or are told."""

    def one(rng: random.Random) -> None:
        honest = "hw3_zoe_attempt_2026-03-01-10-00-00_hw3.ipynb"
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "in"), Path(folder, "out")
            source.mkdir()
            names = [
                text(rng, 300 if rng.random() < 0.2 else 20).replace("\ud800", "?")
                for _ in range(rng.randrange(6))
            ]
            names = [f"{rng.choice(('', '../', '/', 'a/', './', 'a/../../'))}{name}" for name in names]
            names.insert(rng.randrange(len(names) + 1), honest)
            with zipfile.ZipFile(source / "all.zip", "w") as archive, contextlib.suppress(UserWarning):
                for name in names:
                    archive.writestr(zipfile.ZipInfo(name), name)
            data = bytearray((source / "all.zip").read_bytes())
            plugin = PlatformArchives()
            plugin.log = logging.getLogger("quiet")
            plugin.log.setLevel(logging.CRITICAL + 1)
            plugin.extract(str(source), str(target))
            assert (target / "all" / honest).read_text() == honest
            assert {path.name for path in Path(folder).iterdir()} == {"in", "out"}
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            (source / "all.zip").write_bytes(data)
            plugin.extract(str(source), str(target / "damaged"))

    yield one


@contextlib.contextmanager
def names() -> Iterator[Callable[[random.Random], None]]:
    """Names of students: they stay inside their folders, begin no formula and command no terminal."""

    def one(rng: random.Random) -> None:
        name = text(rng, 200 if rng.random() < 0.2 else 20) or "x"
        path = history.path(Path("/h"), name, text(rng) or "hw3")
        assert path.parents[1] == Path("/h") and len(path.parent.name.encode("utf-8", "replace")) < 255
        buffer = io.StringIO()
        csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC).writerow(["hw3", exporters._harmless(name), 1])
        for separator in ",;\t|":
            row = [
                c
                for r in csv.reader(io.StringIO(buffer.getvalue(), newline=""), delimiter=separator)
                for c in r
            ]
            assert not [cell for cell in row if re.match(r"\s*[=+\-@]", cell)], (name, separator)
        record = logging.LogRecord("x", logging.INFO, "", 0, "Graded %s: %g points", (name, 1.0), None)
        lines = HarmlessLines(fmt="[x] %(message)s", color=False).format(record).split("\n")
        assert lines[0].startswith("[x] Graded") and all(line.startswith("    ") for line in lines[1:])
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", "".join(lines))

    yield one


KINDS = {
    "notebooks": notebooks,
    "messages": messages,
    "answers": answers,
    "archives": archives,
    "names": names,
}


def main(number: int, seed: int, kinds: list[str]) -> int:
    """Tries `number` of each of these kinds (of all, if none is named), and says what came of them.

    Returns:
        0 when none did harm.
    """
    failed = 0
    for name in kinds or KINDS:
        kind, began, used = KINDS[name], time.monotonic(), time.process_time()
        with kind() as one:
            for i in range(number):
                try:
                    one(random.Random(f"{seed}/{name}/{i}"))
                except Exception as error:
                    failed += 1
                    print(
                        f"{name} {i} of seed {seed}: {type(error).__name__}: {str(error)[:300]!r}", flush=True
                    )
        print(
            f"{number} {name}, seed {seed}: {time.monotonic() - began:.0f} s, "
            f"{time.process_time() - used:.0f} of one core",
            flush=True,
        )
    print(f"{failed} did harm")
    return 1 if failed else 0
