"""The student's side in a sandboxed kernel: requests go in as files, answers come out as files of bounded size."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autograder.exchange import SIZE_LIMIT
from autograder.sandbox.kernel import SandboxedKernel
from autograder.sandbox.limits import Limits
from autograder.student import Reply, Student, StudentFailure


class KernelStudent(Student):
    """Runs probes in a sandboxed kernel, beside whatever code was executed there.

    After a probe has run over its time once, it is not tried again: it would only cost the class its time.
    """

    def __init__(self, kernel: SandboxedKernel):
        self.kernel = kernel
        self._numbers = itertools.count()
        self._endless: dict[str, StudentFailure] = {}

    def run(self, probe_id: str, **inputs: object) -> Reply:
        """Runs one probe; see Student.run."""
        if probe_id in self._endless:
            raise self._endless[probe_id]
        try:
            return super().run(probe_id, **inputs)
        except StudentFailure as failure:
            if failure.verdict == "time limit":
                self._endless[probe_id] = failure
            raise

    def exchange(self, request: bytes) -> bytes:
        """Sends a request file into the sandbox and reads the answer file; see Student.exchange."""
        name = f"{next(self._numbers)}.npz"
        question, answer = self.kernel.room / "requests" / name, self.kernel.room / "answers" / name
        question.write_bytes(request)
        execution = self.kernel.execute(
            f"__import__('autograder.probes').probes.serve({str(question)!r}, {str(answer)!r})",
            self.kernel.limits.seconds_per_probe,
        )
        question.unlink()
        if execution.status in ("time limit", "crashed"):
            raise StudentFailure(execution.status, f"your code {execution.message}" if execution.status == "time limit"
                                 else execution.message)
        if execution.status == "error":
            verdict = "memory limit" if execution.message.startswith("MemoryError") else "failed"
            raise StudentFailure(verdict, execution.message)
        return read_regular_file(answer, SIZE_LIMIT)


def read_regular_file(path: Path, limit: int) -> bytes:
    """Reads what the sandbox wrote, and nothing else: no link, no pipe, no device, not more than `limit` bytes.

    Raises:
        StudentFailure: with the verdict "refused".
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise StudentFailure("refused", f"the student's side left no readable answer ({error.strerror})") from None
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise StudentFailure("refused", "the answer of the student's side is not a plain file")
        if status.st_size > limit:
            raise StudentFailure("refused", f"the answer has {status.st_size} bytes; the limit is {limit}")
        data = stream.read(limit)
    path.unlink(missing_ok=True)
    return data


@contextmanager
def kernel_student(setup_code: str, limits: Limits | None = None, unsafe: bool = False) -> Iterator[KernelStudent]:
    """A student whose side is a fresh sandboxed kernel in which `setup_code` has run.

    Raises:
        SandboxUnavailable: there is no working sandbox, and `unsafe` was not asked for.
    """
    with SandboxedKernel(limits, unsafe) as kernel:
        student = KernelStudent(kernel)
        execution = kernel.execute(setup_code, kernel.limits.seconds_per_cell)
        if execution.status == "error":
            student = FailedStudent(StudentFailure("failed", f"the code raised {execution.message}"))
        yield student


class FailedStudent(Student):
    """A side that never came to life: every probe ends with the same failure."""

    def __init__(self, failure: StudentFailure):
        self.failure = failure

    def exchange(self, request: bytes) -> bytes:
        """Raises the failure."""
        raise self.failure
