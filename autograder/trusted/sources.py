"""The reference solutions as text: what the notebooks and the sandbox take from `solutions/`."""

from __future__ import annotations

import ast
import difflib
import re
from pathlib import Path

COURSE = Path(__file__).resolve().parents[2]
GIVEN = {"hw4": ("hw2",), "hw5": ("hw1",)}  # what a homework's notebook gives besides
_BEGIN, _END = "### BEGIN SOLUTION", "### END SOLUTION"


class SourceError(ValueError):
    """An assignment and its solutions do not fit together."""


def grade_id(exercise: str) -> str:
    """The nbgrader id of an exercise's solution cell: hw3.get_action -> hw3-get-action."""
    return re.sub(r"[._]", "-", exercise)


def solution_source(exercise: str, solutions: Path = COURSE / "solutions") -> str:
    """The source of the function that solves an exercise, with its decorator.

    Raises:
        SourceError: there is none (the nearest is named), or its solution markers are unbalanced.
    """
    path = solutions / f"{exercise.partition('.')[0]}.py"
    if not path.exists():
        raise SourceError(f"exercise {exercise!r}: there is no {path}")
    text = path.read_text(encoding="utf-8")
    spans = _spans(text, path.stem)
    if exercise not in spans:
        near = difflib.get_close_matches(exercise, spans, n=1, cutoff=0)
        hint = f"; the nearest there is {near[0]!r}" if near else ""
        raise SourceError(f"{path} has no function under @solves({exercise!r}){hint}")
    first, last = spans[exercise]
    source = "\n".join(text.splitlines()[first - 1 : last])
    check_markers(source, f"the solution of {exercise!r} in {path}")
    return source


def given_source(homework: str, solutions: Path = COURSE / "solutions") -> str:
    """All solutions of a homework, without its docstring and comments."""
    text = (solutions / f"{homework}.py").read_text(encoding="utf-8")
    lines = text.splitlines()[ast.parse(text).body[0].end_lineno :]
    return "\n".join(line for line in lines if not line.lstrip().startswith("#")).strip()


def check_markers(source: str, where: str) -> None:
    """Demands that every BEGIN has its END, in turn, and that there is at least one.

    Raises:
        SourceError: they do not; ClearSolutions would release what stands outside.
    """
    markers = [
        line.strip() for line in source.splitlines() if "BEGIN SOLUTION" in line or "END SOLUTION" in line
    ]
    if not markers or markers != [_BEGIN, _END] * (len(markers) // 2):
        raise SourceError(
            f"{where} has the solution markers {markers}; expected {_BEGIN!r} and {_END!r} in turn, at least once"
        )


def _spans(text: str, homework: str) -> dict[str, tuple[int, int]]:
    """First and last line of every solution in a file: the decorated functions, and the quiz's assignments."""
    lines, spans = text.splitlines(), {}
    nodes = ast.parse(text).body
    starts = [min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) for node in nodes]
    for node, start, following in zip(nodes, starts, [*starts[1:], len(lines) + 1]):
        # An END marker behind the last statement is a comment, which the syntax tree does not hold.
        last = max([node.end_lineno, *(i for i in range(node.end_lineno, following) if _END in lines[i - 1])])
        for call in getattr(node, "decorator_list", []):
            if isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] == "solves" and call.args:
                spans[ast.literal_eval(call.args[0])] = (start, last)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "quiz":
            first, _ = spans.get(f"{homework}.quiz", (start, last))
            spans[f"{homework}.quiz"] = (first, last)
    return spans
