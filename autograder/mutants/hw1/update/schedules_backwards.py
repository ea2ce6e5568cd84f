"""Takes the progress for what remains."""

from autograder.mutants import patched

HINT = "wrong way"

patched("hw1.update", ("    learning_rate = ppo", "    progress = 1.0 - progress\n    learning_rate = ppo"))
