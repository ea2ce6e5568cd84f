"""Divides every observation by 255."""

from autograder.mutants import patched

HINT = "divided by 255"

patched("hw3.get_action", ("observation)[None]).argmax", "observation / 255.0)[None]).argmax"))
