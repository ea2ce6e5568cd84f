"""The sandbox: what submitted code cannot reach, and that every way to end has a verdict of its own."""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import pytest

import autograder.sandbox.kernel
from autograder.sandbox import (
    Limits,
    SandboxedKernel,
    SandboxUnavailable,
    bubblewrap,
    cgroups,
    kernel_student,
    nursery,
)
from autograder.sandbox.limits import GIB
from autograder.student_side.student import StudentFailure

pytestmark = pytest.mark.xdist_group("sandbox")

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
    "critic": np.zeros((2, 3), np.float32),
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
    execution = kernel.execute(code, 60)
    assert execution.status == "ok", execution.message
    return "".join(output.get("text", "") for output in execution.outputs)


def verdict(student, code):
    """The verdict on code that was run in the student's kernel, by one call of a judge."""
    student.kernel.execute(code, 60)
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


def test_may_not_write_to_the_systems_settings(kernel):
    """Root without any capability could: where the grader runs as root, that would be a way out of the sandbox."""
    execution = kernel.execute("open('/proc/sys/kernel/core_pattern', 'w')", 10)
    assert execution.status == "error" and "Read-only" in execution.message


def test_may_not_make_namespaces(kernel):
    assert "unshare failed" in printed(kernel, "import os; os.system('unshare --user --map-root-user true')")
    given = printed(kernel, "print(open('/proc/self/status').read())")
    assert "CapBnd:\t0000000000000000" in given and "NoNewPrivs:\t1" in given


@pytest.mark.parametrize("place", ["/", "/tmp", "/dev", "/dev/shm", "/run", "/home/student", "/dev/pts"])
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
        execution = kernel.execute(code, 60)
    assert execution.status == "memory limit" and "all processes together" in execution.message


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
        assert kernel.execute("1", 60).status == "ok"
        fake_groups(1)
        assert kernel.execute("1", 60).status == "memory limit"
        assert kernel.ending.verdict == kernel.execute("1", 60).status == "memory limit"


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


def test_processes_are_bounded(groups):
    code = "import os, time\nwhile True:\n    if os.fork() == 0: time.sleep(60)"
    with SandboxedKernel(Limits(processes=40, seconds_grace=1)) as kernel:
        execution = kernel.execute(code, 60)
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
        execution = kernel.execute(FILL.format(room=kernel.room), 60)
        assert not nested or not list((kernel._provisioner.room / "answers").iterdir())
    assert ("No space left" if nested else "exceeded the limit on disk") in execution.message


def test_a_trial_says_which_limits_hold(groups):
    with nursery.Nursery() as found:
        assert all(nursery.trial(found, exhaust=True).values())


def test_a_trial_notices_what_does_not_hold(monkeypatch):
    monkeypatch.setattr(nursery.bubblewrap, "COURSE_FILES", (*bubblewrap.COURSE_FILES, "solutions"))
    with nursery.Nursery() as leaky:
        assert nursery.trial(leaky)["other files"] is False


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


# Verdicts


def test_a_right_answer_arrives(student):
    student.kernel.execute(SOLVES + "return 1", 60)
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
    with SandboxedKernel(Limits(seconds_total=2, seconds_grace=1)) as kernel:
        assert kernel.execute("import time; time.sleep(60)", 60).status == "time limit"
        execution = kernel.execute("1", 60)
        assert execution.status == "time limit" and "as a whole" in execution.message


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
