"""The judge of hw1.convergence: the student's code trains, the judge evaluates the weights itself."""

from __future__ import annotations

from autograder.student_side.student import Student
from autograder.trusted.judges import cartpole
from autograder.trusted.judges.convergence import demand_learning, rule_of
from autograder.trusted.judging import judge

EXERCISE = "hw1.convergence"
RULE = rule_of(EXERCISE)


def measure(student: Student, rule: dict, seed: int) -> float:
    """One graded run; see `cartpole.measure`."""
    return cartpole.measure(
        student,
        EXERCISE,
        "actors",
        rule,
        seed,
        updates="one for each rollout",
        hint="First fix hw1.update: the agent was never updated.",
    )


@judge(
    EXERCISE,
    points=4,
    title="an agent trained by your code learns",
    read="ppo/debugging",
    why=(
        "All parts together must learn: "
        f"{RULE['needed']} of {RULE['seeds']} runs must reach {RULE['threshold']:g}."
    ),
)
def test_learns(student, rng):
    steps = RULE["training"]["total_steps"]
    demand_learning(student, rng, "hw1", RULE, measure, f"{steps} steps: greedy return of each")
