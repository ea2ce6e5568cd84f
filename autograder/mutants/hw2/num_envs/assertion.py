"""Asserts instead of raising ValueError."""

from gcb6206.exercises import solves

HINT = "raised AssertionError"


@solves("hw2.num_envs")
def num_envs(frames_per_batch, max_steps):
    assert frames_per_batch > 0 and frames_per_batch % max_steps == 0, "no whole number of episodes"
    return frames_per_batch // max_steps
