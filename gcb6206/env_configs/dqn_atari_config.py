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
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.infrastructure.atari_wrappers import make_atari, make_atari_games
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
    replay_buffer_capacity: int = 100_000
    """Transitions kept; 100,000 need 0.75 GB, a million 7.5; with fast in a file, and 0.7 more for 100,000 steps."""
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
    precision: str = "auto"
    """Precision of the network's products: float32, bfloat16, or auto: bfloat16 if the chip has it."""
    fast: bool = False
    """Train with the course's loop, which plays while your update learns, in place of run_training_loop."""
    num_envs: int = 1
    """Games that are played at once; more than 1 only with fast."""
    update_period: int = 1
    """Agent steps to one update, 4 in the Nature paper; more than 1 only with fast."""

    def __post_init__(self):
        check_fields(self, DQN_LIMITS)
        check_fields(self, {
            "a number from 0 to 1": "eval_epsilon",
            "at least 1": "longest_episode num_envs update_period",
        })  # fmt: skip
        known = ("auto", "float32", "bfloat16")
        if self.precision not in known:
            raise ConfigError(f"precision is {self.precision!r}: {nearest(self.precision, list(known))}")
        for name in ("num_envs", "update_period"):
            if getattr(self, name) > 1 and not self.fast:
                raise ConfigError(f"{name} is {getattr(self, name)}: more than 1 needs fast to be true")
        if self.target_update_period % self.update_period:
            raise ConfigError(
                f"target_update_period is {self.target_update_period}: expected a multiple of update_period, "
                f"{self.update_period}"
            )

    def build(self) -> dict:
        """The run's parts: what ``run_training_loop`` takes as ``config``."""
        half = max(self.total_steps // 2, self.learning_starts + 1)
        rate = PiecewiseSchedule([(0, 1.0), (max(1, half // self.update_period), 0.5)], outside_value=0.5)
        exploration = [(0, 1.0), (max(1, self.learning_starts), 1.0), (half, self.exploration_final)]
        if self.learning_starts == 0:
            exploration.pop(1)
        return {
            "make_env": functools.partial(_make_env, self.env_name),
            "exploration_schedule": PiecewiseSchedule(exploration, self.exploration_final),
            "agent_kwargs": {
                "make_critic": functools.partial(_make_critic, self.precision),
                "make_optimizer": functools.partial(LeanAdam, lr=self.learning_rate, eps=self.adam_eps),
                "make_lr_schedule": functools.partial(
                    torch.optim.lr_scheduler.LambdaLR, lr_lambda=rate.value
                ),
                **agent_fields(self),
            },
            "eval_epsilon": self.eval_epsilon,
            "longest_episode": self.longest_episode,
            "fast": self.fast,
            "make_games": functools.partial(make_atari_games, self.env_name),
            "num_envs": self.num_envs,
            "update_period": self.update_period,
            **loop_fields(self),
        }


def _make_critic(precision: str, observation_shape: tuple[int, ...], num_actions: int) -> AtariCritic:
    """The network; which precision ``auto`` means is decided where it will compute."""
    if precision == "auto":
        on_gpu = ptu.device.type == "cuda"
        able = torch.cuda.is_bf16_supported() if on_gpu else torch.cpu._is_avx512_bf16_supported()
        precision = "bfloat16" if able else "float32"
    return AtariCritic(observation_shape, num_actions, precision)


def _make_env(env_name: str, render: bool = False) -> gym.Env:
    """``make_atari`` with a clear error for an unknown name."""
    try:
        return make_atari(env_name, render)
    except (gym.error.UnregisteredEnv, gym.error.NameNotFound):
        games = [name for name in gym.registry if name.endswith("NoFrameskip-v4")]
        raise ConfigError(f"unknown environment {env_name!r}: {nearest(env_name, games)}") from None
