"""Judges of hw1.normalize_advantage: closed form and invariances."""

from __future__ import annotations

import numpy as np

from autograder.trusted.judging import close, compare, judge, require

EXERCISE = "hw1.normalize_advantage"
READ = "ppo/four-stages"


@judge(
    EXERCISE,
    points=0.5,
    title="mean 0 and standard deviation 1",
    read=READ,
    why="The step's size no longer depends on the rewards' scale, and about half of the actions gain.",
)
def test_value(student, rng):
    noise = rng.normal(size=7)
    # the mean is 3 itself: one near 0 would hide that it is not taken off
    given = (3.0 + 5.0 * (noise - noise.mean())).astype(np.float32)
    reply = student.run(EXERCISE, advantage=given)
    got, centred, mean = reply["value"], given - given.mean(), given.mean()
    if close(got, centred / given.std(), atol=1e-4):  # dividing by B is as right as by B - 1
        expected = centred / given.std()
    else:
        expected = centred / given.std(ddof=1)
    hints = [(centred, "Divide by the standard deviation as well.")]
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
    hints.append(
        ((given - given.min()) / (given.max() - given.min()), "This scales to 0 to 1: use mean and std.")
    )
    compare(
        got,
        expected,
        tried="7 advantages with mean 3 and standard deviation about 5",
        hints=hints,
        atol=1e-4,
        hint="(A - mean) / (std + 1e-8)",
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
    given = np.full(6, float(rng.integers(1, 9)), np.float32)
    compare(
        student.run(EXERCISE, advantage=given)["value"],
        np.zeros(6),
        tried="6 equal advantages",
        hint="Add 1e-8 to the standard deviation before dividing.",
    )
    given = rng.normal(size=6).astype(np.float32)
    reply = student.run(EXERCISE, advantage=given)
    compare(
        reply["argument"],
        given,
        tried="the argument after the call",
        hint="You changed the argument in place: the next epoch needs it as it was.",
    )
    require(reply["type"] == "Tensor", tried="the type of the result", got=reply["type"], expected="Tensor")
