"""Rewards are limited to 10 where they are stored."""

from autograder.mutants import patched

HINT = "rewards are clipped"

patched(
    "hw3.sample_trajectory",
    (
        '"reward": np.array(rewards, dtype=np.float32)',
        '"reward": np.clip(np.array(rewards, dtype=np.float32), -10.0, 10.0)',
    ),
)
