"""Leaves the flags as they are."""

from autograder.mutants import patched

HINT = "agents' axis is missing"

patched("hw2.expand_done", ("return done.unsqueeze(-2).expand(*done.shape[:-1], n_agents, 1)", "return done"))
