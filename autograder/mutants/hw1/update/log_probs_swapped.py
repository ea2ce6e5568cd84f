"""Swaps new and old log-probabilities."""

from autograder.mutants import patched

HINT = "swapped"

patched(
    "hw1.update",
    (
        'ppo_agent.policy_loss(log_prob, batch["log_probs"],',
        'ppo_agent.policy_loss(batch["log_probs"], log_prob,',
    ),
)
