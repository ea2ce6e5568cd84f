"""What convergence judges share: an exercise's rule, runs until it is decided, disguised environments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import yaml

from autograder.student_side.student import Reply, Student, StudentFailure
from autograder.trusted.judges.worlds import World
from autograder.trusted.judging import require

THRESHOLDS = Path(__file__).parents[1] / "thresholds.yaml"
# The exercises that a training stands on. It is tried where the judges gave each of them this share of its points.
STANDS_FIRMLY = 0.5
PLAYED = 0.9  # the share of a training's steps that have to be played
STANDS_ON = {
    f"{homework}.convergence": tuple(f"{homework}.{name}" for name in names.split())
    for homework, names in {
        "hw1": "entropy_bonus compute_gae normalize_advantage policy_loss value_loss minibatch_indices "
        "linear_schedule update",
        "hw3": "get_action update_critic update sample_trajectory run_training_loop",
        "hw4": "observation_history global_state centralized_value policy_parameters multi_agent_gae mappo_loss",
    }.items()
}
STANDS_ON["hw3.convergence_pictures"] = STANDS_ON["hw3.convergence"]


def rule_of(exercise: str) -> dict:
    """What thresholds.yaml says of an exercise such as "hw3.convergence"."""
    return yaml.safe_load(THRESHOLDS.read_text(encoding="utf-8"))[exercise]


def run_until_decided(measure: Callable[[], float], rule: dict) -> tuple[list[float], bool]:
    """Repeats a run until `needed` of at most `seeds` have reached the threshold, or no longer can.

    Args:
        measure: one run with a seed of its own; its statistic.
        rule: `threshold`, `seeds`, `needed`.

    Returns:
        The statistics, and whether the submission passes.
    """
    values: list[float] = []
    reached = 0
    while reached < rule["needed"] <= rule["seeds"] - len(values) + reached:
        values.append(measure())
        reached += values[-1] >= rule["threshold"]
    return values, reached >= rule["needed"]


def draw_disguise(rng: np.random.Generator, features: int, actions: int) -> dict[str, np.ndarray]:
    """A disguise for an environment with a vector of observations and numbered actions.

    The order of the observation's entries, their signs and the numbering of the actions are drawn anew for
    each run, so weights from elsewhere are of no use. Random initial weights, random actions and Adam know
    neither order nor sign: runs in disguise are distributed as runs without. CartPole has 4! * 2^4 * 2 = 768
    disguises.

    The student's side does not see it: the training is played here. What this does not stop: code that finds out by
    playing, and turns old weights to fit.

    Returns:
        `mix`, float32 `(features, features)`: what the student sees is `observation @ mix`; and `actions`,
        `(actions,)`: what the student calls `a` is the environment's `actions[a]`.
    """
    return {"mix": draw_mix(rng, features), "actions": rng.permutation(actions)}


def draw_mix(rng: np.random.Generator, size: int) -> np.ndarray:
    """A float32 matrix `(size, size)` that reorders the entries of a vector and turns the signs of some."""
    signs = rng.choice(np.array([-1.0, 1.0], dtype=np.float32), size=size)
    return np.diag(signs)[:, rng.permutation(size)]


def checked(snapshots: object, shapes: list[tuple[int, ...]]) -> list[list[np.ndarray]]:
    """The snapshots of a network, refused unless there are one to three, of arrays of these shapes."""
    if not isinstance(snapshots, list) or not 1 <= len(snapshots) <= 3:
        raise StudentFailure(
            "refused", "the answer does not hold one to three snapshots of a trained network"
        )
    for snapshot in snapshots:
        if not isinstance(snapshot, list) or [getattr(p, "shape", None) for p in snapshot] != shapes:
            raise StudentFailure("refused", f"a trained network does not have the shapes {shapes}")
    return [[p.astype(np.float64) for p in snapshot] for snapshot in snapshots]


def trained(student: Student, exercise: str, rule: dict, seed: int, world: World) -> Reply:
    """What the student's side trained in our world.

    Raises:
        JudgeFailure: it did not play as many steps as the training has.
    """
    with student.playing(world):
        reply = student.run(
            exercise, seed=seed, training=rule["training"], snapshot_every=rule["snapshot_every"]
        )
    if world.failure:
        raise world.failure
    require(
        world.played >= PLAYED * world.steps,
        tried="one training run: the steps that were played",
        got=world.played,
        expected=f"{world.steps}, as the training has",
        hint="What counts is learned in the run itself, from the environments that it is given.",
    )
    return reply


def demand_updates(reply: Reply, updates: str, hint: str) -> None:
    """Demands that the agent was updated.

    Args:
        updates, hint: how many updates are expected, and what to say where there is none.

    Raises:
        JudgeFailure: it was not.
    """
    require(
        reply["updates"], tried="one training run", got="no update of the agent", expected=updates, hint=hint
    )


def median_of(
    snapshots: object,
    shapes: list[tuple[int, ...]],
    played: Callable[[list[np.ndarray], int, int, dict], float],
    rule: dict,
    seed: int,
    disguise: dict,
) -> float:
    """The median over a network's snapshots of how well each one played; what is no such network is refused.

    Args:
        snapshots: what the student's side answered.
        shapes: of the network's arrays.
        played: how well a network played so many episodes, from a seed, in a disguise.
        rule: the exercise's entry in thresholds.yaml.
        seed, disguise: for ``played``.

    Raises:
        StudentFailure: they are refused.
    """
    networks = checked(snapshots, shapes)
    return float(np.median([played(n, rule["episodes"], seed, disguise) for n in networks]))


def demand_learning(
    student: Student,
    rng: np.random.Generator,
    homework: str,
    rule: dict,
    one_run: Callable[[Student, dict, int], float],
    tried: str,
    hints: Sequence[tuple[float, str]] = (),
) -> None:
    """Repeats graded runs until the rule has decided.

    Args:
        one_run: the homework's `measure`.
        tried: what one of its runs is, and what its statistic tells.
        hints: (level, hint) pairs, the lowest first: what to say where the best run stays below that level.

    Raises:
        JudgeFailure: too few runs reached the threshold.
    """
    values, passes = run_until_decided(lambda: one_run(student, rule, int(rng.integers(2**31))), rule)
    require(
        passes,
        tried=f"{len(values)} training runs of {tried}",
        got=", ".join(f"{value:.3g}" for value in values),
        expected=f">= {rule['threshold']:g} in {rule['needed']} of {rule['seeds']} runs",
        hint=next((hint for level, hint in hints if max(values) < level), ""),
    )
