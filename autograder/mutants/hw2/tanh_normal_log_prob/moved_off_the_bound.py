"""Moves actions on a bound inside, in the batch itself."""

from autograder.mutants import patched

HINT = "changed action"

patched(
    "hw2.tanh_normal_log_prob",
    (
        "    u = torch.atanh(squeezed.clamp(-HIGHEST_TANH, HIGHEST_TANH))",
        (
            "    squeezed = squeezed.clamp(-HIGHEST_TANH, HIGHEST_TANH)\n"
            "    on_bound = (action <= low) | (action >= high)\n"
            "    action.copy_(torch.where(on_bound, low + half_width * (squeezed + 1.0), action))\n"
            "    u = torch.atanh(squeezed)"
        ),
    ),
)
