"""Logs the return of an episode and not its length."""

from autograder.mutants import patched

HINT = "train_ep_len is never logged"

patched(
    "hw3.run_training_loop",
    (
        "            run.log_episode(info, step)",
        "            logger.log_scalar(info['episode']['r'], 'train_return', step)",
    ),
)
