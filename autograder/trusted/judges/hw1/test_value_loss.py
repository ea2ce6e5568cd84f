"""Judges of hw1.value_loss: closed forms with and without clipping, and gradients."""

from __future__ import annotations

import numpy as np

from autograder.trusted.judging import compare, judge

EXERCISE = "hw1.value_loss"
READ = "ppo/four-stages"


@judge(
    EXERCISE,
    points=0.5,
    title="without a clip range: the mean squared error",
    read=READ,
    why="The value that makes the mean squared error smallest is the mean return.",
)
def test_unclipped(student, rng):
    value, old, returns = rng.normal(size=(3, 5)).astype(np.float32)
    error = value - returns
    compare(
        student.run(EXERCISE, value=value, old_value=old, returns=returns, clip_range=None)["value"],
        (error**2).mean(),
        tried="5 samples, clip_range None: the loss",
        hints=[
            ((error**2).sum(), "This is the sum over the batch: return the mean."),
            (error**2, "One value for each sample: return the mean over the batch."),
            ((error**2).mean() / 2, "Half of the squared error: vf_coef weighs the loss already."),
            (np.abs(error).mean(), "This is the absolute error: square it."),
            (error.mean(), "The error is not squared."),
            (-(error**2).mean(), "The sign: the error is to shrink."),
            (((old - returns) ** 2).mean(), "This is the old value's error: use value."),
            (((value - old) ** 2).mean(), "The value is to become the return, not the old value."),
        ],
    )


@judge(
    EXERCISE,
    points=0.75,
    title="with one: the larger of the two squared errors",
    read=READ,
    depends=["unclipped"],
    why="Taking the larger error means that leaving the old value's neighbourhood is never rewarded.",
)
def test_clipped(student, rng):
    eps = float(rng.uniform(0.1, 0.3))
    old = rng.normal(size=8).astype(np.float32)
    step = np.array([3.0, -3.0, 3.0, -3.0, 0.5, -0.5, 2.0, -2.0]) * eps
    value = (old + step).astype(np.float32)
    returns = (old + np.array([4, -4, -1, 1, 2, -2, 0.5, -0.5]) * eps + 0.01 * rng.normal(size=8)).astype(
        np.float32
    )
    plain = (value - returns) ** 2
    clipped = (old + np.clip(value - old, -eps, eps) - returns) ** 2
    upper = (old + np.minimum(value - old, eps) - returns) ** 2
    lower = (old + np.maximum(value - old, -eps) - returns) ** 2
    around_one = (np.clip(value, 1 - eps, 1 + eps) - returns) ** 2
    around_zero = (np.clip(value, -eps, eps) - returns) ** 2
    wrong_side = (value + np.clip(value - old, -eps, eps) - returns) ** 2
    compare(
        student.run(EXERCISE, value=value, old_value=old, returns=returns, clip_range=eps)["value"],
        np.maximum(plain, clipped).mean(),
        tried=f"8 samples, clip_range {eps:.2f}: the loss",
        rtol=1e-3,
        hints=[
            (
                plain.mean(),
                "clip_range has no effect: clip the step from the old value, value - old_value, and take the "
                "larger error of every sample.",
            ),
            (clipped.mean(), "Only the clipped value: take the larger error of every sample."),
            (np.minimum(plain, clipped).mean(), "You take the smaller of the two errors: take the larger."),
            ((plain + clipped).mean() / 2, "You average both errors: take the larger."),
            ((plain + clipped).mean(), "You add both errors: take the larger."),
            (np.maximum(plain, upper).mean(), "The step is clipped above only."),
            (np.maximum(plain, lower).mean(), "The step is clipped below only."),
            (np.maximum(plain, around_one).mean(), "Clip the step from the old value: value - old_value."),
            (np.maximum(plain, around_zero).mean(), "Clip the step from the old value: value - old_value."),
            (np.maximum(plain, wrong_side).mean(), "The clipped step is added to old_value, not to value."),
        ],
        hint="clipped = old_value + clamp(value - old_value), then the larger squared error of every sample.",
    )


@judge(
    EXERCISE,
    points=0.75,
    title="gradients reach the value alone",
    read=READ,
    depends=["clipped"],
    why="The returns are the goal. A loss that can move its goal needs no critic to become small.",
)
def test_gradient(student, rng):
    old = rng.normal(size=4).astype(np.float32)
    value = (old + np.array([0.3, -0.3, 0.05, 0.3])).astype(np.float32)
    returns = (old + np.array([1.0, -1.0, 1.0, -1.0])).astype(np.float32)
    slope = 2 * (value - returns) / 4
    for eps, flows in ((None, np.ones(4)), (0.1, np.array([0, 0, 1, 1]))):
        reply = student.run(EXERCISE, value=value, old_value=old, returns=returns, clip_range=eps)
        compare(
            reply["gradient"],
            slope * flows,
            tried=f"4 samples, clip_range {eps}: the gradient with regard to the value",
            hints=[(np.zeros(4), "No gradient arrives: the value must not be detached.")],
            hint="Where the clipped error is the larger the gradient is 0, elsewhere 2 (V - R) / batch.",
        )
        compare(
            reply["of_returns"],
            np.zeros(4),
            tried=f"4 samples, clip_range {eps}: the gradient with regard to the returns",
            hint="Gradients flow into the returns: use returns.detach().",
        )
