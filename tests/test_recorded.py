"""The recorded runs: each says how it was made, holds every seed it names, and keeps what the course promises."""

import csv
import json
import statistics
from pathlib import Path

import pytest
import yaml

from gcb6206.env_configs.config import ConfigError
from gcb6206.scripts import record

RESULTS = Path("book/results")
RECORDED = sorted(path.parent for path in RESULTS.glob("*/record.json"))


def evaluations(directory, seed):
    """The values of eval_return of one seed, in the order of their steps."""
    with open(directory / f"seed_{seed}.csv") as file:
        return [float(row["value"]) for row in csv.DictReader(file) if row["tag"] == "eval_return"]


@pytest.mark.parametrize("directory", RECORDED, ids=lambda path: path.name)
def test_each_record_names_its_command_seeds_commits_versions_hardware_and_time(directory):
    about = json.loads((directory / "record.json").read_text())
    assert about["name"] == directory.name and about["command"].startswith("python -m ")
    assert {"torch", "numpy", "gymnasium"} <= set(about["versions"]) and about["hardware"]
    assert {f"seed_{seed}.csv" for seed in about["seeds"]} == {path.name for path in directory.glob("*.csv")}
    for seed, run in about["seeds"].items():
        assert run["wall_seconds"] > 0 and "changes" not in run["commit"] and evaluations(directory, seed)


def test_everything_described_is_recorded_with_at_least_three_seeds():
    described = yaml.safe_load((RESULTS / "results.yaml").read_text())
    for name, result in described.items():
        assert len(result["seeds"]) >= 3
        assert {f"seed_{seed}.csv" for seed in result["seeds"]} == {p.name for p in (RESULTS / name).glob("*.csv")}


def test_default_cartpole_ends_at_475_or_more_for_every_seed_and_a_constant_rate_does_not():
    def ends(name):
        return [statistics.median(evaluations(RESULTS / name, seed)[-3:]) for seed in (1, 2, 3)]

    assert min(ends("dqn_cartpole")) >= 475
    assert min(ends("dqn_cartpole_constant_lr")) < 475


def test_recording_keeps_scalars_and_goes_on_where_it_stopped(tmp_path, capsys):
    command = "-cfg experiments/dqn/cartpole_quick.yaml --total_steps 300 --learning_starts 100 -ei 100 -neval 1"
    (tmp_path / "results.yaml").write_text(
        yaml.safe_dump({"small": {"about": "a test", "command": command, "seeds": [1, 2]}})
    )
    record.record("small", results=tmp_path)
    first = (tmp_path / "small" / "seed_1.csv").read_text()
    assert len(evaluations(tmp_path / "small", 1)) == 3
    about = json.loads((tmp_path / "small" / "record.json").read_text())
    del about["seeds"]["2"]
    (tmp_path / "small" / "record.json").write_text(json.dumps(about))
    capsys.readouterr()
    record.record("small", results=tmp_path)
    assert "small seed 1: recorded before" in capsys.readouterr().out
    assert (tmp_path / "small" / "seed_1.csv").read_text() == first


def test_an_unknown_result_names_the_nearest():
    with pytest.raises(ConfigError, match="unknown result 'dqn_cartpol': did you mean 'dqn_cartpole'"):
        record.record("dqn_cartpol")
