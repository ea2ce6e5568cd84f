"""Rewards are limited to 10 before they are stored."""

from autograder.mutants import patched

HINT = "rewards are clipped"

patched(
    "hw3.run_training_loop",
    ("reward=reward,", "reward=float(np.clip(reward, -10.0, 10.0)),"),
)
