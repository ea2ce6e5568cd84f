"""Takes agent 0's flags for all."""

from autograder.mutants import patched

HINT = "a flag of its own"

patched(
    "hw4.multi_agent_gae",
    (
        "        delta = reward + gamma * next_value * ~terminated - value",
        (
            "        terminated, done = terminated[:, :, :1], done[:, :, :1]\n"
            "        delta = reward + gamma * next_value * ~terminated - value"
        ),
    ),
)
