"""Raises the package's own kind of ValueError; numbers with separators."""

from gcb6206.errors import ConfigError
from gcb6206.exercises import solves


@solves("hw2.num_envs")
def num_envs(frames_per_batch, max_steps):
    envs, rest = divmod(frames_per_batch, max_steps)
    if rest or envs < 1:
        nearest = max(1, round(frames_per_batch / max_steps)) * max_steps
        raise ConfigError(
            f"frames_per_batch={frames_per_batch:,} is not a positive multiple of max_steps={max_steps:,}; "
            f"nearest: {nearest:,}"
        )
    return envs
