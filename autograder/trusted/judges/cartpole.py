"""What the convergence judges on CartPole share: the student's code trains in disguise, the judge evaluates."""

from __future__ import annotations

import numpy as np
from gymnasium.envs.classic_control.cartpole import CartPoleVectorEnv

from autograder.student_side.student import Student
from autograder.trusted.judges import convergence
from autograder.trusted.judges.worlds import CartPoleWorld

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
    world = CartPoleWorld(
        rng, rule["training"]["total_steps"], disguise, single=exercise == "hw3.convergence"
    )
    reply = convergence.trained(student, exercise, rule, training_seed, world)
    convergence.demand_updates(reply, updates, hint)
    return convergence.median_of(reply[networks], SHAPES, mean_return, rule, evaluation_seed, disguise)
