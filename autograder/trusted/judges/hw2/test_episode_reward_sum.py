"""Judges of hw2.episode_reward_sum: whole episodes, several of them, unequal ones, none."""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import Hints, compare, judge, require

EXERCISE = "hw2.episode_reward_sum"
READ, ENDS = "marl/vmas", "dqn/terminated-truncated"


class Case:
    """Rewards, and what the episodes in them sum up to.

    Args:
        batch, steps, agents: sizes.
        ends: (environment, step), or (environment, step, agent), of the ends.
        sign: of the rewards: 1, -1, or 0 for both.
    """

    def __init__(
        self, rng: np.random.Generator, batch: int, steps: int, agents: int, ends: list, sign: int = 1
    ):
        self.reward = rng.uniform(0.5, 2.0, size=(batch, steps, agents, 1)).astype(np.float32)
        self.reward *= sign or rng.choice([-1, 1], size=self.reward.shape)
        self.done = np.zeros(self.reward.shape, bool)
        for where in ends:
            self.done[where] = True

    def run(self, student: Student) -> Reply:
        """Calls episode_reward_sum."""
        return student.run(EXERCISE, reward=self.reward, done=self.done)

    def running(self, done: np.ndarray | None = None) -> np.ndarray:
        """The sum since the episode began, at every step; ends where `done` says, by default the right ones."""
        done = self.done if done is None else done
        result, before = np.zeros_like(self.reward), 0.0
        for t in range(self.reward.shape[1]):
            result[:, t] = self.reward[:, t] + before
            before = result[:, t] * ~done[:, t]
        return result

    def right(self) -> float:
        """The mean return of the ended episodes."""
        return float(self.running()[self.done].mean())

    def mistakes(self) -> Hints:
        """What known mistakes give instead."""
        running, done = self.running(), self.done
        never = self.running(np.zeros_like(done))
        late, early = np.roll(done, 1, axis=1), np.roll(done, -1, axis=1)
        late[:, 0] = early[:, -1] = False
        unfinished = done.copy()
        unfinished[:, -1] = True
        rows = [running[i, :, n][done[i, :, n]] for i, n in np.ndindex(done.shape[0], done.shape[2])]
        some = [row.mean() for row in rows if len(row)]
        environments = [running[i][done[i]].mean() for i in range(len(done)) if done[i].any()]
        best = [running[i][done[i]].max() for i in range(len(done)) if done[i].any()]
        steps = [running[:, t][done[:, t]].mean() for t in range(done.shape[1]) if done[:, t].any()]
        count, left = (np.cumsum(flags, axis=1) for flags in (done, done[:, ::-1]))
        begins = np.roll(done, 1, axis=1)
        begins[:, 0] = True
        return [
            (np.array([self.right()]), "One number, not a list of one: float(...)."),
            (
                np.nan,
                "NaN says that no episode ended, but here some did: done says which, for every return.",
            ),
            (
                running.mean(),
                "This is the running sum averaged over all steps, about half of the right number: take it where an episode ends.",
            ),
            (never.mean(), "This is the running sum averaged over all steps: take it where an episode ends."),
            (self.reward.mean(), "This is the mean reward of a step: add up each episode first."),
            (self.reward[done].mean(), "These are the rewards of the last steps alone: add up each episode."),
            (
                never[done].mean(),
                "The sum never begins again at 0: after an end it contains the episode before.",
            ),
            (
                self.running(late)[done].mean(),
                "The sum begins again one step late: the first reward of the next episode is lost, or counted "
                "twice.",
            ),
            (
                self.running(early)[done].mean(),
                "The sum begins again one step early: the step that ends an episode still belongs to it.",
            ),
            ((running - self.reward)[done].mean(), "The last reward of each episode is missing."),
            (running[unfinished].mean(), "Episodes that have not ended are counted: leave them out."),
            (
                self.reward.sum() / max(1, done.sum()),
                "Rewards of episodes that have not ended are counted: leave them out.",
            ),
            (
                self.reward.sum(axis=1).mean(),
                "This is the sum over the whole batch: only episodes that ended count.",
            ),
            (
                np.mean(some),
                "Every episode has the same weight: do not first take a mean for each environment and agent.",
            ),
            (
                np.mean(environments),
                "Every episode has the same weight: do not first take a mean for each environment.",
            ),
            (
                running[done].mean() * done.shape[2],
                "The agents' returns are added up: take the mean over agents too.",
            ),
            (running[:, :, 0][done[:, :, 0]].mean(), "Only agent 0 counts: the mean goes over all agents."),
            (running[done].sum(), "This is the sum of all returns: divide by the number of ended episodes."),
            (running[done].max(), "This is the best episode: take the mean."),
            (np.mean(best), "These are the best episodes: take the mean over all."),
            (running[done].sum() / len(done), "Divide by the number of ended episodes, not of environments."),
            (np.mean(steps), "Every episode has the same weight: do not first take a mean for each step."),
            (
                running[done & (count == 1)].mean(),
                "Only the first episode of each environment counts: take the mean over all that ended.",
            ),
            (
                running[done & (left[:, ::-1] == 1)].mean(),
                "Only the last episode of each environment counts: take the mean over all that ended.",
            ),
            (
                running[done & ~begins].sum() / max(1, (done & ~begins).sum()),
                "Episodes of a single step are missing: their return is that step's reward.",
            ),
        ]


@judge(
    EXERCISE,
    points=0.75,
    title="one episode in each environment: its rewards summed up",
    read=READ,
    why="What counts is the sum of an episode's rewards. A mean over steps hides how long the episode lasted.",
)
def test_one_episode(student, rng):
    case = Case(rng, 3, 5, 2, [(i, 4) for i in range(3)])
    compare(
        case.run(student)["value"],
        case.right(),
        tried="3 environments, 2 agents, episodes of 5 steps that end with the batch",
        hints=case.mistakes(),
        hint="Add up the rewards of every agent over time, and take the mean of the sums.",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="a number comes back, and the batch stays as it was",
    read=READ,
    depends=["one_episode"],
    why="The number is logged; the rewards are still needed for learning.",
)
def test_number(student, rng):
    case = Case(rng, 3, 6, 2, [(0, 2), (0, 5), (1, 3)])
    reply = case.run(student)
    require(
        reply["type"] in ("float", "int"),
        tried="the type",
        got=reply["type"],
        expected="float",
        hint="A number to log: float(...).",
    )
    for name in ("reward", "done"):
        compare(
            reply[name],
            getattr(case, name),
            tried=f"{name} after the call",
            atol=0.0,
            rtol=0.0,
            hint=f"episode_reward_sum changed {name}: compute in tensors of your own.",
        )


@judge(
    EXERCISE,
    points=0.75,
    title="after an end the sum begins again at 0",
    read=ENDS,
    depends=["one_episode"],
    why="The next step belongs to another episode, whose return must not contain this one's.",
)
def test_anew(student, rng):
    first = int(rng.integers(1, 3))
    case = Case(rng, 3, 8, 2, [(0, first), (0, 7), (1, 4), (1, 7), (2, 0), (2, 1), (2, 7)])
    compare(
        case.run(student)["value"],
        case.right(),
        tried=f"8 steps, ends at (environment, step) (0, {first}), (1, 4), (2, 0), (2, 1) and in the last step",
        hints=case.mistakes(),
        hint="Where done is True, note the sum, then set it to 0.",
    )


@judge(
    EXERCISE,
    points=0.75,
    title="episodes that have not ended do not count, and all others have the same weight",
    read=ENDS,
    depends=["anew"],
    why="Half an episode has only a part of the return. If it counted, the team would look worse than it is, or better.",
)
def test_unfinished(student, rng):
    case = Case(rng, 4, 9, 2, [(0, 1), (0, 3), (0, 6), (1, int(rng.integers(4, 8)))])
    compare(
        case.run(student)["value"],
        case.right(),
        tried="4 environments, 9 steps: three episodes end in environment 0, one in 1, none in 2 and 3",
        hints=case.mistakes(),
        hint="The mean of the returns at all ends, over all environments.",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="rewards of any sign",
    read=READ,
    depends=["unfinished"],
    why="In many tasks all rewards are negative, and a return may be 0. Only done says what has ended.",
)
def test_signs(student, rng):
    for sign, kind in ((-1, "negative"), (0, "positive and negative")):
        case = Case(rng, 3, 9, 2, [(0, 1), (0, 3), (0, 6), (1, int(rng.integers(4, 8))), (2, 8)], sign)
        case.reward[0, 2:4] = 0.0
        ended = case.running()[case.done]
        some = ended[ended != 0.0].mean()
        compare(
            case.run(student)["value"],
            case.right(),
            tried=f"3 environments, 9 steps, 5 ends; {kind} rewards, those of one episode are all 0",
            hints=[
                (some, "An episode with the return 0 is missing: done says what has ended."),
                (
                    ended[ended > 0.0].mean() if (ended > 0.0).any() else np.nan,
                    "You count only positive returns: done says what has ended, for every return.",
                ),
            ],
            hint="The mean of the returns at all ends, of any sign.",
        )
    case = Case(rng, 2, 5, 2, [(0, 2), (1, 4)])
    case.reward[:] = 0.0
    compare(
        case.run(student)["value"],
        0.0,
        tried="2 environments, 5 steps, 2 ends; all rewards are 0",
        hints=[(np.nan, "Two episodes ended, and both have the return 0: NaN would say that none ended.")],
        hint="The mean of returns that are all 0 is 0.",
    )


@judge(
    EXERCISE,
    points=0.5,
    title="agents may end at different steps",
    read=ENDS,
    depends=["unfinished"],
    why="The flags have an agents' axis: each entry is that agent's own.",
)
def test_agents(student, rng):
    case = Case(rng, 3, 7, 3, [(0, 2, 0), (0, 5, 1), (1, 3, 1), (1, 4, 1), (2, int(rng.integers(3, 7)), 2)])
    compare(
        case.run(student)["value"],
        case.right(),
        tried="3 environments, 7 steps, 3 agents, whose episodes end at different steps",
        hints=case.mistakes(),
        hint="Keep a running sum for every agent, and look at its own flag.",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="of any size",
    read=READ,
    depends=["unfinished"],
    why="With a single environment, step or agent, code that squeezes axes goes wrong.",
)
def test_any_size(student, rng):
    for batch, steps, agents in (
        (1, 6, 2),
        (3, 1, 2),
        (3, 6, 1),
        (1, 6, 1),
        (1, 1, 1),
        (2, 2, 2),
        (1, 300, 2),
    ):
        ends = [(0, 0), (0, steps - 1), (batch - 1, steps // 2)]
        case = Case(rng, batch, steps, agents, ends)
        compare(
            case.run(student)["value"],
            case.right(),
            tried=f"{batch} environments, {steps} steps, {agents} agents",
            hint="Keep every axis, also where it has length 1.",
            atol=1e-3,
        )


@judge(
    EXERCISE,
    points=0.5,
    title="if no episode ended, there is no mean",
    read=READ,
    depends=["one_episode"],
    why="0 would look like a return. NaN says that there was none, and then the log shows another number.",
)
def test_none(student, rng):
    for batch in (2, 1):
        case = Case(rng, batch, 4, 2, [])
        compare(
            case.run(student)["value"],
            np.nan,
            tried=f"{batch} environments, 4 steps, no end",
            hints=[(0.0, "0 is a return that an episode may have: give NaN, float('nan').")],
            hint="The mean of no values is NaN.",
        )
