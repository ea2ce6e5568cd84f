"""Takes a batch that fits into an episode."""

from autograder.mutants import patched

HINT = "no whole number"

patched(
    "hw2.num_envs",
    ("if rest or episodes < 1:", "if frames_per_batch < 1 or rest and max_steps % frames_per_batch:"),
    ("return episodes\n", "return max(episodes, 1)\n"),
)
