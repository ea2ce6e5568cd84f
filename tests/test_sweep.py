"""The sweeps of the hyperparameter chapter: what they run, and that an interrupted one goes on."""

import json
import math
import subprocess
import sys

import pytest
import yaml

from gcb6206.env_configs.config import ConfigError, read_yaml
from gcb6206.scripts import sweep

SMALL = {
    "config": "experiments/ppo/cartpole.yaml",
    "overrides": {"total_steps": 256, "n_steps": 32},
    "eval_interval": 128,
    "num_eval_episodes": 1,
    "seeds": [1, 2],
    "values": {"learning_rate": [3e-4, 1e-2], "max_grad_norm": [0.5, None]},
}


@pytest.mark.parametrize("name", read_yaml(sweep.SWEEPS))
def test_every_sweep_holds_ten_hyperparameters_five_values_and_five_seeds(name):
    described = read_yaml(sweep.SWEEPS)[name]
    assert len(described["values"]) == 10 and len(described["seeds"]) == 5
    assert all(len(values) >= 5 for values in described["values"].values())
    jobs = sweep.jobs_of(described)
    changed = sum(len(values) - 1 for values in described["values"].values())
    assert len(jobs) == len({str(job) for job in jobs}) == 5 * (1 + changed)


def test_a_sweep_must_hold_the_value_it_departs_from():
    with pytest.raises(ConfigError, match="learning_rate lacks the configuration's own value 0.0003"):
        sweep.jobs_of({**SMALL, "values": {"learning_rate": [1e-2]}})


@pytest.mark.slow
def test_a_sweep_goes_on_where_it_was_cut_off(tmp_path):
    (tmp_path / "sweeps.yaml").write_text(yaml.safe_dump({"small": SMALL}))
    path = sweep.record_sweep("small", 2, tmp_path / "sweeps.yaml", tmp_path)
    lines = sweep.read_lines(path)
    expected = {("null", 1), ("null", 2), ('["learning_rate", 0.01]', 1), ('["learning_rate", 0.01]', 2)}
    expected |= {('["max_grad_norm", null]', 1), ('["max_grad_norm", null]', 2)}
    assert {(json.dumps(line["change"]), line["seed"]) for line in lines} == expected
    assert len(lines) == len(expected)
    for line in lines:
        assert line["error"] is None and line["commit"] and line["hardware"] and line["seconds"] >= 0
        assert line["curves"]["eval_return"]["step"] == [128, 256]
        assert line["curves"]["approx_kl"]["step"] == [128, 256]
    text = path.read_text()
    path.write_text(text[:-100])
    again = sweep.read_lines(sweep.record_sweep("small", 1, tmp_path / "sweeps.yaml", tmp_path))
    assert again[:-1] == lines[:-1]
    assert again[-1]["curves"] == lines[-1]["curves"]  # the same seed gives the same run


def test_a_run_that_fails_is_a_line_with_its_error(monkeypatch):
    def fails(config, logger, args):
        logger.log_scalar(math.nan, "train/approx_kl_mean", 64)
        raise FloatingPointError("a loss is not finite")

    monkeypatch.setattr("gcb6206.scripts.run_ppo.run_training", fails)
    line = sweep.run_one(SMALL, ("learning_rate", 1e-2), 1)
    assert line["error"] == "a loss is not finite" and line["change"] == ["learning_rate", 1e-2]
    assert line["curves"]["approx_kl"] == {"step": [64], "value": [None]}


def test_long_curves_are_thinned_and_keep_their_end():
    curves = sweep.Curves()
    for step in range(1000):
        curves.log_scalar(step / 7, "train/approx_kl_mean", step)
        curves.log_scalar(0.0, "train/unknown", step)
    kept = curves.thinned()["approx_kl"]
    assert len(kept["step"]) <= sweep.MOST_POINTS and kept["step"][-1] == 999 and kept["value"][-1] == 142.7
    assert curves.thinned()["eval_return"] == {"step": [], "value": []}


def test_an_unknown_sweep_names_the_nearest():
    program = [sys.executable, "-m", "gcb6206.scripts.sweep", "ppo_cartpol"]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.strip() == "error: unknown sweep 'ppo_cartpol': did you mean 'ppo_cartpole'?"
