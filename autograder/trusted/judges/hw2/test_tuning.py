"""Judges of hw2.tuning: settings that can be read, that are the student's to choose, and within the budget.

Whether a team learns with them, hw2.convergence finds out.
"""

from __future__ import annotations

from autograder.trusted.judges import tuning
from autograder.trusted.judges.convergence import rule_of
from autograder.trusted.judging import judge, require, show
from gcb6206.env_configs.config import ConfigError

EXERCISE = "hw2.tuning"
READ = "marl/torchrl"
RULE = rule_of("hw2.convergence")
CURES = {
    "frames": "n_iters * frames_per_batch are too many: lower one of them.",
    "n_iters": "Every iteration plays 100 steps, also with few environments: use larger batches.",
    "num_epochs": "Fewer passes over each batch.",
    "gradient_steps": "n_iters * num_epochs * (frames_per_batch // minibatch_size) are too many: raise "
    "minibatch_size, or lower num_epochs.",
}


@judge(
    EXERCISE,
    points=0.5,
    title="the settings can be read",
    read=READ,
    why="Lines 'name: value', as in the files of experiments/vmas.",
)
def test_readable(student, rng):
    text = tuning.text_of(student)
    try:
        tuning.settings_of(text)
    except ConfigError as error:
        require(False, tried="tuning(): the text as YAML", got=str(error), expected="lines 'name: value'",
                hint="One setting per line: its name, a colon, a space, its value.")  # fmt: skip


@judge(
    EXERCISE,
    points=0.5,
    title="they may be tuned, and fit together",
    read=READ,
    depends=["readable"],
    why="The task stays as it is: otherwise two results could not be compared.",
)
def test_fields(student, rng):
    settings = tuning.settings_of(tuning.text_of(student))
    try:
        tuning.config_of(settings, RULE)
    except ConfigError as error:
        value = show(str(error).removeprefix("your settings: "))
        require(False, tried="MAPPOConfig with your settings", got=str(error), expected="what it takes",
                hint=f"The names are tunable, but this value does not fit: {value}."
                if set(settings) <= set(RULE["tunable"])
                else f"Tunable are {', '.join(RULE['tunable'])}.")  # fmt: skip


@judge(
    EXERCISE,
    points=1.0,
    title="they stay within the budget",
    read=READ,
    depends=["fields"],
    why="With enough frames, many settings learn in the end. The task is to learn with few frames.",
)
def test_budget(student, rng):
    config = tuning.config_of(tuning.settings_of(tuning.text_of(student)), RULE)
    for name, value in tuning.cost(config).items():
        limit = RULE["budget"][name]
        require(
            value <= limit, tried=f"what your settings cost: {name}", got=value, expected=f"at most {limit}",
            hint=CURES[name],
        )  # fmt: skip
