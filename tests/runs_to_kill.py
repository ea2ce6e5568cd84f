"""A small run of every kind, for ``test_frame.py``: to be killed, resumed and compared."""

import argparse
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import vla_toys

import solutions
from gcb6206.env_configs.dqn_atari_config import DQNAtariConfig
from gcb6206.env_configs.dqn_basic_config import DQNBasicConfig
from gcb6206.env_configs.dqn_picture_config import DQNPictureConfig
from gcb6206.env_configs.mappo_config import MAPPOConfig
from gcb6206.env_configs.ppo_config import PPOConfig
from gcb6206.env_configs.realm_config import RealmConfig, RealmDQNConfig
from gcb6206.env_configs.two_arm_config import TwoArmConfig
from gcb6206.infrastructure.logger import Logger, NullLogger
from gcb6206.runs import dqn_fast as fast_loop
from gcb6206.runs.frame import Run
from gcb6206.runs.torchrl import TorchRLRun
from gcb6206.scripts import run_hw3, run_ppo, train, train_mappo, train_realm, train_two_arm


class ToyRun(Run):
    """Fits a line to points that numpy draws, with a torch network: what a new kind of run has to say."""

    def build(self) -> None:
        self.line = torch.nn.Linear(1, 1)
        self.optimizer = torch.optim.Adam(self.line.parameters(), lr=0.1)

    @property
    def total(self) -> int:
        return self.config["total_steps"]

    def collect(self) -> torch.Tensor:
        self.done += 1
        return torch.from_numpy(np.random.standard_normal((8, 1)).astype(np.float32))

    def learn(self, x: torch.Tensor) -> None:
        noise = 0.1 * torch.randn_like(x)
        loss = (self.line(x) - 2.0 * x + 1.0 + noise).square().mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.logger.log_scalar(loss.item(), "train/loss", self.done)

    def play(self, seed: int) -> tuple[list[float], dict[str, float]]:
        x = torch.from_numpy(np.random.default_rng(seed).random((4, 1), np.float32))
        errors = (self.line(x) - 2.0 * x + 1.0).abs()[:, 0].tolist()
        return errors, {"eval/error": float(np.mean(errors))}

    def films(self, wanted: int) -> Iterator[np.ndarray]:
        yield from np.random.default_rng(0).integers(0, 255, (wanted, 3, 16, 16, 3), np.uint8)

    def state(self) -> dict:
        return {"line": self.line.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state(self, state: dict) -> None:
        self.line.load_state_dict(state["line"])
        self.optimizer.load_state_dict(state["optimizer"])


def toy(logger, args) -> dict:
    run = ToyRun({"total_steps": 20, "settings": {"total_steps": 20}}, logger, args)
    for _ in run.rounds():
        run.learn(run.collect())
    return run.line.state_dict()


def dqn(logger, args) -> dict:
    settings = DQNBasicConfig(total_steps=700, learning_starts=100, batch_size=8, hidden_size=8)
    return run_hw3.run_training_loop(settings.build(), logger, args).critic.state_dict()


def dqn_pictures(logger, args) -> dict:
    settings = DQNPictureConfig(total_steps=400, learning_starts=100, batch_size=4, channels=2, hidden_size=8)
    return run_hw3.run_training_loop(settings.build(), logger, args).critic.state_dict()


def dqn_fast(logger, args) -> dict:
    settings = DQNAtariConfig(
        total_steps=120, learning_starts=20, batch_size=2, num_envs=2, update_period=4, fast=True,
        replay_buffer_capacity=50, precision="float32", longest_episode=9,
    )  # fmt: skip
    return fast_loop.train(settings.build(), logger, args).critic.state_dict()


def ppo(logger, args, **changes) -> dict:
    settings = PPOConfig(
        **{"total_steps": 1280, "n_steps": 64, "num_envs": 2, "batch_size": 32, "n_epochs": 2} | changes
    )
    return run_ppo.run_training(settings.build(), logger, args).policy.state_dict()


def ppo_normalised(logger, args) -> dict:
    return ppo(logger, args, env_name="Pendulum-v1", normalize_observations=True, normalize_rewards=True)


def mappo(logger, args, **changes) -> dict:
    settings = MAPPOConfig(
        **{"frames_per_batch": 60, "max_steps": 15, "n_iters": 10, "minibatch_size": 20, "num_epochs": 2}
        | {"num_cells": 8, "precision": "float32", "lr_final": 0.0}
        | changes
    )
    return train.run_training(settings.build(), logger, args).actor.state_dict()


def ippo(logger, args) -> dict:
    return mappo(
        logger, args, algorithm="ippo", share_parameters=False, history_length=2, precision="bfloat16"
    )


def torchrl(logger, args) -> dict:
    settings = MAPPOConfig(
        frames_per_batch=60, max_steps=15, n_iters=10, minibatch_size=20, num_epochs=2, num_cells=8
    )
    run = TorchRLRun(settings, args.seed, logger=logger, args=args)
    list(run.iterations())
    return run.policy.state_dict()


def realm(logger, args) -> dict:
    settings = RealmConfig(
        size=64, treasure_num=2, treasure_curriculum="norm,2", random_start_fraction=0.6, max_step=40,
        num_envs=2, n_steps=32, batch_size=32, total_steps=640, channels=2, hidden_size=8,
    )  # fmt: skip
    return train_realm.run_training(settings.build(), logger, args).policy.state_dict()


def realm_dqn(logger, args) -> dict:
    settings = RealmDQNConfig(
        size=64, treasure_num=2, treasure_curriculum="norm,2", random_start_fraction=0.6, max_step=40, num_envs=2,
        n_steps=32, batch_size=8, total_steps=640, channels=2, hidden_size=8, learning_starts=64, update_period=16,
        replay_buffer_capacity=100, target_update_period=8,
    )  # fmt: skip
    return train_realm.run_training(settings.build(), logger, args).critic.state_dict()


def vla(logger, args) -> dict:
    return train_mappo.run_training(vla_toys.config(), logger, args).state_dict()


def two_arm(logger, args) -> dict:
    settings = TwoArmConfig(
        total_steps=165, max_episode_steps=6, expert_episodes=1, expert_steps=5, num_envs=2, num_workers=0, n_steps=8,
        minibatch_size=8, num_epochs=1, num_cells=8,
    )  # fmt: skip
    return train_two_arm.run_training(settings.build(), logger, args).actor.state_dict()


# Each kind with the interval between its checkpoints, and how far its two kills let it come.
KINDS = {
    toy: (4, 10, 17),
    dqn: (80, 260, 520),
    dqn_pictures: (40, 150, 310),
    dqn_fast: (24, 50, 90),
    ppo: (256, 640, 1152),
    ppo_normalised: (256, 640, 1152),
    mappo: (3, 5, 8),
    ippo: (3, 5, 8),
    torchrl: (3, 5, 8),
    realm: (128, 320, 512),
    realm_dqn: (128, 320, 512),
    vla: (96, 140, 230),
    two_arm: (32, 85, 133),
}


def trained(kind, directory: Path | None, interval: int, resume: bool = False, seed: int = 3) -> dict:
    """The weights after a whole run of a kind, or the rest of one."""
    solutions.load()
    args = argparse.Namespace(
        seed=seed, checkpoint_interval=interval, eval_interval=2 * interval or 1000, log_interval=20,
        num_eval_trajectories=2, num_eval_episodes=2, no_gpu=True, which_gpu=0,
        resume=str(directory) if resume else None,
    )  # fmt: skip
    logger = Logger(directory) if directory else NullLogger()
    try:
        return {name: value.clone() for name, value in kind(logger, args).items()}
    finally:
        logger.close()


def train_until_killed(name: str, directory: Path, interval: int, resume: bool, last: int) -> None:
    """Train a kind in this process, which the system kills as soon as the run has come so far."""
    torch.set_num_threads(1)
    log_scalar = Logger.log_scalar
    kind = {kind.__name__: kind for kind in KINDS}[name]

    def killed(logger, scalar, tag, step):
        log_scalar(logger, scalar, tag, step)
        if Run.latest.done >= last:
            logger.flush()  # the figures after the last checkpoint are on disk, and must go
            os.kill(os.getpid(), signal.SIGKILL)

    build = Run.__init__

    def remembered(run, *args, **kwargs):
        Run.latest = run
        build(run, *args, **kwargs)

    Run.__init__, Logger.log_scalar = remembered, killed
    trained(kind, directory, interval, resume)
