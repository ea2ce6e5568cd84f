"""Stops at the oldest beginning that it finds."""

from autograder.mutants import patched

HINT = "the newer beginning counts"

patched(
    "hw4.observation_history",
    ("    begins[:, 0] = True\n", ""),
    (
        "    first = torch.where(begins[..., 0], steps, 0).cummax(dim=1).values",
        """
    first = torch.zeros_like(steps)
    for age in range(length):
        found = begins[..., 0].gather(1, (steps - age).clamp_min(0)) & (steps >= age)
        first = torch.where(found, steps - age, first)
        """,
    ),
)
