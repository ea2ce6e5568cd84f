"""Samples a batch of another size."""

from autograder.mutants import patched

HINT = "config['batch_size']"

patched("hw3.run_training_loop", ('sample(config["batch_size"])', "sample(32)"))
