"""The judge of hw5.convergence: an agent is trained with the student's settings, and no code of theirs."""

from __future__ import annotations

import dataclasses

import numpy as np

from autograder.student_side.student import Reply, Student
from autograder.trusted.judges import shaping, tuning
from autograder.trusted.judges.convergence import rule_of, run_until_decided
from autograder.trusted.judging import NotYet, judge, require
from gcb6206.env_configs.config import ConfigError
from gcb6206.env_configs.realm_config import RealmDistributedConfig

EXERCISE = "hw5.convergence"
RULE = rule_of(EXERCISE)


def accepted(student: Student, rule: dict) -> RealmDistributedConfig:
    """The configuration with the student's settings.

    Raises:
        NotYet: they are none, or cost too much.
    """
    try:
        config = shaping.config_of(tuning.settings_of(tuning.text_of(student, "hw5.shaping")), rule)
    except ConfigError as error:
        raise NotYet(f"first fix hw5.shaping: {error}") from None
    for name, value in shaping.cost(config).items():
        if value > rule["budget"][name]:
            raise NotYet(f"first fix hw5.shaping: {name} is {value}, and {rule['budget'][name]} are allowed")
    return config


def train(side: Student, config: RealmDistributedConfig, rule: dict, seed: int) -> Reply:
    """One graded run: training on a map that the seed decides, and episodes on it."""
    missing = side.run("hw5.unsolved")["exercises"]
    if missing:
        raise NotYet(f"first solve {', '.join(map(str, missing))}")
    rng = np.random.default_rng(seed)
    settings = {
        **dataclasses.asdict(config),
        "map_seed": int(rng.integers(2**31 - rule["training"]["num_maps"])),
    }
    return side.run(EXERCISE, seed=int(rng.integers(2**31)), settings=settings, episodes=rule["episodes"])


def measure(student: Student, rule: dict, seed: int) -> float:
    """The percentage of the planner's score of one graded run."""
    config = accepted(student, rule)
    with student.apart("hw5") as side:
        return float(train(side, config, rule, seed)["percent"])


@judge(
    EXERCISE,
    points=4,
    title="an agent learns with your rewards",
    read="realm/homework",
    why=(
        f"The grader trains again, on maps that nobody has seen. {RULE['needed']} of {RULE['seeds']} agents must earn "
        f"{RULE['threshold']:g} % of what the planner earns on the same episodes."
    ),
)
def test_learns(student, rng):
    config = accepted(student, RULE)
    replies: list[Reply] = []
    with student.apart("hw5") as side:

        def one_run() -> float:
            replies.append(train(side, config, RULE, int(rng.integers(2**31))))
            return float(replies[-1]["percent"])

        percents, passes = run_until_decided(one_run, RULE)
    last = replies[-1]
    require(
        passes,
        tried=f"{len(percents)} trainings with your settings: percent of the planner's score, {RULE['episodes']} episodes",
        got=", ".join(f"{value:.0f}" for value in percents),
        expected=f">= {RULE['threshold']:g} in {RULE['needed']} of {RULE['seeds']} trainings",
        hint=f"{shaping.culprit(config, last)}\nThe last training, from its begin to its end:\n"
        f"{shaping.lines(last['figures'])}",
    )
