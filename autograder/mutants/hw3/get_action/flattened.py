"""Flattens the observation."""

from autograder.mutants import patched

HINT = "batch axis"

patched("hw3.get_action", ("observation)[None]).argmax", "observation.reshape(1, -1))).argmax"))
