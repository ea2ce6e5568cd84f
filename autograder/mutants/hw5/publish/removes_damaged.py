"""Removes versions that cannot be loaded as well."""

from autograder.mutants import patched

HINT = "By number alone"

patched(
    "hw5.publish",
    (
        "    for old in self.versions()[: -self.keep]:",
        """    for known in self.versions():
        try:
            self.load(known)
        except Exception:
            self.remove(known)
    for old in self.versions()[: -self.keep]:""",
    ),
)
