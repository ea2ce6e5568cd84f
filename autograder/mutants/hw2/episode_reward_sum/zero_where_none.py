"""Returns 0 where no episode ended."""

from autograder.mutants import patched

HINT = "0 is a return"

patched("hw2.episode_reward_sum", ('float("nan")', "0.0"))
