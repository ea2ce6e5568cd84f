"""Learns from agent 0 only."""

from autograder.mutants import patched

HINT = "Only agent 0 counts"

patched("hw4.mappo_loss", (".mean()\n    ### END SOLUTION\n\n", "[:, 0].mean()\n    ### END SOLUTION\n\n"))
