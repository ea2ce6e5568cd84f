"""Makes one network too few."""

from autograder.mutants import patched

HINT = "An entry for every agent"

patched("hw4.policy_parameters", ("range(n_agents)", "range(1, n_agents)"))
