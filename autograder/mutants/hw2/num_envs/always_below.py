"""Names the multiple below, also where the one above is nearer."""

from autograder.mutants import patched

HINT = "the nearest positive multiple"

patched(
    "hw2.num_envs",
    ("nearest = below if frames_per_batch - below <= above - frames_per_batch else above", "nearest = below"),
)
