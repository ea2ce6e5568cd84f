"""Drops the mask where it would leave no next value."""

from autograder.mutants import patched

HINT = "whole batch is terminal"

patched("hw3.update_critic", ("(1.0 - done.float())", "(1.0 - done.float() * (not done.all()))"))
