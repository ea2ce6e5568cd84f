"""Hides the others from the critic."""

from autograder.mutants import patched

HINT = "sees one agent only"

patched(
    "hw4.centralized_value",
    (
        "value = critic(team.global_state(observation))",
        (
            "n = observation.shape[-2]\n"
            "    return critic((observation.unsqueeze(-3) * torch.eye(n)[..., None]).flatten(-2))"
        ),
    ),
)
