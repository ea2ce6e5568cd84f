"""What the convergence judges on CartPole share: the student's code trains in disguise, the judge evaluates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from gymnasium.envs.classic_control.cartpole import CartPoleVectorEnv

from autograder.judges import convergence
from autograder.judging import NotYet, require
from autograder.student import Student, StudentFailure

SHAPES = [(4, 64), (64,), (64, 64), (64,), (64, 2), (2,)]
LONGEST_EPISODE = 500  # CartPole-v1's time limit
NO_DISGUISE = {"mix": np.eye(4, dtype=np.float32), "actions": np.arange(2)}


def outputs(network: list[np.ndarray], observations: np.ndarray) -> np.ndarray:
    """The tanh network of the course, in numpy: `(episodes, 4)` to `(episodes, 2)`."""
    *hidden, last_matrix, last_bias = network
    for matrix, bias in zip(hidden[::2], hidden[1::2]):
        observations = np.tanh(observations @ matrix + bias)
    return observations @ last_matrix + last_bias


def mean_return(network: list[np.ndarray], episodes: int, seed: int, disguise: dict = NO_DISGUISE) -> float:
    """The mean return of greedy episodes in the judge's own CartPole, all played side by side."""
    env = CartPoleVectorEnv(episodes, max_episode_steps=LONGEST_EPISODE)
    observations, _ = env.reset(seed=seed)
    playing, steps = np.ones(episodes, dtype=bool), 0
    while playing.any():  # the reward is 1 a step
        steps += int(playing.sum())
        chosen = outputs(network, observations @ disguise["mix"]).argmax(axis=1)
        observations, _, terminated, truncated, _ = env.step(disguise["actions"][chosen])
        playing &= ~(terminated | truncated)
    return steps / episodes


def checked(networks: object) -> list[list[np.ndarray]]:
    """The snapshots of a network, refused unless there are one to three of the course's shapes."""
    if not isinstance(networks, list) or not 1 <= len(networks) <= 3:
        raise StudentFailure("refused", "the answer does not hold one to three snapshots of a trained network")
    for network in networks:
        if not isinstance(network, list) or [getattr(p, "shape", None) for p in network] != SHAPES:
            raise StudentFailure("refused", f"a trained network does not have the shapes {SHAPES}")
    return [[p.astype(np.float64) for p in network] for network in networks]


def measure(
    student: Student, exercise: str, networks: str, rule: dict, seed: int, updates: str, hint: str
) -> float:
    """One graded run: training in disguise on the student's side, evaluation on ours.

    Args:
        exercise: its probe trains.
        networks: what the probe's answer calls the snapshots.
        rule: the exercise's entry in thresholds.yaml.
        seed: decides the disguise, the training and the evaluation.
        updates, hint: how many updates are expected, and what to say where there is none.

    Returns:
        The median, over the last three snapshots, of the mean return of greedy episodes.

    Raises:
        JudgeFailure: the agent was never updated.
        StudentFailure: the student's side did not deliver.
    """
    rng = np.random.default_rng(seed)
    disguise = convergence.draw_disguise(rng, features=4, actions=2)
    training_seed, evaluation_seed = rng.integers(2**31, size=2).tolist()
    reply = student.run(
        exercise,
        seed=training_seed,
        training=rule["training"],
        snapshot_every=rule["snapshot_every"],
        **disguise,
    )
    require(
        reply["updates"], tried="one training run", got="no update of the agent", expected=updates, hint=hint
    )
    snapshots = checked(reply[networks])
    return float(np.median([mean_return(n, rule["episodes"], evaluation_seed, disguise) for n in snapshots]))


def demand_learning(
    student: Student, rng: np.random.Generator, homework: str, rule: dict, one_run: Callable[..., float]
) -> None:
    """Repeats graded runs until the rule has decided.

    Args:
        one_run: the homework's `measure`.

    Raises:
        NotYet: exercises are unsolved.
        JudgeFailure: too few runs reached the threshold.
    """
    missing = student.run(f"{homework}.unsolved")["exercises"]
    if missing:
        raise NotYet(f"first solve {', '.join(map(str, missing))}")
    returns, passes = convergence.run_until_decided(
        lambda: one_run(student, rule, int(rng.integers(2**31))), rule
    )
    require(
        passes,
        tried=(
            f"{len(returns)} training runs of {rule['training']['total_steps']} steps: greedy return of each"
        ),
        got=", ".join(f"{value:.0f}" for value in returns),
        expected=f">= {rule['threshold']:g} in {rule['needed']} of {rule['seeds']} runs",
        hint="First make every other check of this homework pass; then compare your curves with the book's.",
    )
