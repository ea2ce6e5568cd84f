"""Never stops."""

from autograder.mutants import patched

HINT = "No minibatch ends the update"

patched("hw1.update", ("stopped = True\n                break", "pass"))
