"""Judges of hw3.sample_trajectory, on scripted episodes: the judge knows every observation and reward."""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import attempt, close, compare, judge, require, show

EXERCISE = "hw3.sample_trajectory"
LOOP, ENDS = "dqn/homework", "dqn/terminated-truncated"
GOES_ON = (
    "The rollout goes on after the episode ended: rollout_done = terminated or truncated or steps >="
    " max_length."
)
FLOATS = ("observation", "action", "reward", "next_observation", "terminal")


class Case:
    """An episode of `length` steps (0 never ends), and what the environment says at its end."""

    def __init__(
        self,
        rng: np.random.Generator,
        length: int,
        terminated: bool = True,
        truncated: bool = False,
        shape: tuple[int, ...] = (5,),
        time: int = 40,
    ):
        self.length, self.terminated, self.truncated = length, terminated, truncated
        self.observations = rng.normal(size=(time, *shape)).astype(np.float32)
        self.rewards = rng.uniform(11.0, 50.0, size=time) * rng.choice([-1, 1], size=time)

    @property
    def tried(self) -> str:
        """In words."""
        if not self.length:
            return "an episode that never ends by itself"
        ways = [way for way in ("terminated", "truncated") if getattr(self, way)]
        return f"an episode of {self.length} steps that ends {' and '.join(ways)}"

    def run(self, student: Student, max_length: int = 30, **options) -> Reply:
        """Samples the trajectory."""
        never = not self.length
        return attempt(
            student,
            EXERCISE,
            observations=self.observations,
            rewards=self.rewards,
            length=self.length,
            terminated=self.terminated,
            truncated=self.truncated,
            max_length=max_length,
            tried=f"{self.tried}, max_length={max_length}",
            expected=f"a trajectory of {min(self.length or max_length, max_length)} steps",
            says="is still being played" if never else "after the episode had ended",
            hint="max_length is ignored: the rollout is also done when steps >= max_length."
            if never
            else GOES_ON,
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
    ways = ((True, False), (False, True), (True, True))
    cases = [Case(rng, int(rng.integers(3, 9)), *way) for way in ways] + [
        Case(rng, 1),
        Case(rng, 1, False, True),
    ]
    for case, numpy_flags in [*((case, False) for case in cases), *((case, True) for case in cases[:2])]:
        reply = case.run(student, numpy_flags=numpy_flags)
        flags = ", flags of numpy" if numpy_flags else ""
        compare(
            steps_of(reply),
            case.length,
            hint="The rollout must end exactly where terminated or truncated is True.",
            tried=f"{case.tried}{flags}, max_length=30: steps taken in the environment",
        )
        compare(
            reply["resets"],
            1,
            tried="how often the environment was reset",
            hints=[(0, "Begin with env.reset()."), (2, "Reset once, at the beginning only.")],
        )
        compare(
            reply["closed"],
            0,
            tried="how often the environment was closed",
            hint="Do not close the environment: the next trajectory is sampled in it.",
        )


@judge(
    EXERCISE,
    points=0.25,
    title="returns arrays under the agreed names",
    read=LOOP,
    depends=["ends"],
    why="The replay buffer, the videos and the statistics read these names.",
)
def test_returned_arrays(student, rng):
    length = int(rng.integers(3, 9))
    for steps, features in ((length, (5,)), (1, (5,)), (length, (2, 3)), (length, (1,))):
        reply = Case(rng, steps, shape=features).run(student)
        require(
            reply["returned"] == "mapping",
            tried="the type of the trajectory",
            got=reply["returned"],
            expected="a dict",
        )
        names = sorted([*FLOATS, "image_obs", "episode_statistics"])
        require(
            set(names) <= set(reply["keys"]),
            tried="the keys of the trajectory",
            got=sorted(reply["keys"]),
            expected=names,
        )
        for name in FLOATS:
            value = array(reply, name)
            shape = (steps, *features) if name.endswith("observation") else (steps,)
            require(
                isinstance(value, np.ndarray) and value.shape == shape,
                tried=f"{steps} steps, observations {features}: the shape of {name}",
                got=value.shape if isinstance(value, np.ndarray) else show(value),
                expected=shape,
                hint="One entry for every step.",
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
    points=0.25,
    title="the arrays are float32",
    read=LOOP,
    depends=["returned_arrays"],
    why="Networks compute in float32, and float64 takes twice the memory.",
)
def test_float32(student, rng):
    for dtype in (np.float64, np.uint8):
        case = Case(rng, int(rng.integers(3, 9)))
        case.observations = (case.observations * 10 + 100).astype(dtype)
        reply = case.run(student)
        for name in FLOATS:
            require(
                reply["dtypes"].get(name) == "float32",
                tried=f"the environment's observations are {np.dtype(dtype)}: the dtype of {name}",
                got=reply["dtypes"].get(name),
                expected="float32",
                hint="np.array(list, dtype=np.float32)",
            )


@judge(
    EXERCISE,
    points=0.75,
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
        hints=[
            (np.cumsum(case.rewards[:length]), "These are running sums: store the reward of each step."),
            (
                case.rewards[:length] / 2,
                "These are rewards from below a wrapper: step the environment that is given, not env.unwrapped.",
            ),
            *(
                (
                    np.clip(case.rewards[:length], -most, most),
                    "The rewards are clipped: store them as they are.",
                )
                for most in (1.0, 10.0)
            ),
        ],
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
    last, zeros = np.eye(length)[-1], np.zeros(length)
    truncated_too = (
        "A truncated episode is stored as terminal: store terminated alone, not terminated or truncated."
    )
    both = "The episode terminated there, and a time limit at the same step does not change that: store terminated as it is."
    at_limit = "Reaching max_length is stored as terminal: store terminated alone, not rollout_done."
    ends = [
        (zeros, "No end is marked: store terminated of each step."),
        (1 - last, "The flag is inverted: 1 where the episode terminated."),
        (np.roll(last, -1), "One step early."),
    ]
    exactly = "The episode terminated at this very step, although max_length is reached as well."
    cases = [  # the episode, max_length, what is right, hints
        (Case(rng, length), 30, last, ends),
        (Case(rng, length, False, True), 30, zeros, [(last, truncated_too)]),
        (Case(rng, length, True, True), 30, last, [(zeros, both)]),
        (Case(rng, length + 1), length, zeros, [(last, at_limit)]),
        (Case(rng, length), length, last, [(zeros, exactly)]),
        (Case(rng, length, False, True), length, zeros, [(last, at_limit)]),
        (Case(rng, 1), 30, np.ones(1), []),
    ]
    for case, max_length, expected, hints in cases:
        reply = case.run(student, max_length)
        if steps_of(reply) != len(expected):  # it is max_length that fails, not this
            continue
        compare(
            array(reply, "terminal"),
            expected,
            tried=f"{case.tried}, max_length={max_length}: terminal",
            hints=hints,
            hint="terminal is 1 at a step that terminated, 0 at every other.",
        )


@judge(
    EXERCISE,
    points=0.5,
    title="stops after max_length steps",
    read=LOOP,
    depends=["returned_arrays"],
    why="Some environments never end, but an evaluation must end.",
)
def test_max_length(student, rng):
    limit = int(rng.integers(3, 9))
    for max_length in (limit, 1, 350):
        reply = Case(rng, 0, time=max_length + 10).run(student, max_length)
        compare(
            steps_of(reply),
            max_length,
            tried=f"an episode that never ends by itself, max_length={max_length}: steps taken",
            hints=[
                (max_length + 1, "One step too many: the rollout is done when steps >= max_length."),
                (max_length - 1, "One step too few: count the step before comparing with max_length."),
            ],
            hint="Only the episode's end or max_length steps end a rollout.",
        )
    reply = (case := Case(rng, 0)).run(student, limit)
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
    depends=["transitions"],
    why="The wrapper knows the true return. The rewards may have been clipped on their way.",
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
    ignored = "info['episode'] is ignored: let it overwrite the statistics where it exists."
    for name, right, own in (("r", reported, total), ("l", 3 * length, length)):
        compare(
            statistic(reply, name),
            right,
            tried=f"info['episode'] reports {right:.6g}: episode_statistics['{name}']",
            atol=1e-4,
            hints=[(own, ignored)],
        )
    reply = case.run(student, episode_return=reported, episode_length=False)
    compare(
        statistic(reply, "l"),
        length,
        tried="info['episode'] reports a return and no length: episode_statistics['l']",
        hint="info['episode'] overwrites what it holds, and the rest stays: episode_statistics.update(...).",
    )
    reply = case.run(student, episode_return=reported, trajectories=2)
    second = reply["statistics"] if isinstance(reply["statistics"], dict) else {}
    require(
        close(second.get("r"), total, atol=1e-4) and "t" not in second,
        tried="two trajectories, and only the first has info['episode']: the second one's episode_statistics",
        got=second,
        expected={"l": length, "r": total},
        hint="Something of the trajectory before is left: begin each with statistics of its own.",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="one trajectory after the other, each an episode of its own",
    read=LOOP,
    depends=["transitions"],
    why="If every episode begins in the same state, you measure only this one episode.",
)
def test_again(student, rng):
    length = int(rng.integers(3, 9))
    case = Case(rng, length)
    reply = case.run(student, trajectories=3)
    compare(reply["resets"], 3, tried="3 trajectories: how often the environment was reset")
    compare(
        array(reply, "observation"),
        case.observations[:length],
        tried="the third trajectory: observation",
        hint="A trajectory holds its own episode, and nothing of the ones before.",
    )
    seeds = reply["seeds"] if isinstance(reply["seeds"], list) else []
    given = [repr(seed) for seed in seeds if seed is not None]
    require(
        not given,
        tried="3 trajectories: the seeds given to env.reset",
        got=", ".join(given),
        expected="none",
        hint="Reset with the same seed, every episode is the same: env.reset()."
        if len(set(given)) < len(given)
        else "Reset without a seed: who made the environment has seeded it.",
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
        hint="One picture per step, made by render_frame(env).",
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
