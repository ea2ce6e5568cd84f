"""Never copies the target network."""

from autograder.mutants import patched

HINT = "never copied"

patched("hw3.update", ("step % self.target_update_period == 0", "False"))
