"""Faults that an attack on the runs' frame, their resume and the old module names found."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from gcb6206.env_configs.config import override
from gcb6206.env_configs.mappo_config import MAPPOConfig
from gcb6206.errors import CheckpointError, ConfigError
from gcb6206.infrastructure.logger import Logger, NullLogger, event_files
from gcb6206.runs.dqn import TrainingRun
from gcb6206.runs.frame import Run
from gcb6206.runs.ppo import PPORun
from gcb6206.scripts.parse_tensorboard import read_scalars
from gcb6206.scripts.scripting_utils import make_config, run_log
from gcb6206.scripts.train import Flags

COURSE = Path(__file__).parents[1]


class Counting(Run):
    """Counts to 4; its films may fail."""

    broken = False

    def build(self) -> None:
        self.made = 0

    @property
    def total(self) -> int:
        return 4

    def play(self, seed: int) -> tuple[list[float], dict[str, float]]:
        return [float(self.done)], {"eval": float(self.done)}

    def films(self, wanted: int):
        if self.broken:
            raise OSError("no display")
        self.made += wanted
        return iter([np.zeros((2, 16, 16, 3), np.uint8)] * wanted)

    def state(self) -> dict:
        return {}

    def load_state(self, state: dict) -> None:
        pass

    def train(self) -> Counting:
        for _ in self.rounds():
            self.done += 1
        return self


def asked(**changes) -> argparse.Namespace:
    return argparse.Namespace(**{"seed": 1, "checkpoint_interval": 2, "resume": None, **changes})


def test_films_that_were_cut_short_are_made_by_a_resumed_run(tmp_path, monkeypatch):
    monkeypatch.setattr(Counting, "broken", True)
    with pytest.raises(OSError, match="no display"):
        Counting({}, Logger(tmp_path), asked(num_render_episodes=1)).train()
    monkeypatch.setattr(Counting, "broken", False)
    assert Counting({}, Logger(tmp_path), asked(num_render_episodes=1, resume=True)).train().made == 1
    assert len(list(tmp_path.glob("videos/*.mp4"))) == 1
    with pytest.raises(CheckpointError, match="is finished"):
        Counting({}, Logger(tmp_path), asked(resume=True))


def test_resume_without_a_directory_says_so():
    with pytest.raises(CheckpointError, match="NullLogger has no directory"):
        Counting({}, NullLogger(), asked(resume=True))


@pytest.mark.parametrize("name", ["step", "evaluated_at", "settings", "figures", "random"])
def test_a_state_cannot_take_the_place_of_what_the_frame_keeps(name, tmp_path, monkeypatch):
    monkeypatch.setattr(Counting, "state", lambda self: {name: 0})
    with pytest.raises(ValueError, match=f"'{name}', which every run's checkpoint holds"):
        Counting({}, Logger(tmp_path), asked()).train()


@pytest.mark.parametrize("content", [{"x": 1}, [1]])
def test_a_file_that_is_no_run_is_refused(content, tmp_path):
    torch.save(content, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match="is not that of a run"):
        Counting({}, Logger(tmp_path), asked(resume=True))


def test_a_log_that_was_being_trimmed_when_the_run_died_is_read_once(tmp_path, monkeypatch):
    logger = Logger(tmp_path)
    for step in range(3):
        logger.log_scalar(step, "figure", step)
    logger.close()

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("gcb6206.infrastructure.logger.os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        Logger(tmp_path).forget_from(2)
    assert len(event_files(tmp_path)) == 1
    assert list(read_scalars(tmp_path)["figure"][0]) == [0, 1, 2]


SMALL = {
    "total_steps": 48,
    "num_envs": 2,
    "n_steps": 8,
    "batch_size": 16,
    "n_epochs": 1,
}


def observed(directory, resume: bool) -> list[float]:
    """What each rollout of a short run with a curriculum saw; nothing is learned."""
    config = make_config("experiments/ppo/roarm_reach.yaml", SMALL)
    config["curriculum"] = lambda difficulty, progress, success_rate: 0.2 + 0.8 * progress
    run = PPORun(config, Logger(directory), asked(checkpoint_interval=16, resume=resume))
    run.evaluates = False
    seen = []
    for _ in run.rounds():
        seen.append(float(run.collector.collect(run.agent)["observations"].sum()))
        run.done += 16
        if run.done == 32 and not resume:
            killed = (directory / "checkpoint.pt").read_bytes()
    if not resume:
        (directory / "checkpoint.pt").write_bytes(killed)
    return seen


def test_a_resumed_curriculum_begins_episodes_of_the_difficulty_that_the_killed_run_had(tmp_path):
    whole = observed(tmp_path, resume=False)
    assert observed(tmp_path, resume=True) == whole[1:]


def dqn(directory) -> TrainingRun:
    args = asked(checkpoint_interval=5, log_interval=10, num_eval_trajectories=1, no_gpu=True, which_gpu=0)
    return TrainingRun(
        make_config("experiments/dqn/cartpole_quick.yaml", {"total_steps": 10}), Logger(directory), args
    )


def test_a_loop_that_resets_the_environment_itself_ends_with_its_checkpoint(tmp_path):
    run = dqn(tmp_path)
    run.env.reset()
    for _ in run.steps():
        if any(run.env.step(0)[2:4]):
            run.env.reset()
    assert (tmp_path / "checkpoint.pt").exists()


def test_a_film_of_a_dqn_run_depends_on_its_step_alone(tmp_path, monkeypatch):
    seen = []

    def play(env, policy, wanted, longest, render):
        seen.append(env.reset()[0].tolist())
        return []

    monkeypatch.setattr("gcb6206.runs.dqn.utils.sample_n_trajectories", play)
    filmed_before, resumed = dqn(tmp_path / "a"), dqn(tmp_path / "b")
    list(filmed_before.films(1))
    filmed_before.done = resumed.done = 7
    list(filmed_before.films(1))
    list(resumed.films(1))
    assert seen[1] == seen[2] != seen[0]


IMPORTS = """
import threading, time
import gcb6206.infrastructure
failed = []
def load(number):
    time.sleep(0.02 * number)
    try:
        from gcb6206.infrastructure.vector_envs import make_vector_env
    except ImportError as error:
        failed.append(error)
threads = [threading.Thread(target=load, args=(number,)) for number in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert not failed, failed[0]
import gcb6206.envs.vector, gcb6206.infrastructure.vector_envs as old
assert old is gcb6206.envs.vector
"""


def test_threads_can_import_an_old_name_at_once():
    subprocess.run([sys.executable, "-c", IMPORTS], check=True)


def test_a_run_that_fails_at_once_leaves_no_folder(tmp_path):
    flags = Flags(log_root=str(tmp_path / "new" / "data"))
    with pytest.raises(ConfigError), run_log(flags, {}, "navigation", {}):
        raise ConfigError
    assert not list(tmp_path.iterdir())


def test_a_run_that_fails_at_once_leaves_the_folders_that_were_there(tmp_path):
    (tmp_path / "navigation").mkdir()
    with pytest.raises(ConfigError), run_log(Flags(log_root=str(tmp_path)), {}, "navigation", {}):
        raise ConfigError
    assert [path.name for path in tmp_path.iterdir()] == ["navigation"]


def test_a_flag_that_takes_lines_says_where_they_go():
    with pytest.raises(ConfigError, match="expected dict, as 'name: value' lines in a YAML file"):
        override(MAPPOConfig(), {"scenario_kwargs": '{"n_agents": 2}'}, "flags")


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("gcb6206/__init__.py", "import gcb6206.runs.ppo"),
        ("autograder/student_side/student.py", "import solutions.hw1"),
    ],
)
def test_a_package_of_all_and_the_student_s_side_stay_apart(file, line, tmp_path):
    for name in ("gcb6206", "autograder", "solutions"):
        shutil.copytree(COURSE / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(COURSE / "pyproject.toml", tmp_path)
    with (tmp_path / file).open("a", encoding="utf-8") as source:
        source.write(f"\n{line}\n")
    words = [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    linted = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert linted.returncode == 1 and "1 broken" in linted.stdout, linted.stdout
