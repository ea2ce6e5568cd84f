"""What the judge of homework 4 plays: VMAS's navigation without collisions, in numpy, and a team's actors.

A robot's observation is its position, its speed and its position as its goal sees it, two numbers each.
"""

from __future__ import annotations

import numpy as np

from autograder.trusted.judges.convergence import draw_mix

ROBOTS, FEATURES, HISTORY, STEPS = 3, 6, 2, 40
SHAPES = ROBOTS * [(HISTORY * FEATURES, 64), (64,), (64, 64), (64,), (64, 4), (4,)]
TIME_STEP, SUBSTEPS, DRAG = 0.1, 2, 0.25  # VMAS's
APART = 0.25  # what robots and goals keep from one another at the beginning
LARGEST_MEAN = 5.0  # the actors' limit on what they give to tanh


def draw_disguise(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A disguise as on CartPole, the same for all robots: 6! * 2^6 * 2! * 2^2 = 368,640 of them.

    Returns:
        `mix`, float32 `(features, features)`: what the student sees is `observation @ mix`; and `actions`,
        `(2, 2)`: what the student calls `a` is the world's `a @ actions`.
    """
    return {"mix": draw_mix(rng, FEATURES), "actions": draw_mix(rng, 2)}


NO_DISGUISE = {"mix": np.eye(FEATURES, dtype=np.float32), "actions": np.eye(2, dtype=np.float32)}


def actions(team: list[np.ndarray], seen: np.ndarray) -> np.ndarray:
    """The mean actions of the team's actors, in numpy: `(episodes, robots, inputs)` to `(episodes, robots, 2)`.

    Args:
        team: robot by robot, the matrices `(inputs, outputs)` and biases of its layers.
        seen: each robot's observations, the newest first.
    """
    layers = len(team) // ROBOTS
    chosen = []
    for robot in range(ROBOTS):
        x = seen[:, robot]
        *hidden, matrix, bias = team[robot * layers : (robot + 1) * layers]
        for inner, inner_bias in zip(hidden[::2], hidden[1::2]):
            x = np.tanh(x @ inner + inner_bias)
        chosen.append((x @ matrix + bias)[:, :2])  # the rest says how far to explore
    return np.tanh(LARGEST_MEAN * np.tanh(np.stack(chosen, axis=1) / LARGEST_MEAN))


def draw_places(rng: np.random.Generator, episodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Where robots begin and where they are to go, `(episodes, robots, 2)` each: within 1 of the middle."""
    places = rng.uniform(-1.0, 1.0, size=(episodes, 2 * ROBOTS, 2))
    while True:
        distance = np.linalg.norm(places[:, :, None] - places[:, None], axis=-1)
        near = (distance + np.eye(2 * ROBOTS) < APART).any(axis=(1, 2))
        if not near.any():
            return places[:, :ROBOTS], places[:, ROBOTS:]
        places[near] = rng.uniform(-1.0, 1.0, size=(near.sum(), 2 * ROBOTS, 2))


def play(team: list[np.ndarray], place: np.ndarray, goal: np.ndarray, disguise: dict) -> np.ndarray:
    """Where robots stand at the end, `(episodes, robots, 2)`, acting without noise; no episode ends early."""
    speed, history = np.zeros_like(place), None
    for _ in range(STEPS):
        observation = np.concatenate([place, speed, place - goal], axis=-1) @ disguise["mix"]
        history = [observation] * HISTORY if history is None else [observation, *history[:-1]]
        force = actions(team, np.concatenate(history, axis=-1)) @ disguise["actions"]
        speed = speed * (1.0 - DRAG)
        for _ in range(SUBSTEPS):
            speed = speed + force * (TIME_STEP / SUBSTEPS)
            place = place + speed * (TIME_STEP / SUBSTEPS)
    return place


def way_made(team: list[np.ndarray], episodes: int, seed: int, disguise: dict = NO_DISGUISE) -> float:
    """How much of the way to their goals the robots have made by the end, in percent, over all episodes.

    100: all stand on their goals; 0: they are as far as they were at the beginning, on average; below 0: they
    went away.
    """
    place, goal = draw_places(np.random.default_rng(seed), episodes)
    before = np.linalg.norm(place - goal, axis=-1).mean()
    after = np.linalg.norm(play(team, place, goal, disguise) - goal, axis=-1).mean()
    return float(100.0 * (1.0 - after / before))
