"""Returns tensors that keep the graph alive."""

from autograder.mutants import patched

HINT = ".item()"

patched(
    "hw3.update_critic",
    ("loss.item()", "loss"),
    ("q_values.mean().item()", "q_values.mean()"),
    ("target_values.mean().item()", "target_values.mean()"),
    ("grad_norm.item()", "grad_norm"),
)
