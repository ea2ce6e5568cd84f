"""The judge of hw2.convergence: a team is trained with the student's settings, and no code of theirs."""

from __future__ import annotations

import dataclasses

from autograder.student_side.student import Reply, Student
from autograder.trusted.judges import tuning
from autograder.trusted.judges.convergence import rule_of, run_until_decided
from autograder.trusted.judging import NotYet, judge, require
from gcb6206.env_configs.config import ConfigError
from gcb6206.env_configs.mappo_config import MAPPOConfig

EXERCISE = "hw2.convergence"
RULE = rule_of(EXERCISE)


def accepted(student: Student, rule: dict) -> MAPPOConfig:
    """The configuration with the student's settings.

    Raises:
        NotYet: they are none, or cost too much.
    """
    try:
        config = tuning.config_of(tuning.settings_of(tuning.text_of(student)), rule)
    except ConfigError as error:
        raise NotYet(f"first fix hw2.tuning: {error}") from None
    for name, value in tuning.cost(config).items():
        if value > rule["budget"][name]:
            raise NotYet(f"first fix hw2.tuning: {name} is {value}, and {rule['budget'][name]} are allowed")
    return config


def train(side: Student, config: MAPPOConfig, rule: dict, seed: int) -> Reply:
    """One graded run: its mean return, its figures, and how it broke."""
    missing = side.run("hw2.unsolved")["exercises"]
    if missing:
        raise NotYet(f"first solve {', '.join(map(str, missing))}")
    return side.run(EXERCISE, seed=seed, settings=dataclasses.asdict(config), episodes=rule["episodes"])


def measure(student: Student, rule: dict, seed: int) -> float:
    """The mean return of one graded run."""
    config = accepted(student, rule)
    with student.apart("hw2") as side:
        return float(train(side, config, rule, seed)["mean_return"])


@judge(
    EXERCISE,
    points=4,
    title="a team learns with your settings",
    read="marl/torchrl",
    why=(
        f"The grader trains again, with its own seeds. {RULE['needed']} of {RULE['seeds']} trainings must "
        f"reach a mean return of {RULE['threshold']:g}."
    ),
)
def test_learns(student, rng):
    config = accepted(student, RULE)
    replies: list[Reply] = []
    with student.apart("hw2") as side:

        def one_run() -> float:
            replies.append(train(side, config, RULE, int(rng.integers(2**31))))
            return float(replies[-1]["mean_return"])

        returns, passes = run_until_decided(one_run, RULE)
    last = replies[-1]
    require(
        passes,
        tried=f"{len(returns)} trainings with your settings: mean return over {RULE['episodes']} episodes",
        got=", ".join(f"{value:.2f}" for value in returns),
        expected=f">= {RULE['threshold']:g} in {RULE['needed']} of {RULE['seeds']} trainings",
        hint=f"{tuning.culprit(config, last['figures'], last['broke'], RULE)}\nThe last training, iteration by "
        f"iteration:\n{tuning.lines(last['figures'])}",
    )
