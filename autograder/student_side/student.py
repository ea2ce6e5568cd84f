"""The student's side as a judge sees it: send a probe, receive plain data or a `StudentFailure`.

`LocalStudent` runs the probe in this process (used by `check` in a notebook). The sandboxed `KernelStudent`
in `autograder.sandbox` runs it in an isolated kernel. Both only implement `exchange`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from autograder.student_side.exchange import ExchangeError, decode, encode

VERDICTS = ("failed", "time limit", "memory limit", "crashed", "refused")


class StudentFailure(Exception):
    """The student's code did not deliver.

    Attributes:
        verdict: one of VERDICTS.
        message: what happened, in words for the student.
        unsolved: the exercise that has no solution yet, or "".
    """

    def __init__(self, verdict: str, message: str, unsolved: str = ""):
        if verdict not in VERDICTS:
            raise ValueError(f"verdict {verdict!r}; expected one of {VERDICTS}")
        super().__init__(f"{verdict}: {message}")
        self.verdict, self.message, self.unsolved = verdict, message, unsolved


class Reply(dict):
    """A probe's answer. A missing key is the student side's fault (a probe always fills all of them)."""

    def __missing__(self, key: str):
        raise StudentFailure("refused", f"the answer of the student's side lacks {key!r}")


class Student(ABC):
    """Runs probes beside the student's code.

    Attributes:
        world: answers what the probe that runs asks of its environments, if it may ask; see `world.py`.
    """

    world: Callable[[str], str] | None = None

    @abstractmethod
    def exchange(self, request: bytes) -> bytes:
        """Sends an encoded request to the student's side, returns its encoded reply.

        Raises:
            StudentFailure: the student's side ended before it replied (time limit, memory limit, crashed).
        """

    @contextmanager
    def playing(self, world: Callable[[str], str]) -> Iterator[None]:
        """While it holds, probes play in that world."""
        self.world = world
        try:
            yield
        finally:
            self.world = None

    def run(self, probe_id: str, **inputs: object) -> Reply:
        """Runs one probe on plain inputs, e.g. `student.run("hw3.get_action", epsilon=0.0, ...)`.

        Raises:
            StudentFailure: the student's code raised, never ended, crashed, or its answer was refused.
        """
        try:
            return read_reply(self.exchange(encode({"probe": probe_id, "arguments": inputs})))
        except StudentFailure as failure:
            if failure.verdict != "failed" or failure.unsolved:
                raise
            sizes = ", ".join(f"{name} {text}" for name, value in inputs.items() if (text := _size(value)))
            raise StudentFailure("failed", f"{failure.message}\n  tried with: {sizes[:300]}") from None

    @contextmanager
    def apart(self, homework: str) -> Iterator[Student]:
        """Where answers that are no code are tried: a side that the student's code has never touched.

        In a sandbox that is a fresh kernel with the reference solutions of the homework. Everywhere else it is
        this side itself, with what the student has filled in.
        """
        yield self


def read_reply(data: bytes) -> Reply:
    """The result inside an encoded reply, or the StudentFailure that it reports."""
    try:
        reply = decode(data)
    except ExchangeError as error:
        raise StudentFailure("refused", f"the answer of the student's side was refused: {error}") from None
    if reply.get("ok") is True and isinstance(reply.get("result"), dict):
        return Reply(reply["result"])
    verdict, message, unsolved = (reply.get(key) for key in ("verdict", "message", "unsolved"))
    if verdict not in VERDICTS or not isinstance(message, str) or not isinstance(unsolved, str):
        raise StudentFailure("refused", "the answer of the student's side has no readable content")
    raise StudentFailure(verdict, message[:4000], unsolved[:100])


def _size(value: object) -> str:
    """The shape of an array, a number itself; "" for anything else."""
    if hasattr(value, "shape"):
        return f"of shape {value.shape}"
    return f"{value:.4g}" if isinstance(value, (int, float)) else str(value) if value is None else ""


class LocalStudent(Student):
    """The student's code in this very process, spoken to through the same encoding as across the sandbox."""

    def exchange(self, request: bytes) -> bytes:
        from autograder.student_side import probes, world

        with world.hosted(self.world):
            return probes.answer(request)
