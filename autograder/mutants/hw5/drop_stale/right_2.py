"""With an infinite limit, and errors of its own."""

import math

from gcb6206.exercises import solves


@solves("hw5.drop_stale")
def drop_stale(trajectories, version, max_lag):
    limit = math.inf if max_lag is None else max_lag
    parts = {True: [], False: []}
    for one in trajectories:
        if max_lag is not None and one.version > version:
            raise ValueError(f"version {one.version} is newer than the learner's {version}")
        parts[version - one.version <= limit].append(one)
    return parts[True], parts[False]
