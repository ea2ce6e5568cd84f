"""Logs nothing of the training episodes."""

from autograder.mutants import patched

HINT = "Log the return of every training episode"

patched("hw3.run_training_loop", ("run.log_episode(info, step)", ""))
