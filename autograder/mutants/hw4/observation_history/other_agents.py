"""Takes the neighbours' observations for older ones."""

from autograder.mutants import patched

HINT = "other agents"

patched(
    "hw4.observation_history",
    (
        "older = [observation[rows, torch.maximum(steps - age, first)] for age in range(length)]",
        "older = [observation.roll(age, dims=2) for age in range(length)]",
    ),
)
