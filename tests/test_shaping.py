"""How the rewards and settings of homework 5 are read and limited, and that they reach the training."""

from __future__ import annotations

import argparse
import dataclasses
import re
from pathlib import Path

import pytest

from autograder.trusted.judges import shaping, tuning
from autograder.trusted.judges.convergence import rule_of
from gcb6206.env_configs.config import ConfigError
from gcb6206.env_configs.realm_config import RealmDistributedConfig
from gcb6206.envs.realm.rewards import SHAPED
from gcb6206.infrastructure.logger import NullLogger
from gcb6206.runs.realm_distributed import RealmDistributedRun

ROOT = Path(__file__).parents[1]
RULE = rule_of("hw5.shaping")


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


def test_the_given_weights_are_the_notes_and_keep_to_the_budget():
    source = (ROOT / "solutions" / "hw5.py").read_text(encoding="utf-8")
    given = re.search(r'notes\' weights.*?\n    settings = """(.*?)"""', source, re.S)[1]
    config = shaping.config_of(tuning.settings_of(given), RULE)
    usual = RealmDistributedConfig(**RULE["training"])
    assert all(SHAPED[name] == weight for name, weight in config.rewards.items())
    assert dataclasses.replace(config, rewards=None) == usual
    assert all(cost <= RULE["budget"][name] for name, cost in shaping.cost(config).items())
