"""Compares the new policy with itself."""

from autograder.mutants import patched

HINT = "new policy's log-probability"

patched(
    "hw1.update", ('policy_loss(log_prob, batch["log_probs"],', "policy_loss(log_prob, log_prob.detach(),")
)
