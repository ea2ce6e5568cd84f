"""Judges of hw2.expand_done: the new axis, and whose flag stands where."""

from __future__ import annotations

import numpy as np

from autograder.trusted.judging import Hints, compare, judge, require

EXERCISE = "hw2.expand_done"
READ = "marl/vmas"


def flags(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Random flags, some True and some False where there is more than one."""
    done = np.zeros(int(np.prod(shape)), bool)
    done[: (len(done) + 1) // 3] = True
    return rng.permutation(done).reshape(shape)


def right(done: np.ndarray, n_agents: int) -> np.ndarray:
    """Every agent's entry is its environment's."""
    return np.repeat(done[:, :, None], n_agents, axis=2)


def mistakes(done: np.ndarray, n_agents: int) -> Hints:
    """What known mistakes give instead."""
    batch, steps, _ = done.shape
    whole = right(done, n_agents)
    first = np.arange(n_agents)[:, None] == 0
    return [
        (done, "The agents' axis is missing."),
        (
            np.repeat(done, n_agents, axis=2),
            "The agents stand on the last axis: that one stays, of length 1.",
        ),
        (
            np.repeat(done[:, None], n_agents, axis=1),
            "The agents' axis stands before time: (batch, time, n_agents, 1).",
        ),
        (
            np.repeat(done[None], n_agents, axis=0),
            "The agents' axis stands in front: (batch, time, n_agents, 1).",
        ),
        (done[:, :, None], "The new axis has length 1: it needs an entry for each agent."),
        (
            np.tile(done, (1, n_agents, 1)).reshape(batch, steps, n_agents, 1),
            "Flags of different steps are mixed up: repeat each along a new axis, do not reshape.",
        ),
        (whole & first, "Only agent 0 gets the flag: the episode ends for all agents."),
        (whole & first[::-1], "Only the last agent gets the flag: the episode ends for all agents."),
        (~whole, "The flags are inverted."),
        (
            np.maximum.accumulate(whole, axis=1),
            "After an end every later step counts as one as well: each step keeps its own flag.",
        ),
        (
            np.repeat(whole.any(axis=1, keepdims=True), steps, axis=1),
            "A whole environment counts as ended because one step of it did: each step keeps its own flag.",
        ),
        (
            np.repeat(whole.any(axis=0, keepdims=True), batch, axis=0),
            "One environment's end ends all others: each keeps its own flags.",
        ),
        (np.repeat(whole[:1], batch, axis=0), "All environments have the flags of environment 0."),
        (np.swapaxes(whole, 0, 1), "Batch and time are swapped: their axes stay where they are."),
    ]


@judge(
    EXERCISE,
    points=1.25,
    title="every agent has its environment's flag",
    read=READ,
    why="The episode ends for the whole team. A flag on the wrong axis cuts other agents' advantages.",
)
def test_own(student, rng):
    for shape, n_agents in (((3, 6, 1), 4), ((5, 5, 1), 5)):
        done = np.zeros(shape, bool)
        ends = rng.permutation(np.arange(1, shape[1] - 1))[: shape[0] - 1]  # one an environment, all apart
        done[rng.permutation(shape[0])[: len(ends)], ends] = True
        compare(
            student.run(EXERCISE, done=done, n_agents=n_agents)["value"],
            right(done, n_agents),
            tried=f"{shape[0]} environments, {shape[1]} steps, {n_agents} agents",
            hints=mistakes(done, n_agents),
            hint="(batch, time, n_agents, 1): the flag of environment i at step t, for each agent.",
        )


@judge(
    EXERCISE,
    points=0.5,
    title="of any size",
    read=READ,
    depends=["own"],
    why="With a single environment, step or agent, code that squeezes axes goes wrong.",
)
def test_any_size(student, rng):
    sizes = [((1, 7, 1), 3), ((7, 1, 1), 2), ((6, 7, 1), 1), ((1, 1, 1), 3), ((1, 1, 1), 1), ((4, 3, 1), 4)]
    for shape, n_agents in sizes:
        for done in (flags(rng, *shape), np.ones(shape, bool)):
            compare(
                student.run(EXERCISE, done=done, n_agents=n_agents)["value"],
                right(done, n_agents),
                tried=f"{shape[0]} environments, {shape[1]} steps, {n_agents} agents",
                hint="(batch, time, n_agents, 1): every axis stays, also one of length 1, and every flag keeps its step.",
            )


@judge(
    EXERCISE,
    points=0.25,
    title="flags stay bool, and done stays unchanged",
    read=READ,
    depends=["own"],
    why="~done and reward[done] need bool, and the caller uses done again.",
)
def test_flags(student, rng):
    done = flags(rng, 3, 4, 1)
    reply = student.run(EXERCISE, done=done, n_agents=2)
    dtype = reply["value"].dtype if isinstance(reply["value"], np.ndarray) else type(reply["value"]).__name__
    require(
        reply["type"] == "Tensor" and dtype == bool,  # noqa: E721  (an array's)
        tried="the type",
        got=f"{reply['type']}, {dtype}",
        expected="Tensor, bool",
        hint="Flags stay bool: ~done and reward[done] need that.",
    )
    compare(
        reply["done"],
        done,
        tried="done after the call",
        hint="expand_done changed its argument: compute in a tensor of your own.",
    )
