"""DQN on environments with a vector observation, such as CartPole."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import gymnasium as gym
import torch
from gymnasium.wrappers import RecordEpisodeStatistics

import gcb6206.envs  # noqa: F401  (pictures without a screen)
from gcb6206.env_configs.schedule import PiecewiseSchedule
from gcb6206.errors import ConfigError, nearest
from gcb6206.networks.critics import mlp_critic
from gcb6206.networks.optimizers import LeanAdam


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
        check_dqn_fields(self)
        if not 0.0 < self.exploration_fraction <= 1.0:
            raise ConfigError(
                f"exploration_fraction is {self.exploration_fraction}: expected above 0, at most 1"
            )
        if self.learning_rate_final is not None and self.learning_rate_final < 0:
            raise ConfigError(
                f"learning_rate_final is {self.learning_rate_final}: expected at least 0, or none"
            )
        if self.num_layers < 0 or self.hidden_size < 1:
            raise ConfigError(
                f"num_layers is {self.num_layers}, hidden_size {self.hidden_size}: expected >= 0 and >= 1"
            )

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


def check_dqn_fields(config) -> None:
    """Refuse values that no DQN run can work with.

    Raises:
        ConfigError: names the field, its value and what was expected.
    """
    for name in ("total_steps", "batch_size", "replay_buffer_capacity", "target_update_period"):
        if getattr(config, name) < 1:
            raise ConfigError(f"{name} is {getattr(config, name)}: expected at least 1")
    for name in ("discount", "exploration_final"):
        if not 0.0 <= getattr(config, name) <= 1.0:
            raise ConfigError(f"{name} is {getattr(config, name)}: expected a number from 0 to 1")
    if config.learning_starts < 0:
        raise ConfigError(f"learning_starts is {config.learning_starts}: expected at least 0")
    if config.learning_rate <= 0:
        raise ConfigError(f"learning_rate is {config.learning_rate}: expected above 0")


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
