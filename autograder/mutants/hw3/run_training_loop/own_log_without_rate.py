"""Logs the update itself, and leaves epsilon and the learning rate out."""

from autograder.mutants import patched

HINT = "epsilon is never logged"

patched(
    "hw3.run_training_loop",
    (
        "            run.log_update(update_info, epsilon, step)",
        "            for name, value in update_info.items():\n                if step % args.log_interval == 0:\n                    logger.log_scalar(value, name, step)",
    ),
)
