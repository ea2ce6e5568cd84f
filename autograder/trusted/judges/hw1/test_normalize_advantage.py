"""Judges of hw1.normalize_advantage: closed form and invariances."""

from __future__ import annotations

import numpy as np

from autograder.trusted.judging import Hints, close, compare, judge, nothing_else_changed, require

EXERCISE = "hw1.normalize_advantage"
READ = "ppo/four-stages"


def normalized(given: np.ndarray, ddof: int, epsilon: float = 1e-8) -> np.ndarray:
    """The right one, dividing by the number of samples, less `ddof`."""
    given = given.astype(np.float64)
    return (given - given.mean()) / (given.std(ddof=ddof) + epsilon)


def mistakes(given: np.ndarray) -> Hints:
    """What known mistakes give instead."""
    given = given.astype(np.float64)
    mean, centred = given.mean(), given - given.mean()
    limited = "The result is limited: one advantage may be far from all others."
    limits = [
        (np.clip(normalized(given, ddof), -bound, bound), limited)
        for bound in (3, 5, 10, 20)
        for ddof in (0, 1)
    ]
    if given.std() < 0.05:  # by then it is known that a large one divides
        small = "A small standard deviation is made larger: add only 1e-8 to it."
        roots = [np.sqrt(given.var(ddof=ddof) + tiny) for tiny in (1e-8, 1e-5) for ddof in (0, 1)]
        sums = [given.std(ddof=ddof) + tiny for tiny in (1e-3, 1e-5, 1e-6, 1e-7) for ddof in (0, 1)]
        return [(centred / other, small) for other in (1.0, 0.1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, *roots, *sums)]
    hints = [
        *limits,
        (centred, "Divide by the standard deviation as well."),
        ((given - given.min()) / (given.max() - given.min()), "This scales to 0 to 1: use mean and std."),
    ]
    for ddof in (0, 1):
        std = given.std(ddof=ddof)
        hints += [
            (given / std, "Subtract the mean first."),
            (given / (std + 1e-8), "Subtract the mean first."),
            (centred / std**2, "You divide by the variance: take the standard deviation."),
            (centred / np.sqrt(std), "You divide by the root of the standard deviation."),
            (given - mean / std, "Brackets: (A - mean) / std, not A - mean / std."),
            ((given + mean) / std, "Subtract the mean, do not add it."),
        ]
    return hints


@judge(
    EXERCISE,
    points=0.5,
    title="mean 0 and standard deviation 1",
    read=READ,
    why="Then the size of a step does not depend on the scale of the rewards, and about half of the actions become more likely.",
)
def test_value(student, rng):
    for size, mean, std in (
        (7, 3.0, 5.0),
        (2, -1.0, 2.0),
        (5, 0.0, 0.03),
        (9, -40.0, 200.0),
        (300, 0.5, 1.0),
        (3000, 0.5, 1.0),
        (9, 1000.0, 0.1),
    ):
        noise = rng.normal(size=size)
        noise[0] += {300: 4.0, 3000: rng.choice([-60.0, 60.0])}.get(size, 0.0)  # one far from all others
        given = (mean + std * (noise - noise.mean()) / noise.std()).astype(np.float32)
        got = student.run(EXERCISE, advantage=given)["value"]
        atol = 5e-3 if mean == 1000.0 else 1e-4  # float32 has few digits left there
        by_all = close(got, normalized(given, 0), atol=atol)  # dividing by B is as right as by B - 1
        compare(
            got,
            normalized(given, 0 if by_all else 1),
            tried=f"{size} advantages with mean {mean:g} and standard deviation {std:g}",
            hints=mistakes(given),
            atol=atol,
            hint="(A - mean) / (std + 1e-8)"
            + " (The mean of the squares minus the squared mean loses its digits here.)" * (mean == 1000.0),
        )


@judge(
    EXERCISE,
    points=0.5,
    title="equal advantages become 0, and the argument stays",
    read=READ,
    depends=["value"],
    why="A minibatch of equal advantages has standard deviation 0; dividing by it makes every weight NaN.",
)
def test_equal(student, rng):
    for number in (0.0, float(rng.integers(1, 9)), -64.0):
        size = int(rng.integers(3, 500))
        compare(
            student.run(EXERCISE, advantage=np.full(size, number, np.float32))["value"],
            np.zeros(size),
            tried=f"{size} advantages of {number:g}",
            hints=[(np.full(size, np.nan), "Add 1e-8 to the standard deviation before dividing.")],
        )
    given = (1e-7 * rng.normal(size=6)).astype(np.float32)
    reply = student.run(EXERCISE, advantage=given)
    by_all = close(reply["value"], normalized(given, 0), atol=1e-3)
    compare(
        reply["value"],
        normalized(given, 0 if by_all else 1),
        tried="6 advantages with a standard deviation of about 1e-7",
        hints=mistakes(given),
        atol=1e-3,
        hint="Exactly 1e-8 is added to the standard deviation.",
    )
    require(reply["type"] == "Tensor", tried="the type of the result", got=reply["type"], expected="Tensor")
    nothing_else_changed(reply)
