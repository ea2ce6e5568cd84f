"""Returns copies."""

from autograder.mutants import patched

HINT = "These are other objects"

patched(
    "hw5.drop_stale",
    (
        "(kept if fresh else dropped).append(trajectory)",
        "(kept if fresh else dropped).append(Trajectory(**vars(trajectory)))",
    ),
)
