"""Returns float64 arrays."""

from autograder.mutants import patched

HINT = "dtype=np.float32"

patched("hw3.sample_trajectory", ("np.array(rewards, dtype=np.float32)", "np.array(rewards)"))
