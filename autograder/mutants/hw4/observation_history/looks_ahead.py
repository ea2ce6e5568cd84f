"""Takes the later observations."""

from autograder.mutants import patched

HINT = "nobody knows them yet"

patched(
    "hw4.observation_history",
    (
        "older = [observation[rows, torch.maximum(steps - age, first)] for age in range(length)]",
        (
            "last = observation.shape[1] - 1\n"
            "    older = [observation[rows, (steps + age).clamp_max(last)] for age in range(length)]"
        ),
    ),
)
