"""Keeps the first clip range."""

from autograder.mutants import patched

HINT = "keeps its first value"

patched(
    "hw1.update",
    ("clip_range = ppo_agent.linear_schedule(*self.clip_range, progress)", "clip_range = self.clip_range[0]"),
)
