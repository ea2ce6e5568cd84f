"""Keeps the observations in the environment's type."""

from autograder.mutants import patched

HINT = "np.float32"

patched("hw3.sample_trajectory", ("np.array(obs, dtype=np.float32)", "np.array(obs)"))
