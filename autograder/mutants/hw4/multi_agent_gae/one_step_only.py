"""Returns the one-step errors."""

from autograder.mutants import patched

HINT = "Only the one-step errors"

patched(
    "hw4.multi_agent_gae",
    ("following = delta[:, t] + gamma * lmbda * following * ~done[:, t]", "following = delta[:, t]"),
)
