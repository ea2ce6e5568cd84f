"""Reports the mean reward as the return."""

from autograder.mutants import patched

HINT = "the return is the sum"

patched("hw3.sample_trajectory", ("np.sum(rewards)", "np.mean(rewards)"))
