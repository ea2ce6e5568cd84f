"""Lists the team anew for every agent, itself first."""

from autograder.mutants import patched

HINT = "order of the team"

patched(
    "hw4.centralized_value",
    (
        "value = critic(team.global_state(observation))",
        (
            "n = observation.shape[-2]\n"
            "    values = [critic(observation.roll(-i, dims=-2).flatten(-2)) for i in range(n)]\n"
            "    return torch.stack(values, dim=-2)"
        ),
    ),
)
