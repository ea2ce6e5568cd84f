"""Samples 128 transitions at most."""

from autograder.mutants import patched

HINT = "replay_buffer.sample(config['batch_size'])"

patched(
    "hw3.run_training_loop",
    ('replay_buffer.sample(config["batch_size"])', 'replay_buffer.sample(min(config["batch_size"], 128))'),
)
