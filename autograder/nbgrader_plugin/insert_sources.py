"""An nbgrader preprocessor that puts the reference solutions into an assignment's placeholder cells.

A placeholder cell of a source notebook holds one line, `# exercise: hw3.get_action`. It is replaced by the source of
the function that `solutions/hw3.py` decorates with `@solves("hw3.get_action")`, or, for `# exercise: hw3.quiz`, of the
assignments to `quiz` there; nbgrader's ClearSolutions then turns it into the student's stub. Whatever does not fit
together is refused before anything is released.

A locked cell with the one line `# given: hw2` gets all solutions of homework 2: the training of a later homework calls
them beside the functions that its own notebook asks for.
"""

from __future__ import annotations

import ast
import difflib
import re
from pathlib import Path

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder import max_points
from autograder.nbgrader_plugin.course_root import COURSE

_PLACEHOLDER = re.compile(r"^# exercise: (\S+)$")
_GIVEN = re.compile(r"^# given: (hw\d+)$")
_CHECK = re.compile(r"""\bcheck\(\s*["']([^"']+)["']""")
_BEGIN, _END = "### BEGIN SOLUTION", "### END SOLUTION"


class SourceError(ValueError):
    """An assignment and its solutions do not fit together."""


class InsertSources(NbGraderPreprocessor):
    """Fills the placeholder cells and checks the cells that go with them."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, cell_index: int
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Fills or checks one cell.

        Raises:
            SourceError: unknown exercise, wrong grade_id, wrong points, or unbalanced solution markers.
        """
        settings = cell.metadata.get("nbgrader", {})
        placeholder, given = (pattern.match(cell.source.strip()) for pattern in (_PLACEHOLDER, _GIVEN))
        if placeholder:
            exercise = placeholder[1]
            _expect(settings, exercise, "grade_id", grade_id(exercise))
            _expect(settings, exercise, "solution", True)
            cell.source = solution_source(exercise)
        elif given:
            _expect(settings, given[1], "locked", True)
            _expect(settings, given[1], "solution", False)
            cell.source = given_source(given[1])
        elif settings.get("grade") and not settings.get("solution") and cell.cell_type == "code":
            check = _CHECK.search(cell.source)
            if check is None:
                raise SourceError(
                    f"grade cell {settings.get('grade_id')!r} has no check(...): nothing would grade it"
                )
            _expect(settings, check[1], "grade_id", f"{grade_id(check[1])}-check")
            _expect(settings, check[1], "points", max_points(check[1]))
        elif settings.get("solution") and cell.cell_type == "code":
            check_markers(cell.source, f"cell {settings.get('grade_id')!r}")
        return cell, resources


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
    text = path.read_text()
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
    text = (solutions / f"{homework}.py").read_text()
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


def _expect(settings: dict, exercise: str, key: str, expected: object) -> None:
    if settings.get(key) != expected:
        raise SourceError(
            f"the cell of exercise {exercise!r} has nbgrader {key} {settings.get(key)!r}; expected {expected!r}"
        )
