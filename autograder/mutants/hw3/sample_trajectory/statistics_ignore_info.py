"""Does not take the wrapper's statistics."""

from autograder.mutants import patched

HINT = "info['episode'] is ignored"

patched("hw3.sample_trajectory", ('episode_statistics.update(info["episode"])', "pass"))
