"""Hides each agent from its own critic."""

from autograder.mutants import patched

HINT = "lacks its own observation"

patched(
    "hw4.centralized_value",
    (
        "value = critic(team.global_state(observation))",
        (
            "n = observation.shape[-2]\n"
            "    return critic((observation.unsqueeze(-3) * (1 - torch.eye(n))[..., None]).flatten(-2))"
        ),
    ),
)
