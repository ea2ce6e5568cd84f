"""Which of several results is better, and when that cannot be said.

Two results are ranked only where their 95% intervals do not overlap (with three seeds: where the ranges of the seeds
do not). Everything else is a tie: the seeds that were run do not decide it. The pages print what is said here, and the tests hold their sentences to it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

Interval = tuple[float, float]


def spread(values: Collection[float]) -> Interval:
    """The lowest and the highest of some seeds, which stands in for an interval where there are only three.

    Two results of three seeds each are then ranked only if every seed of one is above every seed of the other. Chance
    alone does that in one case of ten.
    """
    return float(min(values)), float(max(values))


def compare(first: Interval, second: Interval) -> str:
    """``above``, ``below`` or ``tie``: where the first result stands against the second.

    >>> compare((1.0, 2.0), (3.0, 4.0)), compare((1.0, 3.0), (2.0, 4.0)), compare((3.0, 4.0), (1.0, 2.0))
    ('below', 'tie', 'above')

    Args:
        first, second: lower and upper ends; NaN, as of a single seed, ranks nothing.
    """
    if first[0] > second[1]:
        return "above"
    if first[1] < second[0]:
        return "below"
    return "tie"


def against_best(results: Mapping[str, tuple[float, Interval]]) -> tuple[str, list[str], list[str]]:
    """The result with the highest mean, those that tie with it, and those below it.

    A tie with the best says nothing of a tie among each other: 1 to 3 and 5 to 7 both tie with 2 to 6.

    Args:
        results: mean and interval by label, more is better.

    Returns:
        One label, and two lists of labels in the order of ``results``.
    """
    best = max(results, key=lambda label: results[label][0])
    others = [label for label in results if label != best]
    verdicts = {label: compare(results[label][1], results[best][1]) for label in others}
    ties = [label for label in others if verdicts[label] == "tie"]
    return best, ties, [label for label in others if label not in ties]


def sentence(results: Mapping[str, tuple[float, Interval]]) -> str:
    """What may be said of several results.

    >>> sentence({"a": (1.0, (0.5, 1.5)), "b": (3.0, (2.0, 4.0)), "c": (2.5, (1.9, 3.1))})
    'best mean: b; tie with it: c; below it: a'
    """
    best, ties, below = against_best(results)
    parts = [f"best mean: {best}", f"tie with it: {', '.join(ties) or 'none'}"]
    return "; ".join([*parts, f"below it: {', '.join(below) or 'none'}"])
