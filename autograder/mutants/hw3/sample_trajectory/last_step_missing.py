"""Stops before it stores the last step."""

from autograder.mutants import patched

HINT = "One entry for every step"

patched(
    "hw3.sample_trajectory",
    (
        "        obs.append(ob)",
        "        if steps > 1 and (terminated or truncated or steps >= max_length):\n"
        "            break\n"
        "        obs.append(ob)",
    ),
)
