"""Takes actions close to a bound for actions on it."""

from autograder.mutants import patched

HINT = "HIGHEST_TANH changes none"

patched(
    "hw2.tanh_normal_log_prob",
    (
        "u = torch.atanh(squeezed.clamp(-HIGHEST_TANH, HIGHEST_TANH))",
        (
            "squeezed = torch.where(squeezed.abs() > 0.9995, squeezed.sign(), squeezed)\n"
            "    u = torch.atanh(squeezed.clamp(-HIGHEST_TANH, HIGHEST_TANH))"
        ),
    ),
)
