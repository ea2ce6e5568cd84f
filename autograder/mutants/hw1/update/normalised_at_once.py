"""Normalises the advantages of all samples at once."""

from autograder.mutants import patched

HINT = "all samples are normalised at once"

patched(
    "hw1.update",
    (
        "advantage = ppo_agent.normalize_advantage(advantage)",
        'advantage = ppo_agent.normalize_advantage(samples["advantages"])[order[i]]',
    ),
)
