"""Returns a tensor."""

from autograder.mutants import patched

HINT = "A number to log"

patched(
    "hw2.episode_reward_sum",
    (
        'return float(total / episodes) if episodes else float("nan")',
        'return total / episodes if episodes else torch.tensor(float("nan"))',
    ),
)
