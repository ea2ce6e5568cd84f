"""Judges of hw1.linear_schedule: the straight line, and what lies outside of it."""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Student
from autograder.trusted.judging import array_of, compare, judge, require

EXERCISE = "hw1.linear_schedule"
READ = "ppo/schedules-and-scales"


def values_at(student: Student, start: float, end: float, progress: np.ndarray) -> np.ndarray:
    """What linear_schedule returned, `(progress,)`."""
    reply = student.run(EXERCISE, start=start, end=end, progress=progress)
    types = reply["types"] if isinstance(reply["types"], list) else [reply["types"]]
    require(
        all(isinstance(name, str) and name in ("float", "int") for name in types),
        tried=f"from {start:.2f} to {end:.2f}: the types of the results",
        got=types,
        expected=["float"],
    )
    return array_of(reply, "values", 1)


def line(start: float, end: float, progress: np.ndarray) -> np.ndarray:
    """Unbounded."""
    return start + progress * (end - start)


@judge(
    EXERCISE,
    points=0.5,
    title="from the start to the end in a straight line",
    read=READ,
    why="Large steps early find the region, small ones late settle in it.",
)
def test_line(student, rng):
    inside = np.array([0.0, 0.25, 0.5, 1.0])
    for start, end in (rng.uniform(0.6, 0.9, size=1)[0], 0.1), (0.2, rng.uniform(0.5, 0.9, size=1)[0]):
        compare(
            values_at(student, start, end, inside),
            line(start, end, inside),
            tried=f"from {start:.2f} to {end:.2f}: the values at progress 0, 0.25, 0.5 and 1",
            hints=[
                (
                    line(end, start, inside),
                    "It runs the wrong way: progress is what is done, not what remains.",
                ),
                (start * (1 - inside), "It ends at 0: it must end at end."),
                (np.full(4, start), "It never changes: move towards end with the progress."),
                (np.full(4, end), "It is at its end from the beginning."),
                (start * (end / start) ** inside, "This is exponential: take the straight line."),
                (start + inside * end, "start + progress * end overshoots: progress * (end - start)."),
                (start - inside * end, "start - progress * end: it must be progress * (end - start)."),
                (
                    np.maximum(start * (1 - inside), end),
                    "The line goes from start to end, not to 0 with a floor.",
                ),
            ],
            hint="start + progress * (end - start)",
        )


@judge(
    EXERCISE,
    points=0.5,
    title="outside of 0 to 1 it stays what it is at that end",
    read=READ,
    depends=["line"],
    why="A negative learning rate climbs the loss; a training may run a little longer than planned.",
)
def test_outside(student, rng):
    start, end = float(rng.uniform(0.6, 0.9)), 0.0
    outside = np.array([-0.5, 1.5, 20.0])
    compare(
        values_at(student, start, end, outside),
        np.array([start, end, end]),
        tried=f"from {start:.2f} to 0: the values at progress -0.5, 1.5 and 20",
        hints=[
            (line(start, end, outside), "The line runs on outside: limit the progress to 0 and 1."),
            (line(start, end, np.minimum(outside, 1)), "Below progress 0 it stays start."),
            (line(start, end, np.maximum(outside, 0)), "Above progress 1 it stays end."),
        ],
        hint="Limit the progress to the range from 0 to 1 first.",
    )
