"""Adds the next error instead of the following advantage."""

from autograder.mutants import patched

HINT = "Only the next error"

patched(
    "hw4.multi_agent_gae",
    (
        "following = delta[:, t] + gamma * lmbda * following * ~done[:, t]",
        "following, advantage[:, t] = delta[:, t], delta[:, t] + gamma * lmbda * following * ~done[:, t]",
    ),
    ("            advantage[:, t] = following\n", ""),
)
