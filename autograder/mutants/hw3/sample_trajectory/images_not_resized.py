"""Keeps the pictures in the environment's size."""

from autograder.mutants import patched

HINT = "render_frame(env)"

patched("hw3.sample_trajectory", ("render_frame(env)", "env.render()"))
