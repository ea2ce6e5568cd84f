"""Takes agent 0's flags for all."""

from autograder.mutants import patched

HINT = "look at its own flag"

patched(
    "hw2.episode_reward_sum",
    (
        "    running = torch.zeros_like(reward[:, 0])",
        "    done = done[:, :, :1].expand_as(done)\n    running = torch.zeros_like(reward[:, 0])",
    ),
)
