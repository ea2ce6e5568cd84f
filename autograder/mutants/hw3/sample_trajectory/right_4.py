"""A class that collects, an OrderedDict, flags as numbers."""

from collections import OrderedDict, defaultdict

import numpy as np

from gcb6206.exercises import solves
from gcb6206.infrastructure.utils import render_frame


@solves("hw3.sample_trajectory")
def sample_trajectory(env, agent, max_length, render=False):
    columns, pictures = defaultdict(list), []
    ob, info = env.reset(seed=None)
    for t in range(1, max_length + 1):
        pictures += [render_frame(env)] if render else []
        ac = agent.get_action(ob)
        nxt, rew, term, trunc, info = env.step(ac)
        row = {"observation": ob, "action": ac, "reward": rew, "next_observation": nxt, "terminal": int(term)}
        for name, value in row.items():
            columns[name].append(np.asarray(value, np.float32))
        ob = nxt
        if term or trunc:
            break
    path = OrderedDict((name, np.stack(values)) for name, values in columns.items())
    path["image_obs"] = np.array(pictures, dtype=np.uint8)
    path["episode_statistics"] = dict(l=np.int64(t), r=path["reward"].sum()) | dict(info.get("episode", {}))
    return path
