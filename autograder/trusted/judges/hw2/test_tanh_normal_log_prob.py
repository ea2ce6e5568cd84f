"""Judges of hw2.tanh_normal_log_prob: closed forms, actions on the bounds and close to them."""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import Hints, compare, judge, require

EXERCISE = "hw2.tanh_normal_log_prob"
READ = "marl/vmas"
HIGHEST = float(np.float32(1.0 - 1e-6))  # what HIGHEST_TANH is in float32


class Case:
    """Actions inside bounds, and the density of each.

    Args:
        shape: of mean, std and action, `(..., components)`.
        bounds: shape of the bounds.
        std: lowest and highest standard deviation; the actions are as far from the mean as the policy's own.
        scale: of the bounds, whose half-widths are 0.75 to 2.5 times as large.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        shape: tuple,
        bounds: tuple,
        std: tuple[float, float] = (0.4, 0.8),
        scale: float = 1.0,
    ):
        self.mean = (rng.normal(size=shape) / 2).astype(np.float32)
        self.std = rng.uniform(*std, size=shape).astype(np.float32)
        self.low = (scale * rng.uniform(-5.0, 1.0, size=bounds)).astype(np.float32)
        self.high = self.low + (scale * rng.uniform(1.5, 5.0, size=bounds)).astype(np.float32)
        u = np.clip(self.mean + self.std * rng.uniform(-2.0, 2.0, size=shape), -1.5, 1.5)
        self.action = (self.low + (self.high - self.low) * (np.tanh(u) + 1) / 2).astype(np.float32)

    def to_the_bounds(self) -> None:
        """Puts the first action on the lower bounds, the second on the upper ones, the third with one component."""
        self.action[0], self.action[1], self.action[2, 0] = self.low, self.high, self.high[0]

    def run(self, student: Student) -> Reply:
        """Calls tanh_normal_log_prob."""
        names = ("mean", "std", "action", "low", "high")
        return student.run(EXERCISE, **{name: getattr(self, name) for name in names})

    @property
    def half_width(self) -> np.ndarray:
        """Of the bounds, as many as components."""
        return np.broadcast_to((self.high.astype(float) - self.low) / 2, self.action.shape)

    def squeezed(self) -> np.ndarray:
        """The actions from -1 to 1, limited."""
        return np.clip((self.action - self.low.astype(float)) / self.half_width - 1, -HIGHEST, HIGHEST)

    def normal(self, u: np.ndarray, std: np.ndarray | None = None) -> np.ndarray:
        """log N(u; mean, std) of every component."""
        std = self.std.astype(float) if std is None else std
        return -(((u - self.mean) / std) ** 2) / 2 - np.log(std) - np.log(2 * np.pi) / 2

    def right(self, limit: float = HIGHEST) -> np.ndarray:
        """The log-density of every component; the result is its sum. Squeezed actions are limited to `limit`."""
        squeezed = np.clip(self.squeezed(), -limit, limit)
        return self.normal(np.arctanh(squeezed)) - np.log(1 - squeezed**2) - np.log(self.half_width)

    def mistakes(self) -> Hints:
        """What known mistakes give instead."""
        squeezed, half = self.squeezed(), np.log(self.half_width)
        u = np.arctanh(squeezed)
        slope, normal, right = np.log(1 - squeezed**2), self.normal(u), self.right()
        unscaled = np.arctanh(np.clip(self.action.astype(float), -HIGHEST, HIGHEST))
        return [
            (right, "One value for each component: sum over the components, dim=-1."),
            (right.mean(axis=-1), "You average over the components: the log-densities add up."),
            (right.sum(axis=0), "The sum runs over another axis: sum over the components, dim=-1."),
            (right.sum(), "The sum runs over everything: sum over the components, dim=-1."),
            ((right + slope).sum(axis=-1), "The slope of tanh is missing: subtract log_tanh_slope(u)."),
            (
                (right + half).sum(axis=-1),
                "The stretch to the bounds is missing: subtract log((high - low) / 2).",
            ),
            (
                normal.sum(axis=-1),
                "Both changes of variables are missing: tanh squeezes, the bounds stretch.",
            ),
            (
                (right + 2 * slope).sum(axis=-1),
                "The slope of tanh has the wrong sign: squeezing makes the density higher.",
            ),
            (
                (right + 2 * half).sum(axis=-1),
                "The stretch has the wrong sign: a wider range makes the density lower.",
            ),
            (
                (right - np.log(2)).sum(axis=-1),
                "The stretch is by half the width of the bounds: log((high - low) / 2).",
            ),
            (
                (right + half).sum(axis=-1) - half[..., 0],
                "The stretch counts for every component, each with its own bounds.",
            ),
            (
                (self.normal(unscaled) - np.log(1 - np.tanh(unscaled) ** 2) - half).sum(axis=-1),
                "The action is taken as it is: bring it from its bounds to -1..1 first.",
            ),
            (
                (self.normal(squeezed) - slope - half).sum(axis=-1),
                "Take the normal density of u, before the tanh: u = atanh(squeezed action).",
            ),
            (
                (self.normal(u, np.sqrt(self.std.astype(float))) - slope - half).sum(axis=-1),
                "You use std as the variance: it is the standard deviation.",
            ),
            (
                (self.normal(u, self.std.astype(float) ** 2) - slope - half).sum(axis=-1),
                "std is squared: torch.distributions.Normal takes the standard deviation.",
            ),
        ]


@judge(
    EXERCISE,
    points=1.5,
    title="the log-density of actions within their bounds",
    read=READ,
    why="Each change of variables divides the density by its slope. The log-densities of independent components add up.",
)
def test_value(student, rng):
    case = Case(rng, (5, 3), (3,))
    compare(
        case.run(student)["value"],
        case.right().sum(axis=-1),
        tried="5 actions of 3 components, each with bounds of its own",
        hints=[*case.mistakes(), *softened(case)],
        hint="log N(u) - log(1 - tanh(u)^2) - log((high - low) / 2), summed over the components.",
        rtol=3e-3,
        atol=3e-3,
    )


@judge(
    EXERCISE,
    points=0.25,
    title="for small and large standard deviations, means far out, and bounds of any width",
    read=READ,
    depends=["value"],
    why="A policy begins with a large standard deviation and ends with a small one. The formula is the same.",
)
def test_any_std(student, rng):
    stds = [(0.02, 0.1), (1.2, 3.0), (5e-4, 1e-3), (20.0, 200.0)]
    for std, scale in [*((std, 1.0) for std in stds), ((0.4, 0.8), 1e-3), ((0.4, 0.8), 50.0)]:
        case = Case(rng, (6, 2), (2,), std, scale)
        if std[0] > 1:
            case.mean[:3] = np.float32([[6.0, -6.0], [-9.0, 9.0], [40.0, -40.0]])
        small = std[1] < 0.01  # float32 is rough there, close to the mean
        if small:
            case.mean[:3] += 0.5  # log-densities far below 0
        compare(
            case.run(student)["value"],
            case.right().sum(axis=-1),
            tried=f"6 actions of 2 components, standard deviations from {std[0]} to {std[1]}, means up to "
            f"{np.abs(case.mean).max():.2g}, bounds {(case.high - case.low).min():.2g} apart or more",
            hints=[*case.mistakes(), *softened(case)],
            hint="Use mean and std as they are, small or large, and the log-density as it is, also far below 0."
            if scale == 1.0
            else "Use the bounds as they are, close together or far apart.",
            rtol=5e-4 if small else 3e-3,
            atol=1e-2 if small else 3e-3,
        )


@judge(
    EXERCISE,
    points=0.25,
    title="the arguments stay unchanged, also on the bounds",
    read=READ,
    depends=["value"],
    why="The same batch is used again in the next epoch.",
)
def test_arguments(student, rng):
    for where in ("within the bounds", "on the bounds"):
        case = Case(rng, (4, 2), (2,))
        if where == "on the bounds":
            case.to_the_bounds()
        reply = case.run(student)
        for name in ("mean", "std", "action", "low", "high"):
            compare(
                reply[name],
                getattr(case, name),
                tried=f"actions {where}: {name} after the call",
                atol=0.0,
                rtol=0.0,
                hint=f"tanh_normal_log_prob changed {name}: compute in tensors of your own.",
            )


@judge(
    EXERCISE,
    points=0.5,
    title="for a batch with axes for time and agents",
    read=READ,
    depends=["value"],
    why="Every agent of every frame has a log-probability of its own: only the components are summed.",
)
def test_team(student, rng):
    sizes = [((4, 5, 3, 2), (3, 2)), ((2, 2, 2), (2, 2)), ((2,), (2,)), ((3, 1), (1,)), ((1, 4), (4,))]
    sizes += [((4, 3, 1), (3, 1)), ((1, 1, 1), (1, 1)), ((1,), (1,)), ((3, 2), ()), ((3, 2), (3, 2))]
    for shape, bounds in sizes:
        case = Case(rng, shape, bounds)
        apart = min(shape) > 1  # else different mistakes give the same
        compare(
            case.run(student)["value"],
            case.right().sum(axis=-1),
            tried=f"actions {shape}, bounds {bounds}",
            hints=[*case.mistakes(), *softened(case)] if apart else [],
            hint="The components stand on the last axis, with any axes in front of it.",
            rtol=3e-3,
            atol=3e-3,
        )


@judge(
    EXERCISE,
    points=1.0,
    title="finite on the bounds, value and gradients",
    read=READ,
    depends=["value"],
    why="If tanh was rounded to 1, its inverse is infinite, and one such action makes all weights NaN.",
)
def test_on_the_bounds(student, rng):
    for std, atol in (((2.0, 4.0), 0.1), ((0.4, 0.8), 2.0)):  # far out in a narrow density float32 is rough
        case = Case(rng, (4, 2), (2,), std)
        case.to_the_bounds()
        reply = case.run(student)
        value = reply["value"]
        tried = (
            "4 actions, two with both components on a bound, one with one component; standard deviations from "
            f"{std[0]} to {std[1]}"
        )
        require(
            isinstance(value, np.ndarray) and value.shape == (4,) and np.isfinite(value).all(),
            tried=f"{tried}: whether all is finite",
            got=value,
            expected="finite numbers",
            hint="The inverse of tanh is infinite at 1, and so is the logarithm of its slope: limit the squeezed "
            "action to HIGHEST_TANH before both.",
        )
        compare(
            value,
            case.right().sum(axis=-1),
            tried=tried,
            hints=[*limits(case), *softened(case)],
            hint="Limit the squeezed action to -HIGHEST_TANH..HIGHEST_TANH, and take u and the slope there.",
            rtol=2e-3,
            atol=atol,
        )
        u = np.arctanh(case.squeezed())
        expected = {
            "of_mean": (u - case.mean) / case.std**2,
            "of_std": ((u - case.mean) ** 2 / case.std**2 - 1) / case.std,
        }
        for name, right in expected.items():
            compare(
                reply[name],
                right,
                tried=f"{tried}: the gradient of the sum with regard to {name.removeprefix('of_')}",
                hint="Gradients must flow through mean and std, and stay finite.",
                rtol=2e-2,
                atol=5e-2,
            )


@judge(
    EXERCISE,
    points=0.5,
    title="actions close to a bound keep their own values",
    read=READ,
    depends=["on_the_bounds"],
    why="A policy with extreme actions is close to the bounds all the time. Those actions must stay different.",
)
def test_near_the_bounds(student, rng):
    case = Case(rng, (6, 1), (1,), (1.0, 2.0))
    near = np.array([[-0.99999], [-0.9999], [-0.999], [0.999], [0.9999], [0.99999]])
    case.low, case.high = np.float32([-1.0]), np.float32([1.0])
    case.action = near.astype(np.float32)
    compare(
        case.run(student)["value"],
        case.right().sum(axis=-1),
        tried="actions 0.999, 0.9999, 0.99999 and their negatives, of a range from -1 to 1",
        hints=[*limits(case), *softened(case)],
        hint="HIGHEST_TANH changes none of these: u = atanh(squeezed action), also close to a bound.",
        rtol=2e-3,
        atol=2e-2,
    )


def limits(case: Case) -> Hints:
    """What other limits than HIGHEST_TANH give."""
    inside = "Your limit is {}, too far inside: it cuts off real actions. Take HIGHEST_TANH."
    return [
        (case.right(limit).sum(axis=-1), inside.format(limit))
        for limit in (0.9, 0.95, 0.99, 0.999, 0.9999, 0.99999)
    ]


def softened(case: Case) -> Hints:
    """What a small number inside the logarithm of the slope gives, with the action limited there and without."""
    inside = case.squeezed()
    outside = (case.action - case.low.astype(float)) / case.half_width - 1
    rest = case.normal(np.arctanh(inside)) - np.log(case.half_width)
    return [
        (
            (rest - np.log(1 - np.minimum(np.abs(action), 1.0) ** 2 + small)).sum(axis=-1),
            "A number that is added inside the logarithm counts on the bounds: limit the action, and add nothing.",
        )
        for action in (inside, outside)
        for small in (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
    ]
