"""A kernel in the sandbox, driven from outside: run code under a time limit, keep a bounded part of its output.

Nothing that the kernel says is trusted: messages are for display, and a kernel that stops answering is killed.
"""

from __future__ import annotations

import os
import re
import select
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from nbformat import NotebookNode
from nbformat.v4 import new_output

from autograder.sandbox.bubblewrap import SandboxUnavailable
from autograder.sandbox.limits import GIB, Limits
from autograder.sandbox.nursery import shared
from autograder.sandbox.provisioner import BubblewrapProvisioner
from autograder.sandbox.wire import Closed, Message, Wire, jupyter_message, whole_frame
from autograder.student_side import world as worlds
from autograder.student_side.student import StudentFailure
from autograder.student_side.text import clean

SECONDS_TO_START = 120.0
PATIENCE = 4.0  # a time limit counts CPU time, or this many times as long by the clock: machines may be busy
MESSAGE_LIMIT = 2**22  # bytes of one message that are looked at
QUESTION_LIMIT = 2**20  # the same, of what a training asks of its environments
REPLY_LIMIT = 2**16  # the same, where only what kind of message it is matters
OUTPUT_COST = (
    1000  # characters that every output counts for, besides its own: many small ones cost time as well
)
_PAUSE = 0.05  # seconds between two questions whether it is ready
_POLL = 0.5  # seconds between two looks at whether the process still lives
_QUIET = 0.5  # seconds after the reply without output: the end, where the message that tells it was lost
_HARMLESS = ("text/plain", "image/png", "image/jpeg")  # HTML could run scripts in the page of whoever grades
_BASE64 = re.compile(r"[A-Za-z0-9+/=\n]*")


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
        self._output_left = self.limits.output_total
        spec = KernelSpec(
            argv=[
                sys.executable,
                "-m",
                "ipykernel_launcher",
                "--HistoryManager.enabled=False",
                "--matplotlib=inline",  # the warmed process imported pyplot where there was no kernel to draw for
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
        self._wires: dict[str, Wire] = {}
        self._manager.start_kernel()
        if not self._is_ready():
            self._close()
            raise SandboxUnavailable(
                f"the sandboxed kernel did not answer\n{self._provisioner.process.complaint}"
            )
        self._provisioner.process.cpu_seconds(whole=True)  # finds its processes, now that all are there
        self._began = time.monotonic()
        return self

    def _is_ready(self) -> bool:
        """Connects, and waits until the kernel answers and its output arrives, which no single question could tell."""
        deadline, asked = time.monotonic() + SECONDS_TO_START, set()
        while time.monotonic() < deadline and self._provisioner.process.poll() is None:
            try:
                if not self._wires:
                    self._connect()
                asked.add(self._send("shell", "kernel_info_request", {}))
            except (OSError, Closed):
                time.sleep(_PAUSE)
                continue
            if any(m.parent in asked for name, m in self._received(_PAUSE) or () if name == "iopub"):
                return True
        return False

    def _connect(self) -> None:
        """Connects to the kernel's sockets, before any code of a student's runs in it."""
        self._wires = {}
        for name, kind, limit, read in (
            ("iopub", b"SUB", MESSAGE_LIMIT, jupyter_message),
            ("shell", b"DEALER", REPLY_LIMIT, jupyter_message),
            ("control", b"DEALER", REPLY_LIMIT, jupyter_message),
            ("stdin", b"DEALER", QUESTION_LIMIT, whole_frame),
        ):
            path = f"{self._manager.ip}-{getattr(self._manager, f'{name}_port')}"
            try:
                self._wires[name] = Wire(path, kind, worlds.NAME, limit, read)
            except BaseException:
                self._disconnect()
                raise

    def _disconnect(self) -> None:
        for wire in self._wires.values():
            wire.close()
        self._wires = {}

    def _send(self, channel: str, kind: str, content: dict) -> str:
        """Sends a message; its id."""
        session = self._manager.session
        message = session.msg(kind, content)
        self._wires[channel].send(session.serialize(message))
        return message["header"]["msg_id"]

    def _received(self, seconds: float) -> list[tuple[str, Message | bytes]] | None:
        """What the channels bring next, each with its channel's name; None after so many seconds without anything."""
        open_ones = {wire: name for name, wire in self._wires.items() if not wire.closed}
        if not open_ones:
            time.sleep(seconds)
            return None
        ready, _, _ = select.select(list(open_ones), [], [], seconds)
        if not ready or self._wires["iopub"].closed:
            return None
        return [(open_ones[wire], message) for wire in ready for message in wire.receive()]

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

    def execute(self, code: str, seconds: float, world: Callable[[str], str] | None = None) -> Execution:
        """Runs code, for at most `seconds` and the kernel's total; `world` answers what it asks meanwhile.

        On a busy machine, where it gets less than a core, it has up to `PATIENCE` times as long. A kernel that runs
        over its time is interrupted, and killed where it does not heed that; what it is asked afterwards ends at once,
        with the same verdict.
        """
        if self.ending:
            return Execution(self.ending.verdict, self.ending.message)
        left = self._left()
        if left <= 0:
            return self._kill(
                Execution(), f"the notebook as a whole ran longer than {self.limits.seconds_total:g} s"
            )
        execution = Execution()
        output = _Output(min(self.limits.output, self._output_left))
        try:
            request = self._send(
                "shell", "execute_request",
                {"code": code, "silent": False, "store_history": False, "user_expressions": {},
                 "allow_stdin": False, "stop_on_error": False},
            )  # fmt: skip
            ended = self._listen(request, output, min(seconds, left), execution, world)
            if not ended:
                message = f"your code ran longer than {min(seconds, left):g} s and was stopped"
                self._send("control", "interrupt_request", {})
                ended = self._listen(request, output, self.limits.seconds_grace, execution, None)
                if ended and not self.ending:
                    execution.status, execution.message = "time limit", message
        except Closed:
            self._end(execution)
            ended = True
        execution.outputs = output.outputs()
        if _says_nothing(code):
            execution.outputs = [o for o in execution.outputs if o.output_type != "execute_result"]
        self._output_left -= output.kept
        if ended:
            return execution
        return self._kill(
            execution, f"{message}; it did not heed the interrupt, so nothing after it could run"
        )

    def _left(self) -> float:
        """Seconds of the kernel's total that are left. On a busy machine what it waited for a core is not counted."""
        total = self.limits.seconds_total
        waited = min(self._provisioner.process.waited(), (PATIENCE - 1) * total)
        return self._began + total + waited - time.monotonic()

    def _listen(
        self,
        request: str,
        output: _Output,
        seconds: float,
        execution: Execution,
        world: Callable[[str], str] | None,
    ) -> bool:
        """Collects messages until the code has ended (True) or the time is over (False).

        The answers of `world` may take as much of this process's time as the code of the kernel's.
        """
        process, began = self._provisioner.process, time.monotonic()
        used_before, looked, replied, answering = process.cpu_seconds(), began, None, 0.0
        while True:
            now = time.monotonic()
            if now - began > seconds and now - looked > _PAUSE:
                looked = now
                used = process.cpu_seconds(whole=True) - used_before
                if now - began > PATIENCE * seconds or max(used, answering) > seconds:
                    return False
            if replied and now - replied > _QUIET:
                return True
            received = self._received(min(max(began + seconds - now, _PAUSE), _POLL))
            if received is None and (self._wires["iopub"].closed or process.poll() is not None):
                self._end(execution)
                return True
            for channel, message in received or ():
                if channel == "stdin":
                    if world and answering < seconds:  # one who asks without end is not answered without end
                        started = time.thread_time()
                        self._wires["stdin"].send([world(message.decode(errors="replace")).encode()])
                        answering += time.thread_time() - started
                    continue
                if message.parent != request:
                    continue
                content = message.content or {}
                if channel == "shell":
                    replied = time.monotonic()
                    if content.get("status") == "error" and execution.status == "ok":
                        _note_error(execution, content)
                elif channel == "iopub":
                    replied = replied and time.monotonic()
                    if message.kind == "status" and content.get("execution_state") == "idle":
                        self._has_died(execution)  # or one of its processes was killed for memory
                        return True
                    if message.kind == "error":
                        _note_error(execution, content)
                    output.add(message)

    def _end(self, execution: Execution) -> None:
        """Notes how the kernel ended, whose output has ended. One that lives without it is killed."""
        process, patience = self._provisioner.process, time.monotonic() + self.limits.seconds_grace
        while not self._has_died(execution):
            if time.monotonic() > patience:
                process.kill()
                process.wait()
            time.sleep(_PAUSE)

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
        self._disconnect()
        self._provisioner.process.kill()
        self._provisioner.process.wait()
        self._manager.transport = "tcp"  # or it would look for sockets to remove, where submitted code was
        self._manager.cleanup_resources()


def _note_error(execution: Execution, content: dict) -> None:
    """Takes over what an exception says of itself."""
    name, value = (content.get(key) for key in ("ename", "evalue"))
    known = isinstance(name, str) and isinstance(value, str)
    text = f"{name}: {value}" if known else "an exception whose text is too long, or none"
    execution.status, execution.message = "error", clean(text, 2000)


def _says_nothing(code: str) -> bool:
    """Whether code ends with a semicolon, by which IPython shows no value; it asks its history, which is off here."""
    last = code.rstrip().rpartition("\n")[2]
    return last.endswith(";") or last.partition("#")[0].rstrip().endswith(";")


class _Output:
    """Collects notebook outputs, up to a number of characters.

    Attributes:
        kept: characters, and what every output counts for.
    """

    def __init__(self, limit: int):
        self.limit, self.kept, self._full = limit, 0, False
        self._collected: list[NotebookNode | tuple[str, list[str]]] = []  # streams as name and pieces

    def add(self, message: Message) -> None:
        """Takes in a message, if it is an output."""
        content = message.content
        if message.kind == "clear_output":
            self._collected.clear()
        elif message.kind == "stream":
            name, text = (content or {}).get("name"), (content or {}).get("text")
            if content is None:
                self._overflow()
            elif name in ("stdout", "stderr") and isinstance(text, str):
                last = self._collected[-1] if self._collected else None
                joins = isinstance(last, tuple) and last[0] == name
                if self._has_room(len(text) + (0 if joins else OUTPUT_COST)):
                    if not joins:
                        self._collected.append((name, []))
                    self._collected[-1][1].append(text)
        elif message.kind in ("display_data", "execute_result", "error"):
            if content is None:
                self._overflow()
                return
            output = _traceback(content) if message.kind == "error" else _shown(message.kind, content)
            if output and self._has_room(len(str(output)) + OUTPUT_COST):
                self._collected.append(output)

    def _has_room(self, size: int) -> bool:
        if self._full:
            return False
        if self.kept + size > self.limit:
            self._overflow()
            return False
        self.kept += size
        return True

    def _overflow(self) -> None:
        if not self._full:
            self._full = True
            self._collected.append(
                ("stdout", [f"... output beyond {self.limit} characters was dropped ...\n"])
            )

    def outputs(self) -> list[NotebookNode]:
        """What was collected."""
        return [
            new_output("stream", name=each[0], text=shown_text("".join(each[1])))
            if isinstance(each, tuple)
            else each
            for each in self._collected
        ]


def shown_text(text: str) -> str:
    """What a terminal would show: of what carriage returns wrote over, only the last; in one look at each character."""
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return clean("\n".join(lines), len(text))


def _shown(kind: str, content: dict) -> NotebookNode | None:
    """A picture or a text, of which nothing but a page without scripts can be made."""
    data, found = content.get("data"), {}
    for mime in _HARMLESS if isinstance(data, dict) else ():
        value = data.get(mime)
        if isinstance(value, str) and (mime == "text/plain" or _BASE64.fullmatch(value)):
            found[mime] = clean(value, len(value)) if mime == "text/plain" else value
    more = {"execution_count": None} if kind == "execute_result" else {}
    return new_output(kind, data=found, **more) if found else None


def _traceback(content: dict) -> NotebookNode | None:
    name, value, lines = (content.get(key) for key in ("ename", "evalue", "traceback"))
    if not isinstance(name, str) or not isinstance(value, str):
        return None
    lines = [clean(line) for line in lines if isinstance(line, str)] if isinstance(lines, list) else []
    return new_output("error", ename=clean(name, 200), evalue=clean(value), traceback=lines)
