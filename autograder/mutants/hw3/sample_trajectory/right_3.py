"""A recursive generator of transitions."""

import numpy as np

from gcb6206.exercises import solves
from gcb6206.infrastructure.utils import render_frame


def play(env, agent, ob, left, render):
    """Yields the transitions of an episode, at most `left` of them."""
    picture = render_frame(env) if render else None
    action = agent.get_action(ob)
    next_ob, reward, terminated, truncated, info = env.step(action)
    yield ob, action, reward, next_ob, float(terminated), picture, info
    if left > 1 and not (terminated or truncated):
        yield from play(env, agent, next_ob, left - 1, render)


@solves("hw3.sample_trajectory")
def sample_trajectory(env, agent, max_length, render=False):
    start, _ = env.reset()
    columns = list(zip(*play(env, agent, start, max_length, render)))
    as_floats = [np.stack([np.asarray(x, dtype=np.float32) for x in column]) for column in columns[:5]]
    out = dict(zip(("observation", "action", "reward", "next_observation", "terminal"), as_floats))
    out["image_obs"] = np.stack(columns[5]).astype(np.uint8) if render else np.array([], dtype=np.uint8)
    out["episode_statistics"] = {"l": len(columns[0]), "r": np.sum(columns[2])}
    out["episode_statistics"].update(columns[6][-1].get("episode", {}))
    return out
