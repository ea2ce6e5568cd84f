"""Feeds the observation without a batch axis, which only vectors survive."""

from autograder.mutants import patched

HINT = "batch axis"

patched("hw3.get_action", ("ptu.from_numpy(observation)[None])", "ptu.from_numpy(observation))"))
