"""Judges of hw3.sample_trajectory, on scripted episodes: the judge knows every observation and reward."""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import attempt, compare, judge, require, show

EXERCISE = "hw3.sample_trajectory"
LOOP, ENDS = "dqn/homework", "dqn/terminated-truncated"
GOES_ON = (
    "The rollout goes on after the episode ended: rollout_done = terminated or truncated or steps >="
    " max_length."
)


class Case:
    """An episode of `length` steps (0 never ends) that terminates or is truncated."""

    def __init__(self, rng: np.random.Generator, length: int, terminated: bool = True):
        self.length, self.terminated = length, terminated
        self.observations = rng.normal(size=(40, 5)).astype(np.float32)
        self.rewards = rng.normal(size=40)

    def run(self, student: Student, max_length: int = 30, **options) -> Reply:
        """Samples the trajectory."""
        ends = f"ends after {self.length} steps" if self.length else "never ends by itself"
        how = "terminated" if self.terminated else "truncated"
        return attempt(
            student,
            "hw3.sample_trajectory",
            observations=self.observations,
            rewards=self.rewards,
            length=self.length,
            terminated=self.terminated,
            max_length=max_length,
            tried=f"an episode that {ends}"
            + (f" ({how})" if self.length else "")
            + f", max_length={max_length}",
            expected=f"a trajectory of {min(self.length or max_length, max_length)} steps",
            hint=GOES_ON if self.length else "",
            **options,
        )


def array(reply: Reply, name: str) -> object:
    """An array of the trajectory, None where it is missing."""
    return reply["arrays"].get(name) if isinstance(reply["arrays"], dict) else None


def steps_of(reply: Reply) -> int:
    """How many steps were taken in the environment."""
    return len(reply["env_actions"]) if isinstance(reply["env_actions"], np.ndarray) else -1


@judge(
    EXERCISE,
    points=0.25,
    title="ends when the episode ends",
    read=LOOP,
    why="An environment must not be stepped after it terminated or truncated: reset() comes first.",
)
def test_ends(student, rng):
    for terminated in (True, False):
        length = int(rng.integers(3, 9))
        reply = Case(rng, length, terminated).run(student)
        compare(
            steps_of(reply),
            length,
            hint="The rollout must end exactly where terminated or truncated is True.",
            tried=(
                f"an episode of {length} steps, {'terminated' if terminated else 'truncated'}, max_length=30:"
                " steps taken in the environment"
            ),
        )
        compare(
            reply["resets"],
            1,
            tried="how often the environment was reset",
            hints=[(0, "Begin with env.reset()."), (2, "Reset once, at the beginning only.")],
        )


@judge(
    EXERCISE,
    points=0.5,
    title="returns float32 arrays under the agreed names",
    read=LOOP,
    depends=["ends"],
    why="The replay buffer, the videos and the statistics read these names.",
)
def test_returned_arrays(student, rng):
    length = int(rng.integers(3, 9))
    reply = Case(rng, length).run(student)
    require(
        reply["returned"] == "dict",
        tried="the type of the trajectory",
        got=reply["returned"],
        expected="dict",
    )
    shapes = {
        "observation": (length, 5),
        "action": (length,),
        "reward": (length,),
        "next_observation": (length, 5),
        "terminal": (length,),
    }
    names = sorted([*shapes, "image_obs", "episode_statistics"])
    require(
        set(names) <= set(reply["keys"]),
        tried="the keys of the trajectory",
        got=sorted(reply["keys"]),
        expected=names,
    )
    for name, shape in shapes.items():
        value = array(reply, name)
        require(
            isinstance(value, np.ndarray) and value.shape == shape,
            tried=f"{length} steps: the shape of {name}",
            got=value.shape if isinstance(value, np.ndarray) else show(value),
            expected=shape,
            hint="One entry for every step.",
        )
        require(
            reply["dtypes"][name] == "float32",
            tried=f"the dtype of {name}",
            got=reply["dtypes"][name],
            expected="float32",
            hint="np.array(list, dtype=np.float32)",
        )
    require(
        reply["image_shape"] and reply["image_shape"][0] == 0,
        tried="image_obs without render",
        got=reply["image_shape"],
        expected="no pictures",
        hint="Take pictures only where render is True.",
    )


@judge(
    EXERCISE,
    points=1.0,
    title="every step holds what the agent saw, did and got",
    read=LOOP,
    depends=["returned_arrays"],
    why="A transition is (s, a, r, s') of one step; the next step begins where this one ended.",
)
def test_transitions(student, rng):
    length = int(rng.integers(4, 9))
    case = Case(rng, length)
    reply = case.run(student)
    before, after = case.observations[:length], case.observations[1 : length + 1]
    stuck = np.repeat(before[:1], length, axis=0)
    tried = f"an episode of {length} steps"
    not_advanced = "The observation is never advanced: ob = next_ob at the end of each step."
    compare(
        reply["seen"],
        before,
        tried=f"{tried}: the observations given to agent.get_action",
        hints=[
            (stuck, not_advanced),
            (
                np.concatenate([before[:1], before[:-1]]),
                "The agent acts on the observation of the step before: give it the latest one.",
            ),
        ],
        hint="agent.get_action must be called once for every step, with the latest observation.",
    )
    actions = case.observations[:length].argmax(axis=1)
    compare(
        reply["env_actions"],
        actions,
        tried=f"{tried}: the actions given to env.step",
        hint="Take the action that the agent chose, unchanged.",
    )
    compare(
        array(reply, "observation"),
        before,
        tried=f"{tried}: observation",
        hints=[
            (stuck, not_advanced),
            (after, "These are the next observations: store ob before ob = next_ob."),
        ],
    )
    compare(
        array(reply, "next_observation"),
        after,
        tried=f"{tried}: next_observation",
        hints=[(before, "These are the observations: store what env.step returned, next_ob.")],
        hint=(
            "next_observation of a step is observation of the step after; the last one is the terminal state."
        ),
    )
    compare(array(reply, "action"), actions, tried=f"{tried}: action")
    compare(
        array(reply, "reward"),
        case.rewards[:length],
        tried=f"{tried}: reward",
        hints=[(np.cumsum(case.rewards[:length]), "These are running sums: store the reward of each step.")],
    )


@judge(
    EXERCISE,
    points=1.0,
    title="terminal is terminated, never truncated",
    read=ENDS,
    depends=["returned_arrays"],
    why=(
        "A time limit cuts an episode that could have gone on: its last state still has a value to bootstrap"
        " from."
    ),
)
def test_terminal(student, rng):
    length = int(rng.integers(3, 9))
    last = np.eye(length)[-1]
    zeros = np.zeros(length)
    shifted = np.roll(last, -1)
    reply = Case(rng, length, terminated=True).run(student)
    compare(
        array(reply, "terminal"),
        last,
        tried=f"an episode of {length} steps that terminates: terminal",
        hints=[
            (zeros, "The end is not marked: store terminated of each step."),
            (1 - last, "The flag is inverted: 1 where the episode terminated."),
            (shifted, "One step early."),
        ],
        hint="terminal is 1 at the step that terminated, 0 before.",
    )
    reply = Case(rng, length, terminated=False).run(student)
    compare(
        array(reply, "terminal"),
        zeros,
        tried=f"an episode of {length} steps that a time limit truncates: terminal",
        hints=[
            (
                last,
                (
                    "A truncated episode is stored as terminal: store terminated alone, not terminated or"
                    " truncated."
                ),
            )
        ],
        hint="No step of a truncated episode is terminal.",
    )
    reply = student.run(
        "hw3.sample_trajectory",
        observations=(case := Case(rng, length + 1)).observations,
        rewards=case.rewards,
        length=length + 1,
        terminated=True,
        max_length=length,
    )
    if steps_of(reply) == length:  # else it is max_length that fails, not this
        compare(
            array(reply, "terminal"),
            zeros,
            tried=f"an episode cut by max_length={length}: terminal",
            hints=[
                (last, "Reaching max_length is stored as terminal: store terminated alone, not rollout_done.")
            ],
            hint="No step of an episode that was cut short is terminal.",
        )


@judge(
    EXERCISE,
    points=0.5,
    title="stops after max_length steps",
    read=LOOP,
    depends=["returned_arrays"],
    why="Some environments never end; an evaluation must.",
)
def test_max_length(student, rng):
    case, limit = Case(rng, 0), int(rng.integers(3, 9))
    reply = attempt(
        student,
        "hw3.sample_trajectory",
        observations=case.observations,
        rewards=case.rewards,
        length=0,
        terminated=False,
        max_length=limit,
        tried=f"an episode that never ends by itself, max_length={limit}",
        expected=f"a trajectory of {limit} steps",
        hint="max_length is ignored: the rollout is also done when steps >= max_length.",
    )
    compare(
        steps_of(reply),
        limit,
        tried=f"an episode that never ends by itself, max_length={limit}: steps taken",
        hints=[
            (limit + 1, "One step too many: the rollout is done when steps >= max_length."),
            (limit - 1, "One step too few: count the step before comparing with max_length."),
        ],
    )
    value = array(reply, "reward")
    require(
        isinstance(value, np.ndarray) and len(value) == limit,
        tried=f"max_length={limit}: stored rewards",
        got=value,
        expected=case.rewards[:limit],
        hint="All steps taken are stored, the last one included.",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="episode_statistics hold length and return",
    read=LOOP,
    depends=["returned_arrays"],
    why="The wrapper knows the true return; rewards may have been clipped on the way here.",
)
def test_statistics(student, rng):
    length = int(rng.integers(3, 9))
    case = Case(rng, length)
    total = case.rewards[:length].sum()

    def statistic(reply: Reply, name: str) -> object:
        return reply["statistics"].get(name) if isinstance(reply["statistics"], dict) else None

    reply = case.run(student)
    compare(statistic(reply, "l"), length, tried=f"an episode of {length} steps: episode_statistics['l']")
    compare(
        statistic(reply, "r"),
        total,
        tried="the sum of its rewards: episode_statistics['r']",
        atol=1e-4,
        hints=[(total / length, "This is the mean reward: the return is the sum.")],
    )
    reported = float(rng.normal() + 50)
    reply = case.run(student, episode_return=reported)
    compare(
        statistic(reply, "r"),
        reported,
        tried=f"info['episode'] reports a return of {reported:.3f}: episode_statistics['r']",
        atol=1e-4,
        hints=[(total, "info['episode'] is ignored: let it overwrite the statistics where it exists.")],
    )


@judge(
    EXERCISE,
    points=0.5,
    title="keeps a picture before every step where render is True",
    read=LOOP,
    depends=["returned_arrays"],
    why="The pictures become the video of the evaluation.",
)
def test_images(student, rng):
    length = int(rng.integers(3, 6))
    reply = Case(rng, length).run(student, render=True)
    require(
        reply["image_shape"] == [length, 250, 250, 3],
        tried=f"{length} steps with render=True: shape of image_obs",
        got=reply["image_shape"],
        expected=[length, 250, 250, 3],
        hint="One picture a step, made by render_frame(env).",
    )
    require(
        reply["dtypes"].get("image_obs") == "uint8",
        tried="the dtype of image_obs",
        got=reply["dtypes"].get("image_obs"),
        expected="uint8",
    )
    levels = 20.0 * np.arange(length) + 10  # what the scripted environment draws after t steps
    compare(
        reply["image_levels"],
        levels,
        tried="the mean level of each picture (it grows by 20 with every step)",
        atol=1.0,
        hints=[
            (levels + 20, "The pictures are taken after the step: take them before."),
            (np.full(length, 10.0), "All pictures are the same: render inside the loop."),
        ],
    )
