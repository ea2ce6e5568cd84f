"""Takes the maximum of the next Q-values over the batch axis."""

from autograder.mutants import patched

HINT = "runs over the batch"

patched(
    "hw3.update_critic",
    (
        "        target_values = ",
        "        if not self.use_double_q:\n"
        "            next_value = next_q_values.max(dim=0).values\n"
        "        target_values = ",
    ),
)
