"""Two comprehensions."""

from gcb6206.exercises import solves
from gcb6206.infrastructure.distributed.trajectory import lag


@solves("hw5.drop_stale")
def drop_stale(trajectories, version, max_lag):
    if max_lag is None:
        return list(trajectories), []
    old = [lag(one, version) > max_lag for one in trajectories]
    kept = [one for one, is_old in zip(trajectories, old) if not is_old]
    return kept, [one for one, is_old in zip(trajectories, old) if is_old]
