"""Judges of hw3.update_critic, against closed forms.

With one-hot states a linear critic's weight plus its bias is its table of Q-values.
"""

from __future__ import annotations

import copy

import numpy as np

from autograder.student_side.student import Reply, Student, StudentFailure
from autograder.trusted.judging import Hints, array_of, attempt, close, compare, judge, no_seed_set, require

EXERCISE = "hw3.update_critic"
Q_LEARNING, TARGETS = "dqn/q-learning", "dqn/replay-and-targets"
ENDS, DOUBLE = "dqn/terminated-truncated", "dqn/double-dqn"
LEARNING_RATE, DISCOUNT = 0.5, 0.8
FIGURES = ("critic_loss", "q_values", "target_values", "grad_norm")
LEFT_ALONE = "update_critic must leave the target network alone."
BOOL = "with a bool tensor"  # what torch says about 1 - bool


class Case:
    """Batches over one-hot states (some of them -1 for 1), two tables of Q-values, and what follows from them.

    Args:
        batch, actions, states: sizes; equal ones are traps for a maximum over the wrong axis.
        done: "none", or "some" (at least one of each).
        calls: batches, one for each call of update_critic.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        batch: int = 4,
        actions: int = 4,
        states: int = 5,
        done: str = "none",
        double: bool = False,
        calls: int = 1,
    ):
        self.double, self.discount = double, DISCOUNT
        self.done = np.zeros((calls, batch), bool)
        if done == "some":
            self.done[:, rng.permutation(batch)[: batch // 2]] = True
        self._draw(rng, batch, actions, states, calls)
        while batch > 1 and not self._tells_mistakes_apart():
            self._draw(rng, batch, actions, states, calls)

    def _draw(self, rng: np.random.Generator, batch: int, actions: int, states: int, calls: int) -> None:
        # one state more: it is worth nothing, and no transition leads there
        self.critic, self.target = rng.normal(size=(2, actions, states + 2)).astype(np.float32) * 2
        self.sign = rng.permutation(np.where(np.arange(states + 1) % 2, -1.0, 1.0)).astype(np.float32)
        for table in (self.critic, self.target):
            table[:, states] = -table[:, -1] * self.sign[states]
        self.worthless = states
        self.s, self.a = rng.integers(states, size=(calls, batch)), rng.integers(actions, size=(calls, batch))
        self.s2 = (self.s + rng.integers(1, states, size=(calls, batch))) % states  # never s itself
        self.r = rng.normal(size=(calls, batch)).astype(np.float32)

    def _tells_mistakes_apart(self) -> bool:
        """Whether no mistake gives the right value, or another mistake's, by chance."""
        next_q = self.of(self.target, self.s2[0])
        next_values = [
            next_q.max(axis=0).mean(),
            next_q.max(axis=1).mean(),
            next_q.mean(),
            next_q.min(axis=0).mean(),
            self.bootstrap(self.critic, self.critic).mean(),
            self.bootstrap(self.critic, self.target).mean(),
            self.bootstrap(self.target, self.critic).mean(),
            self.of(self.target, self.s[0]).max(axis=0).mean(),
            self.q(self.target, self.a[0], self.s2[0]).mean(),
        ]
        return bool(
            np.all(self.next_action(self.critic) != self.next_action(self.target))
            and self.sign[self.s[0]].min() < 0 > self.sign[self.s2[0]].min()
            and np.sign(self.r[0]).sum() != 0
            and np.any(self.a[0] != self.of(self.critic, self.s[0]).argmax(axis=0))
            and np.diff(np.sort(next_values)).min() > 0.01
            and np.abs(self.error()).max() > 1.5  # else Huber's loss is half the square
        )

    def run(self, student: Student, **settings) -> Reply:
        """Calls update_critic on these batches, with done as bool, or as a number where that is an error.

        Whether it takes bool is the business of one judge.
        """
        given = self.inputs(**settings)
        try:
            return student.run(EXERCISE, **given)
        except StudentFailure as failure:
            if failure.verdict != "failed" or failure.unsolved or BOOL not in failure.message:
                raise
            return student.run(EXERCISE, **{**given, "done": given["done"].astype(np.float32)})

    def inputs(self, **settings) -> dict:
        """What the probe takes."""
        one_hot = np.diag(self.sign)
        given = {
            "critic": self.critic,
            "target": self.target,
            "obs": one_hot[self.s],
            "action": self.a,
            "reward": self.r,
            "next_obs": one_hot[self.s2],
            "done": self.done,
            "discount": self.discount,
            "use_double_q": self.double,
            "learning_rate": LEARNING_RATE,
        }
        return {**given, **settings}

    def without_ends(self) -> Case:
        """The same batch with the same targets, told otherwise: what was terminal leads to the worthless state."""
        case = copy.copy(self)
        case.s2 = np.where(self.done, self.worthless, self.s2)
        case.done = np.zeros_like(self.done)
        return case

    def ending(self, rows: list[int]) -> Case:
        """Some transitions of the same batch, all of them terminal."""
        case = copy.copy(self)
        case.s, case.a, case.s2, case.r = (part[:, rows] for part in (self.s, self.a, self.s2, self.r))
        case.done = np.ones_like(case.s, dtype=bool)
        return case

    def of(self, table: np.ndarray, states: np.ndarray) -> np.ndarray:
        """Q-values of all actions in some states, `(actions, len(states))`."""
        return table[:, states] * self.sign[states] + table[:, -1:]

    def q(
        self, table: np.ndarray, actions: np.ndarray | None = None, states: np.ndarray | None = None
    ) -> np.ndarray:
        """Q-values of actions in states, `(batch,)`: of the first batch's, if nothing else is said."""
        actions, states = self.a[0] if actions is None else actions, self.s[0] if states is None else states
        return table[actions, states] * self.sign[states] + table[actions, -1]

    def next_action(self, table: np.ndarray, call: int = 0) -> np.ndarray:
        """The greedy action in s', `(batch,)`."""
        return self.of(table, self.s2[call]).argmax(axis=0)

    def bootstrap(self, chooser: np.ndarray, valuer: np.ndarray, call: int = 0) -> np.ndarray:
        """The value of s' when one table chooses the action and one gives its value, `(batch,)`."""
        return self.q(valuer, self.next_action(chooser, call), self.s2[call])

    def y(self, critic: np.ndarray | None = None, call: int = 0) -> np.ndarray:
        """The targets of one batch, `(batch,)`; the critic matters for double Q-learning."""
        critic = self.critic if critic is None else critic
        chooser = critic if self.double else self.target
        return self.r[call] + self.discount * ~self.done[call] * self.bootstrap(chooser, self.target, call)

    def error(self, critic: np.ndarray | None = None, call: int = 0) -> np.ndarray:
        """Q(s, a) - y of one batch, `(batch,)`."""
        critic = self.critic if critic is None else critic
        return self.q(critic, self.a[call], self.s[call]) - self.y(critic, call)

    def gradient(self, critic: np.ndarray | None = None, call: int = 0) -> np.ndarray:
        """d mean (Q(s, a) - y)^2 / d table, of one batch, `(actions, states + 1)`, the bias last."""
        error = self.error(critic, call)
        return self.pulled(2 / len(error) * error, self.a[call], self.s[call])

    def pulled(self, slopes: np.ndarray, actions: np.ndarray, states: np.ndarray) -> np.ndarray:
        """A table's gradient, from those with regard to Q(s, a) of some actions and states."""
        slope = np.zeros_like(self.critic)
        np.add.at(slope, (actions, states), slopes * self.sign[states])
        np.add.at(slope, (actions, -1), slopes)
        return slope


def metric(reply: Reply, name: str, call: int = 0) -> object:
    """A figure that update_critic returned, None where it is missing."""
    returned = reply["metrics"][call] if isinstance(reply["metrics"], list) else None
    return returned.get(name) if isinstance(returned, dict) else None


def tables(reply: Reply, case: Case) -> np.ndarray:
    """The critic's weights and bias after each call, refused where they have another form."""
    after = array_of(reply, "critic", 3)
    if after.shape != (len(case.s), *case.critic.shape):
        raise StudentFailure("refused", "the answer 'critic' has the wrong form")
    return after


@judge(
    EXERCISE,
    points=0.25,
    title="returns the four numbers",
    read="dqn/homework",
    why="The training loop logs these numbers by name.",
)
def test_returned_figures(student, rng):
    reply = Case(rng).run(student)
    require(
        reply["returned"] == "mapping",
        tried="one call",
        got=reply["returned"],
        expected="a dict",
        hint=f"Return a dict with {', '.join(FIGURES)}.",
    )
    require(
        set(FIGURES) <= set(reply["types"]),
        tried="the keys of the returned dict",
        got=sorted(reply["types"]),
        expected=sorted(FIGURES),
    )


@judge(
    EXERCISE,
    points=0.25,
    title="all four are plain numbers",
    read="dqn/homework",
    depends=["returned_figures"],
    why="A tensor keeps its whole graph in memory for as long as the tensor itself is kept.",
)
def test_numbers(student, rng):
    reply = Case(rng).run(student)
    types = {name: reply["types"].get(name) for name in FIGURES}
    require(
        set(types.values()) <= {"float", "int"},
        tried="the types of the numbers",
        got=types,
        expected=dict.fromkeys(FIGURES, "float"),
        hint="Take .mean().item() of a batch, .item() of a single value.",
    )


@judge(
    EXERCISE,
    points=0.5,
    title="q_values are the Q-values of the actions taken",
    read=Q_LEARNING,
    depends=["returned_figures"],
    why="Only the taken action was tried, so only its Q-value is corrected.",
)
def test_q_values(student, rng):
    hint = "q_values is the batch mean of Q(obs, action), before the gradient step."
    for batch, actions in ((4, 4), (1, 2)):
        case = Case(rng, batch, actions)
        all_actions = case.of(case.critic, case.s[0])
        compare(
            metric(case.run(student), "q_values"),
            case.q(case.critic).mean(),
            tried=f"a batch of {batch}, {actions} actions, known tables of Q-values: the mean of Q(s, a)",
            hints=[
                (all_actions.mean(), "This is the mean over all actions: gather the actions of the batch."),
                (
                    all_actions.max(axis=0).mean(),
                    "This is max Q(s, .): gather the actions of the batch.",
                ),
                (case.q(case.target).mean(), "This is the target network's Q(s, a): use self.critic."),
                (
                    case.q(case.critic, case.a[0], case.s2[0]).mean(),
                    "This is Q(s', a): use obs, not next_obs.",
                ),
                (case.q(case.critic).sum(), "This is the sum over the batch: return the mean."),
            ]
            if batch > 1  # a batch of one does not tell them apart
            else [],
            hint=hint,
        )
    networks = rng.normal(size=(2, 3, 2 * 3 * 3 + 1)).astype(np.float32) / 16
    frames = rng.integers(0, 256, size=(2, 1, 3, 2, 3, 3)).astype(np.uint8)
    taken = rng.integers(3, size=(1, 3))
    inputs = {"critic": networks[0], "target": networks[1], "obs": frames[0], "next_obs": frames[1]}
    inputs |= {"action": taken, "reward": np.zeros((1, 3), np.float32), "done": np.zeros((1, 3), bool)}
    products, bias = frames[0, 0].reshape(3, -1) @ networks[0, :, :-1].T, networks[0, :, -1]
    rows = np.arange(3), taken[0]
    compare(
        metric(case.run(student, **inputs), "q_values"),
        (products + bias)[rows].mean(),
        tried="a batch of 3 stacked frames (2, 3, 3), uint8: the mean of Q(s, a)",
        hints=[
            (
                (products / 255 + bias)[rows].mean(),
                "The frames are divided by 255: give them to the critic as they are, it scales them itself.",
            )
        ],
        hint=hint,
        atol=1e-3,
    )


@judge(
    EXERCISE,
    points=0.75,
    title="the target is r + discount * max Q_target(s', a')",
    read=Q_LEARNING,
    depends=["returned_figures"],
    why="The Bellman equation, with the slowly moving target network on its right side.",
)
def test_target(student, rng):
    case = Case(rng)  # as many actions as transitions
    r, next_q = case.r[0], case.of(case.target, case.s2[0])
    best = case.bootstrap(case.target, case.target)
    reply = case.run(student)
    standard = (r - r.mean()) / r.std(ddof=1)  # whose mean is 0, as if the reward were missing
    loss = metric(reply, "critic_loss")
    learned, missing = (
        np.mean((case.q(case.critic) - of - DISCOUNT * best) ** 2) for of in (standard, 0.0 * r)
    )
    compare(
        metric(reply, "target_values"),
        case.y().mean(),
        tried="a batch of 4, 4 actions, no transition ends, use_double_q=False: the mean target",
        hints=[
            (
                (r + DISCOUNT * next_q.max(axis=1)).mean(),
                "The maximum runs over the batch: Q-values are (batch, actions), take it over dim=1.",
            ),
            (
                (r + DISCOUNT * case.bootstrap(case.critic, case.critic)).mean(),
                "The value comes from self.critic: the target network's Q-values belong here.",
            ),
            (
                (r + DISCOUNT * case.bootstrap(case.critic, case.target)).mean(),
                "self.critic chose the action although use_double_q is False.",
            ),
            (
                (r + DISCOUNT * case.bootstrap(case.target, case.critic)).mean(),
                "The target network chose the action and the critic gave its value; here Q_target does both.",
            ),
            ((r + best).mean(), "The discount is missing."),
            ((r + 0.99 * best).mean(), "The discount is 0.99 here: use self.discount."),
            ((r + DISCOUNT**2 * best).mean(), "The next value is discounted twice."),
            (
                (DISCOUNT * best).mean(),
                "The rewards are normalised over the batch: take them as they are."
                if close(loss, learned, rtol=0.01) and not close(loss, missing)
                else "The reward is missing.",
            ),
            (
                (r.clip(-1, 1) + DISCOUNT * best).mean(),
                "The rewards are clipped to -1..1: take them as they are.",
            ),
            (
                (np.sign(r) + DISCOUNT * best).mean(),
                "Only the reward's sign is used: take the rewards as they are.",
            ),
            (
                (r + DISCOUNT * best.max()).mean(),
                "The largest next value of the batch is used for all: take the maximum over dim=1 only.",
            ),
            (best.mean(), "This is the mean next value: target_values is r + discount * that."),
            (case.y().max(), "This is the batch's largest target: return the mean."),
            (
                (DISCOUNT * (r + best)).mean(),
                "The reward is discounted too: discount only the next value.",
            ),
            ((r - DISCOUNT * best).mean(), "The next value is subtracted: add it."),
            ((r + DISCOUNT * next_q.mean(axis=0)).mean(), "You average over a': take the maximum."),
            (
                (r + DISCOUNT * next_q.min(axis=0)).mean(),
                "You take the smallest next value: take the maximum.",
            ),
            (
                (r + DISCOUNT * case.of(case.target, case.s[0]).max(axis=0)).mean(),
                "This is max Q_target(s, a): the next state, next_obs, belongs here.",
            ),
            (
                r.mean(),
                (
                    "The next state's value is missing, though no transition ends: is the done "
                    "mask inverted? It must be 1 - done."
                ),
            ),
            (
                (r + DISCOUNT * case.q(case.target, case.a[0], case.s2[0])).mean(),
                "This is Q_target(s', a) of the old action: take the maximum over a'.",
            ),
        ],
    )
    for far, name, large in ((-9.0, "below 0", 4.0), (9.0, "above 0", 4.0), (9.0, "above 0", 4000.0)):
        case = Case(rng, calls=3)
        for table in (case.critic, case.target):
            table[:, -1] += far
        case.r[:, :3] = large, -large / 2, 0.7 * large
        values = case.bootstrap(case.target, case.target)
        reply = case.run(student, learning_rate=0.0)
        compare(
            reply["target"],
            case.target,
            tried="the target network's weights after three calls",
            atol=0.0,
            rtol=0.0,
            hint=LEFT_ALONE,
        )
        for call, times in enumerate(("one call", "two calls", "three calls on different batches")):
            compare(
                metric(reply, "target_values", call),
                case.y(call=call).mean(),
                tried=f"Q-values {name}, rewards from {-large / 2:g} to {large:g}: the mean target after {times}",
                hints=[
                    (
                        (
                            case.r[call].clip(-1, 1)
                            + DISCOUNT * case.bootstrap(case.target, case.target, call)
                        ).mean(),
                        "The rewards are clipped to -1..1: take them as they are.",
                    ),
                    ((case.r[0] + DISCOUNT * values).mean(), "This is the first call's target."),
                    (
                        case.r[call].mean(),
                        "Values below 0 are cut off: the value of a state may be negative.",
                    ),
                    *(
                        (
                            case.y(call=call).clip(-limit, limit).mean(),
                            f"The targets are clipped to -{limit}..{limit}: take them as they are.",
                        )
                        for limit in (1, 10, 100, 1000)
                    ),
                ],
                hint="r + discount * max Q_target(s', a'), for all signs and sizes.",
            )
    case = Case(rng)
    for table in (case.critic, case.target):
        table[:, -1] += 9.0
    best = case.bootstrap(case.target, case.target)
    for discount in (0.0, 1.0, int(rng.integers(10, 90)) / 100 + 0.00374):
        case.discount = discount
        compare(
            metric(case.run(student), "target_values"),
            case.y().mean(),
            tried=f"discount={discount:g}, no transition ends: the mean target",
            hints=[((case.r[0] + 0.99 * best).mean(), "The discount is 0.99 here: use self.discount.")],
            hint="Use self.discount as it is, from 0 to 1: not rounded, without limits, and 0 is a number too.",
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
    tried = "a batch of 6, 3 of them terminal, done as bool"
    reply = attempt(
        student,
        EXERCISE,
        **case.inputs(),
        tried=tried,
        expected="one step",
        says=BOOL,
        hint="The replay buffer gives done as bool, and 1 - bool is an error in torch: use done.float().",
    )
    r, ends, best = case.r[0], case.done[0], case.bootstrap(case.target, case.target)
    compare(
        metric(reply, "target_values"),
        case.y().mean(),
        hints=[
            ((r + DISCOUNT * best).mean(), "done is ignored: multiply the next value by (1 - done)."),
            ((r + DISCOUNT * ends * best).mean(), "The mask is inverted: it must be (1 - done)."),
            (
                (~ends * (r + DISCOUNT * best)).mean(),
                "The mask removes the reward too: the last reward was really received.",
            ),
            (
                (~ends * r + DISCOUNT * best).mean(),
                "The mask multiplies the reward: it must multiply the next value.",
            ),
            (case.y()[~ends].mean(), "Terminal transitions are missing in the mean: their target is r."),
        ],
        tried=f"{tried}: the mean target",
    )
    learns_as_without_ends(student, case, reply, tried)
    for rows, size in ((list(range(6)), "6"), ([int(r.argmax())], "1")):
        ending = case.ending(rows)
        tried = f"a batch of {size} in which every transition is terminal"
        reply = ending.run(student)
        compare(
            metric(reply, "target_values"),
            ending.y().mean(),
            tried=f"{tried}: the mean target",
            hints=[
                (
                    (ending.r[0] + DISCOUNT * best[rows]).mean(),
                    "done is ignored where the whole batch is terminal: multiply the next value by (1 - done).",
                ),
            ],
            hint="Terminal transitions are learned from too, also where there are no others: their target is r.",
        )
        learns_as_without_ends(student, ending, reply, tried)


def learns_as_without_ends(student: Student, case: Case, reply: Reply, tried: str) -> None:
    """Demands the loss and the step of the same targets told otherwise: what a worthless next state teaches."""
    same = attempt(
        student, EXERCISE, **case.without_ends().inputs(), tried=tried, expected="one step", hint=""
    )
    error, ends = case.error(), case.done[0]
    unmasked = case.q(case.critic) - (case.r[0] + DISCOUNT * case.bootstrap(case.target, case.target))
    left_out = "Terminal transitions are left out of the loss: their target is r."
    compare(
        metric(reply, "critic_loss"),
        metric(same, "critic_loss"),
        tried=f"{tried}: the loss, compared with the same batch whose next states have the value 0",
        hints=[
            (np.mean(unmasked**2), "The loss takes a target without the mask, though target_values has it."),
            (np.mean(error[~ends] ** 2) if np.any(~ends) else np.nan, left_out),
            (np.mean(~ends * error**2), left_out),
        ],
        hint="The loss is taken from the targets whose mean is target_values, of all transitions.",
    )
    compare(
        tables(reply, case)[0],
        tables(same, case)[0],
        atol=1e-4,
        tried=f"{tried}: the critic's weights after it, compared with the same batch whose next states have the value 0",
        hint="The gradient is that of the loss, over all transitions, terminal ones included.",
    )


@judge(
    EXERCISE,
    points=0.75,
    title="double Q: the critic chooses, the target network values",
    read=DOUBLE,
    depends=["target"],
    why=(
        "Two networks rarely overestimate the same action. If one chooses and the other gives the value, most of the bias disappears."
    ),
)
def test_double_q(student, rng):
    online, target = np.array([[1.0, 0.0], [2.0, 0.0]]), np.array([[5.0, 0.0], [0.0, 0.0]])
    one = np.ones((1, 1, 1), np.float32)
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
    case = Case(rng, batch=5, actions=5, double=True)
    fixed = {"critic": online.astype(np.float32), "target": target.astype(np.float32), "obs": one}
    fixed |= {"next_obs": one, "action": np.array([[0]]), "reward": np.zeros((1, 1), np.float32)}
    reply = case.run(student, **fixed, done=np.zeros((1, 1), bool), discount=1.0)
    compare(
        metric(reply, "target_values"),
        0.0,
        hints=mistakes,
        tried=(
            "Q_critic(s') = [1, 2], Q_target(s') = [5, 0], r = 0, discount 1, use_double_q=True: the target"
        ),
    )
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
    plain = case.r[0] + DISCOUNT * ~case.done[0] * case.bootstrap(case.target, case.target)
    if close(metric(case.run(student, use_double_q=False), "target_values"), plain.mean()):
        compare(  # else it is the mask that fails, not this
            metric(case.run(student), "target_values"),
            case.y().mean(),
            tried="a batch of 6, 3 of them terminal, use_double_q=True: the mean target",
            hint="done must switch the next value off with double Q-learning too.",
        )
    case = Case(rng, batch=5, actions=5, double=True, calls=3)
    reply = case.run(student, learning_rate=0.0)
    for call in range(3):
        compare(
            metric(reply, "target_values", call),
            case.y(call=call).mean(),
            tried=f"three different batches, use_double_q=True, learning rate 0: the mean target of batch {call}",
            hint="Every call must choose and value again, for its own next_obs.",
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
    error = case.error()
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
    case.r = case.r * np.float32(1000.0)
    compare(
        metric(case.run(student), "critic_loss"),
        np.mean(case.error() ** 2),
        tried="the same batch with rewards 1000 times as large: the loss",
        hint="Large errors count less here than their squares (a Huber loss, or a limit): use self.critic_loss.",
    )
    case = Case(rng, batch=1, actions=2)
    compare(
        metric(case.run(student), "critic_loss"),
        np.mean(case.error() ** 2),
        tried="a batch of 1: the loss",
        hint="Use self.critic_loss(q_values, target_values).",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="each call takes one gradient step on the critic",
    read=Q_LEARNING,
    depends=["loss"],
    why="Gradients add up in torch until they are zeroed, and each call has a batch of its own.",
)
def test_gradient_step(student, rng):
    case = Case(rng, batch=6, actions=3, calls=3)
    reply = case.run(student)
    after = tables(reply, case)
    first = case.gradient()
    expected = [case.critic - LEARNING_RATE * first]
    tried = "the critic's weights and bias after one call (SGD, learning rate 0.5)"
    only_loss = "Nothing but the loss's gradient moves the weights: no other term, no weight decay."
    reached = first != 0
    compare(
        after[0][~reached],
        case.critic[~reached],
        atol=0.0,
        rtol=0.0,
        tried=f"{tried}: those of actions and states that the batch does not have",
        hint=only_loss,
    )
    compare(
        after[0],
        expected[0],
        tried=tried,
        atol=1e-4,
        hints=[
            (case.critic, "The weights did not move: loss.backward(), then self.critic_optimizer.step()."),
            (case.critic + LEARNING_RATE * first, "The step goes uphill: the loss has the wrong sign."),
            (
                case.critic - LEARNING_RATE / 2 * first,
                "The step is half as long: call backward() on the loss itself.",
            ),
            (
                case.critic - LEARNING_RATE * 2 * first,
                "The step is twice as long: one backward() and one step() of the optimiser per call.",
            ),
            (
                case.critic - LEARNING_RATE * 6 * first,
                "The step is 6 times too long: the gradient is that of a sum.",
            ),
        ],
        hint=only_loss,
    )
    kept = first
    for call, times in ((1, "two calls"), (2, "three calls")):
        slope = case.gradient(expected[-1], call)
        kept = kept + slope
        expected.append(expected[-1] - LEARNING_RATE * slope)
        compare(
            after[call],
            expected[call],
            atol=1e-4,
            tried=tried.replace("one call", f"{times} on different batches"),
            hints=[
                (
                    expected[call - 1] - LEARNING_RATE * kept,
                    (
                        "The first call's gradient is still there: call "
                        "self.critic_optimizer.zero_grad() before backward()."
                    ),
                )
            ],
        )
    compare(
        metric(reply, "grad_norm"),
        np.linalg.norm(first),
        tried="grad_norm of the first call (clip_grad_norm=None)",
        atol=1e-4,
        hints=parts_of(first),
        hint="grad_norm is the norm of the loss's gradient over all critic parameters.",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="only the critic changes",
    read=TARGETS,
    depends=["target"],
    why="The target network changes only when it is copied. The batch and the program's modes belong to the caller.",
)
def test_nothing_else(student, rng):
    case = Case(rng, done="some")
    for training in (True, False):
        reply = case.run(student, training=training, seed=int(rng.integers(2**31)), clip_grad_norm=0.1)
        compare(
            reply["target"],
            case.target,
            tried="the target network's weights after a call",
            atol=0.0,
            rtol=0.0,
            hint=LEFT_ALONE,
        )
        batch = reply["batch"] if isinstance(reply["batch"], dict) else {}
        given = case.inputs()
        for name in ("obs", "action", "reward", "next_obs", "done"):
            compare(
                batch.get(name),
                given[name][0],
                tried=f"{name} after a call",
                atol=0.0,
                rtol=0.0,
                hint=f"update_critic changed {name}: compute in tensors of your own.",
            )
        kept = {
            "training": training,
            "target_training": training,
            "requires_grad": True,
            "grad_enabled": True,
        }
        for key, before in kept.items():
            require(
                reply[key] is before,
                tried=f"{key} after a call; before it was {before}",
                got=reply[key],
                expected=before,
                hint=f"update_critic changed {key} for the rest of the program.",
            )
    seeds = rng.integers(2**31, size=2).tolist()
    ends = [case.run(student, seed=seed)["streams"] for seed in (*seeds, seeds[0])]
    no_seed_set(*ends, tried="one call")


@judge(
    EXERCISE,
    points=0.25,
    title="the target is a constant for the gradient",
    read=TARGETS,
    depends=["gradient_step"],
    why="Otherwise the critic also learns to make its targets small: residual gradients, another algorithm.",
)
def test_target_is_constant(student, rng):
    first = np.full(1, np.inf)
    while np.linalg.norm(first) > 9:  # what clips at 10 is the business of another judge
        case = Case(rng, batch=6, actions=3)
        case.s2 = (case.s + 1) % 5  # so that s and s' never share an entry of the table
        case.target = case.critic
        first = case.gradient()
    leak = case.pulled(-DISCOUNT * 2 / 6 * case.error(), case.next_action(case.critic), case.s2[0])
    hint = (
        "Gradients flow through the target: compute target_values under torch.no_grad() (or .detach() them)."
    )
    compare(
        tables(case.run(student, shared=True), case)[0],
        case.critic - LEARNING_RATE * first,
        atol=1e-4,
        tried="one call where the target network is the critic itself: the critic's weights",
        hints=[(case.critic - LEARNING_RATE * (first + leak), hint)],
    )


@judge(
    EXERCISE,
    points=0.25,
    title="the gradient's norm is clipped, and reported as it was before",
    read="dqn/homework",
    depends=["gradient_step"],
    why="Clipping limits a single step. The norm before clipping is what warns you of trouble.",
)
def test_clipping(student, rng):
    case = Case(rng, batch=6, actions=3)
    slope = case.gradient()
    norm = float(np.linalg.norm(slope))

    def stepped(gradient: np.ndarray) -> np.ndarray:
        return case.critic - LEARNING_RATE * gradient

    for limit in (norm / 4, float(rng.uniform(0.02, 0.05))):
        reply = case.run(student, clip_grad_norm=limit)
        tried = f"clip_grad_norm={limit:.3f} where the gradient's norm is {norm:.3f}"
        parts = np.concatenate([clipped(slope[:, :-1], limit), clipped(slope[:, -1:], limit)], axis=1)
        compare(
            tables(reply, case)[0],
            stepped(clipped(slope, limit)),
            atol=1e-4,
            tried=f"{tried}: the critic's weights and bias",
            hints=[
                (
                    stepped(slope),
                    (
                        "The step was not clipped: nn.utils.clip_grad_norm_ between "
                        "backward() and the optimiser's step()."
                    ),
                ),
                (
                    stepped(np.clip(slope, -limit, limit)),
                    "Every entry was clipped by itself: clip the norm of the whole gradient, clip_grad_norm_.",
                ),
                (
                    stepped(parts),
                    "Every parameter was clipped by itself: the norm is that of all of them together.",
                ),
                *(
                    (
                        stepped(clipped(slope, other)),
                        f"Clipped at {other:g}: use self.clip_grad_norm as it is, without rounding or limits.",
                    )
                    for other in (int(limit), 0.1, 0.5, 1.0, 10.0)
                ),
            ],
            hint="Clip the norm of the whole gradient at self.clip_grad_norm, also where that is small.",
        )
        compare(
            metric(reply, "grad_norm"),
            norm,
            tried=f"{tried}: grad_norm",
            atol=1e-4,
            hints=[
                (limit, "This is the norm after clipping: return what clip_grad_norm_ returned."),
                *parts_of(slope),
            ],
            hint="grad_norm is the norm of the whole gradient, before clipping.",
        )
    compare(
        tables(case.run(student, clip_grad_norm=4 * norm), case)[0],
        stepped(slope),
        atol=1e-4,
        tried=f"clip_grad_norm={4 * norm:.3f}, above the norm {norm:.3f}: the critic's weights",
        hint="A gradient below the limit must stay as it is.",
    )
    case.r = case.r * np.float32(1e4)
    slope = case.gradient()
    norm = float(np.linalg.norm(slope))
    compare(
        tables(case.run(student, clip_grad_norm=None), case)[0],
        stepped(slope),
        rtol=1e-3,
        atol=1.0,
        tried=f"clip_grad_norm=None where the gradient's norm is {norm:.0f}: the critic's weights",
        hints=[
            (
                stepped(clipped(slope, some)),
                f"Clipped at {some:g} although clip_grad_norm is None: None means no limit at all.",
            )
            for some in (1.0, 10.0, 40.0, 100.0, 1000.0)
        ],
        hint="None means no limit at all.",
    )


def parts_of(gradient: np.ndarray) -> Hints:
    """The norms of weight and bias, where that of both together is asked for."""
    alone = "This is the norm of one parameter alone: it is that of all of the critic's parameters together."
    return [(np.linalg.norm(gradient[:, :-1]), alone), (np.linalg.norm(gradient[:, -1]), alone)]


def clipped(gradient: np.ndarray, limit: float) -> np.ndarray:
    """A gradient whose norm is at most the limit."""
    return gradient * min(1.0, limit / float(np.linalg.norm(gradient)))


@judge(
    EXERCISE,
    points=0.25,
    title="the learning-rate schedule advances once per call",
    read="dqn/homework",
    depends=["gradient_step"],
    why="Without self.lr_scheduler.step() the learning rate never decays.",
)
def test_schedule(student, rng):
    case = Case(rng, batch=6, actions=3, calls=3)
    reply = case.run(student, lr_decay=0.5)
    rates = LEARNING_RATE * 0.5 ** np.arange(1, 4)
    compare(
        reply["rates"],
        rates,
        tried="three calls with a schedule that halves the learning rate: the rate after each",
        hints=[
            (np.full(3, LEARNING_RATE), "The rate never changes: call self.lr_scheduler.step()."),
            (LEARNING_RATE * 0.25 ** np.arange(1, 4), "The schedule advances twice per call."),
        ],
    )
    slope = case.gradient()
    compare(
        tables(reply, case)[0],
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
