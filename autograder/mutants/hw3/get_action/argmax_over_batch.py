"""Takes the argmax over the batch axis, so action 0 always wins."""

from autograder.mutants import patched

HINT = "batch axis"

patched("hw3.get_action", (".argmax()", ".argmax(dim=0)[0]"))
