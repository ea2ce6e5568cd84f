"""Limits the squeezed action above only."""

from autograder.mutants import patched

HINT = "infinite at 1"

patched(
    "hw2.tanh_normal_log_prob",
    (
        "u = torch.atanh(squeezed.clamp(-HIGHEST_TANH, HIGHEST_TANH))",
        "u = torch.atanh(squeezed.clamp(max=HIGHEST_TANH))",
    ),
)
