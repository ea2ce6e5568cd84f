"""Judges of hw1.tanh_normal_log_prob: closed forms, the sum over all actions, far-out values."""

from __future__ import annotations

import numpy as np

from autograder.trusted.judging import array_of, compare, judge, require

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
            "The normal density is that of u, before the tanh, not of tanh(u).",
        ),
        (
            (normal(mean, log_std / 2, u) - change).sum(axis=1),
            "You take exp(log_std) for the variance: it is the standard deviation.",
        ),
        (
            (normal(mean, log_std * 2, u) - change).sum(axis=1),
            "You take the square of the standard deviation for the standard deviation.",
        ),
        (
            (density + np.log(2 * np.pi) / 2 - change).sum(axis=1),
            "The constant log sqrt(2 pi) of the normal density is missing.",
        ),
        (density.sum(axis=1) - change[:, 0], "The change of variables counts for every component."),
    ]


@judge(
    EXERCISE,
    points=1.0,
    title="the log-density of squashed actions, one value for each row",
    read=READ,
    why="Squeezing changes the density by the slope of tanh; independent components' logs add up.",
)
def test_value(student, rng):
    mean, u = rng.normal(size=(2, 4, 3)).astype(np.float32)
    log_std = rng.uniform(-1.0, -0.3, size=3).astype(np.float32)
    reply = student.run(EXERCISE, mean=mean, log_std=log_std, pre_tanh=u)
    compare(
        reply["value"],
        (normal(mean, log_std, u) - slope(u)).sum(axis=1),
        tried="a batch of 4, 3 components",
        hints=mistakes(mean, log_std, u),
        rtol=1e-3,
        atol=1e-3,
    )


@judge(
    EXERCISE,
    points=0.5,
    title="it is a density: over all actions it sums to 1",
    read=READ,
    depends=["value"],
    why="Whatever the formula looks like, the probabilities of all actions must add up to 1.",
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
    title="finite far out, and the gradient is right",
    read=READ,
    depends=["value"],
    why="A policy that pushes hard reaches u = 20, where 1 - tanh(u)^2 rounds to 0.",
)
def test_far_out(student, rng):
    u = np.array([[20.0], [-20.0], [rng.uniform(0.5, 1.5)]], np.float32)
    mean, log_std = np.zeros((3, 1), np.float32), np.array([0.5], np.float32)
    reply = student.run(EXERCISE, mean=mean, log_std=log_std, pre_tanh=u)
    compare(
        reply["value"],
        (normal(mean, log_std, u) - slope(u)).sum(axis=1),
        tried=f"u = 20, -20 and {u[2, 0]:.2f}",
        rtol=1e-3,
        atol=1e-3,
        hint="Use log_tanh_slope(pre_tanh): log(1 - tanh(u)^2 + a small number) is far off for large u.",
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
            hint="Gradients must flow through mean and log_std.",
        )
    require(reply["type"] == "Tensor", tried="the type of the result", got=reply["type"], expected="Tensor")
