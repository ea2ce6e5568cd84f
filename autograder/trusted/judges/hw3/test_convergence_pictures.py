"""The judge of hw3.convergence_pictures: the student's code learns a game from its pictures."""

from __future__ import annotations

from autograder.student_side.student import Student
from autograder.trusted.judges import breakout
from autograder.trusted.judges.convergence import demand_learning, rule_of
from autograder.trusted.judging import judge

EXERCISE = "hw3.convergence_pictures"
RULE = rule_of(EXERCISE)


def measure(student: Student, rule: dict, seed: int) -> float:
    """One graded run; see `breakout.measure`."""
    hint = "First fix hw3.run_training_loop: the agent was never updated."
    return breakout.measure(student, EXERCISE, rule, seed, hint)


@judge(
    EXERCISE,
    points=2,
    title="an agent trained by your code learns a game from its pictures",
    read="dqn/homework",
    why=(
        "The same code learns from pictures, where observations are whole numbers in three dimensions. "
        f"{RULE['needed']} of {RULE['seeds']} runs must reach {RULE['threshold']:g}; random actions score 0.4."
    ),
)
def test_learns(student, rng):
    steps = RULE["training"]["total_steps"]
    demand_learning(student, rng, "hw3", RULE, measure, f"{steps} steps: greedy return of each")
