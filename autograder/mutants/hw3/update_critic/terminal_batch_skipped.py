"""Learns nothing from a batch in which every transition is terminal."""

from autograder.mutants import patched

HINT = "also where there are no others"

patched(
    "hw3.update_critic",
    (
        "    with torch.no_grad():\n        next_q",
        '    if done.all():\n        return dict.fromkeys(("critic_loss", "q_values", "target_values", "grad_norm"), 0.0)\n    with torch.no_grad():\n        next_q',
    ),
)
