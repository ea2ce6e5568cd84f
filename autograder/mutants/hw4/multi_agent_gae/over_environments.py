"""Runs over the environments."""

from autograder.mutants import patched

HINT = "runs over the environments"

patched(
    "hw4.multi_agent_gae",
    ("torch.zeros_like(delta[:, 0])", "torch.zeros_like(delta[0])"),
    ("range(delta.shape[1])", "range(delta.shape[0])"),
    (
        "following = delta[:, t] + gamma * lmbda * following * ~done[:, t]",
        "following = delta[t] + gamma * lmbda * following * ~done[t]",
    ),
    ("advantage[:, t]", "advantage[t]"),
)
