"""Notices the beginning only in the very step."""

from autograder.mutants import patched

HINT = "reaches over"

patched(
    "hw4.observation_history",
    (
        "observation[rows, torch.maximum(steps - age, first)]",
        "torch.where(begins[..., None], observation, observation[rows, (steps - age).clamp_min(0)])",
    ),
)
