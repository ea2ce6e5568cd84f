"""Never advances the learning-rate schedule."""

from autograder.mutants import patched

HINT = "self.lr_scheduler.step()"

patched("hw3.update_critic", ("self.lr_scheduler.step()", ""))
