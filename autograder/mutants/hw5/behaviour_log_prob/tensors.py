"""Returns tensors."""

from autograder.mutants import patched

HINT = "NumPy arrays"

patched(
    "hw5.behaviour_log_prob",
    (
        "return actions, taken, values.numpy()",
        "return torch.from_numpy(actions), torch.from_numpy(taken), values",
    ),
)
