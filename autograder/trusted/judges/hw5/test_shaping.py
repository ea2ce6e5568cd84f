"""Judges of hw5.shaping: settings that can be read, that are the student's to choose, and within the budget.

Whether an agent learns with them is not judged.
"""

from __future__ import annotations

from autograder.trusted.judges import shaping, tuning
from autograder.trusted.judges.convergence import rule_of
from autograder.trusted.judging import judge, require
from gcb6206.env_configs.config import ConfigError

EXERCISE = "hw5.shaping"
READ = "realm/homework"
RULE = rule_of("hw5.shaping")
CURES = {
    "passes": "n_epochs * production_consume_ratio: every step may be learned from so often. Lower one of them.",
    "gradient_steps": "Raise batch_size, or lower n_epochs or production_consume_ratio.",
}


@judge(
    EXERCISE,
    points=0.5,
    title="the settings can be read",
    read=READ,
    why="Lines 'name: value', as in the files of experiments/realm.",
)
def test_readable(student, rng):
    text = tuning.text_of(student, EXERCISE)
    try:
        tuning.settings_of(text)
    except ConfigError as error:
        require(False, tried="shaping(): the text as YAML", got=str(error), expected="lines 'name: value'",
                hint="One setting a line: its name, a colon, a space, its value.")  # fmt: skip


@judge(
    EXERCISE,
    points=0.5,
    title="they are yours to choose, and fit together",
    read=READ,
    depends=["readable"],
    why="The task stays as it is: otherwise two results could not be compared.",
)
def test_fields(student, rng):
    try:
        shaping.config_of(tuning.settings_of(tuning.text_of(student, EXERCISE)), RULE)
    except ConfigError as error:
        require(False, tried="RealmDistributedConfig with your settings", got=str(error), expected="what it takes",
                hint=f"Weights of rewards are {', '.join(shaping.TERMS)}; tunable are {', '.join(RULE['tunable'])}.")  # fmt: skip


@judge(
    EXERCISE,
    points=1.0,
    title="they keep to the budget",
    read=READ,
    depends=["fields"],
    why="With endless steps everything learns in the end. What counts is what a setting makes of few.",
)
def test_budget(student, rng):
    config = shaping.config_of(tuning.settings_of(tuning.text_of(student, EXERCISE)), RULE)
    for name, value in shaping.cost(config).items():
        limit = RULE["budget"][name]
        require(
            value <= limit, tried=f"what your settings cost: {name}", got=value, expected=f"at most {limit}",
            hint=CURES[name],
        )  # fmt: skip
