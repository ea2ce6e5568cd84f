"""Fills a young episode's history with zeros."""

from autograder.mutants import patched

HINT = "Zeros stand before"

patched(
    "hw4.observation_history",
    (
        "older = [observation[rows, torch.maximum(steps - age, first)] for age in range(length)]",
        (
            "known = [(steps - age >= first)[..., None, None] for age in range(length)]\n"
            "    older = [observation[rows, (steps - age).clamp_min(0)] * known[age] for age "
            "in range(length)]"
        ),
    ),
)
