"""Logs every update, whatever log_interval is."""

from autograder.mutants import patched

HINT = "log_interval is ignored"

patched(
    "hw3.run_training_loop",
    (
        "run.log_update(update_info, epsilon, step)",
        "[logger.log_scalar(value, name, step) for name, value in update_info.items()]",
    ),
)
