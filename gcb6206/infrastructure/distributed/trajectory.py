"""What an actor sends to the learner, and how old it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Trajectory:
    """A stretch of steps that one worker played with one version of the weights.

    Attributes:
        worker: who played it.
        sequence: how many the worker had sent before, so that none counts twice and a lost one shows.
        version: of the weights that chose the actions.
        arrays: time first; among them the log-probabilities that those weights gave.
    """

    worker: int
    sequence: int
    version: int
    arrays: dict[str, np.ndarray]


def lag(trajectory: Trajectory, version: int) -> int:
    """How many versions the weights have moved on since a trajectory was played.

    Raises:
        ValueError: it comes from weights that do not exist yet.
    """
    if trajectory.version > version:
        raise ValueError(
            f"worker {trajectory.worker} played with version {trajectory.version}, but the learner is at {version}: "
            "a learner that resumes must not count its versions anew"
        )
    return version - trajectory.version


def drop_stale(
    trajectories: list[Trajectory], version: int, max_lag: int | None
) -> tuple[list[Trajectory], list[Trajectory]]:
    """Those whose lag is at most ``max_lag`` (None: all), and the others; each in the order given.

    >>> old, new = (Trajectory(0, 0, version, {}) for version in (3, 7))
    >>> kept, dropped = drop_stale([old, new], version=8, max_lag=2)
    >>> kept == [new], dropped == [old]
    (True, True)
    """
    kept, dropped = [], []
    for trajectory in trajectories:
        fresh = max_lag is None or lag(trajectory, version) <= max_lag
        (kept if fresh else dropped).append(trajectory)
    return kept, dropped
