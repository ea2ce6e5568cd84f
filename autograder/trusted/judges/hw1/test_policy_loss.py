"""Judges of hw1.policy_loss: closed forms in every corner of the clipped objective, and its gradient."""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import Hints, compare, judge, require

EXERCISE = "hw1.policy_loss"
READ = "ppo/what-is-ppo"


class Case:
    """Samples with given ratios and advantages.

    Args:
        ratio, advantage: `(batch,)`.
        clip_range: eps.
    """

    def __init__(self, rng: np.random.Generator, ratio: np.ndarray, advantage: np.ndarray, clip_range: float):
        self.advantage, self.eps = np.asarray(advantage, np.float32), clip_range
        self.old = rng.uniform(-2.0, -1.0, size=len(ratio)).astype(np.float32)
        self.new = (self.old + np.log(ratio)).astype(np.float32)
        self.ratio = np.exp(self.new - self.old)

    def run(self, student: Student) -> Reply:
        """Calls policy_loss on these samples."""
        return student.run(
            EXERCISE,
            log_prob=self.new,
            old_log_prob=self.old,
            advantage=self.advantage,
            clip_range=self.eps,
        )

    def objective(self, low: bool = True, high: bool = True) -> np.ndarray:
        """Of every sample; the clip may be left out below or above."""
        clipped = np.clip(self.ratio, 1 - self.eps if low else None, 1 + self.eps if high else None)
        return np.minimum(self.ratio * self.advantage, clipped * self.advantage)

    def loss(self) -> float:
        """The right one."""
        return -self.objective().mean()

    def mistakes(self) -> Hints:
        """What known mistakes give instead."""
        r, a, log_ratio = self.ratio, self.advantage, self.new - self.old
        clipped = np.clip(r, 1 - self.eps, 1 + self.eps)
        inverse = 1 / r
        logs = np.clip(log_ratio, 1 - self.eps, 1 + self.eps)
        return [
            (-self.loss(), "The sign: the objective is to grow, so the loss is its negative."),
            (-self.objective().sum(), "This is the sum over the batch: return the mean."),
            (-self.objective(), "One value for each sample: return the mean over the batch."),
            (
                -np.minimum(log_ratio * a, logs * a).mean(),
                "The ratio is missing its exp: ratio = exp(log_prob - old_log_prob).",
            ),
            (
                -np.minimum(inverse * a, np.clip(inverse, 1 - self.eps, 1 + self.eps) * a).mean(),
                "The ratio is upside down: the new probability stands above the old one.",
            ),
            (
                -np.maximum(r * a, clipped * a).mean(),
                "You take the larger of the two objectives: take the smaller, torch.min.",
            ),
            (
                -self.objective(low=False).mean(),
                "The ratio is clipped above only: clamp it to 1 - clip_range as well.",
            ),
            (
                -self.objective(high=False).mean(),
                "The ratio is clipped below only: clamp it to 1 + clip_range as well.",
            ),
            (
                -(clipped * a).mean(),
                "Only the clipped objective: take the smaller of it and the unclipped one, for every sample.",
            ),
            (
                -(r * a).mean(),
                "Nothing is clipped: for every sample the smaller of ratio * A and clamp(ratio) * A counts.",
            ),
            (-(self.new * a).mean(), "This is the plain policy gradient: PPO weighs with the ratio."),
            (
                -np.minimum(r * a, np.clip(r * a, 1 - self.eps, 1 + self.eps)).mean(),
                "Clamp the ratio, not ratio * A.",
            ),
            (
                -np.minimum(r * a, np.clip(r, -self.eps, self.eps) * a).mean(),
                "The ratio is clamped around 1: from 1 - clip_range to 1 + clip_range.",
            ),
        ]


@judge(
    EXERCISE,
    points=1.0,
    title="inside the clip range: minus the mean of ratio times advantage",
    read=READ,
    why="The ratio corrects for samples that an older policy drew; a loss is made smaller, so it is negated.",
)
def test_inside(student, rng):
    advantages = rng.uniform(0.5, 1.0, size=5) * [3.0, -2.0, 1.0, -1.0, 1.0]
    case = Case(rng, rng.uniform(0.85, 1.15, size=5), advantages, 0.2)
    reply = case.run(student)
    compare(
        reply["value"],
        case.loss(),
        tried="5 samples with ratios from 0.85 to 1.15, clip_range 0.2: the loss",
        hints=case.mistakes(),
    )
    require(
        reply["type"] == "Tensor",
        tried="the type of the loss",
        got=reply["type"],
        expected="Tensor",
        hint="Return a tensor: .item() would cut the gradient.",
    )


@judge(
    EXERCISE,
    points=1.5,
    title="outside of it: the smaller of both objectives",
    read=READ,
    depends=["inside"],
    why=(
        "Moving further in the direction that pays is no longer rewarded, while a move in the wrong "
        "direction keeps its full cost: a pessimistic bound."
    ),
)
def test_outside(student, rng):
    eps = float(rng.uniform(0.1, 0.3))
    ratios = np.concatenate([rng.uniform(0.3, 0.6, size=4), rng.uniform(1.5, 2.0, size=4)])
    advantages = np.tile([1.0, -1.0], 4) * rng.uniform(0.5, 2.0, size=8)  # both signs on both sides
    case = Case(rng, ratios, advantages, eps)
    compare(
        case.run(student)["value"],
        case.loss(),
        tried=f"8 samples on both sides with advantages of both signs, clip_range {eps:.2f}: the loss",
        hints=case.mistakes(),
    )


@judge(
    EXERCISE,
    points=1.0,
    title="the gradient flows where the objective is not clipped",
    read=READ,
    depends=["outside"],
    why="A clipped sample has had its say. All others still move the policy, by ratio times advantage.",
)
def test_gradient(student, rng):
    ratio = np.array([0.5, 0.5, 0.95, 1.1, 1.6, 1.6])
    case = Case(rng, ratio, np.array([1, -1, 1, -1, 1, -1]) * rng.uniform(0.5, 2.0, size=6), 0.2)
    flows = np.array([1, 0, 1, 1, 0, 1])  # which of ratio * A and the clipped one is the smaller
    right = -case.ratio * case.advantage * flows / 6
    compare(
        case.run(student)["gradient"],
        right,
        tried="6 samples, clip_range 0.2: the gradient with regard to log_prob",
        hints=[
            (
                np.zeros(6),
                "No gradient arrives: log_prob must not be detached, and nothing run under no_grad.",
            ),
            (
                -case.ratio * case.advantage / 6,
                "Clipped samples still have a gradient: clamp the tensor ratio.",
            ),
            (-case.advantage * flows / 6, "The gradient lacks the ratio: do not detach it."),
        ],
        hint="A sample's gradient is -ratio * A / batch, and 0 where the clipped objective is the smaller.",
    )


@judge(
    EXERCISE,
    points=0.5,
    title="the advantage is a constant",
    read=READ,
    depends=["inside"],
    why="It says how good an action was. A loss that may change it makes bad actions look good instead.",
)
def test_advantage_is_constant(student, rng):
    case = Case(rng, rng.uniform(0.9, 1.1, size=4), rng.normal(size=4), 0.2)
    compare(
        case.run(student)["of_advantage"],
        np.zeros(4),
        tried="4 samples whose advantage carries a gradient: the gradient with regard to the advantage",
        hint="Gradients flow into the advantage: use advantage.detach().",
    )
