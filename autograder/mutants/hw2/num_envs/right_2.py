"""Compares a float with its whole part."""

from gcb6206.exercises import solves


@solves("hw2.num_envs")
def num_envs(frames_per_batch, max_steps):
    fraction = frames_per_batch / max_steps
    if fraction == int(fraction) and fraction > 0:
        return int(fraction)
    nearest = max_steps * max(1, int(fraction + 0.5))
    raise ValueError(f"max_steps={max_steps}, frames_per_batch={frames_per_batch}, nearest={nearest}")
