"""Stores the sign of the reward."""

from autograder.mutants import patched

HINT = "rewards are clipped"

patched("hw3.run_training_loop", ("reward=reward", "reward=np.sign(reward)"))
