"""Judges of hw1.tanh_normal_log_prob: closed forms, the sum over all actions, far-out values."""

from __future__ import annotations

import numpy as np

from autograder.trusted.judging import array_of, compare, judge, nothing_else_changed, require

EXERCISE = "hw1.tanh_normal_log_prob"
READ = "ppo/four-stages"


def normal(mean: np.ndarray, log_std: np.ndarray, u: np.ndarray) -> np.ndarray:
    """log N(u; mean, std) of every component."""
    return -(((u - mean) / np.exp(log_std)) ** 2) / 2 - log_std - np.log(2 * np.pi) / 2


def slope(u: np.ndarray) -> np.ndarray:
    """log(1 - tanh(u)^2), exact far out too."""
    u = np.asarray(u, np.float64)
    return 2 * (np.log(2) - u - np.logaddexp(0, -2 * u))


def mistakes(mean: np.ndarray, log_std: np.ndarray, u: np.ndarray) -> list[tuple[object, str]]:
    """What known mistakes give instead."""
    density, change = normal(mean, log_std, u), slope(u)
    right = density - change
    squashed = np.tanh(u)
    return [
        (right, "One value for each component: sum over the components, dim=1."),
        (
            right.mean(axis=1),
            "You average over the components: the log-densities of independent ones add up.",
        ),
        (right.sum(axis=0), "The sum runs over the batch: sum over the components, dim=1."),
        (right.sum(), "The sum runs over the batch too: sum over the components, dim=1."),
        (
            density.sum(axis=1),
            "The change of variables is missing: subtract log(1 - tanh(u)^2), log_tanh_slope(pre_tanh).",
        ),
        (
            density,
            "One value for each component, and the change of variables is missing.",
        ),
        ((density + change).sum(axis=1), "The change of variables has the wrong sign: subtract it."),
        (
            (density - np.log(1 - np.abs(squashed))).sum(axis=1),
            "tanh(u) must be squared in the change of variables.",
        ),
        (
            (normal(mean, log_std, squashed) - change).sum(axis=1),
            "Take the normal density of u, before the tanh, not of tanh(u).",
        ),
        (
            (normal(mean, log_std / 2, u) - change).sum(axis=1),
            "You use exp(log_std) as the variance: it is the standard deviation.",
        ),
        (
            (normal(mean, log_std * 2, u) - change).sum(axis=1),
            "You use the square of the standard deviation in place of the standard deviation.",
        ),
        (
            (density + np.log(2 * np.pi) / 2 - change).sum(axis=1),
            "The constant log sqrt(2 pi) of the normal density is missing.",
        ),
        (density.sum(axis=1) - change[:, 0], "The change of variables counts for every component."),
        (
            (density - slope(mean)).sum(axis=1),
            "The change of variables belongs to u, pre_tanh, not to the mean.",
        ),
        (
            (normal(mean, np.log(np.logaddexp(0, log_std)), u) - change).sum(axis=1),
            "You take softplus(log_std): the standard deviation is exp(log_std).",
        ),
        (
            (right + log_std / 2).sum(axis=1),
            "Half of log_std is missing: the normal density is divided by the whole standard deviation.",
        ),
    ]


def limits(mean: np.ndarray, log_std: np.ndarray, u: np.ndarray) -> list[tuple[object, str]]:
    """What it gives to limit something, or to add a small number."""
    mean, log_std, u = (np.asarray(array, np.float64) for array in (mean, log_std, u))
    density, change, deviation = normal(mean, log_std, u), slope(u), np.exp(log_std)
    right = (density - change).sum(axis=1)
    anything = "The log-density is limited: it may be any number, far above and far below 0."
    limited = "log_std is limited: it may be any number from -30 to 30."
    added = "A small number is added to the standard deviation or the variance, or limits it: take exp(log_std) as it is."

    def with_std(other: np.ndarray) -> np.ndarray:
        return (normal(mean, np.log(other), u) - change).sum(axis=1)

    tiny = (1e-4, 1e-5, 1e-6, 1e-8, 1e-10)
    return [
        *((np.maximum(right, -bound), anything) for bound in (20, 50, 100)),
        *((np.minimum(right, bound), anything) for bound in (2, 10, 20, 50, 100)),
        *(((np.maximum(density, -bound) - change).sum(axis=1), anything) for bound in (20, 50, 100)),
        *(
            (
                (normal(np.clip(mean, -bound, bound), log_std, u) - change).sum(axis=1),
                "The mean is limited: it may be any number.",
            )
            for bound in (1, 2, 3, 5, 9, 10, 20)
        ),
        *((with_std(np.exp(np.maximum(log_std, -bound))), limited) for bound in (2, 3, 4, 5, 8, 10, 20)),
        *((with_std(np.exp(np.minimum(log_std, bound))), limited) for bound in (0, 0.5, 1, 2, 3, 4, 5, 10)),
        *((with_std(deviation + one), added) for one in tiny),
        *((with_std(np.sqrt(deviation**2 + one)), added) for one in tiny),
        *((with_std(np.maximum(deviation, one)), added) for one in (1e-3, *tiny)),
        *((with_std(np.sqrt(np.maximum(deviation**2, one))), added) for one in tiny),
    ]


@judge(
    EXERCISE,
    points=1.0,
    title="the log-density of squashed actions, one value for each row",
    read=READ,
    why="tanh divides the density by its slope. The log-densities of independent components add up.",
)
def test_value(student, rng):
    for batch, components, lowest, highest in ((4, 3, -1.0, -0.3), (3, 3, 0.3, 1.0), (1, 3, -3.0, 3.0),
                                               (4, 1, -6.0, -5.0), (1, 1, 2.5, 3.5)):  # fmt: skip
        mean = rng.normal(size=(batch, components)).astype(np.float32)
        log_std = rng.uniform(lowest, highest, size=components).astype(np.float32)
        u = mean + np.exp(log_std) * rng.uniform(-2.0, 2.0, size=mean.shape)
        u = np.clip(u, -3.0, 3.0).astype(np.float32)
        reply = student.run(EXERCISE, mean=mean, log_std=log_std, pre_tanh=u)
        right, dropped = (
            (normal(mean, log_std, u) - slope(u)).sum(axis=1),
            "An axis of length 1 is dropped: (batch,).",
        )
        compare(
            reply["value"],
            right,
            tried=f"a batch of {batch}, {components} components, log_std from {lowest:g} to {highest:g}",
            hints=[
                *(mistakes(mean, log_std, u) if min(batch, components) > 1 else [(right.squeeze(), dropped)]),
                *limits(mean, log_std, u),
            ],
            rtol=1e-3,
            atol=5e-3,
        )


@judge(
    EXERCISE,
    points=0.5,
    title="it is a density: over all actions it sums to 1",
    read=READ,
    depends=["value"],
    why="The probabilities of all actions must add up to 1.",
)
def test_density(student, rng):
    actions, cell = np.linspace(-1 + 1e-4, 1 - 1e-4, 4001, retstep=True)
    log_std = rng.uniform(-0.9, -0.2, size=1).astype(np.float32)
    mean = np.full((4001, 1), rng.uniform(-0.5, 0.5), np.float32)
    reply = student.run(
        EXERCISE, mean=mean, log_std=log_std, pre_tanh=np.arctanh(actions)[:, None].astype(np.float32)
    )
    compare(
        float(np.exp(array_of(reply, "value", 1)).sum() * cell),
        1.0,
        tried="one component, 4001 actions a = tanh(u) from -1 to 1: the sum of density times step",
        atol=5e-3,
        hint="The density of tanh(u) is that of u divided by 1 - tanh(u)^2.",
    )


@judge(
    EXERCISE,
    points=0.5,
    title="right at large |u| and at any log_std, with the right gradient",
    read=READ,
    depends=["value"],
    why="A policy with extreme actions reaches u = 20, where 1 - tanh(u)^2 is rounded to 0.",
)
def test_far_out(student, rng):
    u = np.array([[20.0], [-20.0], [60.0], [rng.uniform(0.5, 1.5)], [rng.uniform(5.0, 7.0)]], np.float32)
    mean, log_std = np.array([[0.0], [0.0], [50.0], [0.0], [3.0]], np.float32), np.array([0.5], np.float32)
    reply = student.run(EXERCISE, mean=mean, log_std=log_std, pre_tanh=u)
    small = "1 - tanh(u)^2 is rounded to 0 here, so only the small number that you add counts: use log_tanh_slope(pre_tanh)."
    squashed = 1 - np.tanh(u.astype(np.float64)) ** 2
    compare(
        reply["value"],
        (normal(mean, log_std, u) - slope(u)).sum(axis=1),
        tried=f"u = 20, -20, 60, {u[3, 0]:.2f} and {u[4, 0]:.2f}",
        rtol=1e-3,
        atol=1e-3,
        hints=[
            *limits(mean, log_std, u),
            *(
                (np.broadcast_to(wrong[:, 0], len(u)), small)
                for tiny in (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10)
                for wrong in (
                    normal(mean, log_std, u) - np.log(squashed + tiny),
                    normal(mean, log_std, u) - np.log(np.maximum(squashed, tiny)),
                )
            ),
        ],
        hint="At large |u| the logarithm of 1 - tanh(u)^2 is about 2 log 2 - 2 |u|; log_tanh_slope(pre_tanh) gives it.",
    )
    for spread in (-30.0, -15.0, -9.0, 5.0, 12.0):
        given = np.array([spread], np.float32)
        far = np.array([[-30.0], [-3.0], [-0.5], [0.0], [1.0], [4.0], [30.0]]) * np.exp(spread)
        far, middle = np.clip(far, -150.0, 150.0).astype(np.float32), np.zeros((7, 1), np.float32)
        compare(
            student.run(EXERCISE, mean=middle, log_std=given, pre_tanh=far)["value"],
            (normal(middle, given.astype(np.float64), far.astype(np.float64)) - slope(far)).sum(axis=1),
            tried=f"one component, log_std {spread:g}, mean 0, u up to 30 standard deviations away and up to 150",
            rtol=1e-3,
            atol=1e-3,
            hints=limits(middle, given, far),
            hint="Stay in logarithms (a density is rounded to 0 or overflows, and so does cosh), limit nothing and add "
            "nothing to the standard deviation.",
        )
    variance = np.exp(2 * log_std)
    expected = {
        "of_mean": (u - mean) / variance,
        "of_log_std": (((u - mean) ** 2) / variance - 1).sum(axis=0),
    }
    for name, right in expected.items():
        compare(
            reply[name],
            right,
            tried=f"the gradient of the sum with regard to {name.removeprefix('of_')}",
            rtol=1e-3,
            atol=1e-3,
            hints=[(0 * right, f"No gradient arrives at {name.removeprefix('of_')}.")],
            hint="Gradients must flow through mean and log_std.",
        )
    require(reply["type"] == "Tensor", tried="the type of the result", got=reply["type"], expected="Tensor")
    nothing_else_changed(reply)
