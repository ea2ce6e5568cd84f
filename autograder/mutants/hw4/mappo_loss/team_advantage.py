"""Averages the advantages over the agents."""

from autograder.mutants import patched

HINT = "averaged over the agents"

patched("hw4.mappo_loss", (".squeeze(-1)", ".squeeze(-1).mean(dim=-1, keepdim=True)"))
