"""Judges of hw1.linear_schedule: the straight line, and what lies outside of it."""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Student
from autograder.trusted.judging import Hints, compare, judge, require

EXERCISE = "hw1.linear_schedule"
READ = "ppo/schedules-and-scales"


def lines(rng: np.random.Generator) -> list[tuple[float, float]]:
    """Starts and ends: falling and rising, to 0 and from 0, below 0 and across, level, tiny and huge."""
    a, b = sorted(rng.uniform(0.1, 0.9, size=2).tolist())
    return [
        (b + 0.1, a), (a, b + 0.1), (b, 0.0), (0.0, b), (-a, -b - 0.1), (-b, a), (a, -b), (b, b),
        (3e-4 * b, 1e-5 * a), (2.0 + a, 500.0 * b), (-3e6 * b, 1e6 * b), (1e-9 * b, -2e-9 * a),
    ]  # fmt: skip


def values_at(student: Student, start: float, end: float, progress: np.ndarray) -> np.ndarray:
    """What linear_schedule returned, `(progress,)`."""
    values = student.run(EXERCISE, start=start, end=end, progress=progress)["values"]
    require(
        isinstance(values, list) and all(isinstance(value, float) for value in values),
        tried=f"from {start:.3g} to {end:.3g}: the results",
        got=values,
        expected="numbers",
    )
    return np.array(values)


def line(start: float, end: float, progress: np.ndarray) -> np.ndarray:
    """Unbounded."""
    return start + progress * (end - start)


def usual(start: float, end: float) -> str:
    """The hint where no known mistake fits."""
    size = max(abs(start), abs(end))
    any_size = "The values may have any size: nothing limits or rounds them. "
    return any_size * (not 1e-6 < size < 1e3) + "start + progress * (end - start)"


def exact(start: float, end: float) -> dict[str, float]:
    """Tolerances that fit the size of the numbers."""
    return {"atol": 1e-6 * max(abs(start), abs(end)), "rtol": 0.0}


@judge(
    EXERCISE,
    points=0.5,
    title="from the start to the end in a straight line",
    read=READ,
    why="Early, large steps find a good region quickly. Late, small steps stay in it.",
)
def test_line(student, rng):
    inside = np.array([0.0, 0.25, 0.5, 1.0, *rng.uniform(0.01, 0.99, size=3)])
    for start, end in lines(rng):
        hints: Hints = [
            (line(end, start, inside), "It runs the wrong way: progress is what is done, not what remains."),
            (start * (1 - inside), "It ends at 0: it must end at end."),
            (np.full(7, start), "It never changes: move towards end with the progress."),
            (np.full(7, end), "It is at its end from the beginning."),
            (start + inside * end, "start + progress * end overshoots: progress * (end - start)."),
            (start - inside * end, "start - progress * end: it must be progress * (end - start)."),
            (
                np.maximum(start * (1 - inside), end),
                "The line goes from start to end, not to 0 with a floor.",
            ),
            (np.maximum(line(start, end, inside), 0.0), "The value is kept above 0: the line may go below."),
        ]
        if start * end > 0:
            exponential = start * (end / start) ** inside
            hints = [*hints, (exponential, "This is exponential: take the straight line.")]
        compare(
            values_at(student, start, end, inside),
            line(start, end, inside),
            tried=f"from {start:.3g} to {end:.3g}: the values at progress 0, 0.25, 0.5, 1 and three in between",
            hints=hints,
            hint=usual(start, end),
            **exact(start, end),
        )


@judge(
    EXERCISE,
    points=0.5,
    title="outside of 0 to 1 it stays what it is at that end",
    read=READ,
    depends=["line"],
    why="A training may run a little longer than planned, and a negative learning rate makes the loss larger.",
)
def test_outside(student, rng):
    outside = np.array([-20.0, -0.5, 1.5, 20.0])
    low, high = np.minimum(outside, 1), np.maximum(outside, 0)
    for start, end in lines(rng):
        free = line(start, end, outside)
        falling = np.minimum(start, np.maximum(end, free)) if end <= start else free
        compare(
            values_at(student, start, end, outside),
            np.array([start, start, end, end]),
            tried=f"from {start:.3g} to {end:.3g}: the values at progress -20, -0.5, 1.5 and 20",
            hints=[
                (free, "The line goes on outside of 0 to 1: limit the progress to 0 and 1."),
                (line(start, end, low), "Below progress 0 it stays start."),
                (line(start, end, high), "Above progress 1 it stays end."),
                (falling, "A rising schedule goes on outside of 0 to 1: limit the progress, not the value."),
                (
                    np.maximum(line(start, end, high), 0.0),
                    "The value is limited to 0, not to the end of the line: limit the progress to 0 and 1.",
                ),
            ],
            hint="Limit the progress to the range from 0 to 1 first.",
            **exact(start, end),
        )
