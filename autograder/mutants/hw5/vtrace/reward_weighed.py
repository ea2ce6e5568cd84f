"""Weighs the reward alone."""

from autograder.mutants import patched

HINT = "not only the reward"

patched(
    "hw5.vtrace",
    ("rho * (rewards + gamma * following - values)", "rho * rewards + gamma * following - values"),
)
