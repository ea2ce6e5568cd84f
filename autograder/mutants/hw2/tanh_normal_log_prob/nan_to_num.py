"""Replaces what is not finite afterwards."""

from autograder.mutants import patched

HINT = "take u and the slope there"

patched(
    "hw2.tanh_normal_log_prob",
    ("u = torch.atanh(squeezed.clamp(-HIGHEST_TANH, HIGHEST_TANH))", "u = torch.atanh(squeezed)"),
    (
        "return (normal - log_tanh_slope(u) - half_width.log()).sum(dim=-1)",
        (
            "result = normal - log_tanh_slope(u) - half_width.log()\n"
            "    return result.nan_to_num(0.0, 0.0, 0.0).sum(dim=-1)"
        ),
    ),
)
