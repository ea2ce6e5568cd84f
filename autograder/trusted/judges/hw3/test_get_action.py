"""Judges of hw3.get_action: epsilon-greedy action selection.

Frequencies are judged at 5.5 standard deviations: a right solution fails about once in 10^7 runs.
"""

import numpy as np

from autograder.trusted.judging import array_of, attempt, compare, judge, require

EXERCISE = "hw3.get_action"
READ = "dqn/q-learning"
CALLS = 2000


def chosen(reply: dict, calls: int) -> np.ndarray:
    """The actions that came back, refused unless there is one for each call."""
    actions = array_of(reply, "actions", 1)
    require(
        len(actions) == calls,
        tried=f"{calls} calls",
        got=f"{len(actions)} actions",
        expected=f"{calls} actions",
    )
    return actions


def same_state(rng: np.random.Generator, greedy: int, num_actions: int) -> tuple[np.ndarray, np.ndarray]:
    """A critic and CALLS copies of one observation, for which action `greedy` has the largest Q-value."""
    critic = rng.normal(size=(num_actions, 3)).astype(np.float32)
    observation = rng.normal(size=3).astype(np.float32)
    values = critic @ observation
    critic[[greedy, values.argmax()]] = critic[[values.argmax(), greedy]]
    return critic, np.repeat(observation[None], CALLS, axis=0)


def tolerance(probability: float) -> float:
    """5.5 standard deviations of a frequency over CALLS draws."""
    return 5.5 * float(np.sqrt(probability * (1 - probability) / CALLS))


@judge(
    EXERCISE,
    points=0.5,
    title="epsilon 0 takes the action with the largest Q-value",
    read=READ,
    why=(
        "A greedy policy is argmax over actions of Q(s, a); evaluation relies on epsilon 0 being exactly"
        " that."
    ),
)
def test_greedy_at_zero(student, rng):
    num_actions = int(rng.integers(3, 6))
    critic = rng.normal(size=(num_actions, 4)).astype(np.float32)
    observations = rng.normal(size=(40, 4)).astype(np.float32)
    values = observations @ critic.T
    reply = student.run(
        "hw3.get_action", critic=critic, observations=observations, epsilon=0.0, seed=int(rng.integers(2**31))
    )
    got = chosen(reply, 40)
    hint = ""
    if np.any(got < 0):
        hint = "An action must be one Python int: take .item() or int(...) of what argmax gives."
    elif np.mean(got != values.argmax(axis=1)) > 0.5 and len(set(got.tolist())) == num_actions:
        hint = (
            "With epsilon 0 your actions look random: is the test of epsilon inverted? Explore when a random "
            "number is below epsilon, so that epsilon 0 never explores."
        )
    compare(
        got,
        values.argmax(axis=1),
        tried=f"40 observations, {num_actions} actions with known Q-values, epsilon=0",
        hints=[
            (values.argmin(axis=1), "You take the smallest Q-value: use argmax, not argmin."),
            (
                np.abs(values).argmax(axis=1),
                "You compare absolute values: a large negative Q-value is a bad one.",
            ),
            (
                np.zeros(40),
                (
                    "Always action 0: the argmax runs over the batch axis (of length 1). "
                    "Take it over the actions, the last axis."
                ),
            ),
        ],
        hint=hint,
    )


@judge(
    EXERCISE,
    points=0.25,
    title="returns one int, and changes nothing",
    read=READ,
    depends=["greedy_at_zero"],
    why=(
        "The environment needs a number, not a tensor; acting must neither learn nor alter what it looked at."
    ),
)
def test_is_pure(student, rng):
    critic, observations = (
        rng.normal(size=(3, 2)).astype(np.float32),
        rng.normal(size=(30, 2)).astype(np.float32),
    )
    reply = student.run(
        "hw3.get_action", critic=critic, observations=observations, epsilon=0.5, seed=int(rng.integers(2**31))
    )
    require(
        reply["types"] == ["int"],
        tried="the type of 30 actions at epsilon=0.5",
        got=reply["types"],
        expected=["int"],
        hint="Both ways out must return a plain int: int(...) around random and argmax alike.",
    )
    compare(reply["critic"], critic, tried="the critic's weights after 30 calls", atol=0.0, rtol=0.0)
    compare(
        reply["observations"],
        observations,
        tried="the observations after 30 calls",
        atol=0.0,
        rtol=0.0,
        hint="The observation was changed in place: the caller stores it in the replay buffer afterwards.",
    )
    require(
        not reply["has_grad"],
        tried="the critic's gradients after 30 calls",
        got="gradients",
        expected="none",
        hint="Choosing an action must not call backward().",
    )
    require(
        reply["grad_enabled"] is True,
        tried="torch.is_grad_enabled() after 30 calls",
        got=False,
        expected=True,
        hint=(
            "You switched gradients off for the whole program: use `with torch.no_grad():`, which ends by"
            " itself."
        ),
    )


@judge(
    EXERCISE,
    points=0.5,
    title="epsilon 1 draws uniformly from all actions",
    read=READ,
    depends=["is_pure"],
    why="Exploration must reach every action, the greedy one included, with the same probability.",
)
def test_random_at_one(student, rng):
    num_actions = int(rng.integers(3, 6))
    greedy = num_actions - 1
    critic, observations = same_state(rng, greedy, num_actions)
    reply = student.run(
        "hw3.get_action", critic=critic, observations=observations, epsilon=1.0, seed=int(rng.integers(2**31))
    )
    frequency = np.bincount(np.maximum(chosen(reply, CALLS), 0), minlength=num_actions) / CALLS
    uniform = np.full(num_actions, 1 / num_actions)
    without_greedy, without_first = np.full((2, num_actions), 1 / (num_actions - 1))
    without_greedy[greedy], without_first[0] = 0.0, 0.0
    only_greedy = np.eye(num_actions)[greedy]
    mistakes = [
        (
            only_greedy,
            (
                "With epsilon 1 you never explore: is the test of epsilon inverted? Explore when a random "
                "number is below epsilon."
            ),
        ),
        (
            without_greedy,
            (
                "One action is never drawn: np.random.randint(n) excludes n itself, so pass num_actions; "
                "and the greedy action belongs to the draw."
            ),
        ),
        (without_first, "Action 0 is never drawn: actions are numbered from 0."),
    ]
    margin = tolerance(1 / num_actions)
    compare(
        frequency,
        uniform,
        atol=margin,
        rtol=0.0,
        hints=mistakes,
        tried=f"{CALLS} calls on one observation, epsilon=1: how often each of {num_actions} actions came",
        hint=f"Every action should come with frequency {1 / num_actions:.3f} +- {margin:.3f}.",
    )


@judge(
    EXERCISE,
    points=0.5,
    title="epsilon 0.3 explores in 30 % of the calls",
    read=READ,
    depends=["random_at_one"],
    why=(
        "Epsilon is the probability of a draw from all actions, so the greedy one is still drawn now and"
        " then."
    ),
)
def test_fraction(student, rng):
    greedy = int(rng.integers(3))
    critic, observations = same_state(rng, greedy, num_actions=3)
    reply = student.run(
        "hw3.get_action", critic=critic, observations=observations, epsilon=0.3, seed=int(rng.integers(2**31))
    )
    others, share = float(np.mean(chosen(reply, CALLS) != greedy)), 2 / 3  # of a draw
    margin = tolerance(0.3 * share)
    compare(
        others,
        0.3 * share,
        atol=margin,
        rtol=0.0,
        tried=f"{CALLS} calls, epsilon=0.3, 3 actions: how often another than the greedy one came",
        hints=[
            (0.7 * share, "The test of epsilon is inverted: you explore with probability 1 - epsilon."),
            (0.02 * share, "You use 0.02 whatever epsilon is given: use the parameter."),
            (0.0, "You never explore for 0 < epsilon < 1: compare epsilon with a random number."),
            (
                share,
                "You always explore for 0 < epsilon < 1: compare epsilon with a random number in [0, 1).",
            ),
            (0.3, "You leave the greedy action out of the draw: draw from all num_actions actions."),
        ],
        hint=f"Expected {0.3 * share:.3f} +- {margin:.3f}.",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="works for stacked frames",
    read=READ,
    depends=["is_pure"],
    why="Atari observations are (4, 84, 84) uint8; networks expect a batch axis in front of them.",
)
def test_images(student, rng):
    critic = rng.normal(size=(4, 2 * 5 * 5)).astype(np.float32)
    observations = rng.integers(0, 256, size=(12, 2, 5, 5)).astype(np.uint8)
    values = observations.reshape(12, -1).astype(np.float32) @ critic.T
    tried, hint = (
        "12 observations of shape (2, 5, 5), uint8, epsilon=0",
        (
            "Put a batch axis of length 1 in front of the "
            "observation, whatever its shape: ptu.from_numpy(observation)[None]."
        ),
    )
    reply = attempt(
        student,
        "hw3.get_action",
        critic=critic,
        observations=observations,
        epsilon=0.0,
        seed=int(rng.integers(2**31)),
        tried=tried,
        expected="12 greedy actions",
        hint=hint,
    )
    compare(chosen(reply, 12), values.argmax(axis=1), tried=tried, hint=hint)
