"""Draws the batch before the step is stored."""

from autograder.mutants import patched

HINT = "Act, store"

patched(
    "hw3.run_training_loop",
    (
        "        next_observation = np.asarray(next_observation)\n",
        '        next_observation = np.asarray(next_observation)\n        if step >= config["learning_starts"]:\n            early = replay_buffer.sample(config["batch_size"])\n',
    ),
    ('batch = replay_buffer.sample(config["batch_size"])', "batch = early"),
)
