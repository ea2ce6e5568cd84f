"""DQN on Atari games, at 1M agent steps."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import gymnasium as gym
import torch

from gcb6206.env_configs.config import check_fields
from gcb6206.env_configs.dqn_basic_config import DQN_LIMITS, agent_fields, loop_fields
from gcb6206.env_configs.schedule import PiecewiseSchedule
from gcb6206.errors import ConfigError, nearest
from gcb6206.infrastructure.atari_wrappers import make_atari
from gcb6206.networks.critics import AtariCritic
from gcb6206.networks.optimizers import LeanAdam


@dataclass(frozen=True)
class DQNAtariConfig:
    """The Nature network, Adam at a rate that halves by half-time, epsilon falling until half-time."""

    env_name: str = "BankHeistNoFrameskip-v4"
    """Gymnasium id of a game without frame skip."""
    exp_name: str | None = None
    """Name of the run's directory; None builds one out of the settings."""
    total_steps: int = 1_000_000
    """Agent steps of the whole training; each is 4 frames."""
    learning_starts: int = 20_000
    """First step with a gradient step; before it the buffer fills."""
    batch_size: int = 32
    """Transitions in one gradient step."""
    replay_buffer_capacity: int = 1_000_000
    """Transitions kept; a million need 7 GB."""
    discount: float = 0.99
    """Discount gamma, from 0 to 1."""
    target_update_period: int = 2_000
    """Steps between two copies into the target network."""
    use_double_q: bool = False
    """Choose the next action with the online network (double Q-learning)."""
    learning_rate: float = 1e-4
    """Step size of Adam at the start; it falls to half of it by half of the training."""
    adam_eps: float = 1e-4
    """Adam's epsilon."""
    clip_grad_norm: float | None = 10.0
    """Largest norm of the gradient; None does not clip."""
    exploration_final: float = 0.01
    """Epsilon from half of the training on, from 0 to 1."""
    eval_epsilon: float = 0.02
    """Epsilon of evaluations, from 0 to 1; a game without randomness can hold a greedy agent for ever."""
    longest_episode: int = 27_000
    """Agent steps after which an evaluation episode is cut; these are half an hour of play."""

    def __post_init__(self):
        check_fields(self, DQN_LIMITS)
        check_fields(self, {"a number from 0 to 1": "eval_epsilon", "at least 1": "longest_episode"})

    def build(self) -> dict:
        """The run's parts: what ``run_training_loop`` takes as ``config``."""
        half = max(self.total_steps // 2, self.learning_starts + 1)
        rate = PiecewiseSchedule([(0, 1.0), (half, 0.5)], outside_value=0.5)
        exploration = [(0, 1.0), (max(1, self.learning_starts), 1.0), (half, self.exploration_final)]
        if self.learning_starts == 0:
            exploration.pop(1)
        return {
            "make_env": functools.partial(_make_env, self.env_name),
            "exploration_schedule": PiecewiseSchedule(exploration, self.exploration_final),
            "agent_kwargs": {
                "make_critic": AtariCritic,
                "make_optimizer": functools.partial(LeanAdam, lr=self.learning_rate, eps=self.adam_eps),
                "make_lr_schedule": functools.partial(
                    torch.optim.lr_scheduler.LambdaLR, lr_lambda=rate.value
                ),
                **agent_fields(self),
            },
            "eval_epsilon": self.eval_epsilon,
            "longest_episode": self.longest_episode,
            **loop_fields(self),
        }


def _make_env(env_name: str, render: bool = False) -> gym.Env:
    """``make_atari`` with a clear error for an unknown name."""
    try:
        return make_atari(env_name, render)
    except (gym.error.UnregisteredEnv, gym.error.NameNotFound):
        games = [name for name in gym.registry if name.endswith("NoFrameskip-v4")]
        raise ConfigError(f"unknown environment {env_name!r}: {nearest(env_name, games)}") from None
