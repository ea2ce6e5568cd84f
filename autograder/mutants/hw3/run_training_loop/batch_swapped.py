"""Gives next observations where observations belong."""

from autograder.mutants import patched

HINT = "received the batch's"

patched("hw3.run_training_loop", ('obs=batch["observations"]', 'obs=batch["next_observations"]'))
