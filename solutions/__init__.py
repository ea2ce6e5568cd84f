"""The reference solutions, the only place where they exist."""

from __future__ import annotations

import importlib
import sys

from gcb6206.exercises import HOMEWORKS, ExerciseError


def load(*homeworks: str) -> None:
    """Fill the exercises of the named homeworks, or of all, with the reference solutions.

    Raises:
        ExerciseError: there is no such homework.
    """
    for homework in homeworks or HOMEWORKS:
        if homework not in HOMEWORKS:
            raise ExerciseError(f"unknown homework {homework!r}: expected one of {', '.join(HOMEWORKS)}")
        module = f"solutions.{homework}"
        if module in sys.modules:
            importlib.reload(sys.modules[module])  # its functions fill their exercises as they are defined
        else:
            importlib.import_module(module)
