"""Judges of hw2.first_nonfinite: numbers that break at known places among harmless ones."""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import judge, require

EXERCISE = "hw2.first_nonfinite"
READ = "marl/vmas"
BATCH, STEPS = 6, 9
SHAPES = {"observation": (3, 4), "action": (3, 2), "log_prob": (3,), "reward": (3, 1), "loss": ()}


class Case:
    """What a training computes, in that order, with numbers of all sizes."""

    def __init__(self, rng: np.random.Generator, names: list[str] | None = None):
        self.tensors = {
            name: rng.normal(size=(BATCH, STEPS, *SHAPES[name])).astype(np.float32)
            for name in names or SHAPES
        }

    def spoil(self, rng: np.random.Generator, name: str, step: int, value: float = np.nan) -> None:
        """Puts a number at a step of a tensor, somewhere in the batch."""
        rest = (int(rng.integers(size)) for size in SHAPES[name])
        self.tensors[name][(int(rng.integers(1, BATCH)), step, *rest)] = value

    def run(self, student: Student) -> Reply:
        """Calls first_nonfinite."""
        return student.run(EXERCISE, names=list(self.tensors), arrays=list(self.tensors.values()))


def found(
    reply: Reply, name: str, step: int, tried: str, hints: list[tuple[tuple, str]], hint: str = ""
) -> None:
    """Demands this name and step.

    Args:
        hints: (wrong name and step, hint) pairs.
        hint: shown where nothing was found.
    """
    returned = reply["returned"]
    require(
        isinstance(returned, str) and returned in ("tuple of 2", "list of 2"),
        tried=tried,
        got=returned,
        expected=repr((name, step)),
        hint=hint or "Return the name and the step.",
    )
    types = reply["types"]
    require(
        isinstance(types, list) and len(types) == 2 and types[1] == "int",
        tried=f"{tried}: the type of the step",
        got=types,
        expected="int",
        hint="The step is a plain number: int(...).",
    )
    got = pair(reply)
    require(
        got == repr((name, step)),
        tried=tried,
        got=got,
        expected=repr((name, step)),
        hint=next((text for wrong, text in hints if repr(wrong) == got), ""),
    )


def pair(reply: Reply) -> str:
    """The name and the step that came back, as text."""
    return f"({repr(reply['name'])[:50]}, {repr(reply['step'])[:50]})"


@judge(
    EXERCISE,
    points=0.5,
    title="nothing to find, nothing found",
    read=READ,
    why="A sentinel that cries for nothing stops trainings that are well.",
)
def test_all_finite(student, rng):
    case = Case(rng)
    for name in ("observation", "loss"):
        case.tensors[name][:, int(rng.integers(STEPS))] = 3e38  # finite, but their sum is not
    reply = case.run(student)
    require(
        reply["returned"] == "NoneType",
        tried="finite numbers, some of them as large as 3e38",
        got=pair(reply) if reply["returned"] == "tuple of 2" else reply["returned"],
        expected="None",
        hint="All numbers are finite. (A sum of them may overflow: look at each number.)",
    )


@judge(
    EXERCISE,
    points=1.0,
    title="NaN and both infinities are found, in every tensor",
    read=READ,
    depends=["all_finite"],
    why="An infinity becomes NaN one subtraction later: then the cause is gone.",
)
def test_one(student, rng):
    for value, name in ((np.nan, "action"), (np.inf, "observation"), (-np.inf, "reward"), (np.nan, "loss")):
        case, step = Case(rng), int(rng.integers(BATCH + 1, STEPS))  # no environment has such a number
        case.spoil(rng, name, step, value)
        where = np.argwhere(~np.isfinite(case.tensors[name]))[0]
        found(
            case.run(student),
            name,
            step,
            f"{value} in {name} at step {step}",
            [
                ((name, step + 1), "Steps are counted from 0."),
                ((name, int(where[0])), "This is the environment: the step is the second axis."),
                ((name, step - 1), "This is the last step that is well: tell the first that is not."),
                ((name, STEPS - 1 - step), "This counts from the end."),
            ],
            hint=f"{value} is not found: torch.isfinite tells NaN and both infinities."
            if value is not np.nan
            else "",
        )


@judge(
    EXERCISE,
    points=1.0,
    title="the earliest step counts, whatever tensor it is in",
    read=READ,
    depends=["one"],
    why="Everything after it may be a consequence: a NaN in an action is in the next observation.",
)
def test_earliest(student, rng):
    case, early = Case(rng), int(rng.integers(1, 3))
    late = early + int(rng.integers(3, 5))
    for name, step in (("observation", late), ("log_prob", early), ("reward", late - 1), ("loss", late)):
        for later in range(step, STEPS):
            case.spoil(rng, name, later)
    found(
        case.run(student),
        "log_prob",
        early,
        f"NaN from step {late} on in observation, {early} in log_prob, {late - 1} in reward, {late} in loss",
        [
            (("observation", late), "This is the first tensor that breaks: the earliest step counts."),
            (("loss", late), "This is the last tensor that breaks: the earliest step counts."),
            (("log_prob", STEPS - 1), "This is the last step that is broken: tell the first."),
            (("observation", early), "The step is the earliest, but the name is another tensor's."),
        ],
    )


@judge(
    EXERCISE,
    points=0.5,
    title="at the same step the one that is computed first",
    read=READ,
    depends=["earliest"],
    why="The cause comes before its consequences, and the dictionary lists them in that order.",
)
def test_order(student, rng):
    for names in (["observation", "action", "loss"], ["reward", "log_prob", "action"]):
        case, step = Case(rng, names), int(rng.integers(1, STEPS))
        for name in names[1:]:
            case.spoil(rng, name, step)
        first, last = names[1:]
        found(
            case.run(student),
            first,
            step,
            f"{', '.join(names)} in this order; NaN in {first} and {last} at step {step}",
            [
                (
                    (last, step),
                    "The other one stands first in the dictionary: neither the last nor the alphabet decides.",
                )
            ],
        )
