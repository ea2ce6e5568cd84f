"""The trusted side of the warmed process (`zygote.py`): starts it, and asks it for kernels."""

from __future__ import annotations

import array
import atexit
import base64
import contextlib
import fcntl
import functools
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from autograder.sandbox import bubblewrap, cgroups, seccomp, zygote
from autograder.sandbox.limits import GIB, Limits

FOLDER = Path("/tmp")  # short: the path of a socket ends at 107 bytes
PREFIX = "gcb6206-"
# What every kernel needs; the debugger alone costs a kernel a quarter of a second.
MODULES = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.debugger",
    "matplotlib_inline.backend_inline",
    "matplotlib.pyplot",
    "torch._dynamo",  # the first optimiser imports it
    "autograder.student_side.probes",
)


class NoNamespaces(bubblewrap.SandboxUnavailable):
    """bubblewrap works here, but a process inside cannot make namespaces of its own."""


class Nursery:
    """One warmed process, usable in a `with` block.

    Args:
        modules: what it imports besides the kernel's own.
        unsafe: run without isolation.
        single: for one kernel only, which bubblewrap alone isolates.
        run: name of the grading run that it belongs to, if anybody will ask; see `sweep`.

    Raises:
        NoNamespaces: only single ones work here.
        SandboxUnavailable: it did not start; the message says why.
    """

    def __init__(
        self, modules: Sequence[str] = (), unsafe: bool = False, single: bool = False, run: str = ""
    ):
        if not unsafe:
            bubblewrap.require()
        self.unsafe = unsafe
        self._owner = os.getpid()
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX + run, dir=FOLDER))
        self._lock = open(self.folder / "locking", "wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        (self.folder / "locking").rename(self.folder / "lock")  # only now can another grader's sweep see it
        rooms = self.folder / "rooms"
        rooms.mkdir()
        hidden = [path for path in bubblewrap.readable() if path.startswith(f"{FOLDER}/")]
        settings = {
            "modules": [*MODULES, *modules],
            "seal": not (unsafe or single),
            "keep": hidden,
            "filters": [] if unsafe else [base64.b64encode(p).decode() for p in seccomp.programs()],
        }
        program = [sys.executable, bubblewrap.ZYGOTE, str(socket_in(self.folder)), json.dumps(settings)]
        if unsafe:
            program[1] = str(Path(__file__).with_name("zygote.py"))
        else:
            program = bubblewrap.command(program, Limits().disk, [rooms], nest=not single)
        with (self.folder / "stderr").open("wb") as complaints:
            self._process = subprocess.Popen(
                program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints,
                env=bubblewrap.environment(str(self.folder) if unsafe else bubblewrap.HOME), cwd="/", start_new_session=True,
            )  # fmt: skip
        try:
            answer = self._process.stdout.readline().decode().strip()
        except BaseException:  # interrupted
            self.close()
            raise
        if answer != "ready":
            self._process.wait()
            complaint = (self.folder / "stderr").read_text(errors="replace").strip()[-1000:]
            self.close()
            error = NoNamespaces if answer.startswith("no namespaces") else bubblewrap.SandboxUnavailable
            raise error(f"the sandbox did not start: {answer} {complaint}")

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends it and all its kernels, and removes their files."""
        if os.getpid() != self._owner:  # a forked copy of this object
            return
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._lock):
            stream.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Cradle:
    """One kernel's process: what of `subprocess.Popen` a kernel provisioner uses.

    Args:
        folder: of a Nursery, which may be another process's.
        request: room, arguments, environment, as `zygote.supervise` takes them.
        limits: what it may use.

    Attributes:
        returncode: None while it lives; 128 plus the signal where it was killed.
        reason: the limit that it was killed for ("memory", "processes", "disk"), or "".
        complaint: the end of what it wrote to its stderr; "" while it lives.
    """

    def __init__(self, folder: Path, request: dict, limits: Limits):
        self.returncode: int | None = None
        self.reason = self.complaint = ""
        self._pids: list[int] = []
        self._received = b""
        version = cgroups.version()
        self._cgroup = cgroups.Cgroup(version, limits) if version else None
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        try:
            self._connection.connect(str(socket_in(folder)))
            self.pid = self._receive_pid()
            if self._cgroup:
                self._cgroup.add(self.pid)
            self._connection.sendall(json.dumps({**request, "limits": limits.to_dict()}).encode() + b"\n")
        except OSError as error:
            self._finish({})
            raise bubblewrap.SandboxUnavailable(f"the sandbox gave no kernel: {error}") from None

    def _receive_pid(self) -> int:
        """The kernel's first process, as the operating system names the sender of its first message."""
        size = struct.calcsize("3i")
        data, ancillary, _, _ = self._connection.recvmsg(1, socket.CMSG_SPACE(size))
        for level, kind, content in ancillary:
            if data and level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
                return array.array("i", content[:size])[0]
        raise OSError("it ended at once")

    def opened(self, seconds: float) -> zygote.Opened:
        """What the kernel is spoken to by, opened before it runs any submitted code. The caller closes it.

        Raises:
            SandboxUnavailable: the kernel has ended, or is not ready after so many seconds.
        """
        self._connection.settimeout(seconds)
        try:
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
            self._received, descriptors, _, _ = socket.recv_fds(
                self._connection, 1, len(zygote.Opened._fields)
            )
        except TimeoutError:
            self.kill()
            descriptors = ()
        self._connection.settimeout(None)
        if descriptors:
            return zygote.Opened(*descriptors)
        self.wait()
        raise bubblewrap.SandboxUnavailable(f"the sandboxed kernel did not start\n{self.complaint}")

    def cpu_seconds(self, whole: bool = False) -> float:
        """CPU time that the kernel has used.

        Args:
            whole: also what it started, for which the process table has to be searched.
        """
        if whole or not self._pids:
            self._pids = zygote.descendants(self.pid, zygote.processes())
        return sum(entry.seconds for entry in map(zygote.process, self._pids) if entry)

    def waited(self) -> float:
        """Seconds that the kernel has waited for a core; of its processes, the one that waited longest."""
        found = 0.0
        for pid in self._pids:
            with contextlib.suppress(OSError, IndexError, ValueError):  # it has ended, or nobody counts
                text = Path(f"/proc/{pid}/schedstat").read_text(encoding="utf-8")
                found = max(found, int(text.split()[1]) / 1e9)
        return found

    def poll(self) -> int | None:
        """The exit status, or None while it lives.

        A kernel of which the system has killed some process for memory is ended as a whole.
        """
        if self.returncode is None and self._cgroup and self._cgroup.killed_for_memory():
            self.kill()
            return self.wait()
        return self._read(socket.MSG_DONTWAIT)

    def wait(self) -> int:
        """Waits for the end; the exit status."""
        return self._read(0)

    def kill(self) -> None:
        """Ends the kernel and everything that it started."""
        if self.returncode is None:
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_WR)

    def _read(self, flags: int) -> int | None:
        if self.returncode is None:
            try:
                more = self._connection.recv(4096, flags)
                while more:  # its last message, after which its end is closed
                    self._received += more
                    more = self._connection.recv(4096)
            except BlockingIOError:
                return None
            except OSError:
                pass
            self._finish(json.loads(self._received) if self._received.strip() else {})
        return self.returncode

    def _finish(self, message: dict) -> None:
        self.returncode, self.reason = message.get("code", 137), message.get("reason", "")
        self.complaint = message.get("complaint", "").strip()
        self._connection.close()
        if self._cgroup:
            if self._cgroup.killed_for_memory():
                self.reason = "memory"
            self._cgroup.remove()


def socket_in(folder: Path) -> Path:
    """Where the nursery of that folder is asked for kernels."""
    return folder / "rooms" / "nursery"


def warm(modules: Sequence[str] = (), unsafe: bool = False, run: str = "") -> Nursery | None:
    """A nursery for many kernels, or None where each kernel needs one of its own.

    Raises:
        SandboxUnavailable: no kernel can be sealed off here.
    """
    try:
        return Nursery(modules, unsafe, run=run)
    except NoNamespaces:
        return None


@functools.cache
def _shared(owner: int, modules: tuple[str, ...], unsafe: bool, run: str) -> Nursery | None:
    nursery = warm(modules, unsafe, run)
    if nursery:
        atexit.register(nursery.close)
    return nursery


def shared(modules: Sequence[str] = (), unsafe: bool = False, run: str = "") -> Nursery | None:
    """This process's own `warm` one, started at the first call."""
    return _shared(os.getpid(), tuple(modules), unsafe, run)


def sweep(run: str = "", patience: float = 0.0) -> None:
    """Removes what graders that were killed have left behind.

    Args:
        run: of a grading run whose processes have been killed and may still be dying.
        patience: seconds that it is waited for them.
    """
    deadline = time.monotonic() + patience
    while True:
        _sweep()
        if time.monotonic() > deadline or not (run and list(FOLDER.glob(f"{PREFIX}{run}*"))):
            return
        time.sleep(0.1)


def _sweep() -> None:
    cgroups.sweep()
    for folder in FOLDER.glob(f"{PREFIX}*/lock"):
        with contextlib.suppress(OSError), folder.open() as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)  # its owner is gone
            shutil.rmtree(folder.parent, ignore_errors=True)


def trial(nursery: Nursery, exhaust: bool = False) -> dict[str, bool]:
    """Which limits hold on this host: tried by processes in the sandbox that do what it should refuse.

    Args:
        nursery: where.
        exhaust: also use too much memory in several processes together, which takes a second or two.
    """
    limits = Limits(address_space=GIB, memory_total=GIB, processes=24)
    room = Path(tempfile.mkdtemp(prefix="", dir=nursery.folder / "rooms"))
    (room / "requests").mkdir(mode=0o700)
    hidden = [str(bubblewrap.COURSE / name) for name in ("solutions", "autograder/trusted/judges", "tests")]
    hidden += [str(nursery.folder / "lock"), str(socket_in(nursery.folder))]

    def end_of(paths: list[str]) -> Cradle:
        request = {"room": str(room), "env": bubblewrap.environment(), "trial": paths}
        cradle = Cradle(nursery.folder, request, limits)
        cradle.wait()
        return cradle

    first = end_of(hidden)
    try:
        found = json.loads(first.complaint)
    except ValueError:
        raise bubblewrap.SandboxUnavailable(
            f"the sandbox failed its trial ({first.returncode}): {first.complaint}"
        ) from None
    found["processes"] = first.returncode == zygote.FORK_REFUSED or first.reason == "processes"
    if exhaust:
        found["memory in total"] = end_of([]).reason == "memory"
    shutil.rmtree(room)
    return found
