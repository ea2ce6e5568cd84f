"""Never stops."""

from autograder.mutants import patched

HINT = "target_kl is ignored"

patched("hw1.update", ("stopped = True\n                break", "pass"))
