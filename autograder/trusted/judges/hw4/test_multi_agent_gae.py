"""Judges of hw4.multi_agent_gae: the definition, traps at every end and on every axis, and no gradient."""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import compare, judge, require

EXERCISE = "hw4.multi_agent_gae"
READ, ENDS = "ppo/four-stages", "dqn/terminated-truncated"


class Case:
    """A batch, and what follows from it.

    Args:
        batch, steps, agents: its size.
        terminated, truncated: (environment, step, agent) of the ends.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        batch: int = 2,
        steps: int = 6,
        agents: int = 3,
        terminated: tuple | list = (),
        truncated: tuple | list = (),
        gamma: float | None = None,
        lmbda: float | None = None,
    ):
        self.gamma = float(rng.uniform(0.6, 0.75)) if gamma is None else gamma
        self.lmbda = float(rng.uniform(0.85, 0.95)) if lmbda is None else lmbda
        shape = (batch, steps, agents, 1)
        self.reward, self.value = rng.normal(size=(2, *shape)).astype(np.float32)
        self.terminated, self.done = np.zeros((2, *shape), bool)
        for where in terminated:
            self.terminated[where] = self.done[where] = True
        for where in truncated:
            self.done[where] = True
        after_the_last = rng.normal(size=(batch, 1, agents, 1)).astype(np.float32)
        self.next_value = np.concatenate([self.value[:, 1:], after_the_last], axis=1)
        self.next_value[self.done] = rng.normal(size=self.done.sum()).astype(np.float32) + 2.0

    def run(self, student: Student) -> Reply:
        """Calls multi_agent_gae on this batch."""
        names = ("reward", "value", "next_value", "terminated", "done", "gamma", "lmbda")
        return student.run(EXERCISE, **{name: getattr(self, name) for name in names})

    def advantage(
        self,
        reward: np.ndarray | None = None,
        masked: np.ndarray | None = None,
        cut: np.ndarray | None = None,
        next_value: np.ndarray | None = None,
        gamma: float | None = None,
        trace: float | None = None,
        axis: int = 1,
    ) -> np.ndarray:
        """GAE, by default the right one.

        Args:
            reward, next_value, gamma: instead of the given ones.
            masked: where what follows is worth 0.
            cut: where the trace is cut.
            trace: instead of gamma * lambda.
            axis: along which the recursion runs.
        """
        reward = self.reward if reward is None else reward
        masked = self.terminated if masked is None else masked
        cut = self.done if cut is None else cut
        next_value = self.next_value if next_value is None else next_value
        gamma = self.gamma if gamma is None else gamma
        trace = gamma * self.lmbda if trace is None else trace
        delta = np.moveaxis(reward + gamma * next_value * ~masked - self.value, axis, 0)
        result, following = np.zeros_like(delta), 0.0
        for t in reversed(range(len(delta))):
            result[t] = following = delta[t] + trace * following * ~np.moveaxis(cut, axis, 0)[t]
        return np.moveaxis(result, 0, axis)


def late(flags: np.ndarray) -> np.ndarray:
    """Flags that come one step late."""
    return np.concatenate([np.zeros_like(flags[:, :1]), flags[:, :-1]], axis=1)


def early(flags: np.ndarray) -> np.ndarray:
    """Flags that come one step early."""
    return np.concatenate([flags[:, 1:], np.zeros_like(flags[:, :1])], axis=1)


@judge(
    EXERCISE,
    points=0.25,
    title="returns advantages and value targets, (batch, time, n_agents, 1)",
    read=READ,
    why="Every agent learns from every frame, and the batch is used again.",
)
def test_returned_tensors(student, rng):
    case = Case(rng, steps=5, terminated=[(0, 1, 0)], truncated=[(1, 2, 1)])
    reply = case.run(student)
    returned = reply["returned"]
    require(
        isinstance(returned, str) and returned in ("tuple of 2", "list of 2"),
        tried="one call",
        got=returned,
        expected="tuple of 2",
        hint="return advantage, advantage + value",
    )
    for name in ("advantage", "value_target"):
        shape = getattr(reply[name], "shape", None)
        require(
            shape == case.reward.shape,
            tried=f"2 environments, 5 steps, 3 agents: the shape of {name}",
            got=shape if shape is not None else reply[name],
            expected=case.reward.shape,
            hint="Every agent has its own at every step of every environment.",
        )
    arguments = reply["arguments"] if isinstance(reply["arguments"], dict) else {}
    for name in ("reward", "value", "next_value", "terminated", "done"):
        compare(
            arguments.get(name),
            getattr(case, name),
            tried=f"{name} after the call",
            atol=0.0,
            rtol=0.0,
            hint=f"multi_agent_gae changed {name}: compute in tensors of your own.",
        )


@judge(
    EXERCISE,
    points=0.5,
    title="with lambda 0 the one-step error of each agent remains",
    read=READ,
    depends=["returned_tensors"],
    why="delta compares what a step brought this agent, reward and next value, with what was expected.",
)
def test_one_step_error(student, rng):
    case = Case(rng, lmbda=0.0)
    team = np.broadcast_to(case.reward.mean(axis=2, keepdims=True), case.reward.shape)
    total = np.broadcast_to(case.reward.sum(axis=2, keepdims=True), case.reward.shape)
    shifted = np.concatenate([case.value[:, 1:], np.zeros_like(case.value[:, :1])], axis=1)
    repeated = np.concatenate([case.value[:, 1:], case.value[:, -1:]], axis=1)
    own = "The agents' rewards are thrown together: each agent has its own."
    compare(
        case.run(student)["advantage"],
        case.advantage(),
        tried="2 environments, 6 steps, 3 agents, no end, gamma below 1, lambda 0: the advantages",
        hints=[
            (case.advantage(reward=team), own),
            (case.advantage(reward=total), own),
            (
                case.advantage(next_value=shifted),
                "After the last step the episode has a next value too: next_value[:, -1], not 0.",
            ),
            (
                case.advantage(next_value=repeated),
                "The last step's next value is next_value[:, -1], not its own value.",
            ),
            (
                case.reward - case.value,
                "Nothing of the next value arrives: r + gamma * V' - V. Is the mask inverted (nothing "
                "terminated here), or are gamma and lambda swapped?",
            ),
            (case.reward + case.gamma * case.next_value, "The value itself is not subtracted."),
            (case.reward + case.next_value - case.value, "The discount gamma is missing."),
            (
                case.gamma * (case.reward + case.next_value) - case.value,
                "The reward is discounted as well: only the next value is.",
            ),
            (case.reward - case.gamma * case.next_value + case.value, "The signs: r + gamma * V' - V."),
            (case.advantage(trace=case.gamma), "lambda is ignored: the trace decays by gamma * lambda."),
            (
                (case.advantage() - case.advantage().mean()) / (case.advantage().std(ddof=1) + 1e-8),
                "These are normalised already: that comes later, and once for the whole batch.",
            ),
        ],
        hint="With lambda 0 every advantage is r + gamma * V(s') - V(s).",
    )


@judge(
    EXERCISE,
    points=0.75,
    title="the recursion over time",
    read=READ,
    depends=["one_step_error"],
    why="Lambda blends all numbers of steps: errors k steps ahead count with (gamma * lambda)^k.",
)
def test_recursion(student, rng):
    case = Case(rng, batch=4, steps=4, agents=4)  # all axes alike: no shape gives a wrong one away
    delta = case.advantage(trace=0.0)
    forward, together = np.zeros_like(delta), np.zeros_like(delta)
    before = following = 0.0
    for t in range(4):
        forward[:, t] = before = delta[:, t] + case.gamma * case.lmbda * before
    for t in reversed(range(4)):
        together[:, t] = delta[:, t] + case.gamma * case.lmbda * following
        following = together[:, t].mean(axis=1, keepdims=True)
    compare(
        case.run(student)["advantage"],
        case.advantage(),
        tried="4 environments, 4 steps, 4 agents, no end: the advantages",
        hints=[
            (case.advantage(axis=0), "The recursion runs over the environments: time is the second axis."),
            (case.advantage(axis=2), "The recursion runs over the agents: time is the second axis."),
            (together, "One trace serves all agents: each agent's runs on its own."),
            (
                delta,
                "Only the one-step errors: add gamma * lambda times the following advantage. Or is the mask "
                "of the ends inverted (no episode ended here)?",
            ),
            (case.advantage(trace=case.gamma), "lambda is missing in the trace: gamma * lambda."),
            (case.advantage(trace=case.lmbda), "gamma is missing in the trace: gamma * lambda."),
            (case.advantage(trace=1.0), "The trace decays by gamma * lambda a step; yours does not decay."),
            (forward, "The recursion runs forwards: begin with the last step."),
            (
                delta + case.gamma * case.lmbda * np.concatenate([delta[:, 1:], 0 * delta[:, :1]], axis=1),
                "Only the next error is added: the recursion adds the following *advantage*.",
            ),
        ],
    )
    case = Case(rng, gamma=0.9, lmbda=1.0)
    returns, following = np.zeros_like(case.reward), case.next_value[:, -1]
    for t in reversed(range(6)):
        returns[:, t] = following = case.reward[:, t] + 0.9 * following
    compare(
        case.run(student)["advantage"],
        returns - case.value,
        tried="the same with lambda 1: discounted rewards, bootstrapped after the last, minus values",
        hint="With lambda 1 all values in between cancel.",
    )


@judge(
    EXERCISE,
    points=1.0,
    title="a termination: nothing follows",
    read=ENDS,
    depends=["recursion"],
    why="After a terminal state there is no reward, so its value is 0; the next row is another episode.",
)
def test_termination(student, rng):
    first, second = int(rng.integers(1, 3)), int(rng.integers(3, 5))
    ends = [(0, first, 0), (0, second, 0), (0, second, 1), (1, second, 1), (1, first, 2), (1, 6, 0)]
    case = Case(rng, steps=7, terminated=ends)
    done, never = case.terminated, np.zeros_like(case.terminated)
    agent_0, anyone = (
        np.broadcast_to(flags, done.shape) for flags in (done[:, :, :1], done.any(axis=2, keepdims=True))
    )
    own = "Every agent has a flag of its own: take the whole of terminated and done, axis by axis."
    compare(
        case.run(student)["advantage"],
        case.advantage(),
        tried=f"7 steps, terminated at (environment, step, agent) {', '.join(map(str, ends))}: the advantages",
        hints=[
            (
                case.advantage(masked=np.where(np.arange(7)[:, None, None] == 6, False, done)),
                "In the last step of the batch an episode may terminate as well.",
            ),
            (
                case.advantage(masked=~done),
                "The mask is inverted: the next value counts where the step did not terminate.",
            ),
            (
                case.advantage(masked=never, cut=never),
                "The ends are ignored: neither the next value nor the following advantage counts there.",
            ),
            (
                case.advantage(masked=never),
                "The value after a termination is 0: multiply next_value by ~terminated.",
            ),
            (
                case.advantage(cut=never),
                "The trace runs on into the next episode: cut it where an episode ended.",
            ),
            (
                case.advantage(masked=late(done), cut=late(done)),
                "One step late: terminated[:, t] belongs to step t itself, not to the step after it.",
            ),
            (
                case.advantage(masked=early(done), cut=early(done)),
                "One step early: at step t look at terminated[:, t], not at terminated[:, t + 1].",
            ),
            (
                case.advantage(cut=late(done)),
                "The trace is cut one step late: cut it at the step that ended the episode.",
            ),
            (
                case.advantage(cut=early(done)),
                "The trace is cut one step early: at step t look at the flags of step t.",
            ),
            (
                case.advantage(masked=early(done)),
                "The next value is switched off one step early: at step t look at terminated[:, t].",
            ),
            (case.advantage(masked=agent_0, cut=agent_0), own),
            (case.advantage(masked=anyone, cut=anyone), own),
            (case.advantage(cut=anyone), own),
            (case.advantage(cut=agent_0), own),
        ],
        hint="Where step t terminated, the advantage is r - V(s), whatever comes after.",
    )


@judge(
    EXERCISE,
    points=1.0,
    title="a time limit: bootstrapped, but the trace is cut",
    read=ENDS,
    depends=["termination"],
    why=(
        "The clock stopped the episode, the world would have gone on: its last observation keeps its value. "
        "The following row is another episode all the same."
    ),
)
def test_time_limit(student, rng):
    first, second = int(rng.integers(1, 3)), int(rng.integers(3, 5))
    ends = [(0, first, 0), (0, second, 0), (0, second, 1), (1, second, 1), (1, first, 2), (1, 6, 0)]
    case = Case(rng, steps=7, truncated=ends)
    cut, never = case.done, np.zeros_like(case.done)
    next_row = np.concatenate([case.value[:, 1:], case.next_value[:, -1:]], axis=1)
    compare(
        case.run(student)["advantage"],
        case.advantage(),
        tried=f"7 steps, only done, not terminated, at (environment, step, agent) {', '.join(map(str, ends))}: "
        "the advantages",
        hints=[
            (
                case.advantage(masked=cut),
                "A time limit is treated as an end: only a termination makes the next value 0.",
            ),
            (
                case.advantage(cut=never),
                "The trace runs on into the next episode: cut it wherever done says that one ended.",
            ),
            (
                case.advantage(next_value=next_row),
                "You bootstrap from the next row, which is another episode: use next_value[:, t].",
            ),
            (
                case.advantage(next_value=next_row, cut=never),
                "done is ignored: use next_value[:, t], and cut the trace.",
            ),
            (
                case.advantage(cut=late(cut)),
                "The trace is cut one step late: cut it at the step that is done.",
            ),
            (
                case.advantage(cut=early(cut)),
                "The trace is cut one step early: at step t look at done[:, t].",
            ),
            (
                case.advantage(masked=cut, cut=never),
                "A time limit keeps the next value and cuts the trace; yours does the opposite.",
            ),
        ],
        hint="Where step t was truncated, the advantage is r + gamma * next_value[:, t] - V(s).",
    )


@judge(
    EXERCISE,
    points=0.5,
    title="another agent or episode changes nothing",
    read=ENDS,
    depends=["time_limit"],
    why="An agent's advantage says what its own rewards and values say, up to the end of its episode.",
)
def test_apart(student, rng):
    end = int(rng.integers(2, 4))
    over = [[(i, end, n) for n in range(3)] for i in range(2)]
    case = Case(rng, batch=3, terminated=over[0], truncated=over[1])
    before = case.run(student)["advantage"]
    case.reward[:2, end + 1 :] += 1e5
    case.value[:2, end + 1 :] -= 1e5
    case.next_value[:2, end + 1 :] += 1e5
    case.reward[2] += 1e5
    case.reward[:, :, 2] -= 1e5
    after = case.run(student)["advantage"]
    for advantage in (before, after):
        require(
            getattr(advantage, "shape", None) == case.reward.shape,
            tried="3 environments, 6 steps, 3 agents: the shape of the advantages",
            got=getattr(advantage, "shape", None) or advantage,
            expected=case.reward.shape,
        )
    same = (slice(2), slice(end + 1), slice(2))
    compare(
        after[same],
        before[same],
        tried=f"all steps after {end}, environment 2 and agent 2 changed: the other advantages",
        hint=(
            "The recursion must keep environments and agents apart and stop at every end. (What is added up first "
            "and subtracted later leaves its rounding behind.)"
        ),
    )


@judge(
    EXERCISE,
    points=0.5,
    title="the value targets are advantages plus values",
    read=READ,
    depends=["recursion"],
    why="The critic learns towards V + A: its own estimate, corrected by what was seen.",
)
def test_value_targets(student, rng):
    case = Case(rng, terminated=[(0, 2, 0)], truncated=[(1, 3, 1)])
    reply = case.run(student)
    right = reply["advantage"]  # its own: they are the other judges' matter
    require(
        getattr(right, "shape", None) == case.reward.shape,
        tried="2 environments, 6 steps, 3 agents: the shape of the advantages",
        got=getattr(right, "shape", None) or right,
        expected=case.reward.shape,
    )
    team = np.broadcast_to(case.value.mean(axis=2, keepdims=True), right.shape)
    compare(
        reply["value_target"],
        right + case.value,
        tried="6 steps with a termination and a time limit: the value targets",
        hints=[
            (right, "These are the advantages: add the values."),
            (
                case.value,
                "These are the values alone: add the advantages after the recursion has computed them.",
            ),
            (right - case.value, "The values are subtracted: add them."),
            (right + case.next_value, "The next values are added: add V of the same observation, value."),
            (
                case.advantage(trace=0.0) + case.value,
                "The one-step errors were added: add the advantages after the recursion has computed them.",
            ),
            (right + team, "The agents' values are averaged: add each agent's own."),
        ],
        hint="advantage + value",
    )


@judge(
    EXERCISE,
    points=0.5,
    title="without gradients",
    read=READ,
    depends=["returned_tensors"],
    why="Both are constants of the loss. With a gradient the critic would change its targets to fit itself.",
)
def test_no_gradient(student, rng):
    reply = Case(rng).run(student)
    require(
        reply["carry_gradient"] == [False, False],
        tried="values that carry gradients: whether advantages and value targets do",
        got=reply["carry_gradient"],
        expected=[False, False],
        hint="A gradient flows through the values: compute under torch.no_grad().",
    )
    require(
        reply["types"] == ["Tensor", "Tensor"],
        tried="the types of advantages and value targets",
        got=reply["types"],
        expected=["Tensor", "Tensor"],
    )
