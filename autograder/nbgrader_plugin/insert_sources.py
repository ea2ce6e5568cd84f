"""An nbgrader preprocessor that puts the reference solutions into an assignment's placeholder cells.

A placeholder cell of a source notebook holds one line, `# exercise: hw3.get_action`. It is replaced by the source of
the function that `solutions/hw3.py` decorates with `@solves("hw3.get_action")`, or, for `# exercise: hw3.quiz`, of the
assignments to `quiz` there; nbgrader's ClearSolutions then turns it into the student's stub. Whatever does not fit
together is refused before anything is released.

A locked cell with the one line `# given: hw2` gets all solutions of homework 2: the training of a later homework calls
them beside the functions that its own notebook asks for.
"""

from __future__ import annotations

import re

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder import max_points
from autograder.trusted.sources import SourceError, check_markers, given_source, grade_id, solution_source

_PLACEHOLDER = re.compile(r"^# exercise: (\S+)$")
_GIVEN = re.compile(r"^# given: (hw\d+)$")
_CHECK = re.compile(r"""\bcheck\(\s*["']([^"']+)["']""")


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


def _expect(settings: dict, exercise: str, key: str, expected: object) -> None:
    if settings.get(key) != expected:
        raise SourceError(
            f"the cell of exercise {exercise!r} has nbgrader {key} {settings.get(key)!r}; expected {expected!r}"
        )
