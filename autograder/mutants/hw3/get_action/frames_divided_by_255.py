"""Divides frames by 255, which the critic does itself."""

from autograder.mutants import patched

HINT = "frames are divided by 255"

patched(
    "hw3.get_action",
    (
        "        return int(self",
        "        if observation.dtype == np.uint8:\n            observation = observation / 255.0\n        return int(self",
    ),
)
