"""Takes a total of 0 for no episode."""

from autograder.mutants import patched

HINT = "both have the return 0"

patched("hw2.episode_reward_sum", ("if episodes else", "if total else"))
