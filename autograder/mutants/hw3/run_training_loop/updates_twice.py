"""Updates twice a step."""

from autograder.mutants import patched

HINT = "One update per step"

patched(
    "hw3.run_training_loop",
    (
        "            run.log_update(",
        "            agent.update(*batch.values(), step)\n            run.log_update(",
    ),
)
