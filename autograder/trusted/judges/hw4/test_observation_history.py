"""Judges of hw4.observation_history: what stands where, also where an episode begins."""

from __future__ import annotations

import functools

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import Hints, judge, nothing_else_changed, require
from autograder.trusted.judging import compare as compare_numbers

EXERCISE = "hw4.observation_history"
READ = "marl/one-to-many"
DIGITS = " (the last two digits of an observation: step, agent)"
compare = functools.partial(compare_numbers, atol=0.0, rtol=0.0)  # nothing is computed, only copied


class Case:
    """Observations, and what their histories are.

    Observations are easy to tell apart: hundreds for the environment, tens for the step, ones for the agent,
    tenths for the feature; in some environments all of them are negative.

    Args:
        batch, steps, agents, features: sizes.
        begins: (environment, step) of the episodes' beginnings.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        batch: int = 2,
        steps: int = 6,
        agents: int = 3,
        features: int = 2,
        begins: tuple | list = (),
    ):
        environments = rng.choice(np.arange(1, 90), size=batch, replace=False)
        tens, tenths = 10.0 * np.arange(steps), np.arange(features) / 10
        digits = np.ix_(100.0 * environments, tens, np.arange(agents), tenths)
        signs = rng.choice([-1.0, 1.0], size=batch)[:, None, None, None]
        self.observation = (signs * sum(digits)).astype(np.float32)
        self.begins = np.zeros((batch, steps, 1), bool)
        for where in begins:
            self.begins[tuple(where)] = True

    def run(self, student: Student, length: int) -> Reply:
        """Calls observation_history on these observations."""
        return student.run(EXERCISE, observation=self.observation, begins=self.begins, length=length)

    def first(self, begins: np.ndarray | None = None) -> np.ndarray:
        """The step at which each step's episode began, `(batch, steps)`; by default the right one."""
        begins = (self.begins if begins is None else begins)[..., 0]
        return np.maximum.accumulate(np.where(begins, np.arange(begins.shape[1]), 0), axis=1)

    def parts(self, length: int, first: np.ndarray | None = None, fill: str = "first") -> np.ndarray:
        """The observations of every history, `(batch, steps, agents, length, features)`.

        Args:
            first: the step at which each step's episode began.
            fill: what stands for observations before that: the `first` one, `zeros`, or what lies `beyond`.
        """
        first = self.first() if first is None else first
        batch, steps, agents, features = self.observation.shape
        result = np.zeros((batch, steps, agents, length, features), np.float32)
        for i, t, age in np.ndindex(batch, steps, length):
            if t - age >= first[i, t] or fill == "beyond":  # a negative step counts from the end
                result[i, t, :, age] = self.observation[i, (t - age) % steps]
            elif fill == "first":
                result[i, t, :, age] = self.observation[i, first[i, t]]
        return result

    def history(self, length: int, first: np.ndarray | None = None, fill: str = "first") -> np.ndarray:
        """Every step's history, by default the right one."""
        return joined(self.parts(length, first, fill))

    def orders(self, length: int) -> Hints:
        """What histories in another order give."""
        parts = self.parts(length)
        batch, steps, agents = parts.shape[:3]
        later = np.minimum(np.arange(steps)[:, None] + np.arange(length), steps - 1)
        following = np.moveaxis(self.observation[:, later], 2, 3)
        i, n = np.arange(batch), np.arange(agents)
        ages = range(length)
        neighbours = np.stack([self.observation[np.maximum(i - age, 0)] for age in ages], axis=3)
        others = np.stack([self.observation[:, :, (n - age) % agents] for age in ages], axis=3)
        return [
            (joined(parts[:, :, :, ::-1]), "This is oldest first: the newest observation stands first."),
            (
                np.moveaxis(parts, 3, 4).reshape(batch, steps, agents, -1),
                "The features of the observations are interleaved: keep each observation in one piece.",
            ),
            (joined(following), "These are later observations: nobody knows them yet. Go back, to t - 1..."),
            (
                joined(self.parts(length + 1)[:, :, :, 1:]),
                "The newest observation is missing: a history begins with the observation itself.",
            ),
            (joined(neighbours), "These are observations of other environments: time is the second axis."),
            (joined(others), "These are observations of other agents: each one's history is its own."),
        ]


def joined(parts: np.ndarray) -> np.ndarray:
    """The observations of each history one behind the other."""
    return parts.reshape(*parts.shape[:3], -1)


@judge(
    EXERCISE,
    points=0.5,
    title="a history of one is the observation itself",
    read=READ,
    why="The policy must see at least what it sees without a history, and the batch is used again.",
)
def test_length_one(student, rng):
    case = Case(rng, begins=[(0, 0), (0, 3)])
    reply = case.run(student, 1)
    compare(
        reply["value"],
        case.observation,
        tried="2 environments, 6 steps, 3 agents, length 1",
        hints=[(joined(case.parts(2)), "This is a history of two: use length.")] + case.orders(1),
        hint="(batch, time, n_agents, length * features), and with length 1 the observations themselves.",
    )


@judge(
    EXERCISE,
    points=1.0,
    title="newest first",
    read=READ,
    depends=["length_one"],
    why="A network knows an input by its position, so the newest must always have the same position.",
)
def test_newest_first(student, rng):
    case, length = Case(rng, batch=3), 3
    value = histories(case, case.run(student, length), length)
    right, known = case.history(length), slice(length - 1, None)
    compare(
        value[:, known],
        right[:, known],
        tried=f"3 environments, 6 steps of one episode, length 3: the histories from step 2 on{DIGITS}",
        hints=[(wrong[:, known], text) for wrong, text in case.orders(length)],
        hint="At step t: observation t, then t - 1, then t - 2, of the same agent.",
    )


@judge(
    EXERCISE,
    points=1.0,
    title="at the beginning the first observation is repeated",
    read=READ,
    depends=["newest_first"],
    why="There is no older one. The first step of a batch begins an episode, marked or not.",
)
def test_beginning(student, rng):
    case, length = Case(rng, agents=2, features=1, begins=[(0, 0)]), 4
    after, early = np.roll(case.begins, 1, axis=1), slice(length - 1)
    beyond = case.history(length, fill="beyond")
    if_marked = np.where(case.begins[:, :1, :, None], case.history(length), beyond)
    compare(
        histories(case, case.run(student, length), length)[:, early],
        case.history(length)[:, early],
        tried=f"begins marks step 0 in environment 0 only, length 4: the histories of steps 0 to 2{DIGITS}",
        hints=[
            (
                case.history(length, fill="zeros")[:, early],
                "Zeros stand before the first observation: repeat it.",
            ),
            (
                beyond[:, early],
                "The end of the batch appears before its first step: a negative index counts from the end.",
            ),
            (
                if_marked[:, early],
                "Where begins does not mark step 0 the end of the batch appears before it: step 0 begins an "
                "episode all the same.",
            ),
            (
                case.history(length, case.first(after))[:, early],
                "The cut comes one step late: begins[t] marks observation t itself.",
            ),
        ],
        hint="Nothing is older than the first observation of the episode: repeat that one.",
    )


@judge(
    EXERCISE,
    points=1.0,
    title="the episode before is not seen",
    read="dqn/terminated-truncated",
    depends=["beginning"],
    why="What happened before a reset says nothing about the new episode, and it is not there when the policy acts.",
)
def test_episode_before(student, rng):
    length, late = 3, int(rng.integers(3, 5))
    begins = [(0, 0), (0, 2), (0, 5), (1, late), (1, late + 1), (2, 1), (2, 4)]  # one lasts a single step
    case = Case(rng, batch=3, steps=7, agents=2, features=1, begins=begins)
    marks, never = case.begins, np.zeros_like(case.begins)
    after, before = np.roll(marks, 1, axis=1), np.roll(marks, -1, axis=1)
    after[:, 0] = before[:, -1] = False
    at_once = np.where(marks[..., 0], np.arange(7), 0)
    oldest = case.first()
    for i, t in np.ndindex(oldest.shape):
        oldest[i, t] = next((s for s in range(max(0, t - length + 1), t + 1) if marks[i, s, 0]), oldest[i, t])
    compare(
        histories(case, case.run(student, length), length),
        case.history(length),
        tried=f"episodes begin at (environment, step) {', '.join(map(str, begins))}; length 3{DIGITS}",
        hints=[
            (
                case.history(length, case.first(never)),
                "begins is ignored: the history ends where the episode began.",
            ),
            (
                case.history(length, case.first(after)),
                "The cut comes one step late: begins[t] marks observation t itself.",
            ),
            (
                case.history(length, case.first(before)),
                "The cut comes one step early: begins[t] marks observation t itself.",
            ),
            (
                case.history(length, at_once),
                "Only the first step of an episode is right: one step later the history reaches over its "
                "beginning.",
            ),
            (
                case.history(length, oldest),
                "Two episodes begin within this history: the newer beginning counts.",
            ),
            (
                case.history(length, case.first(np.repeat(marks.any(axis=0, keepdims=True), 3, axis=0))),
                "A beginning in one environment cuts the histories of all: every environment has its own "
                "episodes.",
            ),
            (
                case.history(length, case.first(np.repeat(marks[:1], 3, axis=0))),
                "All environments are cut where environment 0 begins: every environment has its own "
                "episodes.",
            ),
            (case.history(length, fill="zeros"), "Zeros stand before the first observation: repeat it."),
        ],
        hint="The oldest that a history may hold is the first observation of its own episode.",
    )


@judge(
    EXERCISE,
    points=0.5,
    title="any length and any size",
    read=READ,
    depends=["episode_before"],
    why="While acting there may be a single step, and a history may be longer than any episode.",
)
def test_any_size(student, rng):
    for batch, steps, agents, features, length in (
        (1, 1, 1, 1, 3), (2, 3, 1, 2, 5), (3, 3, 3, 1, 2), (1, 6, 1, 1, 2), (4, 1, 3, 2, 2), (2, 40, 2, 1, 8),
        (1, 40, 2, 1, 20),
    ):  # fmt: skip
        told = f"{batch} environments, {steps} steps, {agents} agents, {features} features, length {length}"
        cases = []
        for _ in range(2):
            marks = rng.random((batch, steps)) < (0.2 if length < 20 else 0.0)  # a long episode too
            cases.append(
                Case(rng, batch, steps, agents, features, [(0, steps - 1), *np.argwhere(marks).tolist()])
            )
        replies = [case.run(student, length) for case in [*cases, cases[0]]]
        compare(
            replies[2]["value"],
            replies[0]["value"],
            tried=f"{told}: a call, one with other observations, and the first again",
            hint="A call remembers the one before: each call must start from the beginning.",
        )
        for case, reply in zip(cases, replies):
            right = case.history(length)
            compare(
                reply["value"],
                right,
                tried=told,
                hints=[
                    (joined(case.parts(min(length, steps))), "The history may be longer than the batch."),
                    (
                        right.squeeze(),
                        "Axes of length 1 are dropped: (batch, time, n_agents, length * features).",
                    ),
                ],
                hint="A history holds as many observations as length says, however long, from one episode.",
            )
    require(reply["type"] == "Tensor", tried="the type", got=reply["type"], expected="Tensor")
    nothing_else_changed(reply)


def histories(case: Case, reply: Reply, length: int) -> np.ndarray:
    """The answer, when it has the right shape."""
    shape, value = (*case.observation.shape[:3], length * case.observation.shape[3]), reply["value"]
    require(
        getattr(value, "shape", None) == shape,
        tried=f"observations {case.observation.shape}, length {length}: the shape",
        got=getattr(value, "shape", None) or value,
        expected=shape,
        hint="(batch, time, n_agents, length * features): join the observations along the last axis.",
    )
    return value
