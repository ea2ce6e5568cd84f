"""The training run: seeds, separate environments, evaluation, log, kill and resume."""

import argparse
import json
from collections import Counter
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch

from autograder.trusted.sources import solution_source
from gcb6206 import exercises
from gcb6206.env_configs.dqn_basic_config import DQNBasicConfig
from gcb6206.exercises import ExerciseNotSolved
from gcb6206.infrastructure.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from gcb6206.infrastructure.logger import Logger, NullLogger
from gcb6206.infrastructure.replay_buffer import MemoryEfficientReplayBuffer, ReplayBuffer
from gcb6206.runs.dqn import TrainingRun, make_replay_buffer
from gcb6206.runs.frame import CHECKPOINT
from gcb6206.scripts import parse_tensorboard, run_hw3
from gcb6206.scripts.parse_tensorboard import read_scalars

SMALL = ["--total_steps", "3000", "--learning_starts", "200", "--batch_size", "16", "--eval_interval", "500"]
SMALL += [
    "--num_eval_trajectories",
    "2",
    "--log_interval",
    "100",
    "--checkpoint_interval",
    "300",
    "--hidden_size",
    "8",
]
COMMAND = ["-cfg", "experiments/dqn/cartpole.yaml", "--solutions", "--seed", "4", "--no_gpu", *SMALL]


def arguments(**changes):
    given = {"seed": 1, "no_gpu": True, "which_gpu": 0, "eval_interval": 500, "log_interval": 100}
    return argparse.Namespace(**{**given, "num_eval_trajectories": 2, **changes})


def small_config(**changes):
    return DQNBasicConfig(total_steps=600, learning_starts=100, batch_size=8, hidden_size=8).build() | changes


def all_points(log_dir):
    """Every scalar in the log's files, in the order in which they stand there."""
    return [(tag, int(step)) for tag, (steps, _) in read_scalars(log_dir).items() for step in steps]


@pytest.mark.slow
def test_same_seed_same_run_and_another_seed_another(tmp_path):
    logs = [
        run_hw3.start([*COMMAND[:4], seed, *COMMAND[5:], "--log_root", str(tmp_path / name)])
        for name, seed in ("a4", "b4", "c5")
    ]
    first, second, other = (read_scalars(log)["train_return"] for log in logs)
    np.testing.assert_array_equal(first[1], second[1])
    assert len(first[1]) != len(other[1]) or np.any(first[1] != other[1])


@pytest.mark.slow
def test_evaluation_leaves_training_untouched(solved, tmp_path):
    losses = []
    for interval in (50, 100_000):
        agent = run_hw3.run_training_loop(small_config(), NullLogger(), arguments(eval_interval=interval))
        losses.append(agent.critic.weights.detach().clone())
    torch.testing.assert_close(losses[0], losses[1], rtol=0, atol=0)


@pytest.mark.slow
def test_an_evaluation_that_shares_the_environment_would_be_seen(solved, monkeypatch):
    weights = []
    for interval in (50, 100_000):
        run_class = TrainingRun.__init__

        def share(self, *args, original=run_class):
            original(self, *args)
            self.eval_env = self.env

        monkeypatch.setattr(TrainingRun, "__init__", share)
        agent = run_hw3.run_training_loop(small_config(), NullLogger(), arguments(eval_interval=interval))
        monkeypatch.undo()
        weights.append(agent.critic.weights.detach().clone())
    assert not torch.equal(*weights)


@pytest.mark.parametrize("epsilon", [0.0, 0.02])
def test_evaluation_explores_as_configured(solved, epsilon):
    seen = []
    config = small_config(**({"eval_epsilon": epsilon} if epsilon else {}))
    with exercises.filled(
        {"hw3.get_action": lambda self, observation, epsilon=0.5: seen.append(epsilon) or 0}
    ):
        TrainingRun(config, NullLogger(), arguments()).evaluate(0)
    assert seen and set(seen) == {epsilon}


@pytest.mark.slow
def test_log_holds_every_tag(tmp_path):
    log_dir = run_hw3.start([*COMMAND, "--log_root", str(tmp_path)])
    tags = set(read_scalars(log_dir))
    assert tags == {
        "train_return",
        "train_ep_len",
        "eval_return",
        "eval_ep_len",
        "critic_loss",
        "q_values",
        "target_values",
    } | {
        "grad_norm",
        "epsilon",
        "lr",
        "eval/return_std",
        "eval/return_max",
        "eval/return_min",
        "eval/ep_len_std",
    } | {"eval/ep_len_max", "eval/ep_len_min"}
    assert log_dir.name.startswith("hw3_dqn_cartpole_seed4_")


@pytest.mark.slow
def test_a_log_that_is_not_trimmed_shows_double_steps(tmp_path, monkeypatch):
    log_dir = run_hw3.start([*COMMAND, "--log_root", str(tmp_path)])
    state = load_checkpoint(log_dir / CHECKPOINT)
    save_checkpoint(log_dir / CHECKPOINT, state | {"step": 2000})
    monkeypatch.setattr(Logger, "forget_from", lambda self, step: None)
    run_hw3.start(["--resume", str(log_dir), "--solutions", "--no_gpu"])
    assert max(Counter(all_points(log_dir)).values()) == 2


@pytest.mark.slow
def test_resume_refuses_other_settings_missing_and_damaged_checkpoints(tmp_path, capsys):
    log_dir = run_hw3.start([*COMMAND, "--log_root", str(tmp_path)])
    resume = ["--resume", str(log_dir), "--solutions"]
    assert run_hw3.main([*resume, "--learning_rate", "0.5"]) == 2
    assert "with other settings: learning_rate was 0.001, is 0.5" in capsys.readouterr().err
    content = (log_dir / CHECKPOINT).read_bytes()
    (log_dir / CHECKPOINT).write_bytes(content[: len(content) // 2])
    assert run_hw3.main(resume) == 2
    assert "checkpoint.pt is damaged" in capsys.readouterr().err
    (log_dir / CHECKPOINT).unlink()
    assert run_hw3.main(resume) == 2
    assert "no checkpoint" in capsys.readouterr().err
    assert run_hw3.main(["--resume", str(tmp_path / "nowhere")]) == 2
    assert "no configuration file" in capsys.readouterr().err


def test_a_kill_while_writing_keeps_the_old_checkpoint(tmp_path, monkeypatch):
    save_checkpoint(tmp_path / CHECKPOINT, {"step": 1})

    def die(content, path):
        Path(path).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", die)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path / CHECKPOINT, {"step": 2})
    assert load_checkpoint(tmp_path / CHECKPOINT)["step"] == 1


def test_checkpoint_with_code_in_it_is_refused(tmp_path):
    torch.save({"step": print}, tmp_path / CHECKPOINT)
    with pytest.raises(CheckpointError, match="is damaged"):
        load_checkpoint(tmp_path / CHECKPOINT)


@pytest.mark.slow
def test_frame_stacked_training_runs(tmp_path):
    words = [
        "-cfg",
        "experiments/dqn/bankheist.yaml",
        "--solutions",
        "--total_steps",
        "260",
        "--learning_starts",
        "200",
    ]
    words += ["--batch_size", "2", "--eval_interval", "1000000", "--no_gpu", "--log_root", str(tmp_path)]
    words += ["--replay_buffer_capacity", "500", "-neval", "1", "--longest_episode", "30"]
    tags = read_scalars(run_hw3.start(words))
    assert tags["eval_ep_len"][1][0] == 30


def test_videos_are_written_on_request(tmp_path):
    log_dir = run_hw3.start(
        [*COMMAND, "--log_root", str(tmp_path), "--num_render_trajectories", "1", "--total_steps", "400"]
    )
    videos = list((log_dir / "videos").glob("*.mp4"))
    assert len(videos) == 1 and videos[0].stat().st_size > 1000


@pytest.mark.parametrize(
    "shape, kind",
    [((4,), ReplayBuffer), ((4, 84, 84), MemoryEfficientReplayBuffer), ((10, 10, 4), ReplayBuffer),
     ((10, 10, 7), ReplayBuffer)],
)  # fmt: skip
def test_buffer_fits_the_observation(shape, kind):
    assert isinstance(make_replay_buffer(shape), kind)


@pytest.mark.parametrize("shape", [(), (3, 84, 84), (84, 84, 4), (4, 4), (10, 10), (2, 3, 4, 5)])
def test_other_observations_are_refused_by_shape(shape):
    with pytest.raises(ValueError, match="unsupported observation shape"):
        make_replay_buffer(shape)


def test_continuous_actions_are_refused():
    config = small_config(make_env=lambda render=False: gym.make("Pendulum-v1"))
    with pytest.raises(ValueError, match="unsupported action space Box"):
        TrainingRun(config, NullLogger(), arguments())


def test_unsolved_exercise_ends_with_its_name(tmp_path, capsys):
    words = [word for word in COMMAND if word != "--solutions"]
    assert run_hw3.main([*words, "--log_root", str(tmp_path)]) == 2
    assert "exercise 'hw3.run_training_loop' is not solved yet" in capsys.readouterr().err
    with pytest.raises(ExerciseNotSolved):
        run_hw3.run_training_loop(small_config(), NullLogger(), arguments())


@pytest.mark.slow
def test_a_command_trains_with_the_solutions_of_a_notebook(tmp_path, capsys):
    """As --solutions does, to the last digit; and says where a notebook is needed."""
    words = [word for word in COMMAND if word != "--solutions"]
    assert run_hw3.main([*words, "--log_root", str(tmp_path)]) == 2
    assert "--notebook FILE.ipynb" in capsys.readouterr().err
    imports = Path("solutions/hw3.py").read_text(encoding="utf-8").partition("@solves")[0]
    sources = [imports + "print('this is no import')", *map(solution_source, exercises.ids("hw3")), "1 / 0"]
    cells = [{"cell_type": "code", "source": source} for source in sources]
    (tmp_path / "hw3.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    logs = []
    for how in (["--notebook", str(tmp_path / "hw3.ipynb")], ["--solutions"]):
        exercises.clear()
        logs.append(read_scalars(run_hw3.start([*words, *how, "--log_root", str(tmp_path / how[0])])))
    for curve in zip(*(log["train_return"] for log in logs), strict=True):
        np.testing.assert_array_equal(*curve)


def test_parse_tensorboard_draws_and_exports(tmp_path, capsys):
    for seed, value in ((1, 10.0), (2, 30.0)):
        logger = Logger(tmp_path / f"run{seed}")
        for step in (0, 100, 200):
            logger.log_scalar(value + step, "eval_return", step)
        logger.close()
    group = f"both={tmp_path / 'run1'},{tmp_path / 'run2'}"
    assert parse_tensorboard.main([group, "-o", str(tmp_path / "c.csv")]) == 0
    assert (tmp_path / "c.csv").read_text().splitlines()[1:] == [
        "both,0,20,10,30,2",
        "both,100,120,110,130,2",
        "both,200,220,210,230,2",
    ]
    assert parse_tensorboard.main([group, "-o", str(tmp_path / "c.png")]) == 0
    assert (tmp_path / "c.png").stat().st_size > 5000
    assert parse_tensorboard.main([group, "-d", "eval_retrun"]) == 2
    assert "no tag 'eval_retrun': did you mean 'eval_return'" in capsys.readouterr().err
    assert parse_tensorboard.main([str(tmp_path)]) == 2
    assert "no TensorBoard log" in capsys.readouterr().err
