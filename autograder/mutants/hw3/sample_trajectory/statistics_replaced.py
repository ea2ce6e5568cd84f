"""info["episode"] takes the place of all statistics."""

from autograder.mutants import patched

HINT = "overwrites what it holds"

patched(
    "hw3.sample_trajectory",
    ('episode_statistics.update(info["episode"])', 'episode_statistics = dict(info["episode"])'),
)
