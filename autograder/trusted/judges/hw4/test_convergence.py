"""The judge of hw4.convergence: the student's code trains a team, the judge plays with its actors itself."""

from __future__ import annotations

import numpy as np

from autograder.student_side.student import Student
from autograder.trusted.judges import navigation
from autograder.trusted.judges.convergence import demand_learning, median_of, rule_of, trained
from autograder.trusted.judges.worlds import NavigationWorld
from autograder.trusted.judging import judge

EXERCISE = "hw4.convergence"
RULE = rule_of(EXERCISE)


def measure(student: Student, rule: dict, seed: int) -> float:
    """One graded run: training in disguise on the student's side, evaluation on ours.

    Args:
        rule: the exercise's entry in thresholds.yaml.
        seed: decides the disguise, the training and the evaluation.

    Returns:
        The median, over the last three snapshots, of the percentage of the way that the robots make.

    Raises:
        StudentFailure: the student's side did not deliver.
    """
    rng = np.random.default_rng(seed)
    disguise = navigation.draw_disguise(rng)
    training_seed, evaluation_seed = rng.integers(2**31, size=2).tolist()
    training = rule["training"]
    world = NavigationWorld(rng, training["n_iters"] * training["frames_per_batch"], disguise, training)
    reply = trained(student, EXERCISE, rule, training_seed, world)
    return median_of(reply["actors"], navigation.SHAPES, navigation.way_made, rule, evaluation_seed, disguise)


@judge(
    EXERCISE,
    points=4,
    title="a team trained by your code learns",
    read="marl/vmas",
    why=(
        "All parts together must learn. Each robot must find its goal from what it sees itself: "
        f"{RULE['needed']} of {RULE['seeds']} runs must reach {RULE['threshold']:g} % of the way."
    ),
)
def test_learns(student, rng):
    frames = RULE["training"]["n_iters"] * RULE["training"]["frames_per_batch"]
    told = f"{frames} frames: percent of the way to their goals that the robots make"
    demand_learning(student, rng, "hw4", RULE, measure, told)
