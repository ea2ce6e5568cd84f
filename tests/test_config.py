"""Configurations: YAML files, flags, schedules, and how wrong ones are refused."""

import dataclasses
from pathlib import Path

import pytest

from gcb6206.env_configs.config import ConfigError, field_docs
from gcb6206.env_configs.schedule import PiecewiseSchedule
from gcb6206.scripts.scripting_utils import (
    BASE_CONFIGS,
    describe_fields,
    load_config,
    make_config,
    parse_overrides,
)

YAMLS = sorted(Path("experiments").rglob("*.yaml"))


@pytest.mark.parametrize("path", YAMLS, ids=str)
def test_every_yaml_loads(path):
    assert load_config(path).total_steps > 0


@pytest.mark.parametrize("config_class", BASE_CONFIGS.values())
def test_every_field_has_its_docstring_and_shows_in_help(config_class):
    names = [field.name for field in dataclasses.fields(config_class)]
    assert list(field_docs(config_class)) == names
    assert all(name in describe_fields() for name in names)


def test_basic_defaults_are_the_homeworks():
    config = make_config("experiments/dqn/cartpole.yaml")
    schedule, agent = config["exploration_schedule"], config["agent_kwargs"]
    assert (config["total_steps"], config["learning_starts"], config["batch_size"]) == (300_000, 20_000, 128)
    assert (agent["discount"], agent["target_update_period"], agent["use_double_q"]) == (0.99, 1000, False)
    assert [round(schedule.value(step), 4) for step in (0, 15_000, 30_000, 200_000)] == [
        1.0,
        0.51,
        0.02,
        0.02,
    ]


def test_atari_defaults_are_the_homeworks():
    config = make_config("experiments/dqn/bankheist_ddqn.yaml")
    schedule, agent = config["exploration_schedule"], config["agent_kwargs"]
    assert (config["total_steps"], config["learning_starts"], config["batch_size"]) == (1_000_000, 20_000, 32)
    assert agent["use_double_q"] and agent["clip_grad_norm"] == 10.0 and agent["target_update_period"] == 2000
    assert [schedule.value(step) for step in (0, 20_000, 500_000)] == [1.0, 1.0, 0.01]


def write(tmp_path, text):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text, message",
    [
        ("base_config: dqn_basik", "base_config is 'dqn_basik': did you mean 'dqn_basic'"),
        ("learning_rate: 1", "base_config is None"),
        (
            "base_config: dqn_basic\nlerning_rate: 1",
            "unknown field 'lerning_rate': did you mean 'learning_rate'",
        ),
        ("base_config: dqn_basic\nbatch_size: many", "batch_size is 'many': expected int"),
        ("base_config: dqn_basic\nbatch_size: 2.5", "batch_size is 2.5: expected int"),
        ("base_config: dqn_basic\nbatch_size: 0", "batch_size is 0: expected at least 1"),
        ("base_config: dqn_basic\ndiscount: 1.5", "discount is 1.5: expected a number from 0 to 1"),
        ("base_config: dqn_basic\nuse_double_q: perhaps", "use_double_q is 'perhaps': expected bool"),
        ("base_config: dqn_basic\nexploration_fraction: 0", "exploration_fraction is 0.0"),
        ("base_config: [", "is not valid YAML"),
        ("just words", "must hold 'name: value' lines"),
    ],
)
def test_wrong_yaml_is_refused_by_name(tmp_path, text, message):
    with pytest.raises(ConfigError) as raised:
        load_config(write(tmp_path, text))
    assert message in str(raised.value) and "c.yaml" in str(raised.value)


def test_missing_yaml_lists_what_is_there():
    with pytest.raises(ConfigError, match="no configuration file .*cartpol.yaml: there are .*cartpole.yaml"):
        load_config("experiments/dqn/cartpol.yaml")


def test_flags_override_the_file():
    config = load_config(
        "experiments/dqn/cartpole.yaml", parse_overrides(["--learning_rate", "1e-4", "--total-steps=5e3"])
    )
    assert (config.learning_rate, config.total_steps) == (1e-4, 5000)


@pytest.mark.parametrize("words, message", [(["x"], "unexpected 'x'"), (["--a"], "--a needs a value")])
def test_wrong_flags_are_refused(words, message):
    with pytest.raises(ConfigError, match=message):
        parse_overrides(words)


def test_unknown_environment_names_the_nearest():
    with pytest.raises(ConfigError, match="unknown environment 'CartPole-v9': did you mean 'CartPole-v"):
        make_config("experiments/dqn/cartpole.yaml", {"env_name": "CartPole-v9"})["make_env"]()
    with pytest.raises(
        ConfigError, match="unknown environment 'BankHeistt.*did you mean 'BankHeistNoFrameskip-v4'"
    ):
        make_config("experiments/dqn/bankheist.yaml", {"env_name": "BankHeisttNoFrameskip-v4"})["make_env"]()


def test_schedule_is_exact_at_points_between_and_outside():
    schedule = PiecewiseSchedule([(10, 1.0), (20, 0.0), (40, 1.0)], outside_value=-1.0)
    assert [schedule.value(step) for step in (9, 10, 15, 20, 30, 40)] == [-1.0, 1.0, 0.5, 0.0, 0.5, -1.0]


@pytest.mark.parametrize("endpoints", [[], [(0, 1), (0, 2)], [(5, 1), (1, 2)]])
def test_schedule_refuses_steps_that_do_not_rise(endpoints):
    with pytest.raises(ValueError, match="strictly rising"):
        PiecewiseSchedule(endpoints, 0.0)
