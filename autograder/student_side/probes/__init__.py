"""Probes run beside the student's code: build inputs, call the exercise, return what came back.

A probe is public. It holds no expected value and gives no verdict. What an exercise needs from others is
replaced by recording stand-ins, so that one bug shows in one place.
"""

from __future__ import annotations

import importlib
import linecache
import re
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from autograder.student_side.exchange import ExchangeError, decode, encode

_PROBES: dict[str, Callable[..., dict]] = {}
_COURSE = Path(__file__).resolve().parents[3]


def probe(name: str) -> Callable:
    """Registers a probe under a name such as "hw3.update_critic"; the part before the dot is its module."""

    def register(function: Callable[..., dict]) -> Callable[..., dict]:
        _PROBES[name] = function
        return function

    return register


def serve(request_path: str, reply_path: str) -> None:
    """Answers one request file with one reply file (the transport of the sandboxed kernel)."""
    Path(reply_path).write_bytes(answer(Path(request_path).read_bytes()))


def answer(request: bytes) -> bytes:
    """Runs the requested probe. Whatever the student's code raises becomes a reply, not an exception."""
    message = decode(request)
    name = message["probe"]
    importlib.import_module(f"{__name__}.{name.partition('.')[0]}")
    if name not in _PROBES:
        raise ValueError(f"unknown probe {name!r}; known: {', '.join(sorted(_PROBES))}")
    try:
        return encode({"ok": True, "result": _PROBES[name](**message["arguments"])})
    except KeyboardInterrupt:  # the person at the notebook wants out
        raise
    except BaseException as error:  # SystemExit of the student's code included
        return encode({"ok": False, **describe(error)})


def describe(error: BaseException) -> dict[str, str]:
    """An exception of the student's code as a reply: its verdict, its message with the student's own lines."""
    from gcb6206.exercises import ExerciseNotSolved

    if isinstance(error, ExerciseNotSolved):
        named = re.search(r"hw\d+\.\w+", str(error))
        return {
            "verdict": "failed",
            "message": str(error).replace("``", "`"),
            "unsolved": named.group() if named else "the exercise",
        }
    if isinstance(error, MemoryError):
        return {"verdict": "memory limit", "message": "your code ran out of memory", "unsolved": ""}
    if isinstance(error, ExchangeError):
        return {
            "verdict": "failed",
            "message": f"your code returned something unexpected: {error}",
            "unsolved": "",
        }
    stub = _released_stub(error)
    if stub:
        message = (
            f"exercise {stub!r} is not solved yet: the line raise NotImplementedError() still stands there"
        )
        return {"verdict": "failed", "message": message, "unsolved": stub}
    message = f"your code raised {type(error).__name__}: {_text(error)}"
    return {
        "verdict": "failed",
        "message": "\n".join([message[:1500], *_student_lines(error)]),
        "unsolved": "",
    }


def _released_stub(error: BaseException) -> str:
    """The exercise in whose cell the line that a release puts there was reached, or ""."""
    from gcb6206 import exercises

    if type(error) is not NotImplementedError or error.args:
        return ""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    named = [name for name in exercises.ids() if name.endswith(f".{frame.f_code.co_name}")]
    # two homeworks may have an exercise of that name
    own = [n for n in named if getattr(exercises.get(n).implementation, "__code__", None) is frame.f_code]
    return next(iter(own + named), "")


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an exception class of the student's with a broken __str__
        return "(no message)"


def _student_lines(error: BaseException) -> list[str]:
    """The traceback reduced to the student's own lines (the last lines of all where none is theirs)."""
    frames = traceback.extract_tb(error.__traceback__)
    machinery = (
        str(_COURSE / "autograder" / "student_side"),
        str(_COURSE / "gcb6206"),
    )
    own = [
        f
        for f in frames
        if "site-packages" not in f.filename
        and not f.filename.startswith(machinery)
        and not f.filename.startswith("<frozen")
        and "/lib/python3" not in f.filename
    ]
    return [
        f"  line {f.lineno}, in {f.name}: {(f.line or linecache.getline(f.filename, f.lineno)).strip()[:200]}"
        for f in (own or frames)[-4:]
    ]


def plain(value: object) -> object:
    """What a student's function returned, as plain data that says what it was.

    Arrays and tensors become arrays, numbers stay; anything else becomes the text of its type and repr.
    """
    import torch

    if isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy().copy()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return value.copy()
    if value is None or isinstance(value, (bool, int, float, str, np.bool_, np.integer, np.floating)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return f"{type(value).__name__}: {repr(value)[:200]}"


def kind(value: object) -> str:
    """The type of a returned value, as a judge compares it: "int", "float", "ndarray", "Tensor", ..."""
    if isinstance(value, (bool, np.bool_)):
        return "bool"
    if isinstance(value, (int, np.integer)):
        return "int"
    if isinstance(value, (float, np.floating)):
        return "float"
    return type(value).__name__


def number_kind(value: object) -> str:
    """As `kind`, for results that are to be one number: a NumPy or PyTorch scalar counts as its number.

    A tensor that still belongs to a graph stays a "Tensor": whoever keeps it keeps the graph.
    """
    scalar = getattr(value, "ndim", None) == 0 and not getattr(value, "requires_grad", False)
    return kind(value.item() if scalar else value)
