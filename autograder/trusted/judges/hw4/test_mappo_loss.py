"""Judges of hw4.mappo_loss: closed forms in every corner of the objective, shape traps, and the gradients."""

from __future__ import annotations

import itertools

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import Hints, compare, judge, nothing_else_changed, require

EXERCISE = "hw4.mappo_loss"
READ, CLIP = "ppo/four-stages", "ppo/what-is-ppo"
PARTS = ("loss_objective", "loss_entropy", "loss_critic")


class Case:
    """A minibatch with given ratios.

    Args:
        ratio: `(batch, n_agents)`.
        advantage: `(batch, n_agents)`; by default random, of both signs.
        error: size of the values and their targets.
        old: the old log-probabilities; by default random.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        ratio: np.ndarray,
        advantage: np.ndarray | None = None,
        error: float = 2.0,
        old: float | None = None,
    ):
        shape = ratio.shape
        self.eps, self.coef = float(rng.uniform(0.1, 0.3)), float(rng.uniform(2.0, 3.0))
        self.entropy_eps = float(rng.uniform(0.01, 0.05))
        drawn = rng.uniform(-2.0, -1.0, size=shape)
        self.old = np.asarray(drawn if old is None else np.full(shape, old), np.float32)
        self.new = (self.old + np.log(ratio)).astype(np.float32)
        self.ratio = np.exp(self.new - self.old)
        drawn = rng.choice([-1.0, 1.0], size=shape) * rng.uniform(0.5, 2.0, size=shape)
        self.advantage = np.asarray(drawn if advantage is None else advantage, np.float32)
        self.entropy = float(rng.uniform(0.5, 2.0))
        self.value, self.target = rng.normal(size=(2, *shape)).astype(np.float32) * np.float32(error)

    def run(self, student: Student) -> Reply:
        """Calls mappo_loss on these frames."""
        return student.run(
            EXERCISE,
            log_prob=self.new,
            old_log_prob=self.old,
            advantage=self.advantage[..., None],
            entropy=self.entropy,
            value=self.value[..., None],
            value_target=self.target[..., None],
            clip_epsilon=self.eps,
            entropy_eps=self.entropy_eps,
            critic_coef=self.coef,
        )

    def gain(
        self,
        ratio: np.ndarray | None = None,
        advantage: np.ndarray | None = None,
        low: bool = True,
        high: bool = True,
        eps: float | None = None,
    ) -> np.ndarray:
        """The objective of every entry; the clip may be left out below or above, or have another epsilon."""
        eps = self.eps if eps is None else eps
        ratio = self.ratio if ratio is None else ratio
        advantage = self.advantage if advantage is None else advantage
        clipped = np.clip(ratio, 1 - eps if low else None, 1 + eps if high else None)
        return np.minimum(ratio * advantage, clipped * advantage)

    def objective(self) -> float:
        """The right loss_objective."""
        return -self.gain().mean()

    def critic(self) -> float:
        """The right loss_critic."""
        return self.coef * ((self.value - self.target) ** 2).mean() / 2

    def limits(self) -> Hints:
        """What it gives to bound ratios, advantages or the objective by a limit that the objective has not."""
        log_ratio, a = self.new - self.old, self.advantage
        near = "The log-ratio is limited on top of the clip: a ratio that is far from 1 counts as it is."
        dual = (
            "The objective has a second bound (dual clip): where A < 0 it may become as small as ratio * A."
        )
        return [
            *(
                (-self.gain(np.exp(np.clip(log_ratio, -bound, bound))).mean(), near)
                for bound in (0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
            ),
            *(
                (
                    -self.gain(advantage=np.clip(a, -bound, bound)).mean(),
                    "The advantage is limited: it counts as it is, however large.",
                )
                for bound in (1.0, 3.0, 5.0, 10.0, 100.0)
            ),
            *(
                (-np.where(a < 0, np.maximum(self.gain(), bound * a), self.gain()).mean(), dual)
                for bound in (1.0, 1.5, 2.0, 3.0, 5.0)
            ),
        ]

    def crossed(self) -> Hints:
        """What broadcasting makes of loss_objective, where the shapes let it."""
        if len({1, *self.ratio.shape}) == 3:  # the shapes do not fit, and PyTorch says so
            return []
        hint = "Broadcasting made ratios meet advantages of others: advantage.squeeze(-1) first."
        return [(-self.gain(self.ratio[None], self.advantage[..., None]).mean(), hint)]

    def critic_mistakes(self) -> Hints:
        """What known mistakes make of loss_critic."""
        error = self.value - self.target
        size, count = np.abs(error), error.size
        crossed = (self.value[..., None] - self.target[None], self.value[None] - self.target[..., None])
        return [
            (2 * self.critic(), "The factor 1/2 is missing."),
            (self.critic() / self.coef, "critic_coef is missing."),
            (2 * self.critic() / self.coef, "critic_coef and the factor 1/2 are missing."),
            (-self.critic(), "The sign is wrong: the error must become smaller."),
            (self.critic() * count, "This is the sum over frames and agents: take the mean."),
            (
                self.critic() * error.shape[1],
                "This is the sum over the agents: the mean goes over all of them.",
            ),
            (
                self.coef * (error[:, 0] ** 2).mean() / 2,
                "Only agent 0 counts: the mean goes over all frames and agents.",
            ),
            (
                self.coef * (error.mean(axis=1) ** 2).mean() / 2,
                "The errors of the agents cancel before they are squared: square each, then take the mean.",
            ),
            (
                self.coef * np.where(size < 1, error**2 / 2, size - 0.5).mean(),
                "This is the smooth L1 error: here it is the squared one.",
            ),
            (self.coef * size.mean() / 2, "The error is not squared."),
            *(
                (
                    self.coef * (wrong**2).mean() / 2,
                    "Broadcasting made values meet targets of others: keep both (batch, n_agents, 1).",
                )
                for wrong in crossed
            ),
        ]

    def mistakes(self) -> Hints:
        """What known mistakes make of loss_objective."""
        r, a, log_ratio = self.ratio, self.advantage, self.new - self.old
        team = np.broadcast_to(np.exp(log_ratio.sum(axis=1, keepdims=True)), r.shape)
        mean = np.broadcast_to(a.mean(axis=1, keepdims=True), a.shape)
        clipped = np.clip(r, 1 - self.eps, 1 + self.eps)
        return [
            *self.crossed(),
            (-self.gain(team).mean(), "One ratio for the whole team: every agent has its own, do not sum."),
            (
                -self.gain(advantage=mean).mean(),
                "The advantages are averaged over the agents: each has its own.",
            ),
            (-self.gain()[:, 0].mean(), "Only agent 0 counts: the mean goes over all frames and agents."),
            (-self.gain(), "One value for each entry: take the mean over all frames and agents."),
            (-self.objective(), "The sign is wrong: the objective must grow, so the loss is its negative."),
            (-self.gain().sum(), "This is the sum over frames and agents: take the mean."),
            (
                -self.gain().sum(axis=1).mean(),
                "This is the sum over the agents: the mean goes over all frames and agents.",
            ),
            (
                -self.gain(log_ratio).mean(),
                "The ratio is missing its exp: ratio = exp(log_prob - old_log_prob).",
            ),
            (
                -self.gain(1 / r).mean(),
                "The ratio is upside down: divide the new probability by the old one.",
            ),
            (
                -np.maximum(r * a, clipped * a).mean(),
                "You take the larger of the two objectives: take the smaller, torch.min.",
            ),
            (
                -self.gain(low=False).mean(),
                "The ratio is clipped above only: clamp it to 1 - clip_epsilon as well.",
            ),
            (
                -self.gain(high=False).mean(),
                "The ratio is clipped below only: clamp it to 1 + clip_epsilon as well.",
            ),
            (
                -(clipped * a).mean(),
                "You use only the clipped objective: take the smaller of it and the unclipped one, for every entry.",
            ),
            (
                -(r * a).mean(),
                "Nothing is clipped: for every entry the smaller of ratio * A and clamp(ratio) * A counts.",
            ),
            (-(self.new * a).mean(), "This is the plain policy gradient: PPO weighs with the ratio."),
        ]


def part(reply: Reply, name: str) -> object:
    """One part of the loss, None where there is none."""
    parts = reply["parts"]
    return parts.get(name) if isinstance(parts, dict) else None


def gradient(reply: Reply, name: str, of: str) -> object:
    """The gradient of one part of the loss, None where there is none."""
    gradients = reply["gradients"]
    gradients = gradients.get(name) if isinstance(gradients, dict) else None
    return gradients.get(of) if isinstance(gradients, dict) else None


def inside(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Ratios that no clip range touches."""
    return rng.uniform(0.91, 1.09, size=shape)


@judge(
    EXERCISE,
    points=0.25,
    title="three parts under TorchRL's names",
    read=READ,
    why="The training adds them up and logs each of them.",
)
def test_parts(student, rng):
    reply = Case(rng, inside(rng, 4, 4)).run(student)
    names = list(reply["parts"]) if reply["is_mapping"] is True else reply["returned"]
    require(
        isinstance(names, list) and set(PARTS) <= set(names),
        tried="one call: what comes back",
        got=names,
        expected=f"a dictionary with {', '.join(PARTS)}",
    )


@judge(
    EXERCISE,
    points=1.0,
    title="inside the clip range: every agent's ratio meets its own advantage",
    read=CLIP,
    depends=["parts"],
    why="The agent's own advantage decides how likely its action becomes, not the advantages of others.",
)
def test_inside(student, rng):
    for frames, agents in ((4, 4), (1, 3), (5, 1), (1, 1)):  # wrong axes pass in silence here
        case = Case(rng, inside(rng, frames, agents))
        compare(
            part(case.run(student), "loss_objective"),
            case.objective(),
            tried=f"{frames} frames, {agents} agents, ratios from 0.91 to 1.09: loss_objective",
            hints=case.mistakes() if frames == 4 else case.crossed(),
            hint="-mean of ratio * A, where ratio and advantage have the same shape (batch, n_agents).",
        )


@judge(
    EXERCISE,
    points=1.0,
    title="outside of it: the smaller of both objectives",
    read=CLIP,
    depends=["inside"],
    why=(
        "Outside the clip range a further move in the good direction gains nothing, but a move in the wrong direction keeps its full cost."
    ),
)
def test_outside(student, rng):
    ratio = np.concatenate([rng.uniform(0.25, 0.6, size=(3, 6)), rng.uniform(1.5, 3.0, size=(3, 6))])
    sign = np.where(np.arange(6) % 2, -1.0, 1.0)  # both signs on both sides
    for eps in (None, 0.6, 1.2):
        case = Case(rng, ratio, sign * rng.uniform(0.5, 2.0, size=(6, 6)))
        case.eps = eps or case.eps
        compare(
            part(case.run(student), "loss_objective"),
            case.objective(),
            tried=f"6 frames, 6 agents, ratios on both sides, clip_epsilon {case.eps:.2f}: loss_objective",
            hints=[
                *case.mistakes(),
                *case.limits(),
                (-case.gain(eps=0.2).mean(), "The bounds are always 0.8 and 1.2: take clip_epsilon."),
                (np.nan, "clip_epsilon may be above 1: 1 - clip_epsilon then has no logarithm."),
            ],
        )
    for log_ratio in (-9.0, -4.0, -2.0, 1.0, 1.2, 2.0, 4.0, 9.0):
        for advantage in (1.0, -1.0):
            case = Case(rng, np.exp([[log_ratio]]), advantage * rng.uniform(0.5, 2.0, size=(1, 1)))
            compare(
                part(case.run(student), "loss_objective"),
                case.objective(),
                tried=f"one frame, one agent, ratio {case.ratio.item():.3g}, advantage {case.advantage.item():.2f}, "
                f"clip_epsilon {case.eps:.2f}: loss_objective",
                hints=case.limits(),
                rtol=1e-3,
                hint="One entry gives -min(ratio * A, clip(ratio) * A), however far the ratio is from 1.",
            )
    for old, log_ratio, sign in itertools.product((-30.0, 8.0), (-15.0, 15.0), (1.0, -1.0)):
        advantage = 1000.0 * sign * rng.uniform(0.5, 2.0, size=(1, 1))
        case = Case(rng, np.exp([[log_ratio]]), advantage, old=old)
        compare(
            part(case.run(student), "loss_objective"),
            case.objective(),
            tried=f"one frame, one agent, log-probabilities {old:g} before and {old + log_ratio:g} now, advantage "
            f"{advantage.item():.0f}, clip_epsilon {case.eps:.2f}: loss_objective",
            hints=case.limits(),
            atol=0.0,
            rtol=1e-3,
            hint="ratio = exp(log_prob - old_log_prob). The probabilities themselves may be too small for float32, or "
            "above 1, as those of a density: do not divide them, and bound neither them nor their logarithms.",
        )


@judge(
    EXERCISE,
    points=1.25,
    title="the critic's error, every agent's against its own target",
    read=READ,
    depends=["parts"],
    why="Half the squared error has the error as its gradient. The target is a constant.",
)
def test_critic(student, rng):
    for frames, agents, error, coef, around in (
        (4, 4, 2.0, None, 0), (1, 3, 2.0, None, 0), (5, 1, 1e4, None, 0), (4, 4, 0.01, 0.0, 0), (1, 1, 2.0, None, 0),
        (4, 4, 0.01, None, 0), (4, 4, 0.5, None, 5000),
    ):  # fmt: skip
        case = Case(rng, inside(rng, frames, agents), error=error)
        case.coef = case.coef if coef is None else coef
        case.value, case.target = (part + np.float32(around) for part in (case.value, case.target))
        hint = (
            "critic_coef 0 is a weight like any other, though Python takes 0 for False." if coef == 0 else ""
        )
        if around:
            hint = "Subtract first, then square: of the difference of two large squares no digit is left."
        reply = case.run(student)
        compare(
            part(reply, "loss_critic"),
            case.critic(),
            tried=f"{frames} frames, {agents} agents, values of about {around or error:g}, errors of about {error:g}, "
            f"critic_coef {case.coef:.2f}: loss_critic",
            hints=case.critic_mistakes() if case.coef and frames * agents > 1 else (),
            hint=hint,
            atol=1e-5 * error**2,
        )


@judge(
    EXERCISE,
    points=0.5,
    title="more entropy makes the loss smaller",
    read=READ,
    depends=["parts"],
    why="A policy that stops exploring too early finds nothing better.",
)
def test_entropy(student, rng):
    for entropy, weight in ((None, None), (-1.5, None), (1.0, 0.0)):
        case = Case(rng, inside(rng, 4, 4))
        case.entropy = case.entropy if entropy is None else entropy
        case.entropy_eps = case.entropy_eps if weight is None else weight
        reply = case.run(student)
        right = -case.entropy_eps * case.entropy
        compare(
            part(reply, "loss_entropy"),
            right,
            tried=f"entropy {case.entropy:.3f}, entropy_eps {case.entropy_eps:.3f}: loss_entropy",
            hints=[
                (
                    -abs(right),
                    "The entropy of a density may be negative: keep its sign.",
                )
                if case.entropy < 0
                else (-right, "The sign is wrong: the entropy must grow, so the loss is its negative."),
                (-case.entropy, "entropy_eps is missing."),
                (case.entropy, "entropy_eps is missing, and the sign is wrong."),
            ],
            hint=""
            if right
            else "entropy_eps 0 is a weight like any other, though Python takes 0 for False.",
        )


@judge(
    EXERCISE,
    points=0.25,
    title="scalar tensors, and nothing else changes",
    read=READ,
    depends=["parts"],
    why="Numbers would cut the gradient; the minibatch is used again in the next epoch.",
)
def test_types(student, rng):
    reply = Case(rng, inside(rng, 4, 4)).run(student)
    types = reply["types"] if isinstance(reply["types"], dict) else {}
    for name in PARTS:
        require(
            types.get(name) == "Tensor",
            tried=f"the type of {name}",
            got=types.get(name),
            expected="Tensor",
            hint="Return tensors: .item() would cut the gradient.",
        )
    require(
        sorted(types) == sorted(PARTS),
        tried="the names of the parts",
        got=sorted(types),
        expected=sorted(PARTS),
        hint="The training adds up all parts: what is no part of the loss must not be among them.",
    )
    nothing_else_changed(reply)


@judge(
    EXERCISE,
    points=0.75,
    title="gradients: where nothing is clipped, and into policy and critic only",
    read=CLIP,
    depends=["outside", "critic", "entropy", "types"],
    why="A clipped entry no longer moves the policy. If the loss can change the advantage, it makes bad actions look good.",
)
def test_gradient(student, rng):
    # the first ratio is 1, as in the first minibatch of an update
    ratio = np.array([[1.0, 0.02, 0.5, 0.5, 0.95], [1.05, 1.6, 1.6, 40.0, 0.97]])
    sign = np.array([[rng.choice([-1, 1]), 1, 1, -1, 1], [-1, 1, -1, -1, 1]])
    case = Case(rng, ratio, sign * rng.uniform(0.5, 2.0, size=(2, 5)))
    case.old[0, 0] = case.new[0, 0]
    flows = np.array(
        [[1, 1, 1, 0, 1], [1, 0, 1, 1, 1]]
    )  # which of ratio * A and the clipped one is the smaller
    reply = case.run(student)
    slope = -case.ratio * case.advantage / 10
    compare(
        gradient(reply, "loss_objective", "log_prob"),
        slope * flows,
        tried="2 frames, 5 agents: the gradient of loss_objective with regard to log_prob",
        hints=[
            (
                0 * slope,
                "No gradient arrives: return a tensor; log_prob must not be detached, and nothing run under "
                "no_grad.",
            ),
            (slope, "Clipped entries still have a gradient: clamp the tensor ratio."),
            (-case.advantage * flows / 10, "The gradient lacks the ratio: do not detach it."),
        ],
        hint="An entry's gradient is -ratio * A / entries, and 0 where the clipped objective is the smaller.",
    )
    compare(
        gradient(reply, "loss_objective", "advantage"),
        np.zeros((2, 5, 1)),
        tried="the gradient of loss_objective with regard to the advantage",
        hint="Gradients flow into the advantage: use advantage.detach().",
    )
    slope = (case.coef * (case.value - case.target) / 10)[..., None]
    for name, of, right, hints, hint in (
        (
            "loss_critic",
            "value",
            slope,
            [(0 * slope, "No gradient reaches the critic: do not detach the value.")],
            "The gradient of half the squared error is the error.",
        ),
        (
            "loss_critic",
            "value_target",
            0 * slope,
            [],
            "Gradients flow into the target: use value_target.detach().",
        ),
        (
            "loss_entropy",
            "entropy",
            -case.entropy_eps,
            [(0.0, "No gradient arrives: the entropy must change the policy, so do not detach it.")],
            "",
        ),
    ):
        compare(
            gradient(reply, name, of),
            right,
            tried=f"the gradient of {name} with regard to the {of}",
            hints=hints,
            hint=hint,
        )
