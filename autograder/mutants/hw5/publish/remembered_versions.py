"""Compares with what it has published itself."""

from autograder.mutants import patched

HINT = "what an earlier process published counts"

patched(
    "hw5.publish",
    ("newest = max(self.versions(), default=-1)", 'newest = getattr(self, "newest", -1)'),
    ("    return True\n", "    self.newest = version\n    return True\n"),
)
