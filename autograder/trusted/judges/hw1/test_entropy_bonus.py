"""Judges of hw1.entropy_bonus, against closed forms."""

from __future__ import annotations

import numpy as np

from autograder.trusted.judging import compare, judge, nothing_else_changed

EXERCISE = "hw1.entropy_bonus"
READ = "ppo/four-stages"
SHAPES = ((4, 3), (1, 3), (3, 1), (1, 1), (3, 3), (2, 40), (3000, 4))  # rows, actions


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Log-probabilities, `(batch, actions)`."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def mistakes(log_probs: np.ndarray) -> list[tuple[object, str]]:
    """What known mistakes give instead."""
    p = np.exp(log_probs)
    terms = -p * log_probs
    return [
        (
            -terms.sum(axis=1).mean(),
            "The sign is wrong: entropy is minus the sum of p log p, and never negative.",
        ),
        (terms.sum(axis=1), "This is the entropy of each row: return the mean over the rows."),
        (terms.sum(), "This is the sum over the batch: return the mean."),
        (terms.mean(), "You average over the actions too: sum over them, average over the rows."),
        (-log_probs.sum(axis=1).mean(), "The weights p are missing: sum p log p, not log p."),
        (-log_probs.mean(), "The weights p are missing: sum p log p, not log p."),
        (terms.sum(axis=0).mean(), "The sum runs over the batch: sum over the actions, dim=1."),
        (
            (terms / np.log(2)).sum(axis=1).mean(),
            "This is the entropy in bits: use the natural logarithm, as given.",
        ),
        (
            terms.sum(axis=1).mean() / np.log(max(2, p.shape[1])),
            "You divide by the largest possible entropy, log(actions): return the entropy itself.",
        ),
        *(
            (
                -(p * np.log(p + tiny)).sum(axis=1).mean(),
                "A small number is added before a logarithm: use the given log-probabilities.",
            )
            for tiny in (1e-2, 1e-3, 1e-4, 1e-5)
        ),
        *(
            (terms[:rows].sum(axis=1).mean(), "Only the first rows count: the mean runs over all of them.")
            for rows in (1, 32, 64, 128, 256, 512, 1024, 2048)
        ),
    ]


def slope(log_probs: np.ndarray) -> np.ndarray:
    """The right gradient with regard to the logits."""
    p = np.exp(log_probs)
    entropy = -(p * log_probs).sum(axis=1, keepdims=True)
    return -p * (log_probs + entropy) / len(log_probs)


@judge(
    EXERCISE,
    points=0.5,
    title="the mean entropy of the rows",
    read=READ,
    why="Entropy measures how random a policy is: log(actions) if all actions are equally likely, 0 if it always takes the same.",
)
def test_value(student, rng):
    uniform = np.full((3, 5), rng.normal(), np.float32)
    compare(
        student.run(EXERCISE, logits=uniform)["value"],
        np.log(5),
        tried="3 uniform policies over 5 actions",
        hints=mistakes(log_softmax(uniform)),
    )
    for shape in SHAPES:
        logits = rng.normal(size=shape).astype(np.float32) * 2
        logits[1000:] /= 3  # far less certain than the first ones
        log_probs = log_softmax(logits)
        reply = student.run(EXERCISE, logits=logits)
        compare(
            reply["value"],
            -(np.exp(log_probs) * log_probs).sum(axis=1).mean(),
            tried=f"{shape[0]} random policies over {shape[1]} actions",
            hints=mistakes(log_probs),
        )
    nothing_else_changed(reply)


@judge(
    EXERCISE,
    points=0.25,
    title="a certain policy has entropy 0",
    read=READ,
    depends=["value"],
    why="Small probabilities are rounded to 0, and log(0) is not a number. Their logarithms stay finite.",
)
def test_certain(student, rng):
    logits = np.zeros((2, 3), np.float32)
    logits[:, rng.integers(3)] = 200.0
    reply = student.run(EXERCISE, logits=logits)
    certain = "2 policies that are certain of one action (the others' log-probability is -200)"
    hints = [(np.nan, "Use the given log-probabilities: a logarithm of exp(log_probs) is log(0) here.")]
    compare(reply["value"], 0.0, tried=certain, hints=hints)
    hints = [
        (
            np.where(np.isnan(np.asarray(reply["gradient"], float)), np.nan, 0.0),
            "The value is right, but its gradient is not a number: the slope of p log p has no limit at p = 0. Use the "
            "given log-probabilities.",
        )
    ]
    compare(reply["gradient"], np.zeros((2, 3)), tried=f"{certain}: the gradient", hints=hints)
    logits = rng.normal(size=(3, 3)).astype(np.float32)
    logits[rng.integers(3), rng.integers(3)] = 200.0
    log_probs = log_softmax(logits)
    each = -(np.exp(log_probs) * log_probs).sum(axis=1)
    reply = student.run(EXERCISE, logits=logits)
    compare(
        reply["value"],
        each.mean(),
        tried="3 policies, of which one is certain",
        hints=[(each.sum() / 2, "The certain policy is left out: its entropy of 0 counts in the mean.")],
    )


@judge(
    EXERCISE,
    points=0.25,
    title="the gradient flows through it",
    read=READ,
    depends=["value"],
    why="The bonus changes the policy only through its gradient.",
)
def test_gradient(student, rng):
    for shape in SHAPES[:2]:
        logits = rng.normal(size=shape).astype(np.float32)
        compare(
            student.run(EXERCISE, logits=logits)["gradient"],
            slope(log_softmax(logits)),
            tried=f"{shape[0]} random policies over {shape[1]} actions: the gradient with regard to the logits",
            hints=[
                (
                    np.zeros(shape),
                    "No gradient arrives: return a tensor, without .item(), .detach() or no_grad.",
                )
            ],
            hint="Gradients must flow through p and through log p.",
        )
