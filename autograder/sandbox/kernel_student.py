"""The student's side in a sandboxed kernel: a request goes in as a file, an answer comes out as a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from autograder.sandbox.kernel import SandboxedKernel
from autograder.sandbox.limits import Limits
from autograder.student_side.exchange import SIZE_LIMIT
from autograder.student_side.student import VERDICTS, Reply, Student, StudentFailure
from autograder.trusted.sources import GIVEN, given_source

_TORCH_OUT_OF_MEMORY = "DefaultCPUAllocator: can't allocate memory"


class KernelStudent(Student):
    """Runs probes in a sandboxed kernel, beside whatever code was executed there."""

    def __init__(self, kernel: SandboxedKernel):
        self.kernel = kernel
        self._imported: set[str] = set()
        self._seconds = kernel.limits.seconds_per_probe

    def run(self, probe_id: str, **inputs: object) -> Reply:
        """Runs one probe; see Student.run."""
        limits = self.kernel.limits
        module = probe_id.partition(".")[0]
        if module not in self._imported:  # importing the course takes seconds, which are not the student's
            self._imported.add(module)
            self.kernel.execute(f"import autograder.student_side.probes.{module}", limits.seconds_per_cell)
        self._seconds = (
            limits.seconds_per_training if ".convergence" in probe_id else limits.seconds_per_probe
        )
        try:
            return super().run(probe_id, **inputs)
        except StudentFailure as failure:
            if failure.verdict == "failed" and _TORCH_OUT_OF_MEMORY in failure.message:
                raise StudentFailure("memory limit", failure.message) from None
            raise

    @contextmanager
    def apart(self, homework: str) -> Iterator[Student]:
        """A fresh kernel with the reference solutions; see Student.apart."""
        with self.kernel.another() as kernel:
            for name in (*GIVEN.get(homework, ()), homework):
                execution = kernel.execute(given_source(name), kernel.limits.seconds_per_cell)
                if execution.status != "ok":
                    raise RuntimeError(f"the solutions of {name} did not run: {execution.message}")
            yield KernelStudent(kernel)

    def exchange(self, request: bytes) -> bytes:
        """Sends a request into the sandbox and reads the answer; see Student.exchange."""
        self.kernel.ask(request)
        question, answer = (str(self.kernel.room / name) for name in ("requests/request", "answers/answer"))
        execution = self.kernel.execute(
            f"__import__('autograder.student_side.probes', fromlist=['serve']).serve({question!r}, {answer!r})",
            self._seconds,
            self.world,
        )
        if execution.status in VERDICTS:
            raise StudentFailure(execution.status, execution.message)
        if execution.status == "error":
            verdict = "memory limit" if execution.message.startswith("MemoryError") else "failed"
            raise StudentFailure(verdict, execution.message)
        data = self.kernel.answer(SIZE_LIMIT)
        if not data:
            raise StudentFailure("refused", "the student's side left no answer")
        return data


@contextmanager
def kernel_student(
    setup_code: str, limits: Limits | None = None, unsafe: bool = False
) -> Iterator[KernelStudent]:
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
