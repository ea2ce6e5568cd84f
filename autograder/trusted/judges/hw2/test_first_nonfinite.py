"""Judges of hw2.first_nonfinite: numbers that break at known places among harmless ones."""

from __future__ import annotations

import itertools

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import compare, judge, require

EXERCISE = "hw2.first_nonfinite"
READ = "marl/vmas"
BATCH, STEPS = 6, 9
FIND = "Every number counts, in every environment and at every step: torch.isfinite finds NaN and both infinities."
KINDS = (np.nan, np.inf, -np.inf)
SHAPES = {"observation": (3, 4), "action": (3, 2), "log_prob": (3,), "reward": (3, 1), "loss": ()}


class Case:
    """What a training computes, in that order, with numbers of all sizes."""

    def __init__(
        self,
        rng: np.random.Generator,
        names: list[str] | None = None,
        batch: int = BATCH,
        steps: int = STEPS,
        shapes: dict = SHAPES,
    ):
        self.shapes = shapes
        self.tensors = {
            name: rng.normal(size=(batch, steps, *shapes[name])).astype(np.float32)
            for name in names or shapes
        }

    def spoil(
        self, rng: np.random.Generator, name: str, step: int, value: float = np.nan, row: int | None = None
    ) -> None:
        """Puts a number at a step of a tensor, in an environment or somewhere in the batch."""
        rest = (int(rng.integers(size)) for size in self.shapes[name])
        row = int(rng.integers(len(self.tensors[name]))) if row is None else row
        self.tensors[name][(row, step, *rest)] = value

    def run(self, student: Student) -> Reply:
        """Calls first_nonfinite."""
        return student.run(EXERCISE, names=list(self.tensors), arrays=list(self.tensors.values()))

    def of_first_environment(self) -> tuple[str, int]:
        """What comes out if each tensor's first broken environment decides, in whatever step it breaks."""
        places = {name: np.argwhere(~np.isfinite(tensor)) for name, tensor in self.tensors.items()}
        firsts = {name: int(where[0, 1]) for name, where in places.items() if len(where)}
        return min(firsts.items(), key=lambda item: item[1])


def found(reply: Reply, name: str, step: int, tried: str, hints: list[tuple[tuple, str]]) -> None:
    """Demands this name and step.

    Args:
        hints: (wrong name and step, hint) pairs.
    """
    hints = [*hints, ((step, name), "First the name, then the step.")]
    returned = reply["returned"]
    require(
        isinstance(returned, str) and returned in ("tuple of 2", "list of 2"),
        tried=tried,
        got=returned,
        expected=repr((name, step)),
        hint=f"This is not found. {FIND}" if returned == "NoneType" else "Return the name and the step.",
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
    """The name and the step that came back, as text; whether the step is a plain number does not show."""
    step = reply["step"]
    number = step.item() if isinstance(step, np.ndarray) and step.size == 1 else step
    number = int(number) if isinstance(number, float) and number.is_integer() else number
    return f"({repr(reply['name'])[:50]}, {repr(number)[:50]})"


@judge(
    EXERCISE,
    points=0.5,
    title="nothing to find, nothing found",
    read=READ,
    why="A sentinel with false alarms stops healthy trainings.",
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
        hint="All numbers are finite. (A sum of them may overflow: look at each number, and start from nothing in every call.)",
    )
    case = Case(rng)
    case.tensors["loss"] = case.tensors["loss"].astype(np.float64) * 1e300
    reply = case.run(student)
    require(
        reply["returned"] == "NoneType",
        tried="finite numbers, in float64 as large as 1e300",
        got=pair(reply) if reply["returned"] == "tuple of 2" else reply["returned"],
        expected="None",
        hint="All numbers are finite. In float32 those of a float64 tensor may be infinite: look at them as they are.",
    )


@judge(
    EXERCISE,
    points=0.75,
    title="NaN and both infinities are found, in every tensor",
    read=READ,
    depends=["all_finite"],
    why="An infinity becomes NaN at the next subtraction, and then the cause is lost.",
)
def test_one(student, rng):
    before = []
    for value, name, feature in (
        (np.nan, "action", (0, 0)),
        (np.inf, "observation", (-1, -1)),
        (-np.inf, "reward", (1, 0)),
        (np.nan, "loss", ()),
        (-np.inf, "action", (-1, -1)),
    ):
        case, step = Case(rng), int(rng.integers(BATCH + 1, STEPS))  # no environment has such a number
        row = int(rng.integers(1, BATCH))
        case.tensors[name][(row, step, *feature)] = value
        found(
            case.run(student),
            name,
            step,
            f"{value} in {name} at step {step}, in environment {row}",
            [
                ((name, row), "This is the environment: the step is the second axis."),
                ((name, step + 1), "Steps are counted from 0."),
                (
                    (name, step - 1),
                    "This is the last step where all is finite: return the first where something is not.",
                ),
                ((name, STEPS - 1 - step), "This counts from the end."),
                *(
                    (place, "This stood in the tensors of a call before: start from nothing in every call.")
                    for place in before
                ),
            ],
        )
        before.append((name, step))


@judge(
    EXERCISE,
    points=0.25,
    title="the step is one number, and the tensors stay unchanged",
    read=READ,
    depends=["one"],
    why="The step is printed and used as an index. The tensors are stored, so that you can look for the cause.",
)
def test_number(student, rng):
    case, step = Case(rng), int(rng.integers(1, STEPS))
    case.spoil(rng, "action", step)
    reply = case.run(student)
    require(
        reply["type"] == "int",
        tried="the type of the step",
        got=reply["type"],
        expected="int",
        hint="The step is a plain number: int(...).",
    )
    changed = "first_nonfinite changed its argument: it must only read it."
    require(
        reply["names"] == list(case.tensors),
        tried="the names in the dictionary after the call",
        got=reply["names"],
        expected=list(case.tensors),
        hint=changed,
    )
    after = reply["arrays"] if isinstance(reply["arrays"], list) else []
    for name, tensor, seen in zip(case.tensors, case.tensors.values(), after):
        compare(seen, tensor, tried=f"{name} after the call", atol=0.0, rtol=0.0, hint=changed)


@judge(
    EXERCISE,
    points=0.75,
    title="the earliest step of all tensors counts",
    read=READ,
    depends=["one"],
    why="Everything after it may be a consequence: a NaN in an action is in the next observation.",
)
def test_earliest(student, rng):
    case, early = Case(rng), int(rng.integers(1, 3))
    late = early + int(rng.integers(3, 5))
    for name, step in (("observation", late), ("log_prob", early), ("reward", late - 1), ("loss", late)):
        for later in range(step, STEPS):
            case.spoil(rng, name, later, row=None if later > step else int(rng.integers(2, BATCH)))
        case.spoil(rng, name, step + 1, row=int(rng.integers(2)))  # an environment further up breaks later
    found(
        case.run(student),
        "log_prob",
        early,
        f"NaN from step {late} on in observation, {early} in log_prob, {late - 1} in reward, {late} in loss",
        [
            (("observation", late), "This is the first tensor that breaks: the earliest step counts."),
            (("loss", late), "This is the last tensor that breaks: the earliest step counts."),
            *(
                ((name, STEPS - 1), "This is the last step with such a number: return the first.")
                for name in case.tensors
            ),
            (("observation", early), "The step is the earliest, but the name is another tensor's."),
            (
                case.of_first_environment(),
                "An environment further down breaks earlier: nonzero() lists environments first, then steps.",
            ),
        ],
    )
    kinds = "NaN and both infinities count alike: look for all of them at once, with torch.isfinite."
    for first, second in itertools.permutations(KINDS, 2):
        case = Case(rng)  # in one tensor
        case.spoil(rng, "action", early, first)
        case.spoil(rng, "action", late, second)
        tried = f"{first} in action at step {early}, {second} in it at step {late}"
        found(case.run(student), "action", early, tried, [(("action", late), kinds)])
        case = Case(rng)  # in two
        case.tensors["observation"][:, late] = second
        case.spoil(rng, "reward", early, first)
        tried = f"{first} in reward at step {early}; all of observation is {second} at step {late}"
        found(case.run(student), "reward", early, tried, [(("observation", late), kinds)])


@judge(
    EXERCISE,
    points=0.25,
    title="at any step, in batches of any size",
    read=READ,
    depends=["earliest"],
    why="Step 0 is a step like any other, and a single curve is a batch of one.",
)
def test_anywhere(student, rng):
    case = Case(rng)
    case.spoil(rng, "action", 0, row=BATCH - 1)
    case.spoil(rng, "loss", 4, row=0)
    hints = [
        (("loss", 4), "action breaks earlier, at step 0: that 0 is a step, and not 'nothing found'."),
    ]
    found(case.run(student), "action", 0, "NaN in action at step 0, in loss at step 4", hints)
    case = Case(rng)
    case.spoil(rng, "observation", 1)
    case.spoil(rng, "loss", 0)
    hints = [(("observation", 1), "loss breaks earlier, at step 0.")]
    found(case.run(student), "loss", 0, "NaN in observation at step 1, in loss at step 0", hints)
    narrow = {"observation": (1,), "action": (1, 1), "loss": ()}
    for batch, steps in ((1, 6), (5, 1), (1, 1), (4, 7)):
        case, step = Case(rng, None, batch, steps, narrow), steps - 1
        case.spoil(rng, "action", step, np.inf)
        tried = f"{batch} environments, {steps} steps, one feature; infinity in action at step {step}"
        found(case.run(student), "action", step, tried, [])
    case = Case(rng, ["loss"], 3, 5)
    case.spoil(rng, "loss", 0)
    found(case.run(student), "loss", 0, "loss alone, NaN at step 0", [])


@judge(
    EXERCISE,
    points=0.5,
    title="at the same step, the tensor that is computed first",
    read=READ,
    depends=["earliest"],
    why="The cause comes before its consequences, and the dictionary lists them in that order.",
)
def test_order(student, rng):
    for names in (["observation", "action", "loss"], ["reward", "log_prob", "action"]):
        first, last = names[1:]
        plain = "The other one stands first in the dictionary: neither the last nor the alphabet decides."
        ties = [(np.nan, np.nan, "", plain)]
        much = "The first in the dictionary counts, however much of it is broken."
        ties += [(np.nan, np.nan, whole, much) for whole in (first, last)]
        kinds = "The first in the dictionary counts, whether it holds NaN or an infinity."
        ties += [(*values, "", kinds) for values in itertools.permutations(KINDS, 2)]
        for one, other, whole, hint in ties:
            case, step = Case(rng, names), int(rng.integers(1, STEPS))
            case.spoil(rng, first, step, one, row=int(rng.integers(2, BATCH)))
            case.spoil(rng, last, step, other, row=int(rng.integers(2)))
            if whole:
                case.tensors[whole][:, step] = np.nan
            tried = f"{', '.join(names)} in this order; {one} in {first} and {other} in {last} at step {step}"
            tried += f", where all of {whole} is broken" if whole else ""
            found(case.run(student), first, step, tried, [((last, step), hint)])
