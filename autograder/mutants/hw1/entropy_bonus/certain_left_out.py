"""Policies that are certain are left out of the mean."""

from autograder.mutants import patched

HINT = "The certain policy is left out"

patched(
    "hw1.entropy_bonus",
    (
        "    return -(log_probs.exp() * log_probs).sum(dim=1).mean()",
        "    entropy = -(log_probs.exp() * log_probs).sum(dim=1)\n    unsure = entropy > 1e-6\n    return entropy[unsure].mean() if unsure.any() else 0.0 * entropy.sum()",
    ),
)
