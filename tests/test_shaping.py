"""How the rewards and settings of homework 5 are read, limited, trained with and explained."""

from __future__ import annotations

import argparse
import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from autograder import run_judges
from autograder.mutants import mutants_of
from autograder.sandbox.kernel_student import kernel_student
from autograder.student_side.student import LocalStudent
from autograder.trusted.judges import shaping, tuning
from autograder.trusted.judges.convergence import STANDS_ON, rule_of
from autograder.trusted.judges.hw5 import test_convergence as judge
from autograder.trusted.report import JudgeResult
from autograder.trusted.sources import given_source
from gcb6206 import exercises
from gcb6206.env_configs.config import ConfigError
from gcb6206.env_configs.realm_config import RealmDistributedConfig
from gcb6206.infrastructure.logger import NullLogger
from gcb6206.runs.realm_distributed import RealmDistributedRun

ROOT = Path(__file__).parents[1]
RULE = rule_of("hw5.convergence")
SHORT = {
    **RULE,
    "training": {**RULE["training"], "total_steps": 6144, "channels": 2, "hidden_size": 8},
    "episodes": 2,
}
SOLVED = [
    JudgeResult(name, "all", "", points=1, max_points=1, verdict="passed")
    for name in STANDS_ON["hw5.convergence"]
]


@pytest.mark.parametrize(
    "text, message",
    [
        ("treasures: 1", "'treasures' is not to be chosen here: did you mean 'treasure'?"),
        ("treasure_num: 1", "treasure_num belongs to the task, which is 3"),
        ("seed: 1", "'seed' is not to be chosen here"),
        ("treasure: .inf", "the weight of treasure is inf: expected a number of at most 1000 in size"),
        ("treasure: .nan", "the weight of treasure is nan"),
        ("treasure: yes", "the weight of treasure is True"),
        ("step: many", "the weight of step is many"),
        ("end: 1e999", "the weight of end is"),
        ("gamma: 2", "gamma is 2.0: expected a number from 0 to 1"),
        ("batch_size: 1000", "batch_size is 1000"),
        ("max_lag: -1", "max_lag is -1"),
        ("rewards: {treasure: 1}", "rewards: expected one plain value"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(text, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        shaping.config_of(tuning.settings_of(text), RULE)


def test_weights_and_settings_reach_the_training_and_the_task_stays(solved):
    config = shaping.config_of({"treasure": "3e0", "gamma": 0.9, "step": 0}, RULE)
    assert config.rewards == {"treasure": 3.0, "step": 0.0} and config.gamma == 0.9
    assert {name: getattr(config, name) for name in RULE["training"]} == RULE["training"]
    assert set(shaping.cost(config)) == set(RULE["budget"])
    run = RealmDistributedRun(config.build(), NullLogger(), argparse.Namespace(seed=0))
    assert run.env.rewards["treasure"] == 3.0 and run.env.rewards["step"] == 0.0
    assert run.env.rewards["end"] == 15.0  # the notes'


def test_the_cost_counts_every_pass():
    config = shaping.config_of({"n_epochs": 2, "production_consume_ratio": 1.5, "batch_size": 256}, RULE)
    steps = RULE["training"]["total_steps"]
    assert shaping.cost(config) == {"passes": 3.0, "gradient_steps": 3 * steps // 256}


FIGURES = {"train/return_std": [1.0], "train/approx_kl": [0.01], "train/clip_fraction": [0.1]}


@pytest.mark.parametrize(
    "settings, figures, broke, hint",
    [
        ({}, {}, "", "Weigh missed less"),
        ({"missed": 0}, {"train/return_std": [50.0]}, "", "Scale the weights"),
        ({"missed": 0, "approach": 0}, {}, "", "no term says that the way is right"),
        (
            {"missed": 0},
            {"train/approx_kl": [0.0], "train/clip_fraction": [0.0]},
            "",
            "The policy hardly moves",
        ),
        ({"missed": 0}, {"train/clip_fraction": [0.6]}, "", "The policy jumps"),
        ({"missed": 0}, {}, "", "Which term pays for what is missing?"),
        ({}, {}, "values are NaN", "The training broke: values are NaN"),
    ],
)
def test_the_hint_names_the_likely_culprit(settings, figures, broke, hint):
    reply = {"ended": 0.25, "treasures": 0.5, "broke": broke}
    reply["figures"] = {name: np.array(values) for name, values in {**FIGURES, **figures}.items()}
    told = shaping.culprit(shaping.config_of(settings, RULE), reply)
    assert hint in told and (broke or "25 % of the episodes reach the end, and 50 %" in told)


@pytest.fixture
def replies(monkeypatch, solved):
    """What trainings are to give, in turn; the seeds that were asked for."""
    wanted, seeds = [], []

    def train(side, config, rule, seed):
        seeds.append(seed)
        figures = {name: np.array(values) for name, values in FIGURES.items()}
        return {"percent": wanted.pop(0), "ended": 0.1, "treasures": 0.2, "figures": figures, "broke": ""}

    monkeypatch.setattr(judge, "train", train)
    return wanted, seeds


@pytest.mark.parametrize("values, score, runs", [([99.0], 4, 1), ([1.0, 99.0], 4, 2), ([1.0, 2.0], 0, 2)])
def test_one_of_two_trainings_must_reach_the_threshold(replies, values, score, runs):
    wanted, seeds = replies
    wanted += values
    report = run_judges("hw5.convergence", LocalStudent(), 5, found=SOLVED)
    assert report.score == score and len(seeds) == len(set(seeds)) == runs
    if not score:
        (result,) = report.results
        assert "1, 2" in result.got and "train/return_std: 1.00" in result.hint


def test_nothing_is_trained_before_the_exercises_it_stands_on(replies):
    _, seeds = replies
    with exercises.filled({"hw5.drop_stale": None}):
        (result,) = run_judges("hw5.convergence", LocalStudent(), 5).results
    assert result.verdict == "skipped" and "first fix hw5.drop_stale" in result.got and not seeds


@pytest.mark.parametrize(
    "text, why",
    [("gamma: 2", "gamma is 2.0"), ("{n_epochs: 5, batch_size: 512}", "passes is 5.0, and 4 are allowed")],
)
def test_no_training_before_the_settings_keep_to_the_budget(solved, text, why):
    with exercises.filled({"hw5.shaping": lambda: text}):
        (result,) = run_judges("hw5.convergence", LocalStudent(), 5, found=SOLVED).results
    assert result.verdict == "skipped" and "first fix hw5.shaping" in result.got and why in result.got


def test_the_given_weights_are_the_notes_and_keep_to_the_budget():
    source = (ROOT / "solutions" / "hw5.py").read_text(encoding="utf-8")
    given = re.search(r'notes\' weights.*?\n    settings = """(.*?)"""', source, re.S)[1]
    mutant = (ROOT / "autograder/mutants/hw5/convergence/as_given.py").read_text(encoding="utf-8")
    assert tuning.settings_of(given) == tuning.settings_of(re.search(r'return """(.*?)"""', mutant, re.S)[1])
    config = shaping.config_of(tuning.settings_of(given), RULE)
    usual = RealmDistributedConfig(**RULE["training"])
    assert all(shaping.SHAPED[name] == weight for name, weight in config.rewards.items())
    assert dataclasses.replace(config, rewards=None) == usual
    assert all(cost <= RULE["budget"][name] for name, cost in shaping.cost(config).items())


def test_bad_settings_keep_to_the_budget():
    mutants = mutants_of("hw5.convergence")
    assert {f"convergence/{mutant.name}" for mutant in mutants} == set(RULE["mutants"])
    for mutant in mutants:
        exec(compile(mutant.path.read_text(), str(mutant.path), "exec"), {})
        judge.accepted(LocalStudent(), RULE)


TAMPERS = """
from gcb6206.runs import realm_distributed

realm_distributed.RealmDistributedRun.play = lambda self, seed: ([], {"eval/of_planner": 99.0})

@solves("hw5.shaping")
def shaping():
    return "{treasure: 2, missed: 0}"
"""


@pytest.mark.slow
def test_the_grader_trains_where_the_students_code_never_was():
    with kernel_student(given_source("hw1") + "\n" + given_source("hw5") + TAMPERS) as student:
        config = judge.accepted(student, SHORT)
        assert config.rewards == {"treasure": 2.0, "missed": 0.0}
        assert judge.train(student, config, SHORT, 1)["percent"] == 9900.0
        assert judge.measure(student, SHORT, 1) <= 100.0
