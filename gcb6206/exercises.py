"""The seam between the package, the student and the grader: what is to be written, and what fills it.

The package declares a stub with ``@exercise("hw3.update")``: its signature and docstring are the task.
A notebook cell, a reference solution or a test fills it for this process with ``@solves("hw3.update")``.
Everything else of the package calls the stub by its ordinary name, so the real training script runs with
whatever was filled in last.
"""

from __future__ import annotations

import ast
import contextlib
import difflib
import functools
import importlib
import inspect
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

# The modules that declare each homework's exercises, in the order in which a student meets them.
HOMEWORKS: dict[str, tuple[str, ...]] = {
    "hw1": (
        "gcb6206.networks.policies",
        "gcb6206.agents.ppo_agent",
    ),
    "hw2": (
        "gcb6206.envs.vmas",
        "gcb6206.infrastructure.sentinel",
        "gcb6206.networks.team",
        "gcb6206.env_configs.mappo_config",
    ),
    "hw3": (
        "gcb6206.agents.dqn_agent",
        "gcb6206.infrastructure.utils",
        "gcb6206.scripts.run_hw3",
    ),
    "hw4": (
        "gcb6206.networks.team",
        "gcb6206.agents.mappo_agent",
    ),
    "hw5": (
        "gcb6206.networks.realm",
        "gcb6206.agents.realm_agent",
        "gcb6206.infrastructure.distributed.buffer",
        "gcb6206.infrastructure.distributed.trajectory",
        "gcb6206.agents.vtrace",
        "gcb6206.infrastructure.distributed.pool",
        "gcb6206.env_configs.realm_config",
    ),
}


class ExerciseError(ValueError):
    """An exercise is named or filled wrongly: unknown id, or a signature that does not fit."""


class ExerciseNotSolved(NotImplementedError):
    """An exercise was called before anything filled it."""


@dataclass
class Exercise:
    """One function or method that a student writes.

    Attributes:
        id: homework and name, such as ``hw3.update_critic``.
        stub: the declared function; its signature and docstring are the task.
        implementation: what fills it in this process, or None.
    """

    id: str
    stub: Callable
    implementation: Callable | None = None

    @property
    def homework(self) -> str:
        """The homework's name, such as ``hw3``."""
        return self.id.split(".")[0]

    @property
    def name(self) -> str:
        """The function's name, such as ``update_critic``."""
        return self.id.split(".")[1]

    @property
    def notebook(self) -> str:
        """The notebook in which a student solves it."""
        return f"{self.homework}.ipynb"

    @property
    def signature(self) -> inspect.Signature:
        """The declared signature."""
        return inspect.signature(self.stub)

    @property
    def summary(self) -> str:
        """The first paragraph of the docstring, on one line."""
        return " ".join((inspect.getdoc(self.stub) or "").split("\n\n")[0].split())

    def header(self) -> str:
        """The line that a solution begins with, as the declaration wrote it."""
        return f"def {self.name}{self.signature}:"


_exercises: dict[str, Exercise] = {}


def exercise(exercise_id: str) -> Callable[[Callable], Callable]:
    """Declare the decorated function or method as a stub that a student fills.

    Args:
        exercise_id: ``<homework>.<name>``; the name is the function's own.

    Raises:
        ExerciseError: the id does not end in the function's name, or the docstring is missing.
    """

    def declare(stub: Callable) -> Callable:
        homework, _, name = exercise_id.partition(".")
        if not homework or name != stub.__name__:
            raise ExerciseError(f"exercise id {exercise_id!r} must be '<homework>.{stub.__name__}'")
        if not stub.__doc__:
            raise ExerciseError(f"exercise {exercise_id!r} has no docstring: the docstring is the task")
        # One record an id, also where a module is imported twice, as a script is that runs as __main__.
        declared = _exercises.setdefault(exercise_id, Exercise(exercise_id, stub))
        declared.stub = stub

        @functools.wraps(stub)
        def call(*args, **kwargs):
            if declared.implementation is None:
                raise ExerciseNotSolved(
                    f"exercise {declared.id!r} is not solved yet. Write {declared.name}() in {declared.notebook} "
                    f"under @solves({declared.id!r}) and run that cell. Its task: {declared.summary}"
                )
            return declared.implementation(*args, **kwargs)

        return call

    return declare


def ids(homework: str | None = None) -> list[str]:
    """The ids of all exercises, or of one homework, in the order in which a student meets them."""
    if homework is not None and homework not in HOMEWORKS:
        raise ExerciseError(f"unknown homework {homework!r}: expected one of {', '.join(HOMEWORKS)}")
    for name in [homework] if homework else HOMEWORKS:
        for module in HOMEWORKS[name]:
            importlib.import_module(module)
    # a module may have been imported long before the homework's others
    modules = [(name, module) for name in HOMEWORKS for module in HOMEWORKS[name]]
    places = {key: (key.split(".")[0], declared.stub.__module__) for key, declared in _exercises.items()}
    found = [key for key in _exercises if homework in (None, places[key][0]) and places[key] in modules]
    return sorted(found, key=lambda key: modules.index(places[key]))


def get(exercise_id: str) -> Exercise:
    """The exercise of that id.

    Raises:
        ExerciseError: there is none; the message names the nearest.
    """
    if exercise_id not in _exercises:
        known = ids()
        if exercise_id not in known:
            near = difflib.get_close_matches(str(exercise_id), known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(known)}"
            raise ExerciseError(f"unknown exercise {exercise_id!r}: {hint}")
    return _exercises[exercise_id]


def solves(exercise_id: str) -> Callable[[Callable], Callable]:
    """Fill an exercise with the decorated function, for this process.

    The parameters' names, kinds and defaults must be the declared ones; annotations are free.

    Raises:
        ExerciseError: there is no such exercise, or the signature differs from the declared one.
    """
    target = get(exercise_id)

    def fill(implementation: Callable) -> Callable:
        if _parameters(implementation) != _parameters(target.stub):
            got = f"def {implementation.__name__}{inspect.signature(implementation)}:"
            raise ExerciseError(
                f"{exercise_id!r} needs another signature.\n  expected: {target.header()}\n  got:      {got}"
            )
        target.implementation = implementation
        return implementation

    return fill


def fill_from_notebook(path: str | Path) -> list[str]:
    """Fill exercises with the solutions in a notebook, for this process; the ids of what was filled.

    Its cells with ``@solves`` are run, and before them the import lines of all cells. What else the notebook does,
    such as checks and trainings, is left out.

    Raises:
        ExerciseError: the file is missing or no notebook, it solves nothing, or a cell fails.
    """
    try:
        cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except OSError as error:
        raise ExerciseError(f"cannot read the notebook {str(path)!r}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise ExerciseError(f"{str(path)!r} is not a notebook: expected a file such as hw3.ipynb") from None
    imports, solutions = [], []
    for number, source in enumerate(sources, start=1):
        with contextlib.suppress(SyntaxError):  # a line for the notebook alone, such as %matplotlib
            imports += [
                node for node in ast.parse(source).body if isinstance(node, (ast.Import, ast.ImportFrom))
            ]
        if re.search(r"^@solves\(", source, re.MULTILINE):
            solutions.append((f"{path}, code cell {number}", source))
    if not solutions:
        raise ExerciseError(f"{str(path)!r} solves nothing: no cell has a function under @solves(...)")
    before = {name: get(name).implementation for name in ids()}
    names: dict = {"__name__": "__main__"}
    for place, source in [(str(path), ast.Module(imports, [])), *solutions]:
        try:
            exec(compile(source, place, "exec"), names)
        except Exception as error:
            raise ExerciseError(f"{place}: {type(error).__name__}: {error}") from error
    return [name for name, implementation in before.items() if get(name).implementation is not implementation]


@contextlib.contextmanager
def filled(implementations: dict[str, Callable | None]) -> Iterator[None]:
    """Fill exercises for the length of a ``with`` block; None leaves that one unsolved inside."""
    before = {key: get(key).implementation for key in implementations}
    try:
        for key, implementation in implementations.items():
            get(key).implementation = implementation
        yield
    finally:
        for key, implementation in before.items():
            get(key).implementation = implementation


def implementations(*homeworks: str) -> dict[str, Callable]:
    """What fills the exercises of these homeworks that are declared in this process: for ``fill`` in another one."""
    return {
        key: declared.implementation
        for key, declared in _exercises.items()
        if declared.homework in homeworks and declared.implementation is not None
    }


def fill(implementations: dict[str, Callable]) -> None:
    """Fill exercises as another process had them; those that are not declared here are left out."""
    for key, implementation in implementations.items():
        if key in _exercises:
            _exercises[key].implementation = implementation


def clear(*exercise_ids: str) -> None:
    """Make exercises unsolved again: the named ones, or all."""
    for key in exercise_ids or ids():
        get(key).implementation = None


def _parameters(function: Callable) -> list[tuple]:
    """What two signatures must share: name, kind and default of each parameter."""
    return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]
