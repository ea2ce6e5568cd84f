"""Running submitted code where it can do no harm."""

from autograder.sandbox.bubblewrap import SandboxUnavailable
from autograder.sandbox.kernel import SandboxedKernel
from autograder.sandbox.kernel_student import FailedStudent, KernelStudent, kernel_student
from autograder.sandbox.limits import Limits

__all__ = [
    "FailedStudent",
    "KernelStudent",
    "Limits",
    "SandboxUnavailable",
    "SandboxedKernel",
    "kernel_student",
]
