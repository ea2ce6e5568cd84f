"""Judges of hw4.global_state: which number stands where, whatever the axes in front."""

from __future__ import annotations

import numpy as np

from autograder.trusted.judging import Hints, attempt, compare, judge, nothing_else_changed, require

EXERCISE = "hw4.global_state"
READ = "marl/one-to-many"
DROPPED = "Axes of length 1 are dropped: only the agents' axis goes."


def side_by_side(observation: np.ndarray) -> np.ndarray:
    """The right one."""
    return np.concatenate([observation[..., i, :] for i in range(observation.shape[-2])], axis=-1)


def mistakes(observation: np.ndarray) -> Hints:
    """What known mistakes give instead."""
    sums = "You sum or average over the agents: keep all features of every agent."
    flat = [
        (observation.reshape(-1), "Everything is flat: only the last two axes are joined, the others stay."),
        (
            observation.reshape(len(observation), -1),
            "Time is flattened too: only the last two axes are joined, the others stay.",
        ),
        (
            observation.reshape(*observation.shape[:-3], -1, observation.shape[-1]),
            "Time and agents are joined: join the last two axes, agents and features.",
        ),
    ]
    return [
        (observation, "Nothing is joined: the agents' axis is still there."),
        (observation.sum(axis=-2), sums),
        (observation.mean(axis=-2), sums),
        (
            observation.max(axis=-2),
            "The largest of each feature is left: keep all the features of all agents.",
        ),
        (observation[..., 0, :], "Only agent 0 is there: the critic must see all agents."),
        (
            np.swapaxes(observation, -1, -2).reshape(*observation.shape[:-2], -1),
            "The features are interleaved: all of agent 0, then all of agent 1...",
        ),
        (side_by_side(observation[..., ::-1, :]), "The agents stand in reverse order."),
        *flat,
    ]


@judge(
    EXERCISE,
    points=0.5,
    title="all agents' observations, side by side",
    read=READ,
    why="Only the training uses the critic, so it may see everything. A critic that sees the whole team has less to guess.",
)
def test_side_by_side(student, rng):
    observation = rng.normal(size=(4, 5, 3, 2)).astype(np.float32)
    reply = student.run(EXERCISE, observation=observation)
    compare(
        reply["value"],
        side_by_side(observation),
        tried="4 environments, 5 steps, 3 agents, 2 features",
        hints=mistakes(observation),
        hint="(..., n_agents * features): agent 0, then agent 1, and so on.",
    )


@judge(
    EXERCISE,
    points=0.5,
    title="with any axes in front",
    read=READ,
    depends=["side_by_side"],
    why="The training passes minibatches of frames. Acting passes a single step. A whole batch also has an axis of time.",
)
def test_any_axes(student, rng):
    for shape in ((3, 2), (6, 1, 4), (2, 3, 2, 1), (3, 3, 3, 3), (1, 1, 3, 2), (1, 4, 1), (1, 1)):
        observation = rng.normal(size=shape).astype(np.float32)
        tried, right = f"observations of shape {shape}", side_by_side(observation)
        reply = student.run(EXERCISE, observation=observation)
        compare(
            reply["value"],
            right,
            tried=tried,
            hints=[(right.squeeze(), DROPPED)],
            hint="Count the axes from the end: agents are the last but one, features the last.",
        )
    observation = rng.normal(size=(4, 3, 2)).astype(np.float32)
    told = "observations (4, 3, 2), a transposed view of a tensor (4, 2, 3)"
    strided = attempt(
        student,
        EXERCISE,
        tried=told,
        expected="(4, 6)",
        hint="A tensor that was transposed cannot be joined in place, so view fails: take flatten or reshape.",
        says="view",
        observation=observation,
        strided=True,
    )
    compare(strided["value"], side_by_side(observation), tried=told)
    require(reply["type"] == "Tensor", tried="the type", got=reply["type"], expected="Tensor")
    nothing_else_changed(reply)
