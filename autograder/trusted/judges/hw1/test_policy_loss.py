"""Judges of hw1.policy_loss: closed forms in every corner of the clipped objective, and its gradient."""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import Hints, attempt, compare, judge, nothing_else_changed

EXERCISE = "hw1.policy_loss"
READ = "ppo/what-is-ppo"


class Case:
    """Samples with given ratios and advantages.

    Args:
        ratio, advantage: `(batch,)`.
        clip_range: eps.
        old: the old log-probability of all samples, instead of some from -2 to -1.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        ratio: np.ndarray,
        advantage: np.ndarray,
        clip_range: float,
        old: float | None = None,
    ):
        self.advantage, self.eps = np.asarray(advantage, np.float32), clip_range
        low, high = (-2.0, -1.0) if old is None else (old, old)
        self.old = rng.uniform(low, high, size=len(ratio)).astype(np.float32)
        self.new = (self.old + np.log(ratio)).astype(np.float32)
        self.ratio = np.exp(self.new - self.old)

    def run(self, student: Student) -> Reply:
        """Calls policy_loss on these samples."""
        return attempt(
            student,
            EXERCISE,
            tried=f"{len(self.new)} samples, clip_range {self.eps:.2f}: one call",
            expected="a loss",
            hint="clip_range may be 1 or more, and log(1 - clip_range) does not exist then: clamp the ratio itself.",
            says="math domain",
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

    def limits(self) -> Hints:
        """What it gives to bound a single sample's ratio or objective by a limit that the objective has not."""
        log_ratio, a = self.new - self.old, self.advantage
        near = "The log-ratio is limited on top of the clip: a ratio that is far from 1 counts as it is."
        dual = (
            "The objective has a second bound (dual clip): where A < 0 it may become as small as ratio * A."
        )
        bounds = [1.0, 1.5, 2.0, 3.0, 5.0, 10.0]
        far = [0.5, *bounds, 8.0, 15.0, 20.0, *np.log([1e3, 1e4, 1e6])]

        def loss(ratio: np.ndarray) -> float:
            return -np.minimum(ratio * a, np.clip(ratio, 1 - self.eps, 1 + self.eps) * a).mean()

        return [
            *((loss(np.exp(np.clip(log_ratio, -bound, bound))), near) for bound in far),
            *(
                (-np.where(a < 0, np.maximum(self.objective(), bound * a), self.objective()).mean(), dual)
                for bound in bounds
            ),
        ]

    def mistakes(self) -> Hints:
        """What known mistakes give instead."""
        r, a, log_ratio = self.ratio, self.advantage, self.new - self.old
        clipped = np.clip(r, 1 - self.eps, 1 + self.eps)
        inverse = 1 / r
        alone = "The advantages are normalised here: take them as they are."
        centred = a - a.mean()
        logs = np.clip(log_ratio, 1 - self.eps, 1 + self.eps)
        return [
            (-self.loss(), "The sign is wrong: the objective must grow, so the loss is its negative."),
            (-self.objective().sum(), "This is the sum over the batch: return the mean."),
            (-self.objective(), "You return one value for each sample: return the mean over the batch."),
            (
                -np.minimum(log_ratio * a, logs * a).mean(),
                "The ratio is missing its exp: ratio = exp(log_prob - old_log_prob).",
            ),
            (
                -np.minimum(inverse * a, np.clip(inverse, 1 - self.eps, 1 + self.eps) * a).mean(),
                "The ratio is upside down: divide the new probability by the old one.",
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
                "You use only the clipped objective: take the smaller of it and the unclipped one, for every sample.",
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
            (
                -np.minimum(r * a, np.exp(np.clip(log_ratio, -self.eps, self.eps)) * a).mean(),
                "You clamp the log-ratio to +-clip_range: clamp the ratio, from 1 - clip_range to 1 + clip_range.",
            ),
            *(
                (
                    -np.minimum(r * a, np.clip(r, 1 - fixed, 1 + fixed) * a).mean(),
                    f"The clip range is fixed at {fixed}: use clip_range.",
                )
                for fixed in (0.1, 0.2, 0.3)
            ),
            *(
                (-np.minimum(r * b, clipped * b).mean(), alone)
                for b in (centred / (a.std() + 1e-8), centred / (a.std(ddof=min(1, len(a) - 1)) + 1e-8))
            ),
            (
                -np.minimum(r[:, None] * a, clipped[:, None] * a).mean(),
                "Every ratio meets every advantage: both have the shape (batch,), without a further axis.",
            ),
        ]


@judge(
    EXERCISE,
    points=1.0,
    title="inside the clip range: minus the mean of ratio times advantage",
    read=READ,
    why="The ratio corrects for the older policy that drew the samples. The optimiser makes a loss smaller, so the objective is negated.",
)
def test_inside(student, rng):
    for count in (5, 1):
        signs = np.array([3.0, -2.0, 1.0, -1.0, 1.0])[:count]
        case = Case(rng, rng.uniform(0.85, 1.15, size=count), rng.uniform(0.5, 1.0, size=count) * signs, 0.2)
        compare(
            case.run(student)["value"],
            case.loss(),
            tried=f"{count} samples with ratios from 0.85 to 1.15, clip_range 0.2: the loss",
            hints=case.mistakes() if count > 1 else (),
        )


@judge(
    EXERCISE,
    points=1.5,
    title="outside of it: the smaller of both objectives",
    read=READ,
    depends=["inside"],
    why=(
        "Outside the clip range a further move in the good direction gains nothing, but a move in the wrong direction keeps its full cost."
    ),
)
def test_outside(student, rng):
    drawn = float(rng.uniform(0.1, 0.3))
    for eps in (drawn, 0.6, 1.2):
        ratios = np.concatenate([rng.uniform(0.25, 0.38, size=4), rng.uniform(2.3, 3.0, size=4)])
        advantages = np.tile([1.0, -1.0], 4) * rng.uniform(0.5, 2.0, size=8)  # both signs on both sides
        case = Case(rng, ratios, advantages, eps)
        compare(
            case.run(student)["value"],
            case.loss(),
            tried=f"8 samples on both sides with advantages of both signs, clip_range {eps:.2f}: the loss",
            hints=[*case.mistakes(), *case.limits()],
        )
    usual = "The loss of one sample is -min(ratio * A, clip(ratio) * A), however far the ratio is from 1."
    tiny = (
        "Subtract the log-probabilities as they are, then take exp: nothing is added to such a small probability, and "
        "nothing limits it."
    )
    large = "The advantage may have any size: nothing limits it."
    far = (-9.0, -4.0, -2.0, 1.0, 1.2, 2.0, 4.0, 9.0)
    # not 25 with A > 0: what takes both objectives' difference loses its digits there
    for old, log_ratio, size, hint in (
        *((None, log_ratio, sign, usual) for log_ratio in far for sign in (1.0, -1.0)),
        *((None, log_ratio, size, large) for log_ratio in (-1.0, 1.0) for size in (1e3, -1e3)),
        *(
            (old, *one, tiny)
            for old in (-30.0, 8.0)  # exp(old) is a float32 still: whoever divides probabilities may
            for one in ((-25.0, 1.0), (-25.0, -1.0), (25.0, -1.0))
        ),
    ):
        case = Case(rng, np.exp([log_ratio]), [size * rng.uniform(0.5, 2.0)], drawn, old)
        compare(
            case.run(student)["value"],
            case.loss(),
            tried=f"one sample of old log-probability {case.old[0]:.4g}, ratio {case.ratio[0]:.3g} and advantage "
            f"{case.advantage[0]:.2f}, clip_range {drawn:.2f}: the loss",
            hints=case.limits(),
            rtol=1e-3,
            atol=0.0,
            hint=hint,
        )


@judge(
    EXERCISE,
    points=1.0,
    title="the gradient flows where the objective is not clipped",
    read=READ,
    depends=["outside"],
    why="A clipped sample no longer moves the policy. All others still do, by ratio times advantage.",
)
def test_gradient(student, rng):
    # the first ratio is 1, as in the first minibatch of an update
    ratio = np.array([1.0, 0.02, 0.5, 0.5, 0.95, 1.1, 1.6, 1.6, 40.0])
    signs = np.array([rng.choice([-1, 1]), 1, 1, -1, 1, -1, 1, -1, -1])
    case = Case(rng, ratio, signs * rng.uniform(0.5, 2.0, size=9), 0.2)
    case.old[0] = case.new[0]
    flows = np.array([1, 1, 1, 0, 1, 1, 0, 1, 1])  # which of ratio * A and the clipped one is the smaller
    reply = case.run(student)
    compare(
        reply["gradient"],
        -case.ratio * case.advantage * flows / 9,
        tried="9 samples, clip_range 0.2: the gradient with regard to log_prob",
        hints=[
            (
                np.zeros(9),
                "No gradient arrives: return a tensor; log_prob must not be detached, and nothing run under "
                "no_grad.",
            ),
            (
                -case.ratio * case.advantage / 9,
                "Clipped samples still have a gradient: clamp the tensor ratio.",
            ),
            (-case.advantage * flows / 9, "The gradient lacks the ratio: do not detach it."),
        ],
        hint="A sample's gradient is -ratio * A / batch, and 0 where the clipped objective is the smaller.",
    )
    nothing_else_changed(reply)


@judge(
    EXERCISE,
    points=0.5,
    title="the advantage is a constant",
    read=READ,
    depends=["gradient"],
    why="The advantage says how good an action was. If the loss can change it, it makes bad actions look good.",
)
def test_advantage_is_constant(student, rng):
    case = Case(rng, rng.uniform(0.9, 1.1, size=4), rng.normal(size=4), 0.2)
    compare(
        case.run(student)["of_advantage"],
        np.zeros(4),
        tried="4 samples whose advantage carries a gradient: the gradient with regard to the advantage",
        hint="Gradients flow into the advantage: use advantage.detach().",
    )
