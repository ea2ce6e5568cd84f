"""Judges of hw1.value_loss: closed forms with and without clipping, and gradients."""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import Hints, compare, judge, nothing_else_changed, require

EXERCISE = "hw1.value_loss"
READ = "ppo/four-stages"


class Case:
    """Values, old values and returns, of any size.

    Args:
        count: samples.
        eps: the clip range, or None.
        scale: how far values and returns lie from the old values, in clip ranges where there is one.
        around: which number all of them lie.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        count: int,
        eps: float | None,
        scale: float = 1.0,
        around: float = 0.0,
    ):
        self.eps, unit = eps, scale * (eps or 1.0)
        self.old = rng.normal(size=count).astype(np.float32) * np.float32(scale) + np.float32(around)
        self.value = (self.old + unit * rng.uniform(-3.0, 3.0, size=count)).astype(np.float32)
        self.returns = (self.old + unit * rng.uniform(-5.0, 5.0, size=count)).astype(np.float32)
        self.returns[:2] = self.value[:2] + unit * np.array([2.0, -1.5])[:count]  # errors of both signs

    def run(self, student: Student) -> Reply:
        """Calls value_loss."""
        return student.run(
            EXERCISE, value=self.value, old_value=self.old, returns=self.returns, clip_range=self.eps
        )

    @property
    def clipped(self) -> np.ndarray:
        """The new values within the clip range of the old ones."""
        return self.old + np.clip(self.value - self.old, -self.eps, self.eps)

    def loss(self) -> float:
        """The right one."""
        plain = (self.value - self.returns) ** 2
        return (plain if self.eps is None else np.maximum(plain, (self.clipped - self.returns) ** 2)).mean()

    def slope(self) -> np.ndarray:
        """The right gradient with regard to the value."""
        error = self.value - self.returns
        flows = 1.0
        if self.eps is not None:
            inside = np.abs(self.value - self.old) <= self.eps
            flows = inside | (np.abs(error) > np.abs(self.clipped - self.returns))
        return 2 * error * flows / len(error)


def unclipped_mistakes(case: Case) -> Hints:
    """What known mistakes give instead without a clip range."""
    error = case.value - case.returns
    size = np.abs(error)
    return [
        ((error**2).sum(), "This is the sum over the batch: return the mean."),
        (error**2, "You return one value for each sample: return the mean over the batch."),
        (
            (error**2).mean() / 2,
            "Half of the squared error: take all of it, vf_coef weighs the loss already.",
        ),
        (size.mean(), "This is the absolute error: square it."),
        (error.mean(), "The error is not squared."),
        (-(error**2).mean(), "The sign is wrong: the error must become smaller."),
        (((case.old - case.returns) ** 2).mean(), "This is the old value's error: use value."),
        (((case.value - case.old) ** 2).mean(), "The target of the value is the return, not the old value."),
        (
            np.where(size < 1, error**2 / 2, size - 0.5).mean(),
            "This is the smooth L1 error: here it is the squared one.",
        ),
        (np.sqrt((error**2).mean()), "This is the root of the mean squared error: leave the root out."),
        *(
            (
                np.maximum(
                    error**2, (case.old + np.clip(case.value - case.old, -eps, eps) - case.returns) ** 2
                ).mean(),
                "clip_range is None, and you clip all the same: then it is the plain squared error.",
            )
            for eps in (0.1, 0.2, 0.5, 1.0)
        ),
    ]


def clipped_mistakes(case: Case) -> Hints:
    """What known mistakes give instead with one."""
    value, old, returns, eps = case.value, case.old, case.returns, case.eps
    plain, clipped = (value - returns) ** 2, (case.clipped - returns) ** 2

    def larger(other: np.ndarray) -> float:
        return np.maximum(plain, (other - returns) ** 2).mean()

    step = "Clip the step from the old value: value - old_value."
    return [
        (
            plain.mean(),
            "clip_range has no effect: clip the step from the old value, value - old_value, and take the "
            "larger error of every sample.",
        ),
        (clipped.mean(), "Only the clipped value: take the larger error of every sample."),
        (np.minimum(plain, clipped).mean(), "You take the smaller of the two errors: take the larger."),
        ((plain + clipped).mean() / 2, "You average both errors: take the larger."),
        ((plain + clipped).mean(), "You add both errors: take the larger."),
        (max(plain.mean(), clipped.mean()), "Take the larger error of every sample, then the mean."),
        (larger(old + np.minimum(value - old, eps)), "The step is clipped above only."),
        (larger(old + np.maximum(value - old, -eps)), "The step is clipped below only."),
        (larger(np.clip(value, 1 - eps, 1 + eps)), step),
        (larger(np.clip(value, -eps, eps)), step),
        (larger(returns + np.clip(value - returns, -eps, eps)), step),
        (larger(value + np.clip(value - old, -eps, eps)), "Add the clipped step to old_value, not to value."),
        (
            np.maximum(plain, clipped).mean() / 2,
            "Half of the squared error: take all of it, vf_coef weighs the loss already.",
        ),
        (np.maximum(plain, clipped).sum(), "This is the sum over the batch: return the mean."),
    ]


ANY_SIZE = (
    "Values and returns have any size: nothing limits them or the error, and the difference is squared."
)


@judge(
    EXERCISE,
    points=0.5,
    title="without a clip range: the mean squared error",
    read=READ,
    why="The value that makes the mean squared error smallest is the mean return.",
)
def test_unclipped(student, rng):
    for count, scale, around in (
        (5, 1.0, 0.0),
        (1, 1.0, 0.0),
        (12, 0.01, 0.0),
        (12, 300.0, 0.0),
        (48, 0.2, 5e3),
    ):
        case = Case(rng, count, None, scale, around)
        compare(
            case.run(student)["value"],
            case.loss(),
            tried=f"{count} samples around {around:g}, errors of about {scale:g}, clip_range None: the loss",
            hints=unclipped_mistakes(case) if count > 1 else (),
            hint=ANY_SIZE if scale > 1.0 or around else "",
            atol=1e-5 * scale**2,
        )


@judge(
    EXERCISE,
    points=0.75,
    title="with one: the larger of the two squared errors",
    read=READ,
    depends=["unclipped"],
    why="With the larger of both errors, a value gains nothing by moving far from the old value.",
)
def test_clipped(student, rng):
    drawn = float(rng.uniform(0.1, 0.3))
    step = "clipped = old_value + clamp(value - old_value), then the larger squared error of every sample."
    for count, eps, scale, around in (
        (48, drawn, 1.0, 0.0),
        (24, 10.0 * drawn, 1.0, 0.0),
        (1, drawn, 1.0, 0.0),
        (24, drawn, 100.0, 0.0),
        (24, drawn, 1e4, 0.0),
        (48, drawn, 1.0, 5e3),
    ):
        case = Case(rng, count, eps, scale, around)
        compare(
            case.run(student)["value"],
            case.loss(),
            tried=f"{count} samples around {around:g}, errors of some {scale * eps:.3g}, clip_range {eps:.2f}: the loss",
            rtol=1e-2 if around else 1e-3,  # float32 has few digits left there
            hints=clipped_mistakes(case) if count > 1 else (),
            hint=ANY_SIZE if scale > 1.0 or around else step,
        )


@judge(
    EXERCISE,
    points=0.75,
    title="gradients reach the value alone",
    read=READ,
    depends=["clipped"],
    why="The returns are the target. If the loss can move its target, it becomes small without a better critic.",
)
def test_gradient(student, rng):
    for eps in (None, 0.1, 1.0):
        case = Case(rng, 16, eps)
        case.value[0] = case.old[0]  # as in the first minibatch of an update
        reply, tried = case.run(student), f"16 samples, clip_range {eps}: the"
        require(reply["type"] == "Tensor", tried=f"{tried} type", got=reply["type"], expected="Tensor")
        compare(
            reply["gradient"],
            case.slope(),
            tried=f"{tried} gradient with regard to the value",
            hints=[(np.zeros(16), "No gradient arrives: the value must not be detached.")],
            hint="Where the clipped error is the larger the gradient is 0, elsewhere 2 (V - R) / batch.",
        )
        compare(
            reply["of_returns"],
            np.zeros(16),
            tried=f"{tried} gradient with regard to the returns",
            hint="Gradients flow into the returns: use returns.detach().",
        )
        nothing_else_changed(reply)
