"""Makes one environment of a batch that is too small."""

from autograder.mutants import patched

HINT = "no whole number"

patched(
    "hw2.num_envs",
    ("if rest or episodes < 1:", "if rest and episodes:"),
    ("return episodes\n", "return max(episodes, 1)\n"),
)
