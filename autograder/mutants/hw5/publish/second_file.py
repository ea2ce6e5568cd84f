"""Leaves a file that names the newest."""

from autograder.mutants import patched

HINT = "no second one is needed"

patched(
    "hw5.publish",
    ("    return True\n", '    (self.directory / "newest").write_text(str(version))\n    return True\n'),
)
