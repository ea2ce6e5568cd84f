"""The warmed process inside the sandbox: it has imported what submissions need, and forks once for each kernel.

It runs no submitted code itself. Every connection to its socket is one kernel. The forked child, the kernel's
*supervisor*, reads the request, enters namespaces of its own (user, mounts, processes, network, IPC, host name) and
starts process 1 of them, which gives up every capability and starts the kernel under a filter of system calls. The
supervisor stays outside of the kernel's process namespace: it watches what the kernel's processes use together, and
reports their end. A closed connection ends the kernel and everything that it started.

    python zygote.py SOCKET {"modules": [...], "seal": true, ...}

This process never reads a request: what siblings inherit of its memory says nothing about any of them. They share no
open file and see no process, no file and no network of each other. Before any submitted code runs, the outside has
been given descriptors of the two places that it needs (see `Opened`), and follows no path into them afterwards.
Runs without the course's package on its path being imported first, so this file stands alone.
"""

from __future__ import annotations

import array
import base64
import contextlib
import ctypes
import errno
import gc
import importlib
import json
import os
import platform
import resource
import select
import signal
import socket
import sys
import time
import traceback
from typing import NamedTuple

WATCH = 0.2  # seconds between two looks at what a kernel uses
BURST = 1.0  # seconds of CPU time that a kernel may be ahead of its share
SLACK = 2**27  # bytes that a process which holds too much still gets, to say so
COMPLAINT = 4000  # bytes of its stderr that are reported
# What of /proc is no namespace's: keys of the same user, the kernel's memory and addresses, what other processes do.
MASKED = "kallsyms kcore key-users keys kmsg interrupts latency_stats modules sched_debug schedstat softirqs timer_list"
ROOM = "/run/room"  # where a sealed kernel sees its room
SPARE_PROCESSES = 16  # above the limit, before the watchdog steps in: its own count is not exact
FORK_REFUSED = 11  # exit status of a trial
PAGE = resource.getpagesize()
TICKS = os.sysconf("SC_CLK_TCK")

# <linux/sched.h>, <sys/mount.h>, <sys/prctl.h>, <linux/capability.h>
CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS = 0x00020000, 0x02000000, 0x04000000
CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x08000000, 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER = 1, 22, 24, 36
PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
SECCOMP_MODE_FILTER = 2
CAPABILITY_VERSION_3 = 0x20080522
KEYCTL = {"x86_64": 250, "aarch64": 219}.get(platform.machine())
KEYCTL_GET_KEYRING_ID, KEYCTL_JOIN_SESSION_KEYRING, SESSION_KEYRING = 0, 1, -3

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> None:
    """Calls a C function that returns 0. Raises OSError with its name and its first texts otherwise."""
    if getattr(_libc, name)(*arguments) != 0:
        error = ctypes.get_errno()
        texts = [argument.decode() for argument in arguments if isinstance(argument, bytes)]
        raise OSError(error, " ".join([f"{name}: {os.strerror(error)}", *texts]))


def die_with_parent() -> None:
    """Has the system end this process with the one that started it."""
    _call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    _call("mount", source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode())


def leave_keyring() -> None:
    """Gives this process a session keyring of its own, an empty one; it came with the one of whoever started it."""
    if KEYCTL:  # fails only where this Linux has no keys
        _libc.syscall(KEYCTL, KEYCTL_JOIN_SESSION_KEYRING, None)


# The supervisor of one kernel


class Opened(NamedTuple):
    """Descriptors that the outside is given before submitted code runs.

    `answer` is the plain file that probes write to, `sockets` the folder of the kernel's sockets.
    """

    answer: int
    sockets: int


def supervise(connection: socket.socket, settings: dict) -> None:
    """The forked child's whole life: starts a kernel, reports that it is there, watches it, reports its end."""
    end = {"code": 70, "reason": "", "complaint": ""}
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        connection.sendall(b"?")  # the credentials of this message tell the outside which process this is
        with connection.makefile("rb") as stream:
            request = json.loads(stream.readline())
        for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT):
            signal.signal(number, signal.SIG_DFL)  # pygame catches them
        null = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(null, number)
        _close_all_but(connection.fileno())
        os.setsid()
        leave_keyring()
        if settings["seal"]:
            _enter_namespaces(request, settings["keep"])
        die_with_parent()
        _call("prctl", PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # of what the kernel leaves behind unsealed
        room = ROOM if settings["seal"] else request["room"]
        complaints = os.open(f"{room}/answers/stderr", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.unlink(f"{room}/answers/stderr")
        os.dup2(complaints, 2)
        opened = Opened(
            os.open(f"{room}/answers/answer", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600),
            os.open(f"{room}/sockets", os.O_PATH | os.O_DIRECTORY),
        )
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        child = os.fork()
        if child == 0:
            _become_kernel(request, settings, theirs)
        theirs.close()
        code, end["reason"] = _watch_over(child, connection, ours, opened, request, settings["seal"])
        end["code"] = code if code >= 0 else 128 - code
        size = os.fstat(complaints).st_size
        end["complaint"] = os.pread(complaints, COMPLAINT, max(0, size - COMPLAINT)).decode(errors="replace")
    except BaseException as error:
        end["complaint"] = f"{type(error).__name__}: {error}"
    with contextlib.suppress(OSError):
        connection.sendall(json.dumps(end).encode() + b"\n")
    os._exit(0)


def _close_all_but(keep: int) -> None:
    os.closerange(3, keep)
    os.closerange(keep + 1, 1 << 16)


def _watch_over(
    child: int, connection: socket.socket, ours: socket.socket, opened: Opened, request: dict, sealed: bool
) -> tuple[int, str]:
    """Waits for the end of `child`; its exit code, and the limit that it was killed for ("" if none)."""
    ended, kernel, reason = os.pidfd_open(child), None, ""
    limits = request["limits"]
    disk_of = None if sealed else request["room"]  # a sealed one writes to memory of bounded size only
    share = Share(limits["cores"])
    seen = time.monotonic()
    waiting = [connection, ended, ours]
    while True:
        ready, _, _ = select.select(waiting, [], [], WATCH)
        if ours in ready:
            waiting.remove(ours)
            kernel = _receive_kernel(ours, limits)
            if kernel:
                rights = array.array("i", opened)
                connection.sendmsg([b"\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            for descriptor in opened:
                os.close(descriptor)
        if connection in ready:  # it never gets a message: the outside has closed it
            waiting.remove(connection)
            os.kill(child, signal.SIGKILL)
        if ended in ready:
            _, status = os.waitpid(child, 0)
            if not sealed:  # in a process namespace nothing outlives process 1
                _end_orphans()
            return os.waitstatus_to_exitcode(status), reason
        if kernel and not reason and time.monotonic() > seen + WATCH:
            table = processes()
            tree = descendants(1 if sealed else child, table)
            kernel.bound()
            share.bound(tree, table)
            reason = excess(tree, table, limits, disk_of)
            if reason:
                os.kill(child, signal.SIGKILL)
            seen = time.monotonic()


def _receive_kernel(ours: socket.socket, limits: dict) -> Kernel | None:
    """The kernel's process, as the operating system names the sender of its only message, and as it names itself."""
    size = array.array("i").itemsize * 3
    data, ancillary, _, _ = ours.recvmsg(16, socket.CMSG_SPACE(size))
    for level, kind, content in ancillary:
        if data and level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            return Kernel(array.array("i", content[:size])[0], int(data), limits)
    return None


def _end_orphans() -> None:
    """Kills what the kernel has left behind, which all is this process's by now."""
    while True:
        for pid in descendants(os.getpid(), processes())[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


class Kernel:
    """The kernel's main process, which may reserve more memory than it may touch.

    Args:
        pid: as this process sees it.
        name: its number in /proc here, which is that of its own namespace.
        limits: what it may use.
    """

    def __init__(self, pid: int, name: int, limits: dict):
        self.pid, self.name, self.limits = pid, name, limits
        self._is_bound = False

    def bound(self) -> None:
        """While it holds all that it may, lets it reserve nothing more: it gets a MemoryError, and can go on."""
        table, most = status(self.name), self.limits["address_space"]
        is_full = table.get("RssAnon:", 0) + table.get("VmSwap:", 0) >= self.limits["memory"]
        if is_full == self._is_bound:
            return
        bound = min(most, table["VmData:"] + SLACK) if is_full else most
        with contextlib.suppress(OSError):
            resource.prlimit(self.pid, resource.RLIMIT_DATA, (bound, most))
            self._is_bound = is_full


class Share:
    """What a kernel's processes get of the CPU, also where no control group holds it and however many they are.

    While they are ahead of their share they are stopped, so that the code of a sibling gets its own.

    Args:
        cores: that they may use on average.
    """

    def __init__(self, cores: float):
        self.cores, self._most = cores, float(len(os.sched_getaffinity(0)))
        self._credit, self._seen = BURST, time.monotonic()
        self._used: dict[int, float] = {}
        self._is_stopped = False

    def bound(self, tree: list[int], table: dict[int, Process]) -> None:
        """Counts what they have used since the last call, and stops them or lets them go on.

        Processes that end between two looks have used what nobody counted. So those that run, or wait for a core, at
        the moment of a look count as if they had all the while.
        """
        now = time.monotonic()
        passed, self._seen = now - self._seen, now
        known = {pid: table[pid] for pid in tree if pid in table}
        counted = sum(max(0.0, entry.seconds - self._used.get(pid, 0.0)) for pid, entry in known.items())
        running = min(self._most, sum(entry.running for entry in known.values()))
        self._used = {pid: entry.seconds for pid, entry in known.items()}
        self._credit = min(BURST, self._credit + self.cores * passed - max(counted, running * passed))
        if self._credit < 0:  # at every look: there are new ones, or they let each other go on
            _signal(tree, signal.SIGSTOP)
        elif self._is_stopped:
            _signal(tree, signal.SIGCONT)
        self._is_stopped = self._credit < 0


def _signal(numbers: list[int], kind: int) -> None:
    """Sends a signal to processes by their numbers in /proc here, which may be those of an inner namespace."""
    for number in numbers:
        with contextlib.suppress(OSError):  # it has ended
            descriptor = os.open(f"/proc/{number}", os.O_RDONLY | os.O_DIRECTORY)
            try:
                signal.pidfd_send_signal(descriptor, kind)
            finally:
                os.close(descriptor)


# Inside


def _become_kernel(request: dict, settings: dict, ready: socket.socket) -> None:
    """The kernel's whole life; `ready` gets a message from it before it runs any submitted code."""
    try:
        _close_all_but(ready.fileno())
        die_with_parent()
        if settings["seal"]:
            _seal()
        for program in settings["filters"]:
            _filter_calls(base64.b64decode(program))
        if settings["seal"]:
            _fork_and_wait()
        _limit(request["limits"])
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["env"]["HOME"])
        _reseed()
        if "trial" in request:
            _announce(ready)
            _try_limits(request)
        _run_kernel(request["argv"], request["connection"], ready)
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
        os._exit(70)


def _seal() -> None:
    """Makes this the process 1 of its namespaces, without any capability, nor a way to new ones."""
    _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    # No user below this one: there a process would have capabilities again. Of what Linux counts for each user of the
    # machine, and so for all kernels together, each gets a small share.
    for name, most in (("user_namespaces", 0), ("inotify_instances", 8), ("inotify_watches", 1024),
                       ("fanotify_groups", 0), ("fanotify_marks", 0)):  # fmt: skip
        with contextlib.suppress(OSError), open(f"/proc/sys/user/max_{name}", "wb") as stream:
            stream.write(str(most).encode())
    for path in filter(os.path.exists, (f"/proc/{name}" for name in MASKED.split())):
        _mount("/dev/null", path, "", MS_BIND)
    # Where the grader runs as root, so does this process, and root may write to /proc/sys without any capability.
    _mount("none", "/proc", "", MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)
    _drop_capabilities()


def _enter_namespaces(request: dict, keep: list[str]) -> None:
    """Leaves the siblings: own user, mounts, processes, network, IPC; an own /tmp, and the room at `ROOM`.

    `keep` names what is read-only in /tmp and stays: the course, where that is its place.
    """
    user, group = os.geteuid(), os.getegid()
    _call("unshare", CLONE_NEWNS)
    _mount("none", "/", "", MS_REC | MS_PRIVATE)
    # A user of its own may mount a /proc only where one is seen that nothing covers; bubblewrap's is covered.
    _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    _call(
        "unshare",
        CLONE_NEWUSER
        | CLONE_NEWNS
        | CLONE_NEWPID
        | CLONE_NEWNET
        | CLONE_NEWIPC
        | CLONE_NEWUTS
        | CLONE_NEWCGROUP,
    )
    # A user of its own, by the same number: its processes are counted apart from its siblings'.
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "wb") as stream:
            stream.write(text.encode())
    size, home = request["limits"]["disk"], request["env"]["HOME"]
    read_only = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV
    _mount("tmpfs", ROOM, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,nr_inodes=10,mode=755")
    for name in ("requests", "sockets", "answers"):
        os.mkdir(f"{ROOM}/{name}")
    _mount(f"{request['room']}/requests", f"{ROOM}/requests", "", MS_BIND)
    _mount("tmpfs", f"{ROOM}/sockets", "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,nr_inodes=100")
    _mount("tmpfs", f"{ROOM}/answers", "tmpfs", MS_NOSUID | MS_NODEV, f"size={size},nr_inodes=1k")
    _mount("none", f"{ROOM}/requests", "", read_only)
    _mount("none", ROOM, "", read_only)
    kept = {path: os.open(path, os.O_PATH) for path in keep}
    for directory in ("/tmp", home, "/dev/shm"):
        _mount("tmpfs", directory, "tmpfs", MS_NOSUID | MS_NODEV, f"size={size},nr_inodes=100k,mode=1777")
    _mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620")
    _mount("/dev/null", "/dev/zero", "", MS_BIND)  # shared mappings of it are memory that nobody's size shows
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
            open(path, "wb").close()
        _mount(source, path, "", MS_BIND)
        _mount("none", path, "", read_only)
        os.close(descriptor)
    for top in tops:
        _mount("none", f"/{top}", "", read_only)


def _fork_and_wait() -> None:
    """Returns in a new child; this process only waits for it and ends as it does."""
    child = os.fork()
    if child == 0:
        os.setsid()
        die_with_parent()
        return
    os.closerange(3, 1 << 16)  # the kernel can look into this process
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


def _filter_calls(program: bytes) -> None:
    """Has the system refuse some system calls from now on, as a program of its filter says."""

    class Program(ctypes.Structure):  # struct sock_fprog
        _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]

    pointer = ctypes.byref(Program(len(program) // 8, program))
    _call("prctl", PR_SET_SECCOMP, SECCOMP_MODE_FILTER, pointer, 0, 0)


def _limit(limits: dict) -> None:
    for name, value in (
        ("DATA", limits["address_space"]),
        ("NPROC", limits["processes"]),
        ("FSIZE", limits["file_size"]),
        ("NOFILE", limits["open_files"]),
        ("CPU", int(limits["seconds_total"]) + 1),
        ("CORE", 0),
    ):
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))


def _run_kernel(argv: list[str], connection: dict, ready: socket.socket) -> None:
    from ipykernel.kernelapp import IPKernelApp

    file = os.path.join(os.environ["HOME"], ".connection.json")
    with open(file, "w", encoding="utf-8") as stream:
        json.dump(connection, stream)
    sys.argv = argv
    sys.stdin = open(0, encoding="utf-8", closefd=False)
    sys.stdout, sys.stderr = (
        open(number, "w", encoding="utf-8", buffering=1, closefd=False) for number in (1, 2)
    )
    kernel = IPKernelApp.instance()
    kernel.initialize(["-f", file, *argv[1:]])
    os.unlink(file)
    kernel.shell.set_custom_exc((MemoryError,), _show_briefly)
    _announce(ready)
    kernel.start()
    os._exit(0)


def _show_briefly(shell, kind: type, error: BaseException, where, tb_offset: int | None = None) -> None:
    """Shows an exception without IPython's own account of it, which takes memory that there is none of."""
    shell._showtraceback(kind, error, traceback.format_exception(kind, error, where))


def _announce(ready: socket.socket) -> None:
    """Tells the supervisor that this process is about to run what is not ours."""
    ready.sendall(str(os.getpid()).encode())
    ready.close()


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
        "system calls": _is_refused(os.memfd_create, "trial")
        and _is_refused(_call, "unshare", CLONE_NEWUSER),
        "keys": not KEYCTL or _libc.syscall(KEYCTL, KEYCTL_GET_KEYRING_ID, SESSION_KEYRING, 0) < 0,
        "memory of a process": _is_refused(bytearray, limits["address_space"]),
    }
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


def _is_refused(function, *arguments: object) -> bool:
    try:
        function(*arguments)
    except (OSError, MemoryError):
        return True
    return False


def _reseed() -> None:
    """Random generators that a fresh process would have seeded from the system."""
    import random

    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()


# The watchdog


class Process(NamedTuple):
    """One line of the process table.

    Attributes:
        seconds: of CPU, of itself and its dead children.
        running: whether it runs or waits for a core.
    """

    parent: int
    threads: int
    seconds: float
    running: bool


def process(pid: int) -> Process | None:
    """What the process table says of a process, or None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:
            fields = stream.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return Process(int(fields[1]), int(fields[17]), sum(map(int, fields[11:15])) / TICKS, fields[0] == b"R")


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


def status(pid: int) -> dict[str, int]:
    """What the system says of a process's memory, in bytes; nothing of one that is gone."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", "rb") as stream:
        fields = [line.split() for line in stream]  # a process may call itself anything, also what is no text
        return {words[0].decode(): int(words[1]) * 1024 for words in fields[1:] if words[2:] == [b"kB"]}
    return {}


def memory(pids: list[int], enough: int) -> int:
    """Bytes of memory of some processes. Shared pages count once a process, unless that would exceed `enough`.

    Pages that were swapped out, and the tables of pages, which can be larger than the pages, count too.
    """
    tables = {pid: status(pid) for pid in pids}
    resident = {
        pid: sum(table.get(name, 0) for name in ("VmRSS:", "VmSwap:", "VmPTE:"))
        for pid, table in tables.items()
    }
    if sum(resident.values()) > enough:
        for pid, table in tables.items():
            with contextlib.suppress(OSError, IndexError, ValueError):  # a process may forbid the look
                with open(f"/proc/{pid}/smaps_rollup", "rb") as stream:
                    shared = int(stream.read().partition(b"\nPss:")[2].split()[0]) * 1024
                resident[pid] -= table.get("VmRSS:", 0) - shared
    return sum(resident.values())


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


def excess(tree: list[int], table: dict[int, Process], limits: dict, folder: str | None) -> str:
    """The limit that some processes exceed together, "" if none.

    Args:
        tree: their numbers.
        table: of all processes.
        limits: what they may use.
        folder: what counts as their disk, if anything.
    """
    threads = sum(table[pid].threads for pid in tree if pid in table)
    if threads > limits["processes"] + SPARE_PROCESSES:
        return "processes"
    if memory(tree, limits["memory_total"]) > limits["memory_total"]:
        return "memory"
    return "disk" if folder and disk(folder) > limits["disk"] else ""


# The server


def main(path: str, settings: dict) -> None:
    """Imports, listens, forks. What is asked of the children it never learns."""
    die_with_parent()
    leave_keyring()
    for name in settings["modules"]:
        for more in getattr(importlib.import_module(name), "WARM", ()):
            importlib.import_module(more)
    gc.collect()
    gc.freeze()  # a child's collector need not look at, and so copy, what it inherits
    if len(os.listdir("/proc/self/task")) != 1:
        raise RuntimeError("an imported module started a thread, so a fork would not be safe")
    if settings["seal"]:
        _try_to_seal(os.path.dirname(path), settings["keep"])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the supervisors
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    print("ready", flush=True)
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:  # it never gets a line: the outside has closed it
            return  # and with this process everything that it forked ends
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                die_with_parent()
                supervise(connection, settings)
            connection.close()


def _try_to_seal(folder: str, keep: list[str]) -> None:
    """Ends this process with a word about it where a forked child cannot be sealed."""
    room = os.path.join(folder, "trial")
    os.makedirs(os.path.join(room, "requests"))
    request = {"room": room, "limits": {"disk": 2**20}, "env": {"HOME": os.environ["HOME"]}}
    child = os.fork()
    if child:
        if os.waitpid(child, 0)[1]:
            sys.exit(70)
        return
    seen = [path for path in sys.path if os.path.isdir(path) and os.listdir(path)]
    try:
        _enter_namespaces(request, keep)
        for path in seen:
            if not os.path.isdir(path) or not os.listdir(path):
                raise OSError(f"{path} is hidden inside, and nothing could be imported from it")
        if os.fork() == 0:
            _seal()
            os._exit(0)
        os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
    except OSError as error:  # of either
        print(f"no namespaces: {error}", flush=True)
        os._exit(70)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
