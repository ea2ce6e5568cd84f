"""Judges of hw4.multi_agent_gae: the definition, traps at every end and on every axis, and no gradient.

Rollouts and claims are those of `judges/gae.py`; what is judged here alone is the axis of the agents.
"""

from __future__ import annotations

import numpy as np

from autograder.trusted.judges import gae
from autograder.trusted.judges.gae import Estimator, Rollout
from autograder.trusted.judging import Hints, judge, require

EXERCISE = "hw4.multi_agent_gae"
READ, ENDS = "ppo/four-stages", "dqn/terminated-truncated"
SHAPE = (7, 2, 3)  # steps, environments, agents


def inputs(rollout: Rollout) -> dict:
    """What the probe takes: `(batch, time, n_agents, 1)`."""
    arrays = {
        "reward": rollout.rewards,
        "value": rollout.values,
        "next_value": rollout.next_values,
        "terminated": rollout.terminated,
        "done": rollout.done,
    }
    moved = {name: np.moveaxis(array, 0, 1)[..., None] for name, array in arrays.items()}
    return {**moved, "gamma": rollout.gamma, "lmbda": rollout.lam}


def time_first(answer: np.ndarray) -> np.ndarray:
    """`(batch, time, n_agents, 1)` as the rollouts have it."""
    if answer.ndim != 4 or answer.shape[3] != 1:
        raise ValueError(f"expected (batch, time, n_agents, 1), got {answer.shape}")
    return np.moveaxis(answer[..., 0], 1, 0)


def own(case: Rollout) -> Hints:
    """What is thrown together over agents or environments."""

    def team(array: np.ndarray, join=np.mean) -> np.ndarray:
        return np.broadcast_to(join(array, axis=2, keepdims=True), array.shape)

    together, following = np.zeros_like(case.rewards), 0.0
    deltas = case.advantages(trace=0.0)
    for t in reversed(range(len(deltas))):
        together[t] = deltas[t] + case.gamma * case.lam * following * ~case.done[t]
        following = together[t].mean(axis=1, keepdims=True)
    rewards = "The agents' rewards are mixed: each agent has its own."
    flags = "Every agent has a flag of its own: take the whole of terminated and done, axis by axis."
    agent_0 = [np.broadcast_to(array[:, :, :1], array.shape) for array in (case.terminated, case.done)]
    anyone = [team(array, np.any) for array in (case.terminated, case.done)]
    right = case.advantages()
    return [
        (case.advantages(rewards=team(case.rewards)), rewards),
        (case.advantages(rewards=team(case.rewards, np.sum)), rewards),
        (together, "All agents share one trace: each agent needs its own."),
        (case.advantages(axis=1), "The recursion runs over the environments: time is the second axis."),
        (case.advantages(axis=2), "The recursion runs over the agents: time is the second axis."),
        *((case.advantages(masked=masked, cut=cut), flags) for masked, cut in (agent_0, anyone)),
        *((case.advantages(cut=cut), flags) for _, cut in (agent_0, anyone)),
        (
            (right - right.mean()) / (right.std(ddof=min(1, right.size - 1)) + 1e-8),
            "These are normalised already: that comes later, and once for the whole batch.",
        ),
    ]


MULTI_AGENT_GAE = Estimator(
    EXERCISE,
    inputs,
    time_first,
    names={
        "next": "next_value",
        "last": "next_value[:, -1]",
        "ended": "done",
        "returns": "value targets",
        "at": ":, t",
        "place": "(step, environment, agent)",
        "sizes": "(steps, environments, agents)",
    },
    own=own,
)


def team_values(case: Rollout, right: np.ndarray) -> Hints:
    """Values that are averaged over the agents."""
    team = np.broadcast_to(case.values.mean(axis=2, keepdims=True), right.shape)
    return [(right + team, "The agents' values are averaged: add each agent's own.")]


@judge(
    EXERCISE,
    points=0.25,
    title="returns advantages and value targets, (batch, time, n_agents, 1)",
    read=READ,
    why="Every agent learns from every frame.",
)
def test_returned_tensors(student, rng):
    reply = MULTI_AGENT_GAE.ask(
        student, Rollout(rng, (5, 2, 3), terminated=[(1, 0, 0)], truncated=[(2, 1, 1)])
    )
    require(
        reply["is_pair"] is True,
        tried="one call",
        got=reply["returned"],
        expected="tuple of 2",
        hint="return advantage, advantage + value",
    )
    for name, told in (("advantages", "the advantages"), ("returns", "the value targets")):
        shape = getattr(reply[name], "shape", None)
        require(
            shape == (2, 5, 3, 1),
            tried=f"2 environments, 5 steps, 3 agents: the shape of {told}",
            got=shape if shape is not None else reply[name],
            expected=(2, 5, 3, 1),
            hint="Every agent has its own at every step of every environment.",
        )


@judge(
    EXERCISE,
    points=0.5,
    title="with lambda 0 the one-step error of each agent remains",
    read=READ,
    depends=["returned_tensors"],
    why="delta is what the step gave this agent, r + gamma * V', minus what the critic expected, V.",
)
def test_one_step_error(student, rng):
    gae.one_step_error(MULTI_AGENT_GAE, student, rng, SHAPE)


@judge(
    EXERCISE,
    points=0.75,
    title="the recursion over time",
    read=READ,
    depends=["one_step_error"],
    why="The advantage adds up all later errors. The error k steps ahead has the weight (gamma * lambda)^k.",
)
def test_recursion(student, rng):
    gae.recursion(MULTI_AGENT_GAE, student, rng, (4, 4, 4))  # all axes alike: no shape gives a wrong one away


@judge(
    EXERCISE,
    points=0.75,
    title="a termination: nothing follows",
    read=ENDS,
    depends=["recursion"],
    why="After a terminal state there is no reward, so its value is 0; the next row is another episode.",
)
def test_termination(student, rng):
    gae.termination(MULTI_AGENT_GAE, student, rng, SHAPE)


@judge(
    EXERCISE,
    points=0.75,
    title="a time limit: bootstrapped, but the trace is cut",
    read=ENDS,
    depends=["termination"],
    why=(
        "A time limit stopped the episode, but the world could have gone on. So the last observation keeps its value. "
        "The next row still belongs to another episode."
    ),
)
def test_time_limit(student, rng):
    gae.time_limit(MULTI_AGENT_GAE, student, rng, SHAPE)


@judge(
    EXERCISE,
    points=0.25,
    title="both kinds of ends in one batch",
    read=ENDS,
    depends=["time_limit"],
    why="done is set at both; only terminated says which of them has nothing after it.",
)
def test_both(student, rng):
    gae.both(MULTI_AGENT_GAE, student, rng, SHAPE)


@judge(
    EXERCISE,
    points=0.25,
    title="another agent or episode changes nothing",
    read=ENDS,
    depends=["time_limit"],
    why="An agent's advantage depends only on its own rewards and values, up to the end of its episode.",
)
def test_apart(student, rng):
    step = int(rng.integers(2, 4))
    over = [[(step, i, n) for n in range(2)] for i in range(2)]
    gae.apart(MULTI_AGENT_GAE, student, rng, (6, 3, 3), (over[0], over[1]))


@judge(
    EXERCISE,
    points=0.25,
    title="any size, any gamma and lambda",
    read=READ,
    depends=["both", "apart"],
    why="A team may have one member, a test one environment, an episode hundreds of steps.",
)
def test_any_size(student, rng):
    gae.any_size(MULTI_AGENT_GAE, student, rng, [(1, 1, 1), (1, 2, 3), (6, 1, 3), (6, 2, 1), (2, 2, 2)])


@judge(
    EXERCISE,
    points=0.5,
    title="the value targets are advantages plus values",
    read=READ,
    depends=["recursion"],
    why="The critic learns towards V + A: its own estimate, corrected by what was seen.",
)
def test_value_targets(student, rng):
    gae.returns(MULTI_AGENT_GAE, student, rng, SHAPE, own=team_values)


@judge(
    EXERCISE,
    points=0.5,
    title="without gradients",
    read=READ,
    depends=["returned_tensors"],
    why="Both are constants of the loss. With a gradient the critic would change its targets to fit itself.",
)
def test_no_gradient(student, rng):
    reply = MULTI_AGENT_GAE.ask(student, Rollout(rng, SHAPE))
    require(
        reply["types"] == ["Tensor", "Tensor"],
        tried="the types of advantages and value targets",
        got=reply["types"],
        expected=["Tensor", "Tensor"],
    )
    require(
        reply["carry_gradient"] == [False, False],
        tried="values that carry gradients: whether advantages and value targets do",
        got=reply["carry_gradient"],
        expected=[False, False],
        hint="A gradient flows through the values: compute under torch.no_grad().",
    )


@judge(
    EXERCISE,
    points=0.25,
    title="the arguments and everything else stay unchanged",
    read=READ,
    depends=["returned_tensors"],
    why="The batch is used again, and the function is called once for each batch.",
)
def test_no_trace(student, rng):
    gae.leaves_no_trace(MULTI_AGENT_GAE, student, rng, SHAPE)
