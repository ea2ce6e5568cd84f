"""Advantages are limited to 10, against outliers."""

from autograder.mutants import patched

HINT = "nothing limits or rounds"

patched(
    "hw1.compute_gae",
    (
        "    returns = advantages + values",
        "    advantages = np.clip(advantages, -10.0, 10.0)\n    returns = advantages + values",
    ),
)
