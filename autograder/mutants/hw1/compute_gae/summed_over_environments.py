"""Lets one trace serve all environments."""

from autograder.mutants import patched

HINT = "Every step of every environment"

patched(
    "hw1.compute_gae",
    ("advantages = np.zeros_like(deltas)", "advantages = np.zeros(len(deltas))"),
    ("advantages[t] = following", "advantages[t] = following.sum()"),
    ("returns = advantages + values", "returns = advantages[:, None] + values"),
)
