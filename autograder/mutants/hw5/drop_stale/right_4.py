"""With a bound that is infinite, asked by identity."""

from gcb6206.exercises import solves
from gcb6206.infrastructure.distributed.trajectory import lag


@solves("hw5.drop_stale")
def drop_stale(trajectories, version, max_lag):
    limit = float("inf") if max_lag is None else max_lag
    kept, dropped = [], []
    for trajectory in trajectories:
        too_old = max_lag is not None and lag(trajectory, version) > limit
        if too_old is True:
            dropped.append(trajectory)
        else:
            kept.append(trajectory)
    return kept, dropped
