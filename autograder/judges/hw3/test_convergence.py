"""The judge of hw3.convergence: the student's code trains, the judge evaluates the weights itself."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np
import yaml

from autograder.judging import NotYet, judge, require
from autograder.student import StudentFailure

EXERCISE = "hw3.convergence"
RULE = yaml.safe_load((Path(__file__).parents[2] / "thresholds.yaml").read_text(encoding="utf-8"))[EXERCISE]
SHAPES = [(4, 64), (64,), (64, 64), (64,), (64, 2), (2,)]


def q_values(critic: list[np.ndarray], observation: np.ndarray) -> np.ndarray:
    """The tanh network of the course, in numpy: `(4,)` to `(2,)`."""
    *hidden, last_matrix, last_bias = critic
    for matrix, bias in zip(hidden[::2], hidden[1::2]):
        observation = np.tanh(observation @ matrix + bias)
    return observation @ last_matrix + last_bias


def mean_return(critic: list[np.ndarray], episodes: int, seed: int) -> float:
    """The mean return of greedy episodes in the judge's own CartPole."""
    env, total = gym.make("CartPole-v1"), 0.0
    observation, _ = env.reset(seed=seed)
    for _ in range(episodes):
        over = False
        while not over:
            observation, reward, terminated, truncated, _ = env.step(
                int(q_values(critic, observation).argmax())
            )
            total, over = total + float(reward), terminated or truncated
        observation, _ = env.reset()
    return total / episodes


def checked(critics: object) -> list[list[np.ndarray]]:
    """The snapshots of a critic, refused unless all have the course's shapes."""
    if not isinstance(critics, list) or not critics:
        raise StudentFailure("refused", "the answer holds no trained critic")
    for critic in critics:
        if not isinstance(critic, list) or [getattr(p, "shape", None) for p in critic] != SHAPES:
            raise StudentFailure("refused", f"a trained critic does not have the shapes {SHAPES}")
    return [[p.astype(np.float64) for p in critic] for critic in critics]


@judge(
    EXERCISE,
    points=4,
    title="an agent trained by your code learns",
    read="dqn/reading-curves",
    why=(
        "All parts together must learn. A run of this size does not reach 500 every time: "
        f"{RULE['needed']} of {RULE['seeds']} runs must reach {RULE['threshold']:g}."
    ),
)
def test_learns(student, rng):
    missing = student.run("hw3.unsolved")["exercises"]
    if missing:
        raise NotYet(f"first solve {', '.join(map(str, missing))}")
    returns: list[float] = []
    reached = 0
    for seed in rng.integers(2**31, size=RULE["seeds"]).tolist():
        reply = student.run(
            EXERCISE,
            seed=seed,
            training=RULE["training"],
            snapshot_every=RULE["snapshot_every"],
        )
        require(
            reply["updates"],
            tried="one training run",
            got="no update of the agent",
            expected="one a step",
            hint="First fix hw3.run_training_loop: the agent was never updated.",
        )
        critics = checked(reply["critics"])
        returns.append(float(np.median([mean_return(critic, RULE["episodes"], seed) for critic in critics])))
        reached += returns[-1] >= RULE["threshold"]
        if reached >= RULE["needed"] or len(returns) - reached > RULE["seeds"] - RULE["needed"]:
            break
    require(
        reached >= RULE["needed"],
        tried=(
            f"{len(returns)} training runs of {RULE['training']['total_steps']} steps: greedy return of each"
        ),
        got=", ".join(f"{value:.0f}" for value in returns),
        expected=f">= {RULE['threshold']:g} in {RULE['needed']} of {RULE['seeds']} runs",
        hint="First make every other check of this homework pass; then compare your curves with the book's.",
    )
