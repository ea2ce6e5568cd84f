"""What an actor sends to the learner, and how old it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gcb6206.exercises import exercise


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
            "a learner that resumes must go on counting its versions, not begin again"
        )
    return version - trajectory.version


@exercise("hw5.drop_stale")
def drop_stale(
    trajectories: list[Trajectory], version: int, max_lag: int | None
) -> tuple[list[Trajectory], list[Trajectory]]:
    """Those whose lag is at most ``max_lag``, and the others.

    Args:
        trajectories: as a buffer drew them; may be none, and may hold one twice. They and the list stay as they are.
        version: of the learner's weights, at least 0.
        max_lag: versions that a trajectory may be behind, at least 0; None keeps all.

    Returns:
        Two new lists, kept and dropped: the same objects, each list in the order given.

    Raises:
        ValueError: as ``lag`` raises it, where there is a limit.
    """
