"""With filter, a list of two lists."""

import itertools

from gcb6206.exercises import solves
from gcb6206.infrastructure.distributed import trajectory as module


@solves("hw5.drop_stale")
def drop_stale(trajectories, version, max_lag):
    def stale(one):
        return max_lag is not None and module.lag(one, version) > max_lag

    return [list(itertools.filterfalse(stale, trajectories)), list(filter(stale, trajectories))]
