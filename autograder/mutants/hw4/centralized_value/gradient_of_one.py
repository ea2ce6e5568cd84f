"""Lets the gradient of agent 0's entry through only."""

from autograder.mutants import patched

HINT = "The gradient of one agent's entry"

patched(
    "hw4.centralized_value",
    (
        "return value.unsqueeze(-2).expand(*observation.shape[:-1], 1)",
        (
            "others = value.detach().unsqueeze(-2).expand(*observation.shape[:-2], "
            "observation.shape[-2] - 1, 1)\n"
            "    return torch.cat([value.unsqueeze(-2), others], dim=-2)"
        ),
    ),
)
