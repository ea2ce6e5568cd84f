"""Does not normalise the advantages."""

from autograder.mutants import patched

HINT = "not normalised"

patched("hw1.update", ("advantage = ppo_agent.normalize_advantage(advantage)", "pass"))
