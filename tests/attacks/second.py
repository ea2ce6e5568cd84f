"""The attacks that won against the sealed grader as it first was, and their relatives.

They aim at what the trusted side does with what a student wrote: messages, outputs, answers, archives and names. Stock
nbgrader has no counterpart to most of them, and some would end its whole class.
"""

from __future__ import annotations

import base64
import io
import json
import zipfile
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from .hostile import ENDS, wrong
from .scene import Attack, Scene

OWN = "it aims at what our own grader does"

# --- messages -------------------------------------------------------------------------------------

FORGE = """
import json
kernel = get_ipython().kernel
def message(kind="stream", content={"name": "stdout", "text": "x\\n"}, header={}, parent=None):
    "The frames of a message as the kernel would send it, but for what is changed."
    session, real = kernel.session, kernel.get_parent("shell")["header"]
    head = {**session.msg_header(kind), **header}
    texts = [json.dumps(part, default=str).encode() if not isinstance(part, bytes) else part
             for part in (head, real if parent is None else parent, {}, content)]
    return [b"<IDS|MSG>", session.sign(texts), *texts]
def send(frames):
    kernel.iopub_thread.send_multipart([b"stream", *frames])
"""
MESSAGES = {
    "signature": "f = message(); f[1] = b'0' * 64; send(f)",
    "duplicate": "f = message(); send(f); send(f)",
    "no_delimiter": "send(message()[1:])",
    "no_frames": "send([]); kernel.iopub_thread.send_multipart([b'', b''])",
    "many_frames": "send([b''] * 100_000); send(message() + [b'x'] * 1000)",
    "no_json": "[send(message(content=b)) for b in (b'{', b'\\xff\\xfe', b'', b'nan', b'9' * 9999)]",
    "deep_json": "send(message(content=b'[' * 10_000 + b']' * 10_000))",
    "deep_header": "f = message(); f[2] = b'{\"a\":' * 10_000; f[1] = kernel.session.sign(f[2:]); send(f)",
    "parents": "[send(message(parent=p)) for p in ([1], b'null', 5, {'msg_id': []}, {'msg_id': 5})]",
    "headers": "[send(message(header=h)) for h in ({'date': 'soon'}, {'version': '0.1'}, {'msg_type': 5}, {'date': 5},"
    " {'msg_id': None}, {'version': []}, {'msg_type': 'x' * 10**6})]",
    "contents": "[send(message(k, c)) for c in ([1], {}, {'text': 5, 'name': 'stdout'}, {'name': 'stdin', 'text': ''},"
    " {'data': 5}, {'data': {'text/plain': 5}}, {'data': {'image/png': [1]}}, {'data': {5: 5}}, {'ename': 5},"
    " {'execution_state': []}, {'execution_state': {}}, {'ename': 'E', 'evalue': 'e', 'traceback': 7},"
    " {'data': {}, 'metadata': 5, 'execution_count': '10' * 500})"
    " for k in ('stream', 'display_data', 'execute_result', 'error', 'status', 'clear_output', 'update_display_data')]",
}
RAW = {
    "raw_text": "display({'text/plain': 5}, raw=True)",
    "raw_picture": "display({'image/png': '\"><script>alert(\"' + SCENE['mark'] + '\")</script>'}, raw=True)",
    "raw_nothing": "display({}, raw=True); display({'text/plain': None, 'image/jpeg': {}}, raw=True)",
    "half_character": "raise ValueError('\\ud800' + chr(0xdfff) + '\\x00\\x1b[2J')",
    "half_name": "raise type('\\ud800' * 5, (Exception,), {})('x')",
    "half_output": "print('\\ud800'); display({'text/plain': '\\udfff'}, raw=True)",
    "dots": "for _ in range(4000): print('.', end='', flush=True)",
    "returns": "for i in range(3000): print('\\r', i, end='', flush=True)",
    "long_line": "print('x' * 900_000); print('\\r'.join('y' * 400_000))",
    "small_outputs": "for i in range(5_000): display({'text/plain': ''}, raw=True)",
}
# Too much of it; `in` the cell, so that each message is the kernel's own.
FLOODS = {
    "message_of_250_mb": "import IPython; send(message(content={'name': 'stdout', 'text': 'x' * 250_000_000}))",
    "error_of_200_mb": "raise ValueError('x' * 200_000_000)",
    "replies_of_20_mb": "import zmq\nident = kernel._get_shell_context_var(kernel._shell_parent_ident)\n"
    "for _ in range(40):\n    kernel.shell_socket.send_multipart([*ident, b'x' * 20_000_000])",
}
KERNEL = [
    *(
        Attack(
            f"message_{name}", f"messages of the kernel: {name.replace('_', ' ')}", FORGE + code, unsealed=OWN
        )
        for name, code in MESSAGES.items()
    ),
    *(
        Attack(name, f"an output of the notebook: {name.replace('_', ' ')}", code, unsealed=OWN)
        for name, code in RAW.items()
    ),
    Attack(
        "process_names",
        "processes whose names are no text, or look like figures of the process table",
        """
import ctypes
for name in (b"x kB", b"\\xff\\xfe) Z 1", b"VmRSS: 9 kB", b"\\n\\n"):
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(15, name, 0, 0, 0)
        time.sleep(4)
        os._exit(0)
time.sleep(4)
""",
        unsealed=OWN,
    ),
    *(
        Attack(name, name.replace("_", " "), FORGE + code, unsealed=OWN, verdicts=ENDS)
        for name, code in FLOODS.items()
    ),
]

# --- answers --------------------------------------------------------------------------------------

ANSWER = """
import autograder.student_side.exchange as ex, autograder.student_side.probes as probes
import numpy as np
true_answer, calls = probes.answer, 0
def answer(request):
    global calls
    calls += 1
    reply = ex.decode(true_answer(request))
    if reply.get("ok") and calls >= {first}:
        reply["result"] = {{key: {value} for key in reply["result"]}}
    return ex.encode(reply)
probes.answer = answer
"""
STRANGE = {
    "texts": "'x'",
    "dictionaries": "{}",
    "lists": "[[], {}, None]",
    "huge_numbers": "10**400",
    "pairs": "np.array([True, False])",
    "nothing": "None",
    "empty": "np.zeros((0, 3, 0))",
    "axes": "np.zeros((1,) * 30)",
    "half_texts": "'\\ud800\\x1b[2J'",
}
ANSWERS = [
    Attack(
        f"answers_{name}",
        f"answers of the wrong kind: {name.replace('_', ' ')}",
        ANSWER.format(value=value, first=3 if name in ("dictionaries", "pairs") else 1),
        build=wrong(),
        deserved=1.5,
        unsealed=OWN,
        verdicts=("failed", "refused"),
    )
    for name, value in STRANGE.items()
]

# --- what the feedback page is made of ------------------------------------------------------------


def texts(*cells: tuple[str, str]):
    """More cells: (kind, source)."""

    def build(notebook: NotebookNode, folder: Path, scene: Scene) -> NotebookNode:
        for kind, source in cells:
            cell = (
                nbformat.v4.new_markdown_cell(source)
                if kind == "markdown"
                else nbformat.v4.new_code_cell(source)
            )
            notebook.cells.append(cell)
        return notebook

    return build


def pasted(notebook: NotebookNode, folder: Path, scene: Scene) -> NotebookNode:
    """Pictures as they are pasted into answers, one of them gone and one from elsewhere."""
    picture = base64.b64encode(b"\x89PNG" + bytes(3000)).decode()
    written = [cell for cell in notebook.cells if cell.source.startswith("*Your answer")]
    for cell in written:
        cell.source = "![mine](attachment:my%20picture.png) ![gone](attachment:gone.png)\n\n![there][a]\n\n[a]: attachment:b"
        cell.attachments = {"my picture.png": {"image/png": picture}, "c": {"text/html": "<script>"}}
    notebook.cells.append(
        nbformat.v4.new_markdown_cell("![x](attachment:none.png) ![y](http://127.0.0.1:9/y.png)")
    )
    return notebook


def much_output(notebook: NotebookNode, folder: Path, scene: Scene) -> NotebookNode:
    """An honest notebook with 60 MB of pictures in its outputs."""
    picture = nbformat.v4.new_output("display_data", data={"image/png": "A" * 15_000_000})
    for cell in [cell for cell in notebook.cells if cell.cell_type == "code"][:4]:
        cell.outputs = [picture]
    return notebook


def megabytes(notebook: NotebookNode, folder: Path, scene: Scene) -> NotebookNode:
    notebook.cells += [nbformat.v4.new_code_cell("print('x' * 10**6)") for _ in range(40)]
    return notebook


def small_cells(number: int):
    """So many cells of one character, written as text: nbformat would take a minute for the most."""

    def build(notebook: NotebookNode, folder: Path, scene: Scene) -> None:
        content = json.loads(nbformat.writes(notebook))
        cells = [
            {"cell_type": "markdown", "id": f"x{i}", "metadata": {}, "source": "x"} for i in range(number)
        ]
        (folder / "hw3.ipynb").write_text(json.dumps({**content, "cells": content["cells"] + cells}))

    return build


PAGES = [
    Attack(
        "page_lines",
        "40 KB of line breaks and spaces in code",
        build=texts(("code", "\n " * 20_000)),
        unsealed=OWN,
    ),
    Attack(
        "page_dots",
        "long runs of dots",
        build=texts(("markdown", "." * 60_000), ("code", "1" + "." * 60_000)),
        unsealed=OWN,
    ),
    Attack(
        "page_spaces",
        "long runs of spaces inside a line",
        build=texts(("markdown", "a" + " " * 60_000 + "b")),
        unsealed=OWN,
    ),
    Attack(
        "page_begin", "long runs of \\begin{a}", build=texts(("markdown", "\\begin{a}" * 8000)), unsealed=OWN
    ),
    Attack(
        "page_brackets",
        "long runs of brackets",
        build=texts(("markdown", "[" * 60_000 + "](" * 9000)),
        unsealed=OWN,
    ),
    Attack("page_stars", "long runs of stars", build=texts(("markdown", "*a_" * 30_000)), unsealed=OWN),
    Attack("page_cells", "1500 cells", build=small_cells(1500), unsealed=OWN),
    Attack(
        "page_100000_cells",
        "100,000 cells of one character",
        build=small_cells(100_000),
        deserved=0,
        unsealed=OWN,
        verdicts=("refused",),
    ),
    Attack(
        "page_pasted", "pasted pictures, a missing one, and one from elsewhere", build=pasted, unsealed=OWN
    ),
    Attack("page_megabytes", "40 cells that print a megabyte each", build=megabytes, unsealed=OWN),
    Attack("page_60_mb", "an honest notebook with 60 MB of output", build=much_output, unsealed=OWN),
]

# --- names and archives ---------------------------------------------------------------------------


def uploads(*names: str):
    """Uploads through the platform, which are unpacked before those of others."""

    def build(notebook: NotebookNode, folder: Path, scene: Scene) -> NotebookNode:
        data = nbformat.writes(notebook).encode()
        inner = io.BytesIO()
        with zipfile.ZipFile(inner, "w") as archive:
            archive.writestr("x", "x")
        who = f"hw3_{folder.parent.name}_attempt_2026-03-01-10-00-00_"
        more = {who + name: inner.getvalue() if name.endswith(".zip") else data for name in names}
        scene.uploads = {**more, **scene.uploads}
        return notebook

    return build


ESCAPES = "\x1b[2J\x1b]0;owned\x07\x1b[1G[AutogradeApp | INFO] Graded"
NAMES = [
    Attack("name_hidden", "a name that begins with a dot", student=".hidden", unsealed=OWN),
    Attack("name_dots", "a name that begins with two dots", student="..x", unsealed=OWN),
    Attack("name_percent", "90 times a%", student="a%" * 90, unsealed=OWN),
    Attack("name_longest", "a name of 255 letters", student="m" * 255, unsealed=OWN),
    Attack("name_escapes", "a name that commands the terminal", student=f"e{ESCAPES}", unsealed=OWN),
    Attack(
        "name_semicolon",
        "a name that begins a formula behind a semicolon",
        student="s;=1+1\t=2",
        unsealed=OWN,
    ),
    Attack(
        "zip_long",
        "an upload with a name of 231 letters",
        build=uploads("n" * 225 + ".ipynb"),
        deserved=0,
        unsealed=OWN,
        verdicts=("refused",),
    ),
    Attack(
        "zip_long_zip",
        "an uploaded archive with a name of 231 letters",
        build=uploads("n" * 227 + ".zip"),
        unsealed=OWN,
    ),
    Attack(
        "zip_backslash",
        "an upload called a\\..\\..\\b.ipynb",
        build=uploads("a\\..\\..\\b.ipynb"),
        deserved=0,
        unsealed=OWN,
        verdicts=("refused",),
    ),
]

# --- the machine, its siblings, and points for nothing ---------------------------------------------


def many_outputs(notebook: NotebookNode, folder: Path, scene: Scene) -> None:
    """Every cell with thousands of lists of outputs, of which JSON's readers take the last."""
    text = nbformat.writes(notebook).replace('"outputs": []', '"outputs": [' + '], "outputs": [' * 1000 + "]")
    (folder / "hw3.ipynb").write_text(text)


MACHINE = [
    Attack(
        "spinning",
        "200 processes in sessions of their own that never rest",
        """
for _ in range(200):
    if os.fork() == 0:
        os.setsid()
        while True: pass
time.sleep(5)
""",
        unsealed=OWN,
        verdicts=ENDS,
    ),
    Attack(
        "sleeping",
        "230 processes that stay, below the limit",
        """
for _ in range(230):
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)
time.sleep(2)
""",
        unsealed=OWN,
        verdicts=ENDS,
    ),
    Attack(
        "moved_room",
        "moves its room away, and puts links to the host in its place",
        """
import autograder.student_side.probes as probes
def replace(room):
    for folder in (room, os.path.dirname(room), "/run", "/tmp"):
        try:
            os.rename(folder, folder + "-away")
            os.symlink(SCENE["prey"], folder)
        except OSError:
            pass
    for name in ("answer", "0.npz"):
        try:
            os.unlink(room + "/answers/" + name)
        except OSError:
            pass
        try:
            os.symlink(SCENE["prey"] + "/" + name, room + "/answers/" + name)
        except OSError:
            pass
probes.serve = lambda question, answer: replace(os.path.dirname(os.path.dirname(answer)))
""",
        deserved=0,
        unsealed=OWN,
        verdicts=("refused",),
    ),
    Attack(
        "forged_training",
        "solves nothing, says it has, and answers a training with weights from home",
        """
import autograder.student_side.exchange as ex, autograder.student_side.probes as probes
from autograder.student_side.world import ask
from gcb6206 import exercises
exercises.unsolved = lambda *_: []
true_answer = probes.answer
def answer(request):
    message = ex.decode(request)
    if not message["probe"].endswith("convergence"):
        return true_answer(request)
    number = ask(do="make", num_envs=1)["id"]
    for _ in range(message["arguments"]["training"]["total_steps"]):
        if ask(do="step", id=number, actions=0)["terminated"]:
            ask(do="reset", id=number)
    critic = [np.zeros((4, 64)), np.zeros(64), np.zeros((64, 64)), np.zeros(64), np.zeros((64, 2)), np.zeros(2)]
    critic[0][:, 0], critic[2][0, 0], critic[4][0] = (0.01, 0.02, 0.1, 0.1), 1.0, (-1.0, 1.0)
    return ex.encode({"ok": True, "result": {"updates": 1000, "critics": [critic] * 3}})
probes.answer = answer
""",
        deserved=0,
        unsealed=OWN,
        verdicts=("failed",),
    ),
    Attack(
        "crowded_archive",
        "answers with an archive that lists a million members",
        """
import struct, autograder.student_side.probes as probes
entry = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 0, 20, *[0] * 15)
end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xffff, 0xffff, 10**6 * len(entry), 0, 0)
probes.answer = lambda request: entry * 10**6 + end
""",
        deserved=0,
        unsealed=OWN,
        verdicts=("refused",),
    ),
    Attack(
        "page_many_outputs", "thousands of lists of outputs in each cell", build=many_outputs, unsealed=OWN
    ),
]

SECOND = [*KERNEL, *ANSWERS, *PAGES, *NAMES, *MACHINE]
