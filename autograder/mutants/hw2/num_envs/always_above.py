"""Names the multiple above, also where the one below is nearer."""

from autograder.mutants import patched

HINT = "the nearest positive multiple"

patched(
    "hw2.num_envs",
    ("nearest = below if frames_per_batch - below <= above - frames_per_batch else above", "nearest = above"),
)
