"""Reward terms: what a step did, as numbers that a training may weigh and add up in the place of the score.

The score alone comes at the end of an episode, and not at all where the end is never reached. ``SHAPED`` holds the
weights of a contest's log, divided by ten, since unscaled returns made its value function collapse.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping

import numpy as np

from gcb6206.envs.realm.game import Events
from gcb6206.errors import ConfigError, nearest

TERMS: dict[str, Callable[[Events], np.ndarray]] = {
    "score": lambda events: events.score,
    "treasure": lambda events: events.treasures,
    "end": lambda events: events.ended,
    "missed": lambda events: events.missed,
    "buff": lambda events: events.buff,
    "approach": lambda events: np.where(events.flashed, 0, events.approach),
    "flash_approach": lambda events: np.where(events.flashed, events.approach, 0),
    "wall": lambda events: events.bump,
    "flash_wall": lambda events: events.flash_wall,
    "revisit": lambda events: events.revisit,
    "step": lambda events: np.ones(len(events.ended)),
}
"""Each term's amount in a step ``(N,)``; the weight says what it is worth. ``approach`` counts cells."""

SCORE = {"score": 1.0}
SHAPED = {
    "treasure": 10.0, "end": 15.0, "missed": -10.0, "buff": 0.5, "approach": 0.05, "flash_approach": 0.25,
    "wall": -0.1, "flash_wall": -1.0, "revisit": -0.05, "step": -0.02,
}  # fmt: skip


def check_weights(weights: dict[str, float]) -> None:
    """Refuse terms that there are not.

    Raises:
        ConfigError: names the term and the nearest one, or the weight.
    """
    if not isinstance(weights, Mapping):
        raise ConfigError(f"rewards is {weights!r}: expected a dictionary of terms and their weights")
    for name, weight in weights.items():
        if name not in TERMS:
            raise ConfigError(f"rewards: unknown term {name!r}: {nearest(name, TERMS)}")
        if isinstance(weight, bool) or not isinstance(weight, numbers.Real) or not np.isfinite(weight):
            raise ConfigError(f"rewards: the weight of {name} is {weight!r}: expected a number")


def reward(events: Events, weights: dict[str, float]) -> np.ndarray:
    """The weighted sum of a step's terms, ``(N,)``."""
    total = np.zeros(len(events.ended))
    for name, weight in weights.items():
        total += weight * TERMS[name](events)
    return total
