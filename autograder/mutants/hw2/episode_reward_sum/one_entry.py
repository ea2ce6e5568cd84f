"""Returns a tensor with one entry, not a number."""

from autograder.mutants import patched

HINT = "not a list of one"

patched(
    "hw2.episode_reward_sum", ("return float(total / episodes)", "return torch.stack([total / episodes])")
)
