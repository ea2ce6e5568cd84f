"""Takes the normal density of the squeezed action."""

from autograder.mutants import patched

HINT = "before the tanh"

patched(
    "hw2.tanh_normal_log_prob",
    (
        "torch.distributions.Normal(mean, std, validate_args=False).log_prob(u)",
        "torch.distributions.Normal(mean, std, validate_args=False).log_prob(squeezed)",
    ),
)
