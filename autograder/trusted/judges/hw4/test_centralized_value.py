"""Judges of hw4.centralized_value: a critic that is known shows what it was asked."""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judging import Hints, compare, judge, nothing_else_changed, require

EXERCISE = "hw4.centralized_value"
READ = "marl/one-to-many"


class Case:
    """A team's observations, and a critic scale * tanh(state @ weights).

    Args:
        shape: of the observations, `(..., agents, features)`.
        scale: of the values.
    """

    def __init__(self, rng: np.random.Generator, *shape: int, scale: float = 1.0):
        self.scale = scale
        self.observation = rng.normal(size=shape).astype(np.float32)
        self.agents, self.features = shape[-2:]
        self.weights = (rng.normal(size=self.agents * self.features) / 2).astype(np.float32)

    def run(self, student: Student) -> Reply:
        """Calls centralized_value."""
        return student.run(EXERCISE, observation=self.observation, weights=self.weights, scale=self.scale)

    def critic(self, state: np.ndarray) -> np.ndarray:
        """Values `(...)` of states `(..., inputs)`."""
        used = np.arange(state.shape[-1]) % len(self.weights)
        return self.scale * np.tanh(state @ self.weights[used])

    def state(self, observation: np.ndarray | None = None) -> np.ndarray:
        """The global state."""
        observation = self.observation if observation is None else observation
        return observation.reshape(*observation.shape[:-2], -1)

    def for_all(self, value: np.ndarray) -> np.ndarray:
        """A value given to every agent."""
        return np.repeat(value[..., None, None], self.agents, axis=-2)

    def mistakes(self) -> Hints:
        """What known mistakes give instead."""
        seen, agents = self.observation, range(self.agents)
        team = self.critic(self.state())
        alone = [np.where(np.arange(self.agents)[:, None] == i, seen, 0.0) for i in agents]
        tiled = [np.repeat(seen[..., i : i + 1, :], self.agents, axis=-2) for i in agents]
        others = [np.where(np.arange(self.agents)[:, None] != i, seen, 0.0) for i in agents]
        local = "The critic sees one agent only: show it the global state, all observations side by side."

        def per_agent(shown: list[np.ndarray]) -> np.ndarray:
            return np.stack([self.critic(self.state(one)) for one in shown], axis=-1)[..., None]

        return [
            (self.critic(seen)[..., None], local),
            (per_agent(alone), local),
            (per_agent(tiled), local),
            (per_agent(others), "Each agent's value lacks its own observation: the critic sees all of them."),
            (
                self.for_all(self.critic(np.concatenate([seen.mean(axis=-2)] * self.agents, -1))),
                "The critic sees the mean of the observations: show it the global state.",
            ),
            (
                self.for_all(self.critic(np.swapaxes(seen, -1, -2).reshape(*seen.shape[:-2], -1))),
                "The features reach the critic interleaved: use team.global_state.",
            ),
            (
                per_agent([np.roll(seen, -i, axis=-2) for i in agents]),
                "Every agent gets a value of its own order of the team: there is one state and one value.",
            ),
            (team[..., None], "One value for the team: give it to each agent, (..., n_agents, 1)."),
            (
                team[..., None, None],
                "There is one agent's entry: repeat the value for all n_agents (expand).",
            ),
            (
                np.repeat(team[..., None], self.agents, axis=-1),
                "The last axis of one is missing: (..., n_agents, 1), the shape of the rewards.",
            ),
            (
                self.for_all(team) / self.agents,
                "The value is divided among the agents: each of them gets the whole value.",
            ),
            (
                self.for_all(team) * (np.arange(self.agents) == 0)[:, None],
                "Only agent 0 gets the value: all agents do.",
            ),
            (
                self.for_all(np.full_like(team, team.mean())),
                "All environments get the same value: judge each of them.",
            ),
        ]


@judge(
    EXERCISE,
    points=1.5,
    title="the value of the global state, for every agent",
    read=READ,
    why="No single observation shows what the team does together. The actors still see only their own.",
)
def test_value(student, rng):
    before = np.nan
    for scale in (1.0, 1e3):
        case = Case(rng, 4, 3, 3, 2, scale=scale)
        value = case.run(student)["value"]
        compare(
            value,
            case.for_all(case.critic(case.state())),
            tried=f"4 environments, 3 steps, 3 agents, 2 features, values of up to {scale:g}",
            hints=[
                (before, "That is the answer of the call before: each call must start from the beginning."),
                *case.mistakes(),
            ],
            hint="critic(global state) has shape (..., 1); it goes to each agent, (..., n_agents, 1), as it is.",
            atol=1e-5 * scale,
        )
        before = value


@judge(
    EXERCISE,
    points=0.5,
    title="with any axes in front",
    read=READ,
    depends=["value"],
    why="A minibatch has no axis of time; a team may be as large as a batch, or have one member.",
)
def test_any_axes(student, rng):
    for shape in ((3, 2), (3, 3, 3), (5, 1, 4), (2, 2, 2, 1), (3, 1, 3, 2), (1, 3, 2), (1, 1, 1)):
        case = Case(rng, *shape)
        tried, right = f"observations of shape {shape}", case.for_all(case.critic(case.state()))
        compare(
            case.run(student)["value"],
            right,
            tried=tried,
            hints=[(right.squeeze(), "Axes of length 1 are dropped: the result is (..., n_agents, 1).")],
            hint="Count the axes from the end: agents are the last but one, features the last.",
        )


@judge(
    EXERCISE,
    points=1.0,
    title="the critic learns from every agent's entry",
    read=READ,
    depends=["any_axes"],
    why="The critic's loss compares each agent's entry with its own target; all of them teach the critic.",
)
def test_gradient(student, rng):
    case = Case(rng, 6, 3, 2)
    state = case.state()
    reply = case.run(student)
    slope = ((1 - case.critic(state) ** 2)[:, None] * state).sum(axis=0)
    compare(
        reply["gradient"],
        3 * slope,
        tried="6 frames, 3 agents: the gradient of the sum of all values with regard to the critic's weights",
        hints=[
            (0 * slope, "No gradient reaches the critic: no detach, no torch.no_grad here."),
            (slope, "The gradient of one agent's entry only reaches the critic."),
        ],
        rtol=1e-3,
        atol=1e-4,
    )
    require(reply["type"] == "Tensor", tried="the type", got=reply["type"], expected="Tensor")
    nothing_else_changed(reply)
