"""Gives the file a second name, and takes the first one away."""

from autograder.mutants import patched

HINT = "not every disk has links"

patched(
    "hw5.publish",
    (
        "os.replace(unfinished, self.path(version))",
        "os.link(unfinished, self.path(version))\n        unfinished.unlink()",
    ),
)
