"""A kernel in the sandbox, driven from outside: run code under a time limit, keep a bounded part of its output.

Nothing that the kernel says is trusted: messages are for display, and a kernel that stops answering is killed.
"""

from __future__ import annotations

import os
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty

import zmq
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from nbformat import NotebookNode
from nbformat.v4 import output_from_msg

from autograder.sandbox.bubblewrap import SandboxUnavailable
from autograder.sandbox.limits import GIB, Limits
from autograder.sandbox.nursery import shared
from autograder.sandbox.provisioner import BubblewrapProvisioner
from autograder.student_side.student import StudentFailure

SECONDS_TO_START = 120.0
PATIENCE = 4.0  # a time limit counts CPU time, or this many times as long by the clock: machines may be busy
_PAUSE = 0.05  # seconds between two questions whether it is ready
_POLL = 0.5  # seconds between two looks at whether the process still lives
_HARMLESS = ("text/plain", "image/png", "image/jpeg")  # HTML could run scripts in the page of whoever grades
_OVERWRITTEN = re.compile(r"[^\n]*\r(?=[^\n])")


@dataclass
class Execution:
    """How one piece of code ended.

    Attributes:
        status: "ok", "error" (it raised), "time limit" or "crashed".
        message: what happened, in words for the student; "" for "ok".
        outputs: notebook outputs, up to the output limit.
    """

    status: str = "ok"
    message: str = ""
    outputs: list[NotebookNode] = field(default_factory=list)


class SandboxedKernel:
    """One kernel, usable in a `with` block.

    Args:
        limits: what it may use.
        unsafe: run without isolation.
        nursery: folder of the nursery to ask; by default this process's own.

    Attributes:
        ending: why the kernel is gone (a StudentFailure with its verdict), or None while it lives.
    """

    def __init__(self, limits: Limits | None = None, unsafe: bool = False, nursery: Path | None = None):
        self.limits, self._unsafe, self._nursery = limits or Limits(), unsafe, nursery
        if nursery is None:
            own = shared(unsafe=unsafe)
            nursery = own.folder if own else None
        self.ending: StudentFailure | None = None
        spec = KernelSpec(
            argv=[
                sys.executable,
                "-m",
                "ipykernel_launcher",
                "--HistoryManager.enabled=False",
            ],
            language="python",
            interrupt_mode="message",
        )
        self._manager = KernelManager()
        self._manager._kernel_spec = spec
        self._provisioner = self._manager.provisioner = BubblewrapProvisioner(
            parent=self._manager,
            kernel_id="",
            kernel_spec=spec,
            limits=self.limits,
            unsafe=unsafe,
            nursery=nursery,
        )

    def __enter__(self) -> SandboxedKernel:
        self._manager.start_kernel()
        self._client = self._manager.client()
        # Never connect a second time: then submitted code might have put something else there.
        self._client.context.setsockopt(zmq.RECONNECT_IVL, -1)
        self._client.start_channels(stdin=False, hb=False)
        if not self._is_ready():
            self._close()
            raise SandboxUnavailable(
                f"the sandboxed kernel did not answer\n{self._provisioner.process.complaint}"
            )
        self._provisioner.process.cpu_seconds(whole=True)  # finds its processes, now that all are there
        self._deadline = time.monotonic() + self.limits.seconds_total
        return self

    def _is_ready(self) -> bool:
        """Waits until the kernel answers and its output arrives, which no single question could tell."""
        deadline, asked = time.monotonic() + SECONDS_TO_START, set()
        while time.monotonic() < deadline and self._provisioner.process.poll() is None:
            asked.add(self._client.kernel_info())
            try:
                message = self._client.get_iopub_msg(timeout=_PAUSE)
            except Empty:
                continue
            if message["parent_header"].get("msg_id") in asked:
                return True
        return False

    def __exit__(self, *_: object) -> None:
        self._close()

    def another(self) -> SandboxedKernel:
        """A fresh kernel like this one was."""
        return SandboxedKernel(self.limits, self._unsafe, self._nursery)

    @property
    def room(self) -> Path:
        """The private directory, as the kernel sees it."""
        return self._provisioner.inside

    def ask(self, request: bytes) -> None:
        """Puts a request where the kernel can read it, at `room`/requests/request, and takes away the last answer."""
        os.ftruncate(self._provisioner.opened.answer, 0)
        os.ftruncate(self._provisioner.request, 0)
        with open(self._provisioner.request, "wb", closefd=False) as stream:
            stream.seek(0)
            stream.write(request)

    def answer(self, limit: int) -> bytes:
        """What the kernel wrote to `room`/answers/answer, one byte more than `limit` at most. Nothing in it is trusted."""
        with open(self._provisioner.opened.answer, "rb", closefd=False) as stream:
            stream.seek(0)
            return stream.read(limit + 1)

    def execute(self, code: str, seconds: float) -> Execution:
        """Runs code, for at most `seconds` and the kernel's total.

        On a busy machine, where it gets less than a core, it has up to `PATIENCE` times as long. A kernel that runs over its time is interrupted, and killed where it does not heed that; what it is
        asked afterwards ends at once, with the same verdict.
        """
        if self.ending:
            return Execution(self.ending.verdict, self.ending.message)
        left = self._deadline - time.monotonic()
        if left <= 0:
            return self._kill(
                Execution(), f"the notebook as a whole ran longer than {self.limits.seconds_total:g} s"
            )
        request = self._client.execute(code, store_history=False, allow_stdin=False, stop_on_error=False)
        execution = Execution()
        output = _Output(execution.outputs, self.limits.output)
        if self._listen(request, output, min(seconds, left), execution) or self._has_died(execution):
            return execution
        message = f"your code ran longer than {min(seconds, left):g} s and was stopped"
        self._client.control_channel.send(self._client.session.msg("interrupt_request"))
        if self._listen(request, output, self.limits.seconds_grace, execution):
            if not self.ending:
                execution.status, execution.message = "time limit", message
            return execution
        return self._kill(
            execution, f"{message}; it did not heed the interrupt, so nothing after it could run"
        )

    def _listen(self, request: str, output: _Output, seconds: float, execution: Execution) -> bool:
        """Collects messages until the code has ended (True) or the time is over (False)."""
        process, began = self._provisioner.process, time.monotonic()
        used_before = process.cpu_seconds()
        while True:
            passed = time.monotonic() - began
            if passed > seconds and (
                passed > PATIENCE * seconds or process.cpu_seconds(whole=True) - used_before > seconds
            ):
                return False
            try:
                message = self._client.get_iopub_msg(timeout=min(max(seconds - passed, 0.05), _POLL))
            except Empty:
                if self._has_died(execution):
                    return True
                continue
            if message["parent_header"].get("msg_id") != request:
                continue
            content = message["content"]
            if message["msg_type"] == "status":
                if content.get("execution_state") == "idle":
                    self._has_died(execution)  # or one of its processes was killed for memory
                    return True
            elif message["msg_type"] == "error":
                execution.status = "error"
                execution.message = f"{content.get('ename')}: {content.get('evalue')}"[:2000]
                output.add(message)
            else:
                output.add(message)

    def _has_died(self, execution: Execution) -> bool:
        """Whether the kernel is gone; then the execution says why, and so does `ending`."""
        process = self._provisioner.process
        code = process.poll()
        if code is None:
            return False
        if process.reason == "memory":
            execution.status = "memory limit"
            execution.message = (
                f"all processes together used more than {self.limits.memory_total / GIB:g} GiB of memory, so "
                "the Python process was ended and nothing after it could run"
            )
        else:
            cause = f"signal {code - 128}" if code > 128 else f"exit code {code}"
            if process.reason:
                cause = f"it exceeded the limit on {process.reason}"
            execution.status = "crashed"
            execution.message = f"the Python process ended ({cause}), so nothing after it could run"
        self.ending = StudentFailure(execution.status, execution.message)
        return True

    def _kill(self, execution: Execution, message: str) -> Execution:
        self._provisioner.process.kill()
        execution.status, execution.message = "time limit", message
        self.ending = StudentFailure("time limit", message)
        return execution

    def _close(self) -> None:
        # Not stop_channels, which connects to the sockets that were never in use before it closes them.
        self._client.context.destroy(linger=0)
        self._provisioner.process.kill()
        self._provisioner.process.wait()
        self._manager.transport = "tcp"  # or it would look for sockets to remove, where submitted code was
        self._manager.cleanup_resources()


class _Output:
    """Collects notebook outputs, up to a number of bytes."""

    def __init__(self, outputs: list[NotebookNode], limit: int):
        self.outputs, self.limit, self.left = outputs, limit, limit

    def add(self, message: dict) -> None:
        if message["msg_type"] == "clear_output":
            self.outputs.clear()
            return
        if self.left < 0:
            return
        self.left -= len(str(message["content"]))
        if self.left < 0:
            text = f"... output beyond {self.limit} bytes was dropped ...\n"
            self.outputs.append(NotebookNode(output_type="stream", name="stdout", text=text))
            return
        try:
            output = output_from_msg(message)
            if "data" in output:
                output.data = {kind: data for kind, data in output.data.items() if kind in _HARMLESS}
                output.metadata = {}  # a picture's width and height, say, which a page would not quote
        except (ValueError, KeyError, TypeError, AttributeError):  # not an output, or a forged message
            return
        last = self.outputs[-1] if self.outputs else None
        if output.output_type == "stream" and last and last.get("name") == output.name:
            last.text = _OVERWRITTEN.sub("", last.text + output.text)
        else:
            self.outputs.append(output)
