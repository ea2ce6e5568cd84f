"""Values that change with the training step."""

from __future__ import annotations

import itertools
from bisect import bisect_right


class PiecewiseSchedule:
    """Straight lines between given points, a constant outside them.

    >>> schedule = PiecewiseSchedule([(0, 1.0), (100, 0.2)], outside_value=0.2)
    >>> schedule.value(0), round(schedule.value(50), 3), schedule.value(1000)
    (1.0, 0.6, 0.2)

    Args:
        endpoints: ``(step, value)`` pairs, steps strictly rising.
        outside_value: the value before the first and from the last step on.

    Raises:
        ValueError: no points, or steps that do not rise.
    """

    def __init__(self, endpoints: list[tuple[float, float]], outside_value: float):
        steps = [step for step, _ in endpoints]
        if not endpoints or any(later <= earlier for earlier, later in itertools.pairwise(steps)):
            raise ValueError(f"endpoints {endpoints} must be (step, value) pairs with strictly rising steps")
        self.endpoints = [(step, value) for step, value in endpoints]
        self.outside_value = outside_value
        self._steps = steps

    def value(self, step: float) -> float:
        """The value at a step."""
        i = bisect_right(self._steps, step) - 1
        if not 0 <= i < len(self.endpoints) - 1:
            return self.outside_value
        (left, low), (right, high) = self.endpoints[i], self.endpoints[i + 1]
        return low + (step - left) / (right - left) * (high - low)
