"""The sandbox: what submitted code cannot reach, and that every way to end has a verdict of its own."""

import ctypes
import errno
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

import numpy as np
import pytest

import autograder.sandbox.kernel
from autograder import PUBLISHED_SEED
from autograder.mutants import mutants_of, run_in_sandbox
from autograder.sandbox import (
    Limits,
    SandboxedKernel,
    SandboxUnavailable,
    bubblewrap,
    cgroups,
    kernel_student,
    nursery,
    seccomp,
    zygote,
)
from autograder.sandbox.limits import GIB
from autograder.student_side.student import StudentFailure

pytestmark = pytest.mark.slow

LIMITS = Limits(
    seconds_per_cell=60,
    seconds_per_probe=8,
    seconds_grace=1,
    memory=2 * GIB,
    disk=2**26,
    file_size=2**24,
    output=10_000,
)
# The first optimiser imports a great deal; on a busy machine that would cost a short time limit.
SETUP = (
    "import torch, numpy as np\nfrom gcb6206.exercises import solves\n"
    "torch.optim.SGD([torch.zeros(1)], lr=0.1)\n"
)
SOLVES = '@solves("hw3.get_action")\ndef get_action(self, observation, epsilon=0.02):\n    '
REQUEST = {
    "critic": np.zeros((2, 4), np.float32),
    "target": np.zeros((2, 4), np.float32),
    "observations": np.zeros((4, 3), np.float32),
    "epsilon": 0.0,
    "seed": 0,
}


@pytest.fixture(scope="module")
def kernel():
    with SandboxedKernel(LIMITS) as kernel:
        yield kernel


@pytest.fixture(scope="module")
def student():
    with kernel_student(SETUP, LIMITS) as student:
        yield student


def printed(kernel, code):
    execution = kernel.execute(code, 600)
    assert execution.status == "ok", execution.message
    return "".join(output.get("text", "") for output in execution.outputs)


def verdict(student, code):
    """The verdict on code that was run in the student's kernel, by one call of a judge."""
    student.kernel.execute(code, 600)
    with pytest.raises(StudentFailure) as failure:
        student.run("hw3.get_action", **REQUEST)
    return failure.value.verdict


# What is out of reach


def test_no_network(kernel):
    execution = kernel.execute("import socket; socket.create_connection(('1.1.1.1', 53), timeout=3)", 10)
    assert execution.status == "error" and "unreachable" in execution.message


def test_sees_only_the_students_side_of_the_course(kernel):
    course = str(bubblewrap.COURSE)
    code = f"import os; print(*os.listdir({course!r}), *os.listdir({course + '/autograder'!r}))"
    shown = set(printed(kernel, code).split())
    assert {"gcb6206", "experiments", "student_side"} <= shown
    hidden = {
        "solutions",
        "assignments",
        "trusted",
        "mutants",
        "nbgrader_plugin",
        "sandbox",
        "build",
        "tests",
    }
    assert not hidden & shown


@pytest.mark.parametrize(
    "module", ["solutions", "solutions.hw3", "autograder.trusted.judges", "autograder.trusted.runner"]
)
def test_cannot_import_what_knows_answers(kernel, module):
    assert kernel.execute(f"import {module}", 10).message.startswith("ModuleNotFoundError")


def test_cannot_see_other_files_or_processes(kernel, tmp_path):
    secret = tmp_path / "gradebook.db"
    secret.write_text("canary")
    assert printed(kernel, f"import os; print(os.path.exists({str(secret)!r}))").strip() == "False"
    assert int(printed(kernel, "print(sum(name.isdigit() for name in os.listdir('/proc')))")) < 6


def test_cannot_change_what_is_outside(kernel, tmp_path):
    canary = tmp_path / "canary"
    canary.write_text("alive")
    code = f"os.makedirs({str(tmp_path)!r}, exist_ok=True); open({str(canary)!r}, 'w').write('dead')"
    kernel.execute(f"import os\n{code}", 10)
    assert canary.read_text() == "alive"
    package = bubblewrap.COURSE / "gcb6206" / "planted.py"
    assert "Read-only file system" in kernel.execute(f"open({str(package)!r}, 'w')", 10).message


def test_no_process_inside_holds_the_graders_environment(kernel):
    code = "import glob; print(*(open(path).read().replace(chr(0), chr(10)) for path in glob.glob('/proc/[0-9]*/environ')), sep=chr(10))"
    given = {entry.partition("=")[0] for entry in printed(kernel, code).split("\n") if entry.strip()}
    assert {"HOME", "PATH"} <= given <= {*bubblewrap.environment(), "PWD", "JPY_PARENT_PID"}


def test_check_in_a_students_cell_is_harmless(kernel):
    assert "outside" in printed(kernel, "from autograder import check\nprint(check('hw3.update'))")


def test_a_plot_is_a_picture_and_a_semicolon_hides_a_value(kernel):
    """As in the student's own Jupyter."""
    plot = "import matplotlib.pyplot as plt\nplt.figure(figsize=(1, 1))\nplt.axis('off')"
    for code, kinds in [
        (plot, ["execute_result", "display_data"]),
        (plot + ";", ["display_data"]),
        (plot + ";  # no 'value'\n\n", ["display_data"]),
        (plot + "\nplt.title('#');", ["display_data"]),
        ("x = 5\nx", ["execute_result"]),
        ("x;", []),
        ("'x;'", ["execute_result"]),
        ("print(x);", ["stream"]),
    ]:
        outputs = kernel.execute(code, 60).outputs
        assert [output.output_type for output in outputs] == kinds, code
        if "display_data" in kinds:
            assert outputs[-1].data["image/png"].startswith("iVBOR")


def test_may_not_write_to_the_systems_settings(kernel):
    """Root without any capability could: where the grader runs as root, that would be a way out of the sandbox."""
    execution = kernel.execute("open('/proc/sys/kernel/core_pattern', 'w')", 10)
    assert execution.status == "error" and "Read-only" in execution.message


def test_may_not_make_namespaces(kernel):
    assert "unshare failed" in printed(kernel, "import os; os.system('unshare --user --map-root-user true')")
    given = printed(kernel, "print(open('/proc/self/status').read())")
    assert "CapBnd:\t0000000000000000" in given and "NoNewPrivs:\t1" in given


@pytest.mark.parametrize("place", ["/", "/tmp", "/dev", "/dev/shm", "/run", bubblewrap.HOME, "/dev/pts"])
def test_two_kernels_share_no_writable_place(kernel, place):
    kernel.execute(f"import pathlib; pathlib.Path({place!r}, 'planted').touch()", 10)
    with SandboxedKernel(LIMITS) as sibling:
        assert printed(sibling, f"import os; print('planted' in os.listdir({place!r}))").strip() == "False"


def test_two_kernels_share_no_socket(kernel):
    listen = (
        "import socket; s = socket.socket(socket.AF_UNIX); s.bind(chr(0) + 'meet'); s.listen()"  # abstract
    )
    assert kernel.execute(listen, 10).status == "ok"
    with SandboxedKernel(LIMITS) as sibling:
        assert (
            "refused"
            in sibling.execute(
                "import socket; socket.socket(socket.AF_UNIX).connect(chr(0) + 'meet')", 10
            ).message
        )


OCCURRENCES = """
import re
pattern = re.compile("".join(f"[{{letter}}]" for letter in {backwards!r}[::-1]).encode())  # it does not match itself
found = 0
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
    for line in maps:
        low, high = (int(end, 16) for end in line.split()[0].split("-"))
        if line.split()[1].startswith("rw") and high - low < 2**28:
            memory.seek(low)
            try:
                found += len(pattern.findall(memory.read(high - low)))
            except OSError:
                continue
print(found)
"""


def test_a_kernel_knows_nothing_of_its_siblings():
    """Not even in memory that is no object's any more. Its own home, for one, is found."""
    with SandboxedKernel(LIMITS) as sibling, SandboxedKernel(LIMITS) as kernel:
        name = sibling._provisioner.room.name
        assert printed(kernel, OCCURRENCES.format(backwards=name[::-1])) == "0\n"
        assert printed(kernel, OCCURRENCES.format(backwards=bubblewrap.HOME[::-1])) != "0\n"


def test_each_kernel_is_a_user_of_its_own(kernel):
    """Processes are counted by user, so that one submission's do not keep another's kernel from starting."""
    code = "import os; print(os.readlink('/proc/self/ns/user'))"
    with SandboxedKernel(LIMITS) as sibling:
        assert len({printed(kernel, code), printed(sibling, code), os.readlink("/proc/self/ns/user")}) == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="the system does not count root's processes: be a plain user")
def test_the_processes_of_one_kernel_leave_the_others_theirs():
    limits = Limits(processes=200)
    many = "import os, time\nfor _ in range(150):\n    if os.fork() == 0: time.sleep(600)"
    with SandboxedKernel(limits) as one:
        assert one.execute(many, 600).status == "ok"
        with SandboxedKernel(limits) as other:
            assert other.execute(many, 600).status == "ok"


# What crosses the wall


@pytest.fixture
def prey():
    """A folder of the host with files named like answers, and a socket named like a kernel's, that counts visitors."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = pathlib.Path(name)
        for place in ("answers", "requests", "sockets"):
            (folder / place).mkdir()
        for number in range(3):
            (folder / "answers" / f"{number}.npz").write_text("canary")
        (folder / "answers" / "answer").write_text("canary")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(folder / "sockets" / "ipc"))
            server.listen()
            server.setblocking(False)
            yield folder, server


REPLACE = """
import os
import autograder.student_side.probes as probes

def replace(room):
    for folder in [room, *list(os.path.split(room))[:1], "/" + "/".join(room.split("/")[1:3])]:
        try:
            os.rename(folder, folder + "-away")
            os.makedirs(os.path.dirname(room), exist_ok=True)
            os.symlink({prey!r}, room)
        except OSError:
            continue
    for name in ("answer", "0.npz", "1.npz", "2.npz"):
        for step in (lambda path: os.unlink(path), lambda path: os.symlink({prey!r} + "/answers/" + name, path)):
            try:
                step(room + "/answers/" + name)
            except OSError:
                pass

probes.serve = lambda question, answer: replace(os.path.dirname(os.path.dirname(answer)))
"""


def test_a_room_that_is_replaced_leads_nowhere(prey):
    folder, _ = prey
    before = {path: path.read_bytes() for path in folder.glob("*/*") if path.is_file()}
    with kernel_student(SETUP + REPLACE.format(prey=str(folder)), LIMITS) as student:
        for _ in range(3):
            assert verdict(student, "") == "refused"
    assert {path: path.read_bytes() for path in folder.glob("*/*") if path.is_file()} == before


def test_a_socket_that_is_replaced_is_not_connected_to(prey):
    """Neither of the kernel's sockets, once they are closed inside and links to one of the host in their place."""
    folder, server = prey
    code = (
        "import glob, os\n"
        "for path in glob.glob('/run/room/sockets/ipc-*') + glob.glob('/tmp/*/rooms/*/sockets/ipc-*'):\n"
        f"    os.unlink(path); os.symlink({str(folder / 'sockets' / 'ipc')!r}, path)\n"
        "for number in range(3, 200):\n    try: os.close(number)\n    except OSError: pass\n"
    )
    with SandboxedKernel(Limits(seconds_grace=1)) as kernel:
        assert kernel.execute(code, 2).status in ("time limit", "crashed")
        time.sleep(1)  # ZeroMQ would try again ten times in it
    with pytest.raises(BlockingIOError):
        server.accept()


def test_the_graders_keys_are_out_of_reach():
    libc, number = ctypes.CDLL(None), zygote.KEYCTL
    if number is None or libc.syscall(number, zygote.KEYCTL_JOIN_SESSION_KEYRING, None) < 0:
        pytest.skip("this Linux keeps no keys")
    add_key = {250: 248, 219: 217}[number]
    session = -3
    key = libc.syscall(add_key, b"user", b"canary-key", b"secret", 6, session)
    assert key > 0
    read = (
        "import ctypes; libc = ctypes.CDLL(None); room = ctypes.create_string_buffer(99)\n"
        f"libc.syscall({number}, 11, {key}, room, 99)\n"  # KEYCTL_READ
        f"print(libc.syscall({number}, 10, {session}, b'user', b'canary-key', 0))\n"  # KEYCTL_SEARCH
        "print(room.value, open('/proc/keys').read())"
    )
    with nursery.Nursery() as own, SandboxedKernel(LIMITS, nursery=own.folder) as kernel:
        assert printed(kernel, read).split() == ["-1", "b''"]
        assert (
            "PermissionError"
            in kernel.execute(
                f"import os; n = libc.syscall({number}, 0, {session}, 1)\nif n < 0: raise PermissionError", 10
            ).message
        )


@pytest.mark.parametrize(
    "call",
    [
        "os.memfd_create('m')",
        "socket.socket(socket.AF_VSOCK)",
        "socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)",
        "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)",  # netfilter
        "socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)",  # SCTP
        "mmap.mmap(-1, 4096)",  # shared and without a name
        "call('io_uring_setup', 4, bytes(200))",
        "call('bpf', 0, bytes(200), 100)",
        "call('perf_event_open', bytes(200), 0, -1, -1, 0)",
        "call('userfaultfd', 1)",
        "call('shmget', 0, 4096, 0o1600)",
        "call('msgget', 0, 0o1600)",
        "call('mq_open', b'queue', 0o102, 0o600, None)",
        "call('ptrace', 16, 1, 0, 0)",
        "call('unshare', 0x10000000)",
        "call('clone', 0x10000000 | 17, 0, 0, 0, 0)",
        "call('mount', b'none', b'/tmp', b'tmpfs', 0, 0)",
    ],
)
def test_refused_system_calls(kernel, call):
    resolve = ctypes.CDLL("libseccomp.so.2").seccomp_syscall_resolve_name
    number = resolve(call.split("'")[1].encode()) if call.startswith("call") else 0
    code = (
        "import ctypes, mmap, os, socket\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "def call(name, *arguments):\n"
        f"    if libc.syscall({number}, *arguments) < 0: raise OSError(ctypes.get_errno(), '')\n"
        f"{call}"
    )
    execution = kernel.execute(code, 20)
    refusals = ("PermissionError: [Errno 1]", "OSError: [Errno 97]")  # EPERM, EAFNOSUPPORT
    assert execution.status == "error" and execution.message.startswith(refusals), execution.message


def test_calls_that_are_newer_than_the_list_are_not_there(kernel):
    code = "import ctypes; l = ctypes.CDLL(None, use_errno=True); print(l.syscall({}), ctypes.get_errno())"
    for number in (
        435,
        seccomp.FIRST_UNKNOWN,
        2000,
    ):  # clone3, whose flags no filter sees, is not there either
        assert printed(kernel, code.format(number)).split() == ["-1", "38"]


def test_two_kernels_draw_different_random_numbers():
    code = "import random, numpy as np; print(random.random(), np.random.rand())"
    with SandboxedKernel(LIMITS) as one, SandboxedKernel(LIMITS) as other:
        assert not set(printed(one, code).split()) & set(printed(other, code).split())


# Limits


@pytest.fixture(params=["with control groups", "without"])
def groups(request, monkeypatch):
    if request.param == "without":
        monkeypatch.setattr(cgroups, "version", lambda: None)
    elif cgroups.version() is None:
        pytest.skip("this host lets us make no control groups")


def test_memory_is_bounded_in_total(groups):
    """Four processes, each far below the limit of one."""
    code = (
        "import os, time\n"
        "for _ in range(4):\n"
        "    if os.fork() == 0:\n        block = bytearray(b'x') * 2**29\n        time.sleep(30)\n"
        "time.sleep(30)"
    )
    with SandboxedKernel(Limits(memory_total=GIB, seconds_grace=1)) as kernel:
        execution = kernel.execute(code, 600)
    assert execution.status == "memory limit" and "all processes together" in execution.message


@pytest.mark.parametrize("hidden", ["page tables", "no look inside"])
def test_memory_is_bounded_in_total_however_it_is_held(hidden, groups):
    """Page tables of memory that is only read; processes that the system shows no details of, and with odd names."""
    code = {
        "page tables": "import mmap\n"
        "held = mmap.mmap(-1, 2**39, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000, mmap.PROT_READ)\n"
        "held.madvise(15)\n"  # MADV_NOHUGEPAGE
        "for place in range(0, 2**39, 2**21): held[place]\n",
        "no look inside": "import ctypes, os\nctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\n"  # PR_SET_DUMPABLE
        "ctypes.CDLL(None).prctl(15, b'\\xff\\n) Z', 0, 0, 0)\n"  # PR_SET_NAME
        "for _ in range(4):\n"
        "    if os.fork() == 0:\n        block = bytearray(b'x') * 2**29\n        time.sleep(60)\n",
    }[hidden]
    with SandboxedKernel(Limits(memory_total=GIB, seconds_grace=1)) as kernel:
        assert kernel.execute(f"import time\n{code}\ntime.sleep(60)", 600).status == "memory limit"


def test_more_may_be_reserved_than_touched(groups):
    """Homework 3's replay buffer reserves 7.4 GB. Who touches too much gets a MemoryError, and goes on."""
    reserve = "import numpy as np, time\nbuffer = np.empty((10**6, 84, 84), np.uint8); buffer[::10**5] = 1"
    touch = "held = []\nwhile True: held.append(np.ones(2**22)); time.sleep(0.02)"
    with SandboxedKernel(Limits(memory=GIB, seconds_grace=1)) as kernel:
        assert kernel.execute(reserve, 600).status == "ok"
        assert kernel.execute(touch, 600).message.startswith("MemoryError")
        assert kernel.execute("held.clear()", 600).status == "ok"
        assert kernel.execute("np.ones(2**25).sum()", 600).status == "ok"


def test_a_right_training_loop_passes_where_students_are_judged():
    """With the frames' default buffer, which the limits on memory must not refuse."""
    (right,) = (m for m in mutants_of("hw3.run_training_loop") if m.name == "right_1")
    (outcome,) = run_in_sandbox([right], PUBLISHED_SEED)
    assert outcome.as_it_should_be, outcome.report.to_text()


@pytest.fixture(params=[2, 1], ids=["version-2", "version-1"])
def fake_groups(request, monkeypatch, tmp_path):
    """Control groups of a version that this host need not have: plain files. They limit nothing."""
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    monkeypatch.setattr(cgroups, "version", lambda: request.param)
    monkeypatch.setattr(cgroups, "_write", lambda path, value: path.write_text(str(value)))
    for controller in ("memory", "pids", "cpu"):
        (tmp_path / controller).mkdir()
    events = {
        2: ("gcb6206-*/memory.events", "low 0\nhigh 0\nmax 7\noom 1\noom_kill {}\noom_group_kill 0\n"),
        1: ("memory/gcb6206-*/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill {}\n"),
    }
    pattern, text = events[request.param]

    def count(kills):
        (folder,) = tmp_path.glob(os.path.dirname(pattern))
        (folder / os.path.basename(pattern)).write_text(text.format(kills))

    yield count


def test_the_verdict_follows_from_the_groups_counter_whoever_was_killed(fake_groups):
    """The kernel itself lives on, and has nothing to say about it."""
    with SandboxedKernel(LIMITS) as kernel:
        fake_groups(0)
        assert kernel.execute("1", 600).status == "ok"
        fake_groups(1)
        assert kernel.execute("1", 600).status == "memory limit"
        assert kernel.ending.verdict == kernel.execute("1", 600).status == "memory limit"


def test_the_counter_is_heeded_where_the_code_runs_on(fake_groups):
    with SandboxedKernel(Limits(seconds_grace=1)) as kernel:
        fake_groups(2)
        assert kernel.execute("import time; time.sleep(600)", 600).status == "memory limit"


@pytest.mark.parametrize("dies", [True, False], ids=["owner-is-dead", "owner-lives"])
def test_groups_of_killed_graders_are_swept_while_their_processes_still_die(dies, monkeypatch):
    if cgroups.version() is None:
        pytest.skip("this host lets us make no control groups")
    owner = subprocess.Popen(["sleep", "60"])
    member = subprocess.Popen(["sleep", "0.5"])
    with monkeypatch.context() as patch:
        patch.setattr(cgroups.os, "getpid", lambda: owner.pid)
        group = cgroups.Cgroup(cgroups.version(), Limits())
    try:
        group.add(member.pid)
        if dies:
            owner.kill()  # and nobody waits for it: it stays in the table of processes
            os.waitid(os.P_PID, owner.pid, os.WEXITED | os.WNOWAIT)
        cgroups.sweep()
        assert [folder.exists() for folder in group.folders] == len(group.folders) * [not dies]
    finally:
        for process in (owner, member):
            process.kill()
            process.wait()
        group.remove()


def test_the_group_of_a_dead_grader_is_known_although_its_number_is_in_use_again(monkeypatch):
    if cgroups.version() is None:
        pytest.skip("this host lets us make no control groups")
    with monkeypatch.context() as patch:
        patch.setattr(cgroups, "_started", lambda pid: "1")  # as if another process had been this one
        group = cgroups.Cgroup(cgroups.version(), Limits())
    cgroups.sweep()
    assert not any(folder.exists() for folder in group.folders)


def test_many_processes_get_no_more_of_the_cpu_than_one(groups):
    """Each in a session of its own, which the system's own sharing goes by; they took it from the siblings' kernels."""
    spin = (
        "import os\nfor _ in range({}):\n"
        "    if os.fork() == 0:\n        os.setsid()\n        while True: pass"
    )
    with SandboxedKernel(Limits(cores=0.4, seconds_grace=1)) as kernel:
        process = kernel._provisioner.process
        assert kernel.execute(spin.format(12), 60).status == "ok"
        time.sleep(3)
        began, used = time.monotonic(), process.cpu_seconds(whole=True)
        time.sleep(8)
        share = (process.cpu_seconds(whole=True) - used) / (time.monotonic() - began)
        assert share < 0.7
        assert kernel.execute("1", 60).status == "ok"  # it is stopped now and then, and goes on


def test_a_process_that_takes_its_share_is_never_stopped(monkeypatch):
    """Also where the watchdog itself gets to look only now and then."""
    sent, clock = [], iter([0.0, 0.2, 5.0, 5.2, 30.0])
    monkeypatch.setattr(zygote, "_signal", lambda _, kind: sent.append(kind))
    monkeypatch.setattr(zygote.time, "monotonic", lambda: next(clock))
    share = zygote.Share(cores=1.0)
    for used in (0.2, 5.0, 5.2, 30.0):
        share.bound([1], {1: zygote.Process(0, 1, used, True)})
    assert sent == []


def test_processes_that_end_before_they_are_counted_count_as_well(monkeypatch):
    sent, clock = [], iter(range(9))
    monkeypatch.setattr(zygote, "_signal", lambda _, kind: sent.append(kind))
    monkeypatch.setattr(zygote.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(zygote.os, "sched_getaffinity", lambda _: {0, 1})
    share = zygote.Share(cores=1.0)
    for number in range(3):  # others at each look
        share.bound([number], {number: zygote.Process(0, 1, 0.0, True)})
    assert sent == []  # one at a time
    for number in range(10, 30, 10):
        tree = [number, number + 1]
        share.bound(tree, {n: zygote.Process(0, 1, 0.0, True) for n in tree})
    share.bound([50], {50: zygote.Process(0, 1, 0.0, False)})
    assert sent == [zygote.signal.SIGSTOP, zygote.signal.SIGCONT]


def test_processes_are_bounded(groups):
    code = "import os, time\nwhile True:\n    if os.fork() == 0: time.sleep(60)"
    with SandboxedKernel(Limits(processes=40, seconds_grace=1)) as kernel:
        execution = kernel.execute(code, 600)
    refused = execution.status == "error" and execution.message.startswith("BlockingIOError")
    assert refused or (execution.status == "crashed" and "processes" in execution.message)


FILL = (
    "import time\nfor i in range(8): open(f'{room}/answers/{{i}}', 'wb').write(bytes(2**22))\ntime.sleep(60)"
)


@pytest.mark.parametrize("nested", [True, False])
def test_the_room_is_bounded(nested, monkeypatch):
    """It lies in memory of bounded size, or, for a kernel with a nursery of its own, is watched."""
    if not nested:
        monkeypatch.setattr(autograder.sandbox.kernel, "shared", lambda **_: None)
    with SandboxedKernel(Limits(disk=2**24, file_size=2**23, seconds_grace=1)) as kernel:
        execution = kernel.execute(FILL.format(room=kernel.room), 600)
        assert not nested or not list((kernel._provisioner.room / "answers").iterdir())
    assert ("No space left" if nested else "exceeded the limit on disk") in execution.message


def test_a_trial_says_which_limits_hold(groups):
    with nursery.Nursery() as found:
        assert all(nursery.trial(found, exhaust=True).values())


def test_a_trial_notices_what_does_not_hold(monkeypatch):
    monkeypatch.setattr(nursery.bubblewrap, "COURSE_FILES", (*bubblewrap.COURSE_FILES, "solutions"))
    with nursery.Nursery() as leaky:
        assert nursery.trial(leaky)["other files"] is False


def test_a_trial_notices_a_host_without_a_filter_of_system_calls(monkeypatch):
    monkeypatch.setattr(nursery.seccomp, "programs", lambda: ())
    with nursery.Nursery() as own:
        assert nursery.trial(own)["system calls"] is False


def test_output_is_bounded_and_holds_no_html(kernel):
    outputs = kernel.execute("for _ in range(2000): print('x' * 1000)", 20).outputs
    assert sum(len(output.text) for output in outputs) < LIMITS.output + 200
    shown = kernel.execute("from IPython.display import HTML; HTML('<script>alert(1)</script>')", 10).outputs
    assert [set(output.data) for output in shown] == [{"text/plain"}]


def test_files_and_disk_are_bounded(kernel):
    code = "open('big', 'wb').write(bytes(2**25))"
    assert kernel.execute(code, 10).status == "error"
    code = "for i in range(9): open(f'part{i}', 'wb').write(bytes(2**23))"
    assert "No space left" in kernel.execute(code, 10).message


def test_a_cell_over_its_time_is_interrupted_and_the_next_one_runs(kernel):
    execution = kernel.execute("print('before')\nwhile True: pass", 1)
    assert execution.status == "time limit" and execution.outputs[0].text == "before\n"
    assert kernel.execute("1 + 1", 10).status == "ok"


def test_who_asks_the_judges_world_without_end_is_not_answered_without_end(kernel):
    """A flood of questions kept the judge for minutes over the limit of a training."""
    asks = (
        "from IPython import get_ipython\nfrom autograder.student_side.world import NAME\n"
        "socket = get_ipython().kernel.stdin_socket\n"
        "for _ in range(3000): socket.send_multipart([NAME, b'{}'])\n"
        "while True: pass"
    )
    asked = []

    def slow(question):
        asked.append(question)
        began = time.thread_time()
        while time.thread_time() - began < 0.1:
            pass
        return "{}"

    execution = kernel.execute(asks, 1, slow)
    assert execution.status == "time limit" and 1 <= len(asked) <= 11
    assert printed(kernel, "print(1)") == "1\n"  # what was asked before is not answered now


def test_a_kernel_gets_a_small_share_of_what_linux_counts_for_each_user(kernel):
    """One submission took all of the user's, so that its siblings and the host had none."""
    code = (
        "import ctypes\nlibc, found = ctypes.CDLL(None, use_errno=True), []\n"
        "while len(found) < 100 and (n := libc.inotify_init1(0)) >= 0: found.append(n)\n"
        "print(len(found), ctypes.get_errno())\n"
        "import os; _ = [os.close(n) for n in found]"
    )
    number, error = map(int, printed(kernel, code).split())
    assert number < 20 and error in (errno.EMFILE, errno.EPERM, errno.ENOSYS)


# Verdicts


def test_a_right_answer_arrives(student):
    student.kernel.execute(SOLVES + "return 1", 600)
    assert student.run("hw3.get_action", **REQUEST)["actions"].tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize(
    "body, expected",
    [
        ("raise KeyError('mine')", "failed"),
        ("import sys; sys.exit()", "failed"),
        ("return bytearray(10**12)", "memory limit"),
        ("return torch.ones(10**12)", "memory limit"),
        ("a = []\n    while True: a.append(bytearray(10**8))", "memory limit"),
        ("while True: pass", "time limit"),
    ],
)
def test_verdict_of_code_that_fails(student, body, expected):
    assert verdict(student, SOLVES + body) == expected


@pytest.mark.parametrize(
    "forgery",
    [
        "lambda q, a: None",  # no answer at all
        "lambda q, a: open(a, 'wb').write(b'junk')",
        "lambda q, a: os.unlink(a) or os.symlink('/etc/passwd', a)",
        "lambda q, a: os.unlink(a) or os.mkfifo(a)",
        "lambda q, a: os.rename(a, a + '.away')",
        "lambda q, a: open(a, 'wb').truncate(2**24)",
        "lambda q, a: open(a, 'wb').write(pickle.dumps({'ok': True}))",
        "lambda q, a: np.savez(a, structure=np.array([{}], dtype=object))",
        "lambda q, a: open(q, 'wb')",  # the request is read-only
    ],
)
def test_forged_answers_are_refused(student, forgery):
    code = f"import os, pickle, autograder.student_side.probes as p\nserve = p.serve\np.serve = {forgery}"
    got = verdict(student, code)
    student.kernel.execute("p.serve = serve", 20)
    assert got == ("failed" if "open(q" in forgery else "refused")


@pytest.mark.parametrize(
    "body, expected",
    [
        ("import os; os._exit(0)", "crashed"),
        ("import ctypes; ctypes.string_at(0)", "crashed"),
        ("import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n    while True: pass", "time limit"),
    ],
)
def test_verdict_of_code_that_takes_the_kernel_along(body, expected):
    limits = Limits(seconds_per_probe=8, seconds_grace=1)
    with kernel_student(SETUP + SOLVES + body, limits) as student:
        assert verdict(student, "") == expected
        began = time.monotonic()
        assert verdict(student, "") == expected  # nothing is tried again
        assert time.monotonic() - began < 1


def test_the_total_time_is_bounded():
    with SandboxedKernel(Limits(seconds_total=2, seconds_grace=30)) as kernel:  # it heeds the interrupt
        assert kernel.execute("import time; time.sleep(600)", 60).status == "time limit"
        execution = kernel.execute("1", 600)
        assert execution.status == "time limit" and "as a whole" in execution.message


def test_what_a_kernel_waits_for_a_core_is_no_part_of_its_total(monkeypatch):
    """On a machine that is busy with something else, an honest notebook ran longer than its total."""
    monkeypatch.setattr(nursery.Cradle, "waited", lambda _: 100.0)
    with SandboxedKernel(Limits(seconds_total=4, seconds_grace=1)) as kernel:
        assert kernel.execute("import time; time.sleep(5)", 60).status == "ok"
        assert kernel._left() < 4 * autograder.sandbox.kernel.PATIENCE - 5  # so it is not without end


def test_what_a_kernel_waits_for_a_core_is_counted():
    with SandboxedKernel(LIMITS) as kernel:
        kernel.execute("for _ in range(3): sum(range(10**6))", 60)
        assert kernel._provisioner.process.waited() > 0


def test_code_that_raises_at_once_fails_every_probe():
    with kernel_student("import no_such_module") as student, pytest.raises(StudentFailure) as failure:
        student.run("hw3.get_action", **REQUEST)
    assert failure.value.verdict == "failed" and "no_such_module" in failure.value.message


# Life and death


def test_a_kernel_ends_with_whoever_asked_for_it():
    with nursery.Nursery() as own:
        code = (
            "import os, pathlib, sys; from autograder.sandbox import SandboxedKernel\n"
            f"kernel = SandboxedKernel(nursery=pathlib.Path({str(own.folder)!r})); kernel.__enter__()\n"
            "print(kernel._provisioner.process.pid, flush=True); os.kill(os.getpid(), 9)"
        )
        asker = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        pid = int(asker.stdout)
        for _ in range(100):
            if not os.path.exists(f"/proc/{pid}"):
                break
            time.sleep(0.1)
        assert not os.path.exists(f"/proc/{pid}")
        with SandboxedKernel(nursery=own.folder) as kernel:  # the nursery itself lives on
            assert kernel.execute("1", 10).status == "ok"


def test_what_a_killed_grader_leaves_is_swept_away_and_nothing_else(monkeypatch):
    code = (
        "import os, pathlib, sys; from autograder.sandbox import nursery\n"
        "nursery.FOLDER = pathlib.Path(sys.argv[1]); n = nursery.Nursery()\n"
        "print(n.folder, flush=True); os.kill(os.getpid(), 9)"
    )
    folder = tempfile.mkdtemp(dir="/tmp")  # short, and apart from what other graders leave
    monkeypatch.setattr(nursery, "FOLDER", pathlib.Path(folder))
    killed = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=False)
    left = pathlib.Path(killed.stdout.strip())
    with nursery.Nursery() as alive:
        assert left.is_dir()
        nursery.sweep()
        assert not left.exists() and alive.folder.is_dir()


def test_where_namespaces_cannot_be_nested_each_kernel_has_a_sandbox_of_its_own(monkeypatch):
    monkeypatch.setattr(nursery.Nursery, "__init__", raise_unless_single(nursery.Nursery.__init__))
    assert nursery.warm() is None
    monkeypatch.setattr(autograder.sandbox.kernel, "shared", lambda **_: None)
    with SandboxedKernel(LIMITS) as kernel:
        assert printed(kernel, "import os; print(os.path.exists('/etc/passwd'))").strip() == "False"
        assert "Read-only" in kernel.execute("open('/proc/sys/kernel/core_pattern', 'w')", 10).message
        assert (
            "unreachable"
            in kernel.execute(
                "import socket; socket.create_connection(('1.1.1.1', 53), timeout=3)", 10
            ).message
        )


def raise_unless_single(start):
    def wrapped(self, *arguments, single=False, **more):
        if not single:
            raise nursery.NoNamespaces("not here")
        start(self, *arguments, single=single, **more)

    return wrapped


# Never fail open


def test_refuses_without_bubblewrap(monkeypatch):
    bubblewrap.require.cache_clear()
    monkeypatch.setattr(bubblewrap.shutil, "which", lambda program: None)
    with pytest.raises(SandboxUnavailable, match="apt-get install bubblewrap") as refusal:
        nursery.warm()
    assert "unsafe" in str(refusal.value)
    bubblewrap.require.cache_clear()


def test_refuses_where_bubblewrap_does_not_work(monkeypatch):
    bubblewrap.require.cache_clear()
    monkeypatch.setattr(bubblewrap, "command", lambda *_: ["sh", "-c", "echo no permission >&2; exit 1"])
    with pytest.raises(SandboxUnavailable, match="no permission"):
        nursery.warm()
    bubblewrap.require.cache_clear()


def test_unsafe_has_to_be_asked_for_and_works():
    with kernel_student(SETUP + SOLVES + "return 0", LIMITS, unsafe=True) as student:
        assert student.run("hw3.get_action", **REQUEST)["actions"].tolist() == [0, 0, 0, 0]
        assert verdict(student, SOLVES + "return bytearray(10**12)") == "memory limit"


def test_a_course_that_the_sandbox_would_hide_is_said_before_anybody_is_graded(monkeypatch):
    """As an empty home in the place of the user's own did: everybody had 0 points, and nothing was said."""
    home = str(bubblewrap.COURSE.parent)
    monkeypatch.setattr(bubblewrap, "HOME", home)
    monkeypatch.setattr(bubblewrap.environment, "__defaults__", (home,))
    with pytest.raises(bubblewrap.SandboxUnavailable, match=f"{bubblewrap.COURSE} is hidden inside"):
        nursery.Nursery().close()
