"""Lets one trace serve all agents."""

from autograder.mutants import patched

HINT = "All agents share one trace"

patched(
    "hw4.multi_agent_gae",
    (
        "            advantage[:, t] = following\n",
        (
            "            advantage[:, t] = following\n"
            "            following = following.mean(dim=1, keepdim=True)\n"
        ),
    ),
)
