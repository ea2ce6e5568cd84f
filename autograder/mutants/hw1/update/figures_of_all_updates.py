"""The figures of earlier updates stay in the means."""

from autograder.mutants import patched

HINT = "start new lists in each update"

patched(
    "hw1.update",
    ("figures, log_ratios = [], []", 'figures, log_ratios = self.__dict__.setdefault("_figures", []), []'),
)
