"""DQN on environments with a vector observation, such as CartPole."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import gymnasium as gym
import torch
from gymnasium.wrappers import RecordEpisodeStatistics

import gcb6206.envs  # noqa: F401  (pictures without a screen)
from gcb6206.env_configs.config import check_fields
from gcb6206.env_configs.schedule import PiecewiseSchedule
from gcb6206.errors import ConfigError, nearest
from gcb6206.networks.critics import mlp_critic
from gcb6206.networks.optimizers import LeanAdam

# What holds for every DQN run.
DQN_LIMITS = {
    "at least 1": "total_steps batch_size replay_buffer_capacity target_update_period",
    "at least 0": "learning_starts",
    "a number from 0 to 1": "discount exploration_final",
    "above 0": "learning_rate clip_grad_norm",
}


@dataclass(frozen=True)
class DQNBasicConfig:
    """A small tanh network, Adam at a constant rate, epsilon falling to its final value early."""

    env_name: str = "CartPole-v1"
    """Gymnasium id of the environment; one-dimensional observations, discrete actions."""
    exp_name: str | None = None
    """Name of the run's directory; None builds one out of the settings."""
    total_steps: int = 300_000
    """Environment steps of the whole training."""
    learning_starts: int = 20_000
    """First step with a gradient step; before it the buffer fills."""
    batch_size: int = 128
    """Transitions in one gradient step."""
    replay_buffer_capacity: int = 1_000_000
    """Transitions kept; the oldest go first."""
    discount: float = 0.99
    """Discount gamma, from 0 to 1."""
    target_update_period: int = 1_000
    """Steps between two copies into the target network."""
    use_double_q: bool = False
    """Choose the next action with the online network (double Q-learning)."""
    learning_rate: float = 1e-3
    """Step size of Adam at the start."""
    learning_rate_final: float | None = None
    """Step size at the end, approached in a straight line; None keeps it constant."""
    clip_grad_norm: float | None = None
    """Largest norm of the gradient; None does not clip."""
    exploration_fraction: float = 0.1
    """Part of the training in which epsilon falls from 1 to its final value, above 0 and at most 1."""
    exploration_final: float = 0.02
    """Epsilon from then on, from 0 to 1."""
    num_layers: int = 2
    """Hidden layers of the critic."""
    hidden_size: int = 64
    """Units in each hidden layer."""

    def __post_init__(self):
        check_fields(self, DQN_LIMITS)
        check_fields(self, {
            "at least 0": "learning_rate_final num_layers",
            "at least 1": "hidden_size",
            "above 0, at most 1": "exploration_fraction",
        })  # fmt: skip

    def build(self) -> dict:
        """The run's parts: what ``run_training_loop`` takes as ``config``."""
        decay = max(1, round(self.exploration_fraction * self.total_steps))
        final = self.learning_rate if self.learning_rate_final is None else self.learning_rate_final
        updates = max(1, self.total_steps - self.learning_starts)
        rate = PiecewiseSchedule(
            [(0, 1.0), (updates, final / self.learning_rate)], final / self.learning_rate
        )
        return {
            "make_env": functools.partial(make_vector_env, self.env_name),
            "exploration_schedule": PiecewiseSchedule(
                [(0, 1.0), (decay, self.exploration_final)], self.exploration_final
            ),
            "agent_kwargs": {
                "make_critic": functools.partial(mlp_critic, n_layers=self.num_layers, size=self.hidden_size),
                "make_optimizer": functools.partial(LeanAdam, lr=self.learning_rate),
                "make_lr_schedule": functools.partial(
                    torch.optim.lr_scheduler.LambdaLR, lr_lambda=rate.value
                ),
                **agent_fields(self),
            },
            **loop_fields(self),
        }


def make_vector_env(env_name: str, render: bool = False) -> gym.Env:
    """An environment that counts its episodes' returns and lengths.

    Raises:
        ConfigError: no environment of that name; the nearest is named.
    """
    try:
        env = gym.make(env_name, render_mode="rgb_array" if render else None, disable_env_checker=True)
    except gym.error.UnregisteredEnv:
        raise ConfigError(
            f"unknown environment {env_name!r}: {nearest(env_name, list(gym.registry))}"
        ) from None
    return RecordEpisodeStatistics(env)


def agent_fields(config) -> dict:
    """The fields that the agent takes as they are."""
    names = ("discount", "target_update_period", "use_double_q", "clip_grad_norm")
    return {name: getattr(config, name) for name in names}


def loop_fields(config) -> dict:
    """The fields that the training loop takes as they are, and the run's name."""
    names = ("total_steps", "learning_starts", "batch_size", "replay_buffer_capacity")
    double = "_double" if config.use_double_q else ""
    built = f"{config.env_name}_lr{config.learning_rate:g}_d{config.discount:g}_t{config.target_update_period}{double}"
    return {
        **{name: getattr(config, name) for name in names},
        "log_name": (config.exp_name or built).replace("/", "-"),
    }
