"""Judges of hw3.update_critic, against closed forms.

With one-hot states a linear critic's weight is its table of Q-values.
"""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import attempt, close, compare, judge, require

EXERCISE = "hw3.update_critic"
Q_LEARNING, TARGETS = "dqn/q-learning", "dqn/replay-and-targets"
ENDS, DOUBLE = "dqn/terminated-truncated", "dqn/double-dqn"
LEARNING_RATE, DISCOUNT = 0.5, 0.8


class Case:
    """A batch over one-hot states, two tables of Q-values, and what follows from them.

    Args:
        batch, actions, states: sizes; equal ones are traps for a maximum over the wrong axis.
        done: "none", or "some" (at least one of each).
    """

    def __init__(
        self,
        rng: np.random.Generator,
        batch: int = 4,
        actions: int = 4,
        states: int = 5,
        done: str = "none",
        double: bool = False,
    ):
        self.double = double
        self.done = np.zeros(batch, np.float32)
        if done == "some":
            self.done[rng.permutation(batch)[: batch // 2]] = 1.0
        self._draw(rng, batch, actions, states)
        while not self._tells_mistakes_apart():
            self._draw(rng, batch, actions, states)

    def _draw(self, rng: np.random.Generator, batch: int, actions: int, states: int) -> None:
        self.critic, self.target = rng.normal(size=(2, actions, states)).astype(np.float32) * 2
        self.s, self.a = rng.integers(states, size=batch), rng.integers(actions, size=batch)
        self.s2 = (self.s + rng.integers(1, states, size=batch)) % states  # never s itself
        self.r = rng.normal(size=batch).astype(np.float32)

    def _tells_mistakes_apart(self) -> bool:
        """Whether no mistake gives the right value, or another mistake's, by chance."""
        next_q = self.target[:, self.s2]
        next_values = [
            next_q.max(axis=0).mean(),
            next_q.max(axis=1).mean(),
            next_q.mean(),
            next_q.min(axis=0).mean(),
            self.bootstrap(self.critic, self.critic).mean(),
            self.bootstrap(self.critic, self.target).mean(),
            self.bootstrap(self.target, self.critic).mean(),
            self.target[:, self.s].max(axis=0).mean(),
            self.target[self.a, self.s2].mean(),
        ]
        return bool(
            np.all(self.next_action(self.critic) != self.next_action(self.target))
            and np.any(self.a != self.critic[:, self.s].argmax(axis=0))
            and np.diff(np.sort(next_values)).min() > 0.01
            and np.abs(self.q(self.critic) - self.y()).max() > 1.5  # else Huber's loss is half the square
        )

    def run(self, student: Student, **settings) -> Reply:
        """Calls update_critic on this batch."""
        return student.run("hw3.update_critic", **self.inputs(**settings))

    def inputs(self, **settings) -> dict:
        """What the probe takes."""
        one_hot = np.eye(self.critic.shape[1], dtype=np.float32)
        given = {
            "critic": self.critic,
            "target": self.target,
            "obs": one_hot[self.s],
            "action": self.a,
            "reward": self.r,
            "next_obs": one_hot[self.s2],
            "done": self.done,
            "discount": DISCOUNT,
            "use_double_q": self.double,
            "learning_rate": LEARNING_RATE,
        }
        return {**given, **settings}

    def q(self, table: np.ndarray) -> np.ndarray:
        """Q(s, a) of the batch, `(batch,)`."""
        return table[self.a, self.s]

    def next_action(self, table: np.ndarray) -> np.ndarray:
        """The greedy action in s', `(batch,)`."""
        return table[:, self.s2].argmax(axis=0)

    def bootstrap(self, chooser: np.ndarray, valuer: np.ndarray) -> np.ndarray:
        """The value of s' when one table chooses the action and one gives its value, `(batch,)`."""
        return valuer[self.next_action(chooser), self.s2]

    def y(self) -> np.ndarray:
        """The targets, `(batch,)`."""
        chooser = self.critic if self.double else self.target
        return self.r + DISCOUNT * (1 - self.done) * self.bootstrap(chooser, self.target)

    def gradient(self, table: np.ndarray, y: np.ndarray) -> np.ndarray:
        """d mean (Q(s, a) - y)^2 / d table, `(actions, states)`."""
        slope = np.zeros_like(table)
        np.add.at(slope, (self.a, self.s), 2 / len(y) * (self.q(table) - y))
        return slope


def metric(reply: Reply, name: str, call: int = 0) -> object:
    """A figure that update_critic returned, None where it is missing."""
    returned = reply["metrics"][call] if isinstance(reply["metrics"], list) else None
    return returned.get(name) if isinstance(returned, dict) else None


@judge(
    EXERCISE,
    points=0.5,
    title="returns the four figures as floats",
    read="dqn/homework",
    why="The training loop logs these figures by name; a tensor would keep the whole graph alive.",
)
def test_returned_figures(student, rng):
    reply = Case(rng).run(student)
    require(reply["returned"] == "dict", tried="one call", got=reply["returned"], expected="dict")
    names = ["critic_loss", "grad_norm", "q_values", "target_values"]
    require(
        set(names) <= set(reply["types"]),
        tried="the keys of the returned dict",
        got=sorted(reply["types"]),
        expected=names,
    )
    types = {name: reply["types"][name] for name in names}
    require(
        set(types.values()) <= {"float", "int"},
        tried="the types of the figures",
        got=types,
        expected=dict.fromkeys(names, "float"),
        hint="Take .mean().item() of a batch, .item() of a single value.",
    )


@judge(
    EXERCISE,
    points=0.5,
    title="q_values are the Q-values of the actions taken",
    read=Q_LEARNING,
    depends=["returned_figures"],
    why="Only the action that was taken was tried: its Q-value alone is corrected.",
)
def test_q_values(student, rng):
    case = Case(rng)
    compare(
        metric(case.run(student), "q_values"),
        case.q(case.critic).mean(),
        tried="a batch of 4, 4 actions, known tables of Q-values: the mean of Q(s, a)",
        hints=[
            (
                case.critic[:, case.s].mean(),
                "This is the mean over all actions: gather the actions of the batch.",
            ),
            (
                case.critic[:, case.s].max(axis=0).mean(),
                "This is max Q(s, .): gather the actions of the batch.",
            ),
            (case.q(case.target).mean(), "This is the target network's Q(s, a): use self.critic."),
            (case.critic[case.a, case.s2].mean(), "This is Q(s', a): use obs, not next_obs."),
            (case.q(case.critic).sum(), "This is the sum over the batch: return the mean."),
        ],
        hint="q_values is the batch mean of Q(obs, action), before the gradient step.",
    )


@judge(
    EXERCISE,
    points=1.0,
    title="the target is r + discount * max Q_target(s', a')",
    read=Q_LEARNING,
    depends=["returned_figures"],
    why="The Bellman equation, with the slowly moving target network on its right side.",
)
def test_target(student, rng):
    case = Case(rng)  # as many actions as transitions
    next_q, best = case.target[:, case.s2], case.bootstrap(case.target, case.target)
    compare(
        metric(case.run(student), "target_values"),
        case.y().mean(),
        tried="a batch of 4, 4 actions, no transition ends, use_double_q=False: the mean target",
        hints=[
            (
                (case.r + DISCOUNT * next_q.max(axis=1)).mean(),
                "The maximum runs over the batch: Q-values are (batch, actions), take it over dim=1.",
            ),
            (
                (case.r + DISCOUNT * case.bootstrap(case.critic, case.critic)).mean(),
                "The value comes from self.critic: the target network's Q-values belong here.",
            ),
            (
                (case.r + DISCOUNT * case.bootstrap(case.critic, case.target)).mean(),
                "self.critic chose the action although use_double_q is False.",
            ),
            (
                (case.r + DISCOUNT * case.bootstrap(case.target, case.critic)).mean(),
                "The target network chose the action and the critic gave its value; here Q_target does both.",
            ),
            ((case.r + best).mean(), "The discount is missing."),
            ((DISCOUNT * best).mean(), "The reward is missing."),
            (
                (DISCOUNT * (case.r + best)).mean(),
                "The reward is discounted as well: only the next value is.",
            ),
            ((case.r - DISCOUNT * best).mean(), "The next value is subtracted: add it."),
            ((case.r + DISCOUNT * next_q.mean(axis=0)).mean(), "You average over a': take the maximum."),
            (
                (case.r + DISCOUNT * next_q.min(axis=0)).mean(),
                "You take the smallest next value: take the maximum.",
            ),
            (
                (case.r + DISCOUNT * case.target[:, case.s].max(axis=0)).mean(),
                "This is max Q_target(s, a): the next state, next_obs, belongs here.",
            ),
            (
                case.r.mean(),
                (
                    "Nothing of the next state's value arrives, though no transition ends: is the done "
                    "mask inverted? It must be 1 - done."
                ),
            ),
            (
                (case.r + DISCOUNT * case.target[case.a, case.s2]).mean(),
                "This is Q_target(s', a) of the old action: take the maximum over a'.",
            ),
        ],
    )


@judge(
    EXERCISE,
    points=0.75,
    title="done switches the next value off",
    read=ENDS,
    depends=["target"],
    why="After a terminal state there is no future reward, so its value is 0; time limits are not in done.",
)
def test_done(student, rng):
    case = Case(rng, batch=6, actions=3, done="some")
    best = case.bootstrap(case.target, case.target)
    mistakes = [
        ((case.r + DISCOUNT * best).mean(), "done is ignored: multiply the next value by (1 - done)."),
        ((case.r + DISCOUNT * case.done * best).mean(), "The mask is inverted: it must be (1 - done)."),
        (
            ((1 - case.done) * (case.r + DISCOUNT * best)).mean(),
            "The mask removes the reward too: the last reward was really received.",
        ),
        (
            ((1 - case.done) * case.r + DISCOUNT * best).mean(),
            "The mask stands at the reward: it belongs to the next value.",
        ),
    ]
    compare(
        metric(case.run(student), "target_values"),
        case.y().mean(),
        hints=mistakes,
        tried="a batch of 6, 3 of them terminal (done as float): the mean target",
    )
    reply = attempt(
        student,
        "hw3.update_critic",
        **case.inputs(done=case.done.astype(bool)),
        tried="the same batch with done as bool",
        expected="the same target",
        hint="The replay buffer gives done as bool, and 1 - bool is an error in torch: use done.float().",
    )
    compare(
        metric(reply, "target_values"),
        case.y().mean(),
        hints=mistakes,
        tried="the same batch with done as bool",
        hint="Use done.float().",
    )


@judge(
    EXERCISE,
    points=0.75,
    title="double Q: the critic chooses, the target network values",
    read=DOUBLE,
    depends=["target"],
    why=(
        "Two networks rarely overestimate the same action: one to choose and one to value removes most of the"
        " bias."
    ),
)
def test_double_q(student, rng):
    online, target = np.array([1.0, 2.0], np.float32), np.array([5.0, 0.0], np.float32)
    one = np.ones((1, 1), np.float32)
    mistakes = [
        (5.0, "This is the plain target: use_double_q is ignored."),
        (
            1.0,
            (
                "The roles are swapped: the online critic chooses the action, the target network gives its"
                " value."
            ),
        ),
        (2.0, "The online critic does both: its chosen action must be valued by the target network."),
    ]
    reply = student.run(
        "hw3.update_critic",
        critic=online[:, None],
        target=target[:, None],
        obs=one,
        next_obs=one,
        action=np.array([0]),
        reward=np.zeros(1, np.float32),
        done=np.zeros(1, np.float32),
        discount=1.0,
        use_double_q=True,
    )
    compare(
        metric(reply, "target_values"),
        0.0,
        hints=mistakes,
        tried=(
            "Q_critic(s') = [1, 2], Q_target(s') = [5, 0], r = 0, discount 1, use_double_q=True: the target"
        ),
    )
    case = Case(rng, batch=5, actions=5, double=True)
    others = [
        ((case.r + DISCOUNT * case.bootstrap(chooser, valuer)).mean(), text)
        for chooser, valuer, (_, text) in (
            (case.target, case.target, mistakes[0]),
            (case.target, case.critic, mistakes[1]),
            (case.critic, case.critic, mistakes[2]),
        )
    ]
    compare(
        metric(case.run(student), "target_values"),
        case.y().mean(),
        hints=others,
        tried="a batch of 5, 5 actions, no transition ends, use_double_q=True: the mean target",
    )
    case = Case(rng, batch=6, actions=3, done="some", double=True)
    plain_mask_is_right = close(
        metric(case.run(student, use_double_q=False), "target_values"),
        (case.r + DISCOUNT * (1 - case.done) * case.bootstrap(case.target, case.target)).mean(),
    )
    if plain_mask_is_right:  # else it is the mask that fails, not this
        compare(
            metric(case.run(student), "target_values"),
            case.y().mean(),
            tried="a batch of 6, 3 of them terminal, use_double_q=True: the mean target",
            hint="done must switch the next value off with double Q-learning too.",
        )


@judge(
    EXERCISE,
    points=0.5,
    title="the loss is the batch mean of squared errors",
    read=Q_LEARNING,
    depends=["q_values", "target"],
    why="A mean keeps the step's size independent of the batch's size.",
)
def test_loss(student, rng):
    case = Case(rng, batch=6, actions=3)
    error = case.q(case.critic) - case.y()
    crossed = case.q(case.critic)[:, None] - case.y()[None, :]
    small = np.abs(error) < 1
    compare(
        metric(case.run(student), "critic_loss"),
        np.mean(error**2),
        tried="a batch of 6: the loss",
        hints=[
            (np.sum(error**2), "This is the sum over the batch: take the mean."),
            (
                np.mean(crossed**2),
                (
                    "(batch, 1) minus (batch,) broadcasts to (batch, batch): squeeze the gathered "
                    "Q-values to shape (batch,)."
                ),
            ),
            (np.mean(error**2) / 2, "Half of the squared error: use self.critic_loss."),
            (np.mean(np.abs(error)), "This is the absolute error: use self.critic_loss, the squared one."),
            (np.mean(error), "The error is not squared: use self.critic_loss."),
            (
                np.mean(np.where(small, error**2 / 2, np.abs(error) - 0.5)),
                "This is the clipped (Huber) loss: use self.critic_loss, the squared one.",
            ),
        ],
        hint="Use self.critic_loss(q_values, target_values).",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="each call takes one gradient step on the critic",
    read=Q_LEARNING,
    depends=["loss"],
    why="Gradients add up in torch until they are zeroed; the target network moves only when it is copied.",
)
def test_gradient_step(student, rng):
    case = Case(rng, batch=6, actions=3)
    reply = case.run(student, steps=2)
    y, first = case.y(), case.gradient(case.critic, case.y())
    once = case.critic - LEARNING_RATE * first
    second = case.gradient(once, y)
    require(
        isinstance(reply["critic"], np.ndarray) and reply["critic"].shape == (2, *once.shape),
        tried="the critic's weights after two calls",
        got=reply["critic"],
        expected=np.stack([once, once]),
    )
    tried = "the critic's weights after one call (SGD, learning rate 0.5)"
    compare(
        reply["critic"][0],
        once,
        tried=tried,
        atol=1e-4,
        hints=[
            (case.critic, "The weights did not move: loss.backward(), then self.critic_optimizer.step()."),
            (case.critic + LEARNING_RATE * first, "The step goes uphill: the loss has the wrong sign."),
            (
                case.critic - LEARNING_RATE * 6 * first,
                "The step is 6 times too long: the gradient is that of a sum.",
            ),
        ],
    )
    compare(
        reply["critic"][1],
        once - LEARNING_RATE * second,
        atol=1e-4,
        tried=tried.replace("one call", "two calls"),
        hints=[
            (
                once - LEARNING_RATE * (first + second),
                (
                    "The first call's gradient is still there: call "
                    "self.critic_optimizer.zero_grad() before backward()."
                ),
            )
        ],
    )
    compare(
        reply["target"],
        case.target,
        tried="the target network's weights after two calls",
        atol=0.0,
        rtol=0.0,
        hint="update_critic must leave the target network alone.",
    )
    compare(
        metric(reply, "grad_norm"),
        np.linalg.norm(first),
        tried="grad_norm of the first call (clip_grad_norm=None)",
        atol=1e-4,
        hint="grad_norm is the norm of the loss's gradient over all critic parameters.",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="the target is a constant for the gradient",
    read=TARGETS,
    depends=["gradient_step"],
    why="Otherwise the critic also learns to make its targets small: residual gradients, another algorithm.",
)
def test_target_is_constant(student, rng):
    case = Case(rng, batch=6, actions=3)
    case.s2 = (case.s + 1) % 5  # so that s and s' never share an entry of the table
    case.target = case.critic
    first = case.gradient(case.critic, case.y())
    error = 2 / 6 * (case.q(case.critic) - case.y())
    leak = np.zeros_like(case.critic)
    np.add.at(leak, (case.next_action(case.critic), case.s2), -DISCOUNT * error)
    hint = (
        "Gradients flow through the target: compute target_values under torch.no_grad() (or .detach() them)."
    )
    compare(
        case.run(student, shared=True)["critic"][0],
        case.critic - LEARNING_RATE * first,
        atol=1e-4,
        tried="one call where the target network is the critic itself: the critic's weights",
        hints=[(case.critic - LEARNING_RATE * (first + leak), hint)],
    )


@judge(
    EXERCISE,
    points=0.25,
    title="the gradient's norm is clipped, and reported as it was",
    read="dqn/homework",
    depends=["gradient_step"],
    why="Clipping bounds a single step; the norm before clipping is the one that warns of trouble.",
)
def test_clipping(student, rng):
    case = Case(rng, batch=6, actions=3)
    slope = case.gradient(case.critic, case.y())
    norm = float(np.linalg.norm(slope))
    limit = norm / 4
    reply = case.run(student, clip_grad_norm=limit)
    tried = f"clip_grad_norm={limit:.3f} where the gradient's norm is {norm:.3f}"
    compare(
        reply["critic"][0],
        case.critic - LEARNING_RATE * slope * limit / norm,
        atol=1e-4,
        tried=f"{tried}: the critic's weights",
        hints=[
            (
                case.critic - LEARNING_RATE * slope,
                (
                    "The step was not clipped: nn.utils.clip_grad_norm_ between "
                    "backward() and the optimiser's step()."
                ),
            ),
            (
                case.critic - LEARNING_RATE * np.clip(slope, -limit, limit),
                "Every entry was clipped by itself: clip the norm of the whole gradient, clip_grad_norm_.",
            ),
        ],
    )
    compare(
        metric(reply, "grad_norm"),
        norm,
        tried=f"{tried}: grad_norm",
        atol=1e-4,
        hints=[(limit, "This is the norm after clipping: return what clip_grad_norm_ returned.")],
    )
    large = case.run(student, clip_grad_norm=4 * norm)
    require(
        close(large["critic"][0], case.critic - LEARNING_RATE * slope, atol=1e-4),
        tried=f"clip_grad_norm={4 * norm:.3f}, above the norm {norm:.3f}: the critic's weights",
        got=large["critic"][0],
        expected=case.critic - LEARNING_RATE * slope,
        hint="A gradient below the limit must stay as it is.",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="the learning-rate schedule advances once a call",
    read="dqn/homework",
    depends=["gradient_step"],
    why="Without self.lr_scheduler.step() the learning rate never decays.",
)
def test_schedule(student, rng):
    case = Case(rng, batch=6, actions=3)
    reply = case.run(student, steps=3, lr_decay=0.5)
    rates = LEARNING_RATE * 0.5 ** np.arange(1, 4)
    compare(
        reply["rates"],
        rates,
        tried="three calls with a schedule that halves the learning rate: the rate after each",
        hints=[
            (np.full(3, LEARNING_RATE), "The rate never changes: call self.lr_scheduler.step()."),
            (LEARNING_RATE * 0.25 ** np.arange(1, 4), "The schedule advances twice a call."),
        ],
    )
    slope = case.gradient(case.critic, case.y())
    compare(
        reply["critic"][0],
        case.critic - LEARNING_RATE * slope,
        atol=1e-4,
        tried="the critic's weights after the first of these calls",
        hints=[
            (
                case.critic - LEARNING_RATE * 0.5 * slope,
                "The schedule advanced before the optimiser: step the optimiser first.",
            )
        ],
    )
