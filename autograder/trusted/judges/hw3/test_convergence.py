"""The judge of hw3.convergence: the student's code trains, the judge evaluates the weights itself."""

from __future__ import annotations

from autograder.student_side.student import Student
from autograder.trusted.judges import cartpole
from autograder.trusted.judges.convergence import demand_learning, rule_of
from autograder.trusted.judging import judge

EXERCISE = "hw3.convergence"
RULE = rule_of(EXERCISE)


def measure(student: Student, rule: dict, seed: int) -> float:
    """One graded run; see `cartpole.measure`."""
    return cartpole.measure(
        student,
        EXERCISE,
        "critics",
        rule,
        seed,
        updates="one a step",
        hint="First fix hw3.run_training_loop: the agent was never updated.",
    )


@judge(
    EXERCISE,
    points=2,
    title="an agent trained by your code learns",
    read="dqn/reading-curves",
    why=(
        "All parts together must learn. A run of this size does not reach 500 every time: "
        f"{RULE['needed']} of {RULE['seeds']} runs must reach {RULE['threshold']:g}."
    ),
)
def test_learns(student, rng):
    steps = RULE["training"]["total_steps"]
    demand_learning(student, rng, "hw3", RULE, measure, f"{steps} steps: greedy return of each")
