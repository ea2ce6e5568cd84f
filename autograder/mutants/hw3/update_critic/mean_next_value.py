"""Averages over the next actions, as an evaluation of a random policy would."""

from autograder.mutants import patched

HINT = "take the maximum"

patched(
    "hw3.update_critic",
    (
        "        target_values = ",
        "        if not self.use_double_q:\n"
        "            next_value = next_q_values.mean(dim=1)\n"
        "        target_values = ",
    ),
)
