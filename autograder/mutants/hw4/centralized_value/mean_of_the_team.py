"""Shows the critic the mean of the observations."""

from autograder.mutants import patched

HINT = "the mean of the observations"

patched(
    "hw4.centralized_value",
    (
        "value = critic(team.global_state(observation))",
        (
            "n = observation.shape[-2]\n"
            "    value = critic(observation.mean(dim=-2, "
            "keepdim=True).expand_as(observation).flatten(-2))"
        ),
    ),
)
