"""The warmed process inside the sandbox: it has imported what submissions need, and forks once for each kernel.

It runs no submitted code itself. Every connection to its socket is one kernel: the request names a room, the forked
child enters namespaces of its own (mounts, processes, network, IPC, host name), gives up every capability, takes the
limits upon itself and only then becomes a kernel. A watchdog here adds up what a kernel's processes use together.
A closed connection ends the kernel and everything that it started.

    python zygote.py SOCKET {"modules": [...], "seal": true}

Copied memory is all that siblings share: they inherit no open file of each other and see no process, no file and no
network of each other. Runs without the course's package on its path being imported first, so this file stands alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import importlib
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from dataclasses import dataclass
from typing import NamedTuple

WATCH = 0.2  # seconds between two looks at what the kernels use
SPARE_PROCESSES = 16  # above the limit, before the watchdog steps in: its own count is not exact
FORK_REFUSED = 11  # exit status of a trial
PAGE = resource.getpagesize()
TICKS = os.sysconf("SC_CLK_TCK")

# <linux/sched.h>, <sys/mount.h>, <sys/prctl.h>, <linux/capability.h>
CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS = 0x00020000, 0x02000000, 0x04000000
CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWNET = 0x08000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = (
    1,
    38,
    24,
    47,
    4,
)
CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> None:
    """Calls a C function that returns 0. Raises OSError with its name otherwise."""
    if getattr(_libc, name)(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def die_with_parent() -> None:
    """Has the system end this process with the one that started it."""
    _call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    _call("mount", source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode())


@dataclass
class Kernel:
    """One forked kernel, as this process sees it."""

    connection: socket.socket
    pid: int
    room: str
    limits: dict
    reason: str = ""  # the limit for which it was killed


# Inside the child


def become_kernel(request: dict, connection: socket.socket, seal: bool, keep: list[str]) -> None:
    """The forked child's whole life."""
    try:
        connection.sendall(b"?")  # the credentials of this message tell the outside which process this is
        if connection.recv(1) != b"!":
            os._exit(1)
        complaints = os.open(os.path.join(request["room"], "stderr"), os.O_WRONLY | os.O_CREAT, 0o600)
        null = os.open(os.devnull, os.O_RDWR)
        for number, source in enumerate((null, null, complaints)):
            os.dup2(source, number)
        os.closerange(3, 1 << 16)
        for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT):
            signal.signal(number, signal.SIG_DFL)  # pygame catches them
        os.setsid()
        die_with_parent()
        if seal:
            _seal(request["room"], request["env"]["HOME"], request["limits"]["disk"], keep)
        _limit(request["limits"])
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["env"]["HOME"])
        _reseed()
        if "trial" in request:
            _try_limits(request)
        _run_kernel(request["argv"])
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
        os._exit(70)


def _seal(room: str, home: str, size: int, keep: list[str]) -> None:
    """Returns in a process that has namespaces of its own and no capability."""
    _enter_namespaces(room, home, size, keep)
    _fork_and_wait(lambda: None)
    _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    with (
        contextlib.suppress(OSError),
        open("/proc/sys/user/max_user_namespaces", "w", encoding="utf-8") as stream,
    ):
        stream.write("0")  # none below this one: in them a process would have capabilities again
    # Where the grader runs as root, so does this process, and root may write to /proc/sys without any capability.
    _mount("none", "/proc", "", MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)
    _drop_capabilities()
    _fork_and_wait(os.setsid)


def _enter_namespaces(room: str, home: str, size: int, keep: list[str]) -> None:
    """Leaves the siblings: own mounts, processes, network, IPC; an own /tmp with this room as all that is in it.

    `keep` names what is read-only in /tmp and stays: the course, where that is its place.
    """
    _call(
        "unshare", CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP
    )
    _mount("none", "/", "", MS_REC | MS_PRIVATE)
    stage = "/run/room"
    _mount(room, stage, "", MS_BIND)
    kept = {path: os.open(path, os.O_PATH) for path in keep}
    for directory in ("/tmp", home, "/dev/shm"):
        _mount("tmpfs", directory, "tmpfs", MS_NOSUID | MS_NODEV, f"size={size},nr_inodes=100k,mode=1777")
    _mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620")
    requests, sockets, answers = (os.path.join(room, name) for name in ("requests", "sockets", "answers"))
    for target in (requests, sockets, answers):
        os.makedirs(target, mode=0o755)
    _mount(os.path.join(stage, "requests"), requests, "", MS_BIND)
    # In memory of bounded size, and as mounts, so that none can be replaced by a link; see Cradle.root.
    _mount("tmpfs", sockets, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,nr_inodes=100")
    _mount("tmpfs", answers, "tmpfs", MS_NOSUID | MS_NODEV, f"size={size},nr_inodes=1k")
    read_only = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV
    _mount("none", requests, "", read_only)
    tops = {os.path.join(*path.split("/")[:3]) for path in keep}  # the folders of /tmp that they lie in
    for top in tops:
        os.makedirs(f"/{top}")
        _mount("tmpfs", f"/{top}", "tmpfs", MS_NOSUID | MS_NODEV, "size=1m")
    for path, descriptor in kept.items():
        source = f"/proc/self/fd/{descriptor}"
        if os.path.isdir(source):
            os.makedirs(path, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            open(path, "w", encoding="utf-8").close()
        _mount(source, path, "", MS_BIND)
        _mount("none", path, "", read_only)
        os.close(descriptor)
    for top in tops:
        _mount("none", f"/{top}", "", read_only)
    _call("umount2", stage.encode(), MNT_DETACH)


def _fork_and_wait(first) -> None:
    """Returns in a new child after `first()`; this process only waits for it and ends as it does."""
    child = os.fork()
    if child == 0:
        die_with_parent()
        first()
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        pid, status = os.wait()  # as process 1 of its namespace it also reaps orphans
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def _drop_capabilities() -> None:
    for capability in range(64):
        if _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break  # the first number that this system does not know
    _libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    _call("capset", header, (ctypes.c_uint32 * 6)())
    _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _limit(limits: dict) -> None:
    for name, value in (
        ("DATA", limits["memory"]),
        ("NPROC", limits["processes"]),
        ("FSIZE", limits["file_size"]),
        ("NOFILE", limits["open_files"]),
        ("CPU", int(limits["seconds_total"]) + 1),
        ("CORE", 0),
    ):
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))


def _run_kernel(argv: list[str]) -> None:
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = argv
    sys.stdin = open(0, encoding="utf-8", closefd=False)
    sys.stdout, sys.stderr = (
        open(number, "w", encoding="utf-8", buffering=1, closefd=False) for number in (1, 2)
    )
    IPKernelApp.launch_instance(argv=argv[1:])
    os._exit(0)


def _try_limits(request: dict) -> None:
    """Does what the sandbox should refuse, and writes to stderr what it did refuse; see `nursery.trial`."""
    limits, hidden = request["limits"], request["trial"]
    if not hidden:  # the second trial
        read_end, write_end = os.pipe()
        for _ in range(4):
            if os.fork() == 0:
                block = bytearray(b"x") * (limits["memory_total"] // 3)
                os.write(write_end, block[:1])
                time.sleep(60)
                os._exit(0)
        held, patience = 0, time.monotonic() + 60
        while held < 4 and os.waitpid(-1, os.WNOHANG) == (0, 0) and time.monotonic() < patience:
            if select.select([read_end], [], [], 0.05)[0]:
                held += len(os.read(read_end, 4))
        time.sleep(2)  # for the watchdog, where there are no control groups
        os._exit(0)
    found = {
        "network": socket.socket().connect_ex(("192.0.2.1", 9)) == errno.ENETUNREACH,
        "other files": not any(map(os.path.exists, hidden)),
        "memory of a process": False,
    }
    try:
        bytearray(limits["memory"])
    except MemoryError:
        found["memory of a process"] = True
    os.write(2, json.dumps(found).encode())
    try:
        for _ in range(limits["processes"] + 2 * SPARE_PROCESSES):
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
    except OSError:
        os._exit(FORK_REFUSED)
    time.sleep(5 * WATCH)
    os._exit(0)


def _reseed() -> None:
    """Random generators that a fresh process would have seeded from the system."""
    import random

    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()


# The watchdog


class Process(NamedTuple):
    """One line of the process table: its parent, its threads, the seconds of CPU of itself and its dead children."""

    parent: int
    threads: int
    seconds: float


def process(pid: int) -> Process | None:
    """What the process table says of a process, or None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:
            fields = stream.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return Process(int(fields[1]), int(fields[17]), sum(map(int, fields[11:15])) / TICKS)


def processes() -> dict[int, Process]:
    """All processes that are visible here."""
    found = {int(name): process(int(name)) for name in os.listdir("/proc") if name.isdigit()}
    return {pid: entry for pid, entry in found.items() if entry}


def descendants(root: int, table: dict[int, Process]) -> list[int]:
    """`root` and what it started; orphans of a process namespace stay below its process 1."""
    children: dict[int, list[int]] = {}
    for pid, entry in table.items():
        children.setdefault(entry.parent, []).append(pid)
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def memory(pids: list[int], enough: int) -> int:
    """Bytes of memory of some processes. Shared pages count once a process, unless that would exceed `enough`."""

    def total(path: str, read) -> int:
        value = 0
        for pid in pids:
            with (
                contextlib.suppress(OSError, ValueError, IndexError),
                open(f"/proc/{pid}/{path}", "rb") as stream,
            ):
                value += read(stream.read())
        return value

    resident = total("statm", lambda data: int(data.split()[1]) * PAGE)
    if resident <= enough:
        return resident
    return total("smaps_rollup", lambda data: int(data.partition(b"\nPss:")[2].split()[0]) * 1024)


def disk(folder: str, entries: int = 10_000) -> float:
    """Bytes below a folder; infinity when there are too many entries to look at."""
    size = 0
    for where, _, files in os.walk(folder):
        for name in files:
            entries -= 1
            with contextlib.suppress(OSError):
                size += os.lstat(os.path.join(where, name)).st_blocks * 512
        if entries < 0:
            return float("inf")
    return size


def watch(kernels: list[Kernel]) -> None:
    """Kills the kernels whose processes together use more than they may."""
    table = processes() if kernels else {}
    for kernel in kernels:
        tree = descendants(kernel.pid, table)
        if (
            sum(table[pid].threads for pid in tree if pid in table)
            > kernel.limits["processes"] + SPARE_PROCESSES
        ):
            kernel.reason = "processes"
        elif memory(tree, kernel.limits["memory_total"]) > kernel.limits["memory_total"]:
            kernel.reason = "memory"
        elif disk(kernel.room) > kernel.limits["disk"]:
            kernel.reason = "disk"
        if kernel.reason:
            end(kernel)


def end(kernel: Kernel) -> None:
    """Kills a kernel: with process 1 of its namespace all others end."""
    for pid in descendants(kernel.pid, processes()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


# The server


def main(path: str, settings: dict) -> None:
    """Imports, listens, forks."""
    die_with_parent()
    for name in settings["modules"]:
        for more in getattr(importlib.import_module(name), "WARM", ()):
            importlib.import_module(more)
    gc.collect()
    gc.freeze()  # a child's collector need not look at, and so copy, what it inherits
    if len(os.listdir("/proc/self/task")) != 1:
        raise RuntimeError("an imported module started a thread, so a fork would not be safe")
    if settings["seal"]:
        _try_to_seal(os.path.dirname(path), settings["keep"])
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    print("ready", flush=True)
    kernels: dict[int, Kernel] = {}
    seen = time.monotonic()
    while True:
        waiting = [listener, *(kernel.connection for kernel in kernels.values()), sys.stdin]
        ready, _, _ = select.select(waiting, [], [], WATCH / 4 if kernels else None)
        if sys.stdin in ready:  # it never gets a line: the outside has closed it
            for kernel in kernels.values():
                end(kernel)
            return
        if listener in ready:
            connection, _ = listener.accept()
            _fork(connection, listener, kernels, settings)
        for kernel in list(kernels.values()):
            if kernel.connection in ready and _is_closed(kernel.connection):
                end(kernel)
        _reap(kernels)
        if time.monotonic() > seen + WATCH:
            watch(list(kernels.values()))
            seen = time.monotonic()


def _is_closed(connection: socket.socket) -> bool:
    try:
        return not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:  # it was a byte for the child, which has taken it
        return False
    except OSError:
        return True


def _try_to_seal(folder: str, keep: list[str]) -> None:
    """Raises OSError where a forked child cannot be sealed."""
    room = os.path.join(folder, "trial")
    for name in ("requests", "sockets", "answers"):
        os.makedirs(os.path.join(room, name), exist_ok=True)
    child = os.fork()
    if child == 0:
        try:
            _seal(room, os.environ["HOME"], 2**20, keep)
        except OSError as error:
            print(f"no namespaces: {error}", flush=True)
            os._exit(70)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(70)


def _fork(
    connection: socket.socket, listener: socket.socket, kernels: dict[int, Kernel], settings: dict
) -> None:
    with contextlib.suppress(OSError, ValueError), connection.makefile("rb") as stream:
        request = json.loads(stream.readline())
        pid = os.fork()
        if pid == 0:
            listener.close()
            for kernel in kernels.values():
                kernel.connection.close()
            become_kernel(request, connection, settings["seal"], settings["keep"])
        kernels[pid] = Kernel(connection, pid, request["room"], request["limits"])
        return
    connection.close()


def _reap(kernels: dict[int, Kernel]) -> None:
    for kernel in list(kernels.values()):
        pid, status = os.waitpid(kernel.pid, os.WNOHANG)
        if pid:
            del kernels[pid]
            code = os.waitstatus_to_exitcode(status)
            with contextlib.suppress(OSError):
                message = {"code": code if code >= 0 else 128 - code, "reason": kernel.reason}
                kernel.connection.sendall(json.dumps(message).encode() + b"\n")
            kernel.connection.close()


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
