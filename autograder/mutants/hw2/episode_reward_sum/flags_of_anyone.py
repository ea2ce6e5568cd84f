"""Ends every agent's episode where any agent's ends."""

from autograder.mutants import patched

HINT = "look at its own flag"

patched(
    "hw2.episode_reward_sum",
    (
        "    running = torch.zeros_like(reward[:, 0])",
        (
            "    done = done.any(dim=2, keepdim=True).expand_as(done)\n"
            "    running = torch.zeros_like(reward[:, 0])"
        ),
    ),
)
