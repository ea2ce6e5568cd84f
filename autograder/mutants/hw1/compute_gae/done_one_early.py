"""Looks at the flags of the step after."""

from autograder.mutants import patched

HINT = "One step early"

patched(
    "hw1.compute_gae",
    (
        "    ### BEGIN SOLUTION\n    deltas",
        (
            "    ### BEGIN SOLUTION\n"
            "    terminated, truncated = (np.roll(np.where(np.arange(len(f))[:, None] > 0, f, "
            "False), -1, axis=0) for f in (terminated, truncated))\n"
            "    deltas"
        ),
    ),
)
