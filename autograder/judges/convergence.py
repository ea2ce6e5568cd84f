"""What convergence judges share: an exercise's rule, runs until it is decided, disguised environments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import yaml

THRESHOLDS = Path(__file__).parents[1] / "thresholds.yaml"


def rule_of(exercise: str) -> dict:
    """What thresholds.yaml says of an exercise such as "hw3.convergence"."""
    return yaml.safe_load(THRESHOLDS.read_text(encoding="utf-8"))[exercise]


def run_until_decided(measure: Callable[[], float], rule: dict) -> tuple[list[float], bool]:
    """Repeats a run until `needed` of at most `seeds` have reached the threshold, or no longer can.

    Args:
        measure: one run with a seed of its own; its statistic.
        rule: `threshold`, `seeds`, `needed`.

    Returns:
        The statistics, and whether the submission passes.
    """
    values: list[float] = []
    reached = 0
    while reached < rule["needed"] <= rule["seeds"] - len(values) + reached:
        values.append(measure())
        reached += values[-1] >= rule["threshold"]
    return values, reached >= rule["needed"]


def draw_disguise(rng: np.random.Generator, features: int, actions: int) -> dict[str, np.ndarray]:
    """A disguise for an environment with a vector of observations and numbered actions.

    The order of the observation's entries, their signs and the numbering of the actions are drawn anew for
    each run, so weights from elsewhere are of no use. Random initial weights, random actions and Adam know
    neither order nor sign: runs in disguise are distributed as runs without. CartPole has 4! * 2^4 * 2 = 768
    disguises.

    What this does not stop: code that reads the disguise where it is applied, and turns old weights to fit.

    Returns:
        `mix`, float32 `(features, features)`: what the student sees is `observation @ mix`; and `actions`,
        `(actions,)`: what the student calls `a` is the environment's `actions[a]`.
    """
    signs = rng.choice(np.array([-1.0, 1.0], dtype=np.float32), size=features)
    return {
        "mix": np.diag(signs)[:, rng.permutation(features)],
        "actions": rng.permutation(actions),
    }
