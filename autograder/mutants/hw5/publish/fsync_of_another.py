"""Synchronises the file after it got its name."""

from autograder.mutants import patched

HINT = "while the file is open, before os.replace"

patched(
    "hw5.publish",
    ("            os.fsync(file.fileno())\n", ""),
    (
        "os.replace(unfinished, self.path(version))",
        'os.replace(unfinished, self.path(version))\n        with open(self.path(version), "rb") as file:\n            os.fsync(file.fileno())',
    ),
)
