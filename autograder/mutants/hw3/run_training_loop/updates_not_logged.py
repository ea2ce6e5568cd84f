"""Never logs an update."""

from autograder.mutants import patched

HINT = "never logged"

patched("hw3.run_training_loop", ("            run.log_update(update_info, epsilon, step)\n", ""))
