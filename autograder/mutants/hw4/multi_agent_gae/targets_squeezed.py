"""With one environment the value targets lose its axis."""

from autograder.mutants import patched

HINT = "Axes of length 1 are dropped"

patched(
    "hw4.multi_agent_gae",
    ("return advantage, advantage + value", "return advantage, (advantage + value).squeeze(0)"),
)
