"""Ends every agent's episode where any agent's ends."""

from autograder.mutants import patched

HINT = "a flag of its own"

patched(
    "hw4.multi_agent_gae",
    (
        "        delta = reward + gamma * next_value * ~terminated - value",
        (
            "        terminated, done = (flags.any(dim=2, keepdim=True) for flags in "
            "(terminated, done))\n"
            "        delta = reward + gamma * next_value * ~terminated - value"
        ),
    ),
)
