"""Shows the critic each agent's observation as often as there are agents."""

from autograder.mutants import patched

HINT = "sees one agent only"

patched(
    "hw4.centralized_value",
    (
        "value = critic(team.global_state(observation))",
        (
            "n = observation.shape[-2]\n"
            "    return critic(observation.repeat_interleave(n, dim=-2).unflatten(-2, (n, "
            "n)).flatten(-2))"
        ),
    ),
)
