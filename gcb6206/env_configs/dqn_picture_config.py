"""DQN on small games that show pictures: Atari for a laptop."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch

from gcb6206.env_configs.config import check_fields
from gcb6206.env_configs.dqn_basic_config import DQN_LIMITS, agent_fields, loop_fields, make_vector_env
from gcb6206.env_configs.schedule import PiecewiseSchedule
from gcb6206.networks.critics import PictureCritic
from gcb6206.networks.optimizers import LeanAdam


@dataclass(frozen=True)
class DQNPictureConfig:
    """One convolution, Adam at a rate that falls, epsilon falling to its final value early."""

    env_name: str = "gcb6206/SmallBreakout-v0"
    """Gymnasium id of the environment; observations (10, 10, layers), discrete actions."""
    exp_name: str | None = None
    """Name of the run's directory; None builds one out of the settings."""
    total_steps: int = 50_000
    """Environment steps of the whole training."""
    learning_starts: int = 1_000
    """First step with a gradient step; before it the buffer fills."""
    batch_size: int = 32
    """Transitions in one gradient step."""
    replay_buffer_capacity: int = 50_000
    """Transitions kept; the oldest go first."""
    discount: float = 0.99
    """Discount gamma, from 0 to 1."""
    target_update_period: int = 200
    """Steps between two copies into the target network."""
    use_double_q: bool = False
    """Choose the next action with the online network (double Q-learning)."""
    learning_rate: float = 1e-3
    """Step size of Adam at the start."""
    learning_rate_final: float = 1e-4
    """Step size at the end, approached in a straight line."""
    clip_grad_norm: float | None = 10.0
    """Largest norm of the gradient; None does not clip."""
    exploration_fraction: float = 0.2
    """Part of the training in which epsilon falls from 1 to its final value, above 0 and at most 1."""
    exploration_final: float = 0.02
    """Epsilon from then on, from 0 to 1."""
    channels: int = 16
    """Filters of the convolution."""
    hidden_size: int = 64
    """Units of the layer behind it."""

    def __post_init__(self):
        check_fields(self, DQN_LIMITS)
        check_fields(self, {
            "at least 0": "learning_rate_final",
            "at least 1": "channels hidden_size",
            "above 0, at most 1": "exploration_fraction",
        })  # fmt: skip

    def build(self) -> dict:
        """The run's parts: what ``run_training_loop`` takes as ``config``."""
        decay = max(1, round(self.exploration_fraction * self.total_steps))
        end = self.learning_rate_final / self.learning_rate
        rate = PiecewiseSchedule([(0, 1.0), (max(1, self.total_steps - self.learning_starts), end)], end)
        return {
            "make_env": functools.partial(make_vector_env, self.env_name),
            "exploration_schedule": PiecewiseSchedule(
                [(0, 1.0), (decay, self.exploration_final)], self.exploration_final
            ),
            "agent_kwargs": {
                "make_critic": functools.partial(
                    PictureCritic, channels=self.channels, hidden=self.hidden_size
                ),
                "make_optimizer": functools.partial(LeanAdam, lr=self.learning_rate),
                "make_lr_schedule": functools.partial(
                    torch.optim.lr_scheduler.LambdaLR, lr_lambda=rate.value
                ),
                **agent_fields(self),
            },
            **loop_fields(self),
        }
