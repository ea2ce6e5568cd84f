"""Judges of hw4.mappo_loss: closed forms in every corner of the objective, shape traps, and the gradients."""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import Hints, compare, judge, require

EXERCISE = "hw4.mappo_loss"
READ, CLIP = "ppo/four-stages", "ppo/what-is-ppo"
PARTS = ("loss_objective", "loss_entropy", "loss_critic")


class Case:
    """A minibatch with given ratios.

    Args:
        ratio: `(batch, n_agents)`.
        advantage: `(batch, n_agents)`; by default random, of both signs.
    """

    def __init__(self, rng: np.random.Generator, ratio: np.ndarray, advantage: np.ndarray | None = None):
        shape = ratio.shape
        self.eps, self.coef = float(rng.uniform(0.1, 0.3)), float(rng.uniform(2.0, 3.0))
        self.entropy_eps = float(rng.uniform(0.01, 0.05))
        self.old = rng.uniform(-2.0, -1.0, size=shape).astype(np.float32)
        self.new = (self.old + np.log(ratio)).astype(np.float32)
        self.ratio = np.exp(self.new - self.old)
        drawn = rng.choice([-1.0, 1.0], size=shape) * rng.uniform(0.5, 2.0, size=shape)
        self.advantage = np.asarray(drawn if advantage is None else advantage, np.float32)
        self.entropy = float(rng.uniform(0.5, 2.0))
        self.value, self.target = rng.normal(size=(2, *shape)).astype(np.float32) * 2.0

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
    ) -> np.ndarray:
        """The objective of every entry; the clip may be left out below or above."""
        ratio = self.ratio if ratio is None else ratio
        advantage = self.advantage if advantage is None else advantage
        clipped = np.clip(ratio, 1 - self.eps if low else None, 1 + self.eps if high else None)
        return np.minimum(ratio * advantage, clipped * advantage)

    def objective(self) -> float:
        """The right loss_objective."""
        return -self.gain().mean()

    def critic(self) -> float:
        """The right loss_critic."""
        return self.coef * ((self.value - self.target) ** 2).mean() / 2

    def mistakes(self) -> Hints:
        """What known mistakes make of loss_objective."""
        r, a, log_ratio = self.ratio, self.advantage, self.new - self.old
        team = np.broadcast_to(np.exp(log_ratio.sum(axis=1, keepdims=True)), r.shape)
        mean = np.broadcast_to(a.mean(axis=1, keepdims=True), a.shape)
        clipped = np.clip(r, 1 - self.eps, 1 + self.eps)
        crossed = []
        if len({1, *r.shape}) < 3:  # otherwise the shapes do not fit, and PyTorch says so
            hint = "Broadcasting made ratios meet advantages of others: advantage.squeeze(-1) first."
            crossed = [(-self.gain(r[None], a[..., None]).mean(), hint)]
        return [
            *crossed,
            (-self.gain(team).mean(), "One ratio for the whole team: every agent has its own, do not sum."),
            (
                -self.gain(advantage=mean).mean(),
                "The advantages are averaged over the agents: each has its own.",
            ),
            (-self.gain()[:, 0].mean(), "Only agent 0 counts: the mean goes over all frames and agents."),
            (-self.objective(), "The sign: the objective is to grow, so the loss is its negative."),
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
                "The ratio is upside down: the new probability stands above the old one.",
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
                "Only the clipped objective: take the smaller of it and the unclipped one, for every entry.",
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
    title="three scalars under TorchRL's names",
    read=READ,
    why="The training adds them up and logs each of them.",
)
def test_parts(student, rng):
    reply = Case(rng, inside(rng, 4, 4)).run(student)
    names = list(reply["parts"]) if isinstance(reply["parts"], dict) else reply["returned"]
    require(
        isinstance(names, list) and sorted(names) == sorted(PARTS),
        tried="one call: what comes back",
        got=names,
        expected=f"a dictionary with {', '.join(PARTS)}",
    )
    for name in PARTS:
        value, types = part(reply, name), reply["types"]
        require(
            isinstance(types, dict) and types.get(name) == "Tensor",
            tried=f"the type of {name}",
            got=types.get(name) if isinstance(types, dict) else types,
            expected="Tensor",
            hint="Return tensors: .item() would cut the gradient.",
        )
        require(
            getattr(value, "shape", None) == (),
            tried=f"4 frames, 4 agents: the shape of {name}",
            got=getattr(value, "shape", None),
            expected=(),
            hint="One number: the mean over all frames and agents.",
        )


@judge(
    EXERCISE,
    points=1.0,
    title="inside the clip range: every agent's ratio meets its own advantage",
    read=CLIP,
    depends=["parts"],
    why="An agent's action is to become likelier by its own advantage, not by those of others.",
)
def test_inside(student, rng):
    for frames, agents in ((4, 4), (1, 3), (5, 1)):  # wrong axes pass in silence here
        case = Case(rng, inside(rng, frames, agents))
        compare(
            part(case.run(student), "loss_objective"),
            case.objective(),
            tried=f"{frames} frames, {agents} agents, ratios from 0.91 to 1.09: loss_objective",
            hints=case.mistakes(),
            hint="-mean of ratio * A, where ratio and advantage have the same shape (batch, n_agents).",
        )


@judge(
    EXERCISE,
    points=1.0,
    title="outside of it: the smaller of both objectives",
    read=CLIP,
    depends=["inside"],
    why=(
        "Moving further in the direction that pays is no longer rewarded, while a move in the wrong "
        "direction keeps its full cost: a pessimistic bound."
    ),
)
def test_outside(student, rng):
    ratio = np.concatenate([rng.uniform(0.3, 0.6, size=(3, 6)), rng.uniform(1.5, 2.0, size=(3, 6))])
    sign = np.where(np.arange(6) % 2, -1.0, 1.0)  # both signs on both sides
    case = Case(rng, ratio, sign * rng.uniform(0.5, 2.0, size=(6, 6)))
    compare(
        part(case.run(student), "loss_objective"),
        case.objective(),
        tried=f"6 frames, 6 agents, ratios on both sides, clip_epsilon {case.eps:.2f}: loss_objective",
        hints=case.mistakes(),
    )


@judge(
    EXERCISE,
    points=1.5,
    title="the critic's error, every agent's against its own target",
    read=READ,
    depends=["parts"],
    why="Half the squared error has the error as its gradient. The target is a constant.",
)
def test_critic(student, rng):
    for frames, agents in ((4, 4), (1, 3), (5, 1)):
        case = Case(rng, inside(rng, frames, agents))
        error = case.value - case.target
        size = np.abs(error)
        crossed = case.value[..., None] - case.target[None]
        reply = case.run(student)
        compare(
            part(reply, "loss_critic"),
            case.critic(),
            tried=f"{frames} frames, {agents} agents, critic_coef {case.coef:.2f}: loss_critic",
            hints=[
                (2 * case.critic(), "The factor 1/2 is missing."),
                (case.critic() / case.coef, "critic_coef is missing."),
                (2 * case.critic() / case.coef, "critic_coef and the factor 1/2 are missing."),
                (-case.critic(), "The sign: an error is to become smaller."),
                (case.critic() * frames * agents, "This is the sum over frames and agents: take the mean."),
                (case.critic() * agents, "This is the sum over the agents: the mean goes over all of them."),
                (
                    case.coef * (error[:, 0] ** 2).mean() / 2,
                    "Only agent 0 counts: the mean goes over all frames and agents.",
                ),
                (
                    case.coef * (error.mean(axis=1) ** 2).mean() / 2,
                    "The errors of the agents cancel before they are squared: square each, then take the mean.",
                ),
                (
                    case.coef * np.where(size < 1, error**2 / 2, size - 0.5).mean(),
                    "This is the smooth L1 error: here it is the squared one.",
                ),
                (case.coef * size.mean() / 2, "The error is not squared."),
                (
                    case.coef * (crossed**2).mean() / 2,
                    "Broadcasting made values meet targets of others: keep both (batch, n_agents, 1).",
                ),
            ],
        )
    slope = (case.coef * error / error.size)[..., None]
    compare(
        gradient(reply, "loss_critic", "value"),
        slope,
        tried="the gradient of loss_critic with regard to the value",
        hints=[(0 * slope, "No gradient reaches the critic: do not detach the value.")],
    )
    compare(
        gradient(reply, "loss_critic", "value_target"),
        0 * slope,
        tried="the gradient of loss_critic with regard to the target",
        hint="Gradients flow into the target: use value_target.detach().",
    )


@judge(
    EXERCISE,
    points=0.75,
    title="its gradient: where nothing is clipped, and into the policy only",
    read=CLIP,
    depends=["outside", "critic"],
    why="A clipped entry has had its say. An advantage that may change makes bad actions look good instead.",
)
def test_gradient(student, rng):
    ratio = np.array([[0.5, 0.5, 0.95], [1.05, 1.6, 1.6]])
    case = Case(rng, ratio, np.array([[1, -1, 1], [-1, 1, -1]]) * rng.uniform(0.5, 2.0, size=(2, 3)))
    flows = np.array([[1, 0, 1], [1, 0, 1]])  # which of ratio * A and the clipped one is the smaller
    reply = case.run(student)
    slope = -case.ratio * case.advantage / 6
    compare(
        gradient(reply, "loss_objective", "log_prob"),
        slope * flows,
        tried="2 frames, 3 agents: the gradient of loss_objective with regard to log_prob",
        hints=[
            (0 * slope, "No gradient arrives: log_prob must not be detached, and nothing run under no_grad."),
            (slope, "Clipped entries still have a gradient: clamp the tensor ratio."),
            (-case.advantage * flows / 6, "The gradient lacks the ratio: do not detach it."),
        ],
        hint="An entry's gradient is -ratio * A / entries, and 0 where the clipped objective is the smaller.",
    )
    compare(
        gradient(reply, "loss_objective", "advantage"),
        np.zeros((2, 3, 1)),
        tried="the gradient of loss_objective with regard to the advantage",
        hint="Gradients flow into the advantage: use advantage.detach().",
    )


@judge(
    EXERCISE,
    points=0.5,
    title="the entropy is rewarded",
    read=READ,
    depends=["parts"],
    why="A policy that is certain too early finds nothing better any more.",
)
def test_entropy(student, rng):
    case = Case(rng, inside(rng, 4, 4))
    reply = case.run(student)
    compare(
        part(reply, "loss_entropy"),
        -case.entropy_eps * case.entropy,
        tried=f"entropy {case.entropy:.3f}, entropy_eps {case.entropy_eps:.3f}: loss_entropy",
        hints=[
            (case.entropy_eps * case.entropy, "The sign: entropy is to grow, so the loss is its negative."),
            (-case.entropy, "entropy_eps is missing."),
            (case.entropy, "entropy_eps is missing, and the sign is wrong."),
        ],
    )
    compare(
        gradient(reply, "loss_entropy", "entropy"),
        -case.entropy_eps,
        tried="the gradient of loss_entropy with regard to the entropy",
        hint="Do not detach the entropy: the policy is to change with it.",
    )
