"""Judges of hw1.compute_gae: small rollouts against the definition, invariances, traps at every index.

Rollouts and claims are those of `judges/gae.py`.
"""

from __future__ import annotations

import numpy as np

from autograder.trusted.judges import gae
from autograder.trusted.judges.gae import Estimator, Rollout
from autograder.trusted.judging import Hints, judge, require

EXERCISE = "hw1.compute_gae"
ADVANTAGES, ENDS = "ppo/four-stages", "dqn/terminated-truncated"
SHAPE = (7, 3)  # steps, environments


def inputs(rollout: Rollout) -> dict:
    """What the probe takes."""
    names = ("rewards", "values", "next_values", "terminated", "truncated", "gamma")
    given = {name: getattr(rollout, name) for name in names}
    return {**given, "rewards": rollout.rewards.astype(float), "gae_lambda": rollout.lam}


def own(rollout: Rollout) -> Hints:
    """Environments thrown together."""
    right = rollout.advantages()
    return [
        (
            np.broadcast_to(right.sum(axis=1, keepdims=True), right.shape),
            "You sum over the environments: each of them has its own advantages.",
        )
    ]


COMPUTE_GAE = Estimator(
    EXERCISE,
    inputs,
    time_first=np.asarray,
    names={
        "next": "next_values",
        "last": "next_values[-1]",
        "ended": "truncated",
        "returns": "returns",
        "at": "t",
        "place": "(step, environment)",
        "sizes": "(steps, environments)",
    },
    own=own,
)


@judge(
    EXERCISE,
    points=0.25,
    title="returns advantages and returns, both (T, N)",
    read="ppo/four-stages",
    why="The training flattens both into samples.",
)
def test_returned_arrays(student, rng):
    reply = COMPUTE_GAE.ask(student, Rollout(rng, (5, 3), terminated=[(1, 0)], truncated=[(2, 1)]))
    require(
        reply["is_pair"] is True,
        tried="one call",
        got=reply["returned"],
        expected="tuple of 2",
        hint="return advantages, returns",
    )
    for name in ("advantages", "returns"):
        got = getattr(reply[name], "shape", None)
        require(
            got == (5, 3),
            tried=f"5 steps, 3 environments: the shape of the {name}",
            got=got if got is not None else reply[name],
            expected=(5, 3),
            hint="Every step of every environment has its own.",
        )


@judge(
    EXERCISE,
    points=0.5,
    title="with lambda 0 the one-step error remains",
    read=ADVANTAGES,
    depends=["returned_arrays"],
    why="delta is what the step gave, r + gamma * V', minus what the critic expected, V.",
)
def test_one_step_error(student, rng):
    gae.one_step_error(COMPUTE_GAE, student, rng, SHAPE)


@judge(
    EXERCISE,
    points=0.75,
    title="the recursion over time",
    read=ADVANTAGES,
    depends=["one_step_error"],
    why="The advantage adds up all later errors. The error k steps ahead has the weight (gamma * lambda)^k.",
)
def test_recursion(student, rng):
    gae.recursion(COMPUTE_GAE, student, rng, (4, 4))  # both axes alike: no shape gives a wrong one away


@judge(
    EXERCISE,
    points=0.75,
    title="a termination: nothing follows",
    read=ENDS,
    depends=["recursion"],
    why="After a terminal state there is no reward, so its value is 0; the next row is another episode.",
)
def test_termination(student, rng):
    gae.termination(COMPUTE_GAE, student, rng, SHAPE)


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
    gae.time_limit(COMPUTE_GAE, student, rng, SHAPE)


@judge(
    EXERCISE,
    points=0.5,
    title="both at once: a termination",
    read=ENDS,
    depends=["time_limit"],
    why="Gymnasium sets both flags if an episode terminates in the step of its time limit. Then nothing follows.",
)
def test_both(student, rng):
    gae.both(COMPUTE_GAE, student, rng, SHAPE)


@judge(
    EXERCISE,
    points=0.25,
    title="another episode changes nothing",
    read=ENDS,
    depends=["time_limit"],
    why="The actions before an end do not cause what happens after it, or in another environment.",
)
def test_other_episodes(student, rng):
    step = int(rng.integers(2, 4))
    gae.apart(COMPUTE_GAE, student, rng, (6, 3), ([(step, 0)], [(step, 1)]))


@judge(
    EXERCISE,
    points=0.5,
    title="any size, any gamma and lambda",
    read=ADVANTAGES,
    depends=["both", "other_episodes"],
    why="A short test may have one environment, and a long run thousands of steps.",
)
def test_any_size(student, rng):
    gae.any_size(COMPUTE_GAE, student, rng, [(1, 1), (1, 3), (6, 1), (2, 2)])


@judge(
    EXERCISE,
    points=0.5,
    title="the returns are advantages plus values",
    read=ADVANTAGES,
    depends=["recursion"],
    why="The critic learns towards V + A: its own estimate, corrected by what was seen.",
)
def test_returns(student, rng):
    gae.returns(COMPUTE_GAE, student, rng, SHAPE)


@judge(
    EXERCISE,
    points=0.25,
    title="the arguments and everything else stay unchanged",
    read=ADVANTAGES,
    depends=["returned_arrays"],
    why="The training uses its arrays again, and calls the function once for each rollout.",
)
def test_no_trace(student, rng):
    gae.leaves_no_trace(COMPUTE_GAE, student, rng, SHAPE)
