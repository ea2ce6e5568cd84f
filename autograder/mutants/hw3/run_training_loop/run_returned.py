"""Returns the run in place of the agent."""

from autograder.mutants import patched

HINT = "return agent"

patched(
    "hw3.run_training_loop",
    ("    return agent", "    return run"),
)
