"""Keeps the first entropy coefficient."""

from autograder.mutants import patched

HINT = "keeps its first value"

patched(
    "hw1.update",
    ("ent_coef = ppo_agent.linear_schedule(*self.ent_coef, progress)", "ent_coef = self.ent_coef[0]"),
)
